"""The fitted scorer: settings the product computes with, better on people left out, refused with too little."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from engage import config
from engage.core.scoring import Terms, combine, expression_term
from engage.core.scoring_settings import ScoringSettings
from engage.core.types import Sample
from engage.scoring_file import find_scoring, write_scoring
from engage.storage.records import FeedbackKind, FeedbackRecord
from trainer.cli import main
from trainer.errors import TrainerError
from trainer.fit_scorer import fit_scorer, log_scores
from trainer.judged import Judged, Stretch, of_feedback

BASE = ScoringSettings()
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def judged(count: int, subjects: int = 6) -> Judged:
    """Return moments whose label follows alertness alone; attention, dear to the default, is noise."""
    rng = np.random.default_rng(count)
    labels = rng.integers(1, 4, count)
    alertness = np.clip(labels / 4 + rng.normal(0, 0.12, count), 0.05, 1)
    names = np.array([f"s{number % subjects}" for number in range(count)])
    return Judged(rng.dirichlet(np.ones(8), count), rng.uniform(0.05, 1, count), alertness, labels, names)


def test_log_scores_are_the_scorers() -> None:
    rows = judged(20)
    rows.attention[3] = np.nan
    rows.expression[4] = np.nan
    for row, found in enumerate(log_scores(rows, BASE)):
        attention = None if row == 3 else rows.attention[row]
        expression = None if row == 4 else expression_term(rows.expression[row], BASE)
        score = combine(Terms(expression, attention, rows.alertness[row]), BASE)
        assert 8 * np.exp(found) == pytest.approx(score)


def test_the_fit_follows_what_people_say() -> None:
    fit = fit_scorer(lambda settings: judged(300), BASE, "ours")
    assert fit.scoring.name == "ours" and fit.scoring.version != BASE.version
    assert fit.scoring.alertness_exponent > 2 * BASE.alertness_exponent
    exponents = fit.scoring.expression_exponent, fit.scoring.attention_exponent, fit.scoring.alertness_exponent
    assert sum(exponents) == pytest.approx(1, abs=0.01)
    assert fit.before.auc_1_vs_3 is not None and fit.after.auc_1_vs_3 is not None
    assert fit.after.auc_1_vs_3 > fit.before.auc_1_vs_3 + 0.05


@pytest.mark.parametrize(("count", "subjects"), [(20, 6), (300, 2), (0, 1)])
def test_too_little_is_refused_with_what_is_needed(count: int, subjects: int) -> None:
    with pytest.raises(TrainerError, match="it needs 40 of 4, 10 of each"):
        fit_scorer(lambda settings: judged(count, subjects), BASE, "ours")


def test_feedback_becomes_labels_and_mean_terms() -> None:
    seen = [
        Sample(1, 7, 0, START + timedelta(seconds=k), 5, 1.0, 1.0, 0.9, 0.5, yaw_deg=0.0, pitch_deg=0.0)
        for k in range(60)
    ]
    said = [
        FeedbackRecord(1, 1, 7, None, kind, value, START + timedelta(seconds=a), START + timedelta(seconds=b), START)
        for kind, value, a, b in (
            (FeedbackKind.CHECK_IN, 5, 10, 40),
            (FeedbackKind.CORRECTION, 0, 10, 40),
            (FeedbackKind.CORRECTION, 1, 50, 52),
        )
    ]
    rows = of_feedback([Stretch(each, seen, ()) for each in said], BASE)
    assert rows.labels.tolist() == [3, 1], "three seconds say too little"
    assert rows.attention == pytest.approx(1) and np.isnan(rows.alertness).all() and np.isnan(rows.expression).all()


def test_a_fit_is_written_once_and_found_by_name(tmp_path: Path) -> None:
    settings = config.Settings(home=tmp_path)
    scoring = replace(BASE, name="ours", attention_exponent=0.5)
    write_scoring(scoring, tmp_path / "var/scoring/ours.yaml", "why\nso")
    assert find_scoring("ours", settings) == scoring
    assert config.load(tmp_path / "var/scoring/ours.yaml", environment={}).scoring == scoring
    assert yaml.safe_load((tmp_path / "var/scoring/ours.yaml").read_text())["scoring"]["name"] == "ours"
    with pytest.raises(config.SettingsError, match="nothing is overwritten"):
        write_scoring(BASE, tmp_path / "var/scoring/ours.yaml", "again")


def test_the_command_refuses_in_one_line(tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("there.yaml").touch()
    for arguments, words in (
        (["--name", "A b"], "cannot be a name"),
        (["--name", "ours", "--to", "there.yaml"], "is there already"),
        (["--name", "ours", "--json"], "too little to fit: 0 judged moments"),
    ):
        with pytest.raises(SystemExit) as left:
            main(["fit-scorer", *arguments])
        assert left.value.code == 2
        assert words in (said := capsys.readouterr().err) and len(said.strip().splitlines()) == 1, said
