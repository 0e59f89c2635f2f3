"""Agreement with people: pictures read, faces scored as if they lasted, figures that mean what they say."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from engage.core.scoring_settings import ScoringSettings
from engage.core.signals import SignalArrays
from trainer.agreement import agreement, area, best_cuts, rank_correlation
from trainer.cli import main
from trainer.engagement import evaluate_engagement, read_faces
from trainer.errors import DataError
from trainer.lasting import Faces, lasting_scores
from trainer.pictures import load_pictures

NEUTRAL = (1.0, *[0.0] * 7)


def signals(count: int, **changes: Any) -> SignalArrays:
    """Return ``count`` calm faces that look at the camera with open eyes, but for ``changes``."""
    still = dict.fromkeys(("yaw_deg", "pitch_deg", "roll_deg", "gaze_x", "gaze_y", "mouth_open", "smile", "brow"), 0.0)
    still |= {"left_eye_open": 0.95, "right_eye_open": 0.95, "face_score": 1.0}
    columns = {name: np.full(count, 1.0, np.float32) * changes.get(name, value) for name, value in still.items()}
    expression = changes.get("expression", np.tile(np.float32(NEUTRAL), (count, 1)))
    return SignalArrays(expression=expression, box_shift=np.zeros((count, 3), np.float32), **columns)


def faces(count: int, subjects: Any = "a", **changes: Any) -> Faces:
    return Faces(signals(count, **changes), np.full(count, subjects), np.full(count, 0.9))


def write_pictures(folder: Path, subjects: int = 3, each: int = 4) -> Path:
    """Write pictures whose gray is brighter the more engaged their label says."""
    (folder / "images").mkdir(parents=True)
    lines = ["file,subject,label"]
    for subject in range(subjects):
        for label in (1, 2, 3):
            for number in range(each):
                name = f"s{subject}_{number}_{label}.png"
                gray = np.full((60, 60), 60 * label + 5 * number + subject, np.uint8)
                cv2.imwrite(str(folder / "images" / name), gray)
                lines.append(f"{name},{subject},{label}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    return folder


class BrightEyes:
    """Reads the brightness of a crop as the openness of its eyes."""

    name = "bright eyes"

    def signals(self, crops: np.ndarray) -> SignalArrays:
        openness = crops.mean(axis=(1, 2)).astype(np.float32) / 255
        return signals(len(crops), left_eye_open=openness, right_eye_open=openness)


def test_areas_count_pairs_and_ties() -> None:
    rng = np.random.default_rng(0)
    scores, labels = rng.integers(0, 6, 200).astype(float), rng.integers(1, 4, 200)
    low, high = scores[labels == 1], scores[labels == 3]
    pairs = (high[:, None] > low).mean() + (high[:, None] == low).mean() / 2
    assert area(scores, labels, (1,), (3,)) == pytest.approx(pairs)
    assert area(scores, labels, (1,), (4,)) is None


def test_rank_correlation_is_spearmans() -> None:
    stats = pytest.importorskip("scipy.stats", reason="scipy comes with the train extra")
    rng = np.random.default_rng(1)
    scores, labels = rng.normal(size=300).round(1), rng.integers(1, 4, 300)
    assert rank_correlation(scores, labels) == pytest.approx(stats.spearmanr(scores, labels).statistic)
    assert rank_correlation(np.ones(5), np.arange(5)) is None


def test_cuts_part_labels_that_can_be_parted() -> None:
    scores, labels = np.arange(300) / 30, np.repeat([1, 2, 3], 100)
    low, high = best_cuts(scores, labels)
    assert 3.2 < low < 3.4 and 6.5 < high < 6.8


def test_pictures_without_a_score_are_left_out_and_counted() -> None:
    values = np.array([1.0, 2.0, np.nan, 8.0, 9.0, np.nan])
    result = agreement(values, np.array([1, 1, 3, 3, 3, 1]), np.array(list("aabbbb")))
    assert (result.n, result.n_scored, result.auc_1_vs_3) == (6, 4, 1.0)
    assert result.auc_1_vs_3_within is None, "no subject has both labels scored"


def test_a_calm_attentive_face_stands_at_eight() -> None:
    assert lasting_scores(faces(3), ScoringSettings()).values == pytest.approx(8.0)


def test_what_is_usual_is_the_subjects_own_median() -> None:
    aside = lasting_scores(faces(5, yaw_deg=20.0), ScoringSettings())
    assert aside.values == pytest.approx(8.0), "a camera to one side costs nothing"
    turned = lasting_scores(faces(5, yaw_deg=np.array([0, 0, 0, 0, 40.0], np.float32)), ScoringSettings())
    assert turned.values[:4] == pytest.approx(8.0) and turned.values[4] < 3


def test_what_lasts_is_judged_as_lasting() -> None:
    lids = np.array([0.95, 0.95, 0.95, 0.95, 0.5, 0.1], np.float32)
    scores = lasting_scores(faces(6, left_eye_open=lids, right_eye_open=lids), ScoringSettings())
    assert scores.values[0] > scores.values[4] > scores.values[5]
    assert scores.values[5] <= ScoringSettings().drowsy_cap
    down = lasting_scores(faces(6, gaze_y=np.array([0, 0, 0, 0, 0, -40], np.float32)), ScoringSettings())
    assert down.terms["attention"][5] == pytest.approx(ScoringSettings().downward_floor_after)


def test_without_expression_the_rest_is_scored() -> None:
    without = lasting_scores(faces(3, expression=None), ScoringSettings())
    assert "expression" not in without.terms and without.values == pytest.approx(8.0)


def test_folder_and_archive_hold_the_same_pictures(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "data")
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as archive:
        for file in folder.rglob("*.*"):
            archive.write(file, file.relative_to(folder))
    one, other = load_pictures(folder), load_pictures(tmp_path / "data.zip")
    assert all((a == b).all() for a, b in zip(one.images, other.images, strict=True))
    assert (one.labels == other.labels).all() and (one.subjects == other.subjects).all()


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ("file,subject\nx.png,1\n", "columns file, subject, label"),
        ("file,subject,label\nx.png,1,4\n", "line 2"),
        ("file,subject,label\n../x.png,1,3\n", "line 2"),
        ("file,subject,label\n", "is empty"),
        ("file,subject,label\nnone.png,1,3\n", "none.png"),
    ],
)
def test_bad_pictures_are_one_line(tmp_path: Path, labels: str, words: str) -> None:
    (tmp_path / "labels.csv").write_text(labels)
    with pytest.raises(DataError, match=words):
        load_pictures(tmp_path)


def test_scores_that_follow_the_labels_agree_with_them(tmp_path: Path) -> None:
    pictures = load_pictures(write_pictures(tmp_path / "data"))
    result = evaluate_engagement(read_faces(pictures, None, BrightEyes()), pictures, ScoringSettings())
    assert (result.auc_1_vs_3, result.auc_1_vs_3_within, result.n_scored) == (1.0, 1.0, 36)
    assert result.mean_recall is not None and result.mean_recall > 0.9


def test_the_command_names_what_it_cannot_find(tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    for arguments, words in (
        (["--data", "none"], "no data at none"),
        (["--data", "data", "--scoring", "nobody"], "no scoring 'nobody'"),
    ):
        with pytest.raises(SystemExit) as left:
            main(["evaluate-engagement", *arguments])
        assert left.value.code == 2
        assert words in (said := capsys.readouterr().err) and len(said.strip().splitlines()) == 1
