"""Every system of the paper, end to end on a tiny class of drawn faces, and the table they make."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from trainer.checkpoint import CHECKPOINT_FILE
from trainer.comparison import Row, collect, compare, to_markdown
from trainer.data import Split
from trainer.errors import TrainerError
from trainer.recipe import Recipe
from trainer.systems.registry import FER2013, FERPLUS, SYSTEMS, find_systems
from trainer.systems.results import RESULT_FILE, Result
from trainer.systems.running import Shortening

pytestmark = pytest.mark.timeout(400)  # twelve systems in one fixture: 20 s of one core, longer on a busy machine
SHORT = Shortening(epochs=1, width=16, side_px=16)
PAPER = {
    "qda": (0.3834, FER2013),
    "pca-qda": (0.4180, FER2013),
    "pca-forest": (0.4106, FER2013),
    "tree": (0.3063, FER2013),
    "bagging": (0.3559, FER2013),
    "cnn": (0.6515, FER2013),
    "resnet18-erasing": (0.7456, FERPLUS),
    "resnet18-initial": (0.7512, FERPLUS),
    "resnet18-dense-long": (0.7828, FERPLUS),
    "resnet18-dense": (0.7972, FERPLUS),
}


@pytest.fixture(scope="module")
def compared(class_splits: tuple[Split, Split], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Row]]:
    """Return the folder and the rows of a comparison of all systems."""
    out = tmp_path_factory.mktemp("compare")
    return out, list(compare(SYSTEMS, class_splits, out, SHORT))


@pytest.mark.parametrize("name", [system.name for system in SYSTEMS])
def test_every_system_runs_end_to_end(compared: tuple[Path, list[Row]], name: str) -> None:
    out, rows = compared
    row = next(row for row in rows if row.system.name == name)
    result = row.result
    assert result is not None
    assert (result.n_train, result.n_valid, len(result.answers)) == (64, 16, 16)
    assert 0 <= result.valid_accuracy <= 1
    assert result.parameters > 0
    assert sum(map(sum, result.confusion)) == 16
    assert bool(result.history) is isinstance(row.system.config, Recipe) is (out / name / CHECKPOINT_FILE).exists()
    published = (row.system.paper.accuracy, row.system.paper.labels) if row.system.paper else None
    assert published == PAPER.get(name)


def test_drawn_faces_are_told_apart_by_a_forest(compared: tuple[Path, list[Row]]) -> None:
    found = {row.system.name: row.result for row in compared[1] if row.result}
    assert found["pca-forest"].train_accuracy == 1.0
    assert found["tree"].train_accuracy == 1.0


def test_the_table_is_written_in_three_forms_and_says_where_labels_differ(compared: tuple[Path, list[Row]]) -> None:
    out, rows = compared
    text = (out / "table.md").read_text("utf-8")
    assert text == to_markdown(rows, "FER2013Valid")
    assert all(row.system.title in text for row in rows)
    assert "label sets differ" in text
    assert len(json.loads((out / "table.json").read_text("utf-8"))) == len(SYSTEMS)
    for name in ("table.png", "curves.png", "confusion.png"):
        assert (out / name).read_bytes().startswith(b"\x89PNG")


def test_a_second_comparison_reads_what_is_there(
    compared: tuple[Path, list[Row]], class_splits: tuple[Split, Split], tmp_path: Path
) -> None:
    out, rows = shutil.copytree(compared[0], tmp_path / "again"), compared[1]
    before = {path: path.stat().st_mtime_ns for path in out.glob(f"*/{RESULT_FILE}")}
    again = compare(find_systems("tree,cnn"), class_splits, out, SHORT)
    assert list(again) == [row for row in rows if row.system.name in ("tree", "cnn")]
    assert {path: path.stat().st_mtime_ns for path in out.glob(f"*/{RESULT_FILE}")} == before


def test_other_data_or_another_config_is_learnt_anew(class_splits: tuple[Split, Split], tmp_path: Path) -> None:
    tree = find_systems("tree")
    first = compare(tree, class_splits, tmp_path)[0].result
    fewer = replace(class_splits[0], images=class_splits[0].images[:32], votes=class_splits[0].votes[:32])
    second = compare(tree, (fewer, class_splits[1]), tmp_path)[0].result
    assert first and second
    assert (first.n_train, second.n_train) == (64, 32)


def test_what_was_not_run_is_said(tmp_path: Path) -> None:
    rows = collect(SYSTEMS, tmp_path)
    assert not any(row.result for row in rows)
    assert to_markdown(rows, "FER2013Valid").count("not run") == 2 * len(SYSTEMS)


def test_a_damaged_result_is_one_clear_line(compared: tuple[Path, list[Row]], tmp_path: Path) -> None:
    result = compared[1][0].result
    assert isinstance(result, Result)
    result.save(tmp_path / "qda")
    (tmp_path / "qda" / RESULT_FILE).write_text("{", "utf-8")
    with pytest.raises(TrainerError, match="is damaged") as caught:
        collect(find_systems("qda"), tmp_path)
    assert "\n" not in str(caught.value)


def test_systems_are_chosen_by_name() -> None:
    assert [system.name for system in find_systems("cnn, qda")] == ["qda", "cnn"]
    with pytest.raises(TrainerError, match="no system 'vit'; there are qda"):
        find_systems("vit")
    with pytest.raises(TrainerError, match="reads the features of cnn-lstm"):
        find_systems("cnn-lstm-svm")
