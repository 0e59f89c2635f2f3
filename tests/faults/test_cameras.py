"""Cameras that are pulled, freeze, and send nonsense: what they do stays with their own student."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.cameras import Camera, Doing, drawn, stand_still
from tests.faults.injected import missing, wait_until
from tests.faults.lesson import LIVE_AGAIN_S, Lesson, running_lesson
from tests.faults.rtsp import RtspCamera

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

FAULTS = {
    "stopped": (Camera, Doing.STOPPED),
    "frozen": (Camera, Doing.FROZEN),
    "corrupt": (Camera, Doing.CORRUPT),
    "RTSP stopped": (RtspCamera, Doing.STOPPED),
    "RTSP frozen": (RtspCamera, Doing.FROZEN),
}
LASTS_S = 12.0
"""Longer than a camera may be silent, and than the first pauses between attempts."""


@pytest.fixture(scope="module")
def cameras() -> Iterator[dict[str, Camera]]:
    made = {name: kind(seed) for seed, (name, (kind, _)) in enumerate(FAULTS.items(), 900)}
    yield made
    for camera in made.values():
        camera.close()


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where a folder of pictures is, which is a camera too; it does not end within a test."""
    folder = tmp_path_factory.mktemp("media") / "film"
    fill(folder)
    return folder


def fill(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for number, jpeg in enumerate(drawn(950)):
        for again in range(60):
            (folder / f"{again:03}-{number:02}.jpg").write_bytes(jpeg)


@pytest.fixture(scope="module")
def lesson(tmp_path_factory: pytest.TempPathFactory, cameras: dict[str, Camera], film: Path) -> Iterator[Lesson]:
    home = tmp_path_factory.mktemp("cameras")
    addresses = {name: camera.address for name, camera in cameras.items()} | {"film": str(film)}
    rules = {"allow_networks": ["127.0.0.0/8"], "media_folders": [str(film.parent)]}
    with running_lesson(home, f"sqlite:///{home}/engage.db", count=2, cameras=addresses, capture=rules) as lesson:
        lesson.await_live(lesson.everyone, time.time())
        yield lesson


def test_cameras_that_fail_are_lost_and_found(lesson: Lesson, cameras: dict[str, Camera], film: Path) -> None:
    before = len(lesson.system.tree())
    began = time.time()
    for name, camera in cameras.items():
        camera.do(FAULTS[name][1])
    for file in film.iterdir():
        file.unlink()
    stand_still(LASTS_S)
    for camera in cameras.values():
        camera.do(Doing.SENDING)
    fill(film)
    ended = time.time()
    hit = tuple(lesson.cameras.values())
    live_at = lesson.await_live(hit, ended)
    lesson.await_live(lesson.everyone, time.time())
    print("live after", live_at - ended, lesson.longest_gaps(began, live_at))
    assert live_at - ended <= max(LIVE_AGAIN_S, lesson.allowed_s())
    assert not any(gap > 1.5 for gap in missing(lesson, began, live_at).values()), "others are not concerned"
    for name, student in lesson.cameras.items():
        assert "lost" in lesson.events(student), f"{name}: nobody was told"
        gap = lesson.longest_gaps(began, live_at)[student]
        assert LASTS_S / 3 < gap <= live_at - began + 2.0, f"{name}: the gap is not a gap"
    wait_until(lambda: len(lesson.system.tree()) == before, "as many processes as before")
    lesson.assert_told_is_stored()
