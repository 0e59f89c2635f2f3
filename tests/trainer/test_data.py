"""FER+ in its public layout, the vote rules, and every way a folder can be wrong."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from engage.core.types import EMOTIONS
from trainer.data import Split, clean_votes, load_split
from trainer.errors import DataError

PUBLISHED = {
    "FER2013Train": (28558, [8733, 7284, 3136, 3022, 2098, 116, 536, 120]),
    "FER2013Valid": (3579, [1180, 862, 411, 348, 289, 25, 60, 16]),
}


@pytest.mark.parametrize("split", PUBLISHED)
def test_the_real_data_leaves_the_published_counts(shared_dir: Path, split: str) -> None:
    archive = shared_dir / "data" / "ferplus-train-valid.zip"
    if not archive.is_file():
        pytest.skip(f"no {archive}")
    loaded = load_split(archive, split)
    rows, per_class = PUBLISHED[split]
    images, labels = loaded.majority()
    assert len(loaded.images) == rows
    assert np.bincount(labels, minlength=8).tolist() == per_class
    assert len(images) == sum(per_class)
    if split == "FER2013Train":
        assert len(loaded.soft()[0]) == 28385


def test_a_folder_and_its_zip_give_the_same(fer_folder: Path, tmp_path: Path) -> None:
    archive = Path(shutil.make_archive(str(tmp_path / "fer"), "zip", fer_folder))
    one, other = load_split(fer_folder, "FER2013Valid"), load_split(archive, "FER2013Valid")
    np.testing.assert_array_equal(one.images, other.images)
    np.testing.assert_array_equal(one.votes, other.votes)
    assert one.images.shape == (16, 48, 48)
    assert one.images.dtype == np.uint8
    assert one.votes.shape == (16, 10)


def of_votes(*votes: list[int]) -> Split:
    table = np.array(votes)
    return Split("x", np.zeros((len(table), 48, 48), np.uint8), table)


CASES = {
    "more than half": ([6, 4, 0, 0, 0, 0, 0, 0, 0, 0], 0),
    "exactly half is not more": ([5, 5, 0, 0, 0, 0, 0, 0, 0, 0], None),
    "single votes do not count": ([4, 1, 1, 1, 1, 1, 1, 0, 0, 0], 0),
    "unknown counts in the denominator": ([5, 0, 0, 0, 0, 0, 0, 0, 5, 0], None),
    "mostly unknown": ([3, 0, 0, 0, 0, 0, 0, 0, 7, 0], None),
    "mostly no face": ([0, 2, 0, 0, 0, 0, 0, 0, 0, 8], None),
    "contempt": ([0, 0, 0, 0, 0, 0, 3, 7, 0, 0], 7),
    "only single votes": ([1, 1, 1, 1, 1, 1, 1, 1, 1, 1], None),
}


@pytest.mark.parametrize("case", CASES)
def test_the_majority_rule(case: str) -> None:
    votes, expected = CASES[case]
    _, labels = of_votes(votes).majority()
    assert labels.tolist() == ([] if expected is None else [expected])


def test_soft_targets_are_shares_of_the_votes_that_count() -> None:
    split = of_votes([6, 3, 1, 0, 0, 0, 0, 0, 0, 0], [2, 0, 0, 0, 0, 0, 0, 0, 8, 0], [5, 0, 0, 0, 0, 0, 0, 0, 4, 0])
    images, targets = split.soft()
    assert len(images) == 2  # the middle one is mostly unknown
    np.testing.assert_allclose(targets, [[2 / 3, 1 / 3, 0, 0, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0, 0, 0]], rtol=1e-6)
    assert targets.shape[1] == len(EMOTIONS)


def test_votes_are_cleaned_without_changing_the_original() -> None:
    votes = np.array([[1, 2, 0, 1, 3, 0, 0, 0, 1, 1]])
    assert clean_votes(votes).tolist() == [[0, 2, 0, 0, 3, 0, 0, 0, 0, 0]]
    assert votes[0, 0] == 1


def _edit(folder: Path, old: str, new: str) -> None:
    path = folder / "FER2013Valid" / "label.csv"
    path.write_text(path.read_text("utf-8").replace(old, new, 1), "utf-8")


BROKEN = {
    "no folder": (lambda data: shutil.rmtree(data), "no data at"),
    "no split": (lambda data: shutil.rmtree(data / "FER2013Valid"), "no split FER2013Valid.*found: FER2013Train"),
    "no labels": (lambda data: (data / "FER2013Valid/label.csv").unlink(), "label.csv is missing"),
    "empty labels": (lambda data: (data / "FER2013Valid/label.csv").write_text(""), "is empty"),
    "labels not text": (lambda data: (data / "FER2013Valid/label.csv").write_bytes(b"\xff\xfe\x00"), "not text"),
    "a column short": (lambda data: _edit(data, ",8,2,0", ",8,2"), "line 1 has 11 fields, wanted 12"),
    "a vote is a word": (lambda data: _edit(data, ",8,2,", ",8,two,"), "line 1: the votes must be whole numbers"),
    "a negative vote": (lambda data: _edit(data, ",8,2,", ",8,-2,"), "line 1: a negative vote"),
    "a path as name": (lambda data: _edit(data, "fer0000000", "../fer0000000"), "a path as file name"),
    "a missing image": (lambda data: (data / "FER2013Valid/fer0000003.png").unlink(), "fer0000003.png is missing"),
    "an empty image": (lambda data: (data / "FER2013Valid/fer0000003.png").write_bytes(b""), "is not an image"),
    "a damaged image": (lambda data: (data / "FER2013Valid/fer0000003.png").write_bytes(b"x" * 99), "is not an image"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_wrong_folder_is_one_clear_line(fer_folder: Path, case: str) -> None:
    damage, message = BROKEN[case]
    damage(fer_folder)
    with pytest.raises(DataError, match=message) as caught:
        load_split(fer_folder, "FER2013Valid")
    assert "\n" not in str(caught.value)


def test_an_image_of_another_size_is_named(fer_folder: Path) -> None:
    import cv2

    cv2.imwrite(str(fer_folder / "FER2013Valid" / "fer0000002.png"), np.zeros((32, 40), np.uint8))
    with pytest.raises(DataError, match=r"fer0000002.png is 40 x 32 pixels, wanted 48 x 48"):
        load_split(fer_folder, "FER2013Valid")


def test_a_wrong_zip_is_one_clear_line(fer_folder: Path, tmp_path: Path) -> None:
    not_zip = tmp_path / "not.zip"
    not_zip.write_bytes(b"PK nonsense")
    with pytest.raises(DataError, match=r"as a \.zip"):
        load_split(not_zip, "FER2013Valid")
    archive = tmp_path / "part.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.write(fer_folder / "FER2013Valid" / "label.csv", "FER2013Valid/label.csv")
    with pytest.raises(DataError, match=r"fer0000000\.png is missing"):
        load_split(archive, "FER2013Valid")
    with pytest.raises(DataError, match=r"no split FER2013Test.*found: FER2013Valid"):
        load_split(archive, "FER2013Test")
