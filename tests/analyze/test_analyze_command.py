"""``engage analyze`` as a person and a program use it."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
import pytest
from rich.console import Console

from engage.__main__ import main
from engage.capture.native import quiet_opencv
from engage.capture.sources import open_source
from engage.cli.analyze import Interval, mode_for
from engage.config import Settings
from engage.core.types import EMOTIONS, Mode

quiet_opencv()
ATTENTION = ("policy.jurisdiction=other", "policy.mode=attention")


class Run:
    """One call of the program in this process: its exit code and what it said."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def document(self) -> dict[str, Any]:
        document = json.loads(self.out)
        assert isinstance(document, dict)
        return document


@pytest.fixture
def engage(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path):  # type: ignore[no-untyped-def]
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)

    def run(*arguments: object, settings: tuple[str, ...] = (*ATTENTION, "vision.detector=haar")) -> Run:
        flags = [part for setting in settings for part in ("--set", setting)]
        monkeypatch.setattr(sys, "argv", ["engage", *flags, "analyze", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        out, err = capfd.readouterr()
        return Run(int(left.value.code or 0), out, err)

    return run


@pytest.fixture
def media(shared_dir: Path) -> tuple[Path, tuple[str, ...]]:
    """Return the folder of clips and the settings that let YuNet be found."""
    return shared_dir / "media", (f"models.folders=[{shared_dir / 'models'}]", "vision.detector=yunet")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return six seconds of a virtual student."""
    source = open_source("virtual:7?script=lively&realtime=0&seconds=6&fps=10&width=320&height=240")
    path = tmp_path_factory.mktemp("clip") / "anna.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 10, (320, 240))
    source.open()
    for _ in range(60):
        frame = source.read(5.0)
        assert frame is not None
        writer.write(frame.image)
    source.close()
    writer.release()
    return path


def test_a_clip_becomes_json_csv_and_an_annotated_copy(engage, clip: Path) -> None:  # type: ignore[no-untyped-def]
    done = engage(clip)
    folder = Path("anna-analysis")
    assert done.code == 0, done.err
    assert sorted(path.name for path in folder.iterdir()) == ["anna-annotated.mp4", "anna.csv", "anna.json"]
    document = json.loads((folder / "anna.json").read_text("utf-8"))
    assert document["mode"] == "attention" and document["duration_s"] == pytest.approx(6.0, abs=0.2)
    longest = max(document["tracks"], key=lambda track: len(track["frames"]))
    assert 20 <= len(longest["frames"]) <= 31
    with (folder / "anna.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == sum(len(track["frames"]) for track in document["tracks"])
    assert cv2.VideoCapture(str(folder / "anna-annotated.mp4")).get(cv2.CAP_PROP_FRAME_COUNT) == 60
    assert "Score" in done.out and "anna-annotated.mp4" in done.err


def test_json_is_all_that_is_printed_and_nothing_is_written(engage, clip: Path) -> None:  # type: ignore[no-untyped-def]
    done = engage(clip, "--json")
    assert done.code == 0
    assert set(done.document) >= {"path", "duration_s", "tracks"}
    assert list(Path.cwd().iterdir()) == []


def test_the_interval_decides_how_often_it_looks(engage, clip: Path) -> None:  # type: ignore[no-untyped-def]
    looks = {}
    for every in ("frame", "200ms", "2s", "30m"):
        tracks = engage(clip, "--json", "--every", every).document["tracks"]
        looks[every] = max(len(track["frames"]) for track in tracks)
    assert looks["frame"] >= 50 and 20 <= looks["200ms"] <= 31 and looks["2s"] == 3 and looks["30m"] == 1


def test_sampled_copies_show_only_what_was_looked_at(engage, clip: Path) -> None:  # type: ignore[no-untyped-def]
    assert engage(clip, "--every", "2s", "--out", "out").code == 0
    assert cv2.VideoCapture("out/anna-annotated.mp4").get(cv2.CAP_PROP_FRAME_COUNT) == 3


def test_no_picture_is_written_when_told_so(engage, clip: Path) -> None:  # type: ignore[no-untyped-def]
    assert engage(clip, "--no-annotate", "--every", "2s").code == 0
    assert sorted(path.name for path in Path("anna-analysis").iterdir()) == ["anna.csv", "anna.json"]


def test_an_earlier_analysis_is_kept_unless_forced(engage, clip: Path) -> None:  # type: ignore[no-untyped-def]
    arguments = (clip, "--every", "2s", "--no-annotate")
    assert engage(*arguments).code == 0
    again = engage(*arguments)
    assert again.code == 2 and "--force" in again.err and again.err.count("\n") == 2
    assert engage(*arguments, "--force").code == 0


def test_presence_gives_boxes_only(engage, clip: Path) -> None:  # type: ignore[no-untyped-def]
    settings = ("policy.jurisdiction=eu", "policy.mode=full", "vision.detector=haar")
    done = engage(clip, "--json", "--every", "1s", settings=settings)
    track = max(done.document["tracks"], key=lambda found: len(found["frames"]))
    assert done.document["mode"] == "presence" and done.document["model"] is None
    assert track["score"] is None and track["reason"] == "presence only"
    assert {key for key, value in track["frames"][0].items() if value is not None} == {"time", "box", "confidence"}


@pytest.mark.parametrize(
    ("policy", "mode"),
    [
        ({}, Mode.FULL),
        ({"mode": "attention"}, Mode.ATTENTION),
        ({"jurisdiction": "us", "mode": "full"}, Mode.FULL),
        ({"jurisdiction": "eu", "mode": "full"}, Mode.PRESENCE),
        ({"jurisdiction": "eu"}, Mode.PRESENCE),
    ],
)
def test_the_mode_is_that_of_the_settings_capped_by_the_law(policy: dict[str, str], mode: Mode, tmp_path: Path) -> None:
    settings = Settings(policy=policy, home=tmp_path)  # type: ignore[arg-type]
    assert mode_for(settings, Console(quiet=True)) is mode


def test_a_folder_of_pictures_names_them(engage, clip: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    folder = tmp_path / "pictures"
    folder.mkdir()
    film = cv2.VideoCapture(str(clip))
    for number in (1, 2, 10):
        cv2.imwrite(str(folder / f"seat {number}.png"), film.read()[1])
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no more")
    done = engage(folder, "--out", "out")
    assert done.code == 0, done.err
    document = json.loads(Path("out/pictures.json").read_text("utf-8"))
    files = [track["frames"][0]["file"] for track in document["tracks"]]
    assert files == ["seat 1.png", "seat 2.png", "seat 10.png"]
    assert "broken.jpg" in document["remark"] and "broken.jpg" in done.err
    assert len(list(Path("out/pictures-annotated").iterdir())) == 3
    film_of_them = engage(folder, "--fps", "10", "--json").document
    assert [len(track["frames"]) for track in film_of_them["tracks"]] == [2]


@pytest.mark.parametrize("case", ["missing", "empty", "junk", "text", "cut picture", "empty folder", "bad interval"])
def test_bad_input_is_one_line_and_leaves_nothing(engage, tmp_path: Path, case: str) -> None:  # type: ignore[no-untyped-def]
    path, more = tmp_path / "input.mp4", []
    match case:
        case "empty":
            path.touch()
        case "junk":
            path.write_bytes(np.random.default_rng(0).bytes(30_000))
        case "text":
            path.write_text("hello")
        case "cut picture":
            noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3)).astype(np.uint8)
            path.write_bytes(cv2.imencode(".jpg", noise)[1].tobytes()[:2000])
        case "empty folder":
            path.mkdir()
        case "bad interval":
            more = ["--every", "soon"]
    done = engage(path, *more)
    assert done.code == 2
    lines = [
        line
        for line in done.err.splitlines()
        if "allow the mode" not in line and "sage:" not in line and "--help" not in line
    ]
    assert len([line for line in lines if line]) == 1, done.err
    assert "Traceback" not in done.err and done.out == ""
    assert list(Path.cwd().iterdir()) == []


def test_a_folder_that_cannot_be_written_is_one_line(engage, clip: Path) -> None:  # type: ignore[no-untyped-def]
    Path("file").touch()
    done = engage(clip, "--out", "file/out")
    assert done.code == 2 and "--out" in done.err and "Traceback" not in done.err


def test_nobody_in_the_picture_is_said_and_no_error(engage, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    cv2.imwrite(str(tmp_path / "wall.png"), np.full((200, 200, 3), 128, np.uint8))
    done = engage(tmp_path / "wall.png", "--no-annotate")
    assert done.code == 0 and "No face was found" in done.out


def test_ctrl_c_leaves_nothing_and_exits_with_130(clip: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    picture = cv2.VideoCapture(str(clip)).read()[1]
    cv2.imwrite(str(folder / "0.png"), picture)
    for number in range(1, 3000):
        (folder / f"{number}.png").hardlink_to(folder / "0.png")
    flags = [part for setting in (*ATTENTION, "vision.detector=haar") for part in ("--set", setting)]
    command = [sys.executable, "-m", "engage", *flags, "analyze", str(folder), "--out", str(tmp_path / "out")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    pause = threading.Event()
    while process.poll() is None and not list(tmp_path.glob("out/.unfinished-*/*/*.jpg")):
        pause.wait(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert "Traceback" not in err and out == ""
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("10s", 10), ("30m", 1800), ("1.5h", 5400), ("200ms", 0.2), ("5", 5), ("2 min", 120), ("frame", 0)],
)
def test_intervals_are_read(text: str, seconds: float) -> None:
    assert Interval().convert(text, None, None) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "soon", "-5s", "0", "0s", "5x", "1e3"])
def test_other_intervals_are_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="no interval"):
        Interval().convert(text, None, None)


@pytest.mark.parametrize(
    ("name", "faces"), [("classroom.gif", 4), ("five-faces.jpg", 5), ("two-faces.jpg", 2), ("no-face.mp4", 0)]
)
def test_the_right_number_of_people(engage, media, name: str, faces: int) -> None:  # type: ignore[no-untyped-def]
    folder, settings = media
    document = engage(folder / name, "--json", settings=(*ATTENTION, *settings)).document
    assert len(document["tracks"]) == faces
    for track in document["tracks"]:
        assert 0 <= track["score"] <= 10 and 0 < track["confidence"] <= 1


def test_sad_becomes_happy(engage, media) -> None:  # type: ignore[no-untyped-def]
    folder, settings = media
    done = engage(folder / "one-face-sad-to-happy.mp4", "--json", settings=settings)
    (track,) = done.document["tracks"]
    happy = [frame["expression"]["happiness"] for frame in track["frames"]]
    half = len(happy) // 2
    assert np.mean(happy[half:]) > np.mean(happy[:half]) + 0.2
    for frame in track["frames"]:
        assert tuple(frame["expression"]) == EMOTIONS
        assert sum(frame["expression"].values()) == pytest.approx(1.0, abs=0.001)
    assert "consent" in done.err
    assert done.document["model"]
