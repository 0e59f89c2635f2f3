"""FER+ from Kaggle's and Microsoft's CSV files: the same as the folder, and every way the pair can be wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from trainer.csv_pair import USAGES, VOTE_FIELDS
from trainer.data import load_split
from trainer.errors import DataError

FOLDERS = {usage: split for split, usage in USAGES.items()}


def write_pair(folder: Path, rows: list[tuple[str, str, np.ndarray, list[int]]]) -> Path:
    """Write both files for rows of (usage, file name, image, votes)."""
    folder.mkdir()
    pixels = ["emotion,pixels,Usage"]
    votes = [",".join(VOTE_FIELDS)]
    for usage, name, image, counts in rows:
        pixels.append(f"0,{' '.join(map(str, image.ravel()))},{usage}")
        votes.append(f"{usage},{name},{','.join(map(str, counts))}")
    (folder / "fer2013.csv").write_text("\n".join(pixels) + "\n", "utf-8")
    (folder / "fer2013new.csv").write_text("\n".join(votes) + "\n", "utf-8")
    return folder


@pytest.fixture
def pair(fer_folder: Path, tmp_path: Path) -> Path:
    """Return the pictures of ``fer_folder`` as a pair, with one picture that shows no face between the splits."""
    rows = []
    for split in ("FER2013Train", "FER2013Valid"):
        loaded = load_split(fer_folder, split)
        rows += [
            (USAGES[split], f"fer{index:07d}.png", image, list(votes))
            for index, (image, votes) in enumerate(zip(loaded.images, loaded.votes, strict=True))
        ]
        rows.append((USAGES[split], "", np.zeros((48, 48), np.uint8), [0] * 9 + [10]))
    return write_pair(tmp_path / "pair", rows)


@pytest.mark.parametrize("split", ["FER2013Train", "FER2013Valid"])
def test_the_pair_gives_what_the_folder_gives(pair: Path, fer_folder: Path, split: str) -> None:
    expected = load_split(fer_folder, split)
    for data in (pair, pair / "fer2013.csv"):
        found = load_split(data, split)
        assert found.name == split
        np.testing.assert_array_equal(found.images, expected.images)
        np.testing.assert_array_equal(found.votes, expected.votes)


def test_microsofts_real_votes_leave_their_own_counts(shared_dir: Path, tmp_path: Path) -> None:
    """The real file of votes beside black pictures, since the counts rest on the votes alone.

    They are not the folder layout's (3,191 with a majority): Microsoft published two versions of the votes.
    """
    import zipfile

    archive = shared_dir / "data" / "ferplus-train-valid.zip"
    if not archive.is_file():
        pytest.skip(f"no {archive}")
    with zipfile.ZipFile(archive) as file:
        votes = file.read("fer2013new.csv").decode("utf-8-sig")
    (tmp_path / "fer2013new.csv").write_text(votes, "utf-8")
    black = " ".join(["0"] * 48 * 48)
    with (tmp_path / "fer2013.csv").open("w", encoding="utf-8") as file:
        file.write("emotion,pixels,Usage\n")
        for row in votes.splitlines()[1:]:
            usage = row.partition(",")[0]
            file.write(f"0,{black if usage == 'PublicTest' else 0},{usage}\n")
    split = load_split(tmp_path, "FER2013Valid")
    assert len(split.images) == 3579
    assert np.bincount(split.majority()[1]).tolist() == [1182, 865, 415, 351, 287, 24, 62, 13]


def _edit(name: str, old: str, new: str) -> Callable[[Path], object]:
    def edit(data: Path) -> None:
        path = data / name
        path.write_text(path.read_text("utf-8").replace(old, new, 1), "utf-8")

    return edit


def _drop_last_line(name: str) -> Callable[[Path], object]:
    def drop(data: Path) -> None:
        path = data / name
        path.write_text("\n".join(path.read_text("utf-8").splitlines()[:-1]) + "\n", "utf-8")

    return drop


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "no votes": (lambda data: (data / "fer2013new.csv").unlink(), "fer2013new.csv is missing.*microsoft/FERPlus"),
    "another header": (_edit("fer2013new.csv", "Usage,Image", "Use,Picture"), "is not Microsoft's"),
    "another first file": (_edit("fer2013.csv", "emotion,pixels", "a,b"), "is not Kaggle's"),
    "one file longer": (_drop_last_line("fer2013new.csv"), "fer2013.csv goes on after line 50"),
    "the other longer": (_drop_last_line("fer2013.csv"), "fer2013new.csv goes on after line 50"),
    "another order": (_edit("fer2013new.csv", "PublicTest", "Training"), "line 35 is of 'PublicTest'.*same order"),
    "a pixel too many": (_edit("fer2013.csv", ",PublicTest", " 0,PublicTest"), r"has 2305 pixels, wanted 2304"),
    "a pixel too bright": (_edit("fer2013.csv", ",PublicTest", "999,PublicTest"), "whole numbers from 0 to 255"),
    "a vote is a word": (_edit("fer2013new.csv", "PublicTest,fer0000000.png,8", "PublicTest,f.png,x"), "whole numbers"),
    "a negative vote": (_edit("fer2013new.csv", "PublicTest,fer0000000.png,8", "PublicTest,f.png,-8"), "negative vote"),
    "a field short": (_edit("fer2013new.csv", "PublicTest,fer0000000.png,8", "PublicTest,f.png"), "lacks fields"),
    "not text": (lambda data: (data / "fer2013new.csv").write_bytes(b"\xff\xfe\x00"), "is not a CSV text"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_wrong_pair_is_one_clear_line(pair: Path, case: str) -> None:
    damage, message = BROKEN[case]
    damage(pair)
    with pytest.raises(DataError, match=message) as caught:
        load_split(pair, "FER2013Valid")
    assert "\n" not in str(caught.value)


def test_another_split_is_named(pair: Path) -> None:
    with pytest.raises(DataError, match=r"no split Holiday.*FER2013Train, FER2013Valid, FER2013Test"):
        load_split(pair, "Holiday")
    with pytest.raises(DataError, match="no picture of FER2013Test"):
        load_split(pair, "FER2013Test")
