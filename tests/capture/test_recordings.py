"""Videos and pictures: their time, their end, and everything that may be wrong with them."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from engage.capture.native import quiet_opencv
from engage.capture.pictures import read_picture
from engage.capture.recordings import Pace, Playback, RecordingSource
from engage.core.types import Frame
from engage.errors import SourceEnded, SourceError, SourceLost

quiet_opencv()
FPS, SIZE = 10, (64, 48)
FAST = Playback(Pace.FAST)


class HandClock:
    """A clock that moves when it is waited on."""

    def __init__(self) -> None:
        self.s = 0.0

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.s)

    def monotonic(self) -> float:
        return self.s

    def wait(self, seconds: float) -> None:
        self.s += seconds


def write_video(path: Path, frames: int = 30, codec: str = "MJPG") -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), FPS, SIZE)
    for index in range(frames):
        writer.write(np.full((SIZE[1], SIZE[0], 3), index * 2, np.uint8))
    writer.release()
    return path


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return write_video(tmp_path / "lesson.avi")


def play(path: Path, playback: Playback = FAST, limit: int = 1000) -> tuple[list[Frame], str]:
    source = RecordingSource(path, playback)
    source.open()
    frames = []
    try:
        while len(frames) < limit:
            frame = source.read(1.0)
            assert frame is not None
            frames.append(frame)
    except SourceEnded as ended:
        return frames, str(ended)
    finally:
        source.close()
    return frames, ""


def error_of(path: Path) -> str:
    with pytest.raises(SourceError) as caught:
        play(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_fast_gives_every_frame_with_the_time_of_the_file(video: Path) -> None:
    frames, end = play(video)
    assert len(frames) == 30 and end == "lesson.avi is over."
    for index, frame in enumerate(frames):
        assert frame.position_s == pytest.approx(index / FPS)
        assert (frame.captured_at - frames[0].captured_at).total_seconds() == pytest.approx(index / FPS)
        assert abs(int(frame.image.mean()) - index * 2) <= 2


def test_real_time_waits_for_frames_and_skips_those_it_missed(video: Path) -> None:
    clock = HandClock()
    source = RecordingSource(video, Playback(), clock, clock.wait)
    source.open()
    first, second = source.read(1.0), source.read(1.0)
    assert first is not None and second is not None
    assert clock.s == pytest.approx(0.1)
    assert source.read(0.03) is None and clock.s == pytest.approx(0.13)
    clock.s = 1.05
    late = source.read(1.0)
    assert late is not None and late.position_s == pytest.approx(1.0)
    assert source.skipped == 8 and late.captured_at == clock.now()
    assert source.live
    clock.s = 60.0
    with pytest.raises(SourceEnded):
        source.read(1.0)


@pytest.mark.parametrize(("every_s", "expected"), [(0.5, [0, 0.5, 1, 1.5, 2, 2.5]), (0.25, None), (60.0, [0])])
def test_samples_every_so_often(video: Path, every_s: float, expected: list[float] | None) -> None:
    frames, _ = play(video, Playback(Pace.FAST, every_s))
    positions = [frame.position_s for frame in frames]
    if expected is None:
        assert len(positions) == 12
    else:
        assert positions == pytest.approx(expected, abs=0.01)


def test_jumps_through_a_long_video_to_the_right_pictures(tmp_path: Path) -> None:
    path = write_video(tmp_path / "long.mp4", 120, "mp4v")
    frames, _ = play(path, Playback(Pace.FAST, 5.0))
    assert [frame.position_s for frame in frames] == pytest.approx([0.0, 5.0, 10.0], abs=0.11)
    for frame in frames:
        assert abs(frame.image.mean() - frame.position_s * FPS * 2) <= 6


def test_loops_go_on_in_time(tmp_path: Path) -> None:
    path = write_video(tmp_path / "short.avi", 5)
    frames, _ = play(path, Playback(Pace.FAST, loop=True), limit=12)
    assert [frame.position_s for frame in frames] == pytest.approx([index / FPS for index in range(12)])
    assert abs(int(frames[5].image.mean()) - int(frames[0].image.mean())) <= 2


def test_one_picture_loops_too(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "face.png"), np.zeros((4, 4, 3), np.uint8))
    frames, _ = play(tmp_path / "face.png", Playback(Pace.FAST, loop=True, spacing_s=0.5), limit=3)
    assert [frame.position_s for frame in frames] == [0.0, 0.5, 1.0]


def test_a_gif_is_a_video_and_a_still_one_a_picture(tmp_path: Path) -> None:
    images = [Image.fromarray(np.full((8, 8), value, np.uint8)) for value in (0, 100, 200)]
    images[0].save(tmp_path / "moving.gif", save_all=True, append_images=images[1:], duration=200, loop=0)
    images[0].save(tmp_path / "still.gif")
    assert [frame.position_s for frame in play(tmp_path / "moving.gif")[0]] == pytest.approx([0, 0.2, 0.4])
    assert len(play(tmp_path / "still.gif")[0]) == 1


def test_a_folder_is_read_in_natural_order_and_names_what_it_could_not_read(tmp_path: Path) -> None:
    for value in (10, 2, 1):
        cv2.imwrite(str(tmp_path / f"seat{value}.png"), np.full((4, 4, 3), value, np.uint8))
    (tmp_path / "seat3.png").write_bytes(b"no picture")
    (tmp_path / "notes.txt").write_text("hello")
    frames, end = play(tmp_path)
    assert [frame.image[0, 0, 0] for frame in frames] == [1, 2, 10]
    assert [frame.position_s for frame in frames] == [0.0, 1.0, 3.0]
    assert end == "1 of 4 pictures could not be read: seat3.png."


def test_pictures_come_upright_in_colour(tmp_path: Path) -> None:
    image = Image.new("RGB", (6, 4), (255, 0, 0))
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    image.save(tmp_path / "turned.png", exif=exif)
    read = read_picture(tmp_path / "turned.png")
    assert read.shape == (6, 4, 3)
    assert tuple(read[0, 0]) == (0, 0, 255)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "1", "CMYK", "LA"])
def test_every_kind_of_picture_becomes_bgr(tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("picture.tif" if mode == "CMYK" else "picture.png")
    Image.new("RGB", (5, 4), (255, 255, 255)).convert(mode).save(path)
    read = read_picture(path)
    assert read.shape == (4, 5, 3) and read.dtype == np.uint8 and read.min() > 240


def test_sixteen_bits_are_scaled_not_clipped(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "deep.png"), np.full((4, 4), 32768, np.uint16))
    assert abs(int(read_picture(tmp_path / "deep.png")[0, 0, 0]) - 128) <= 1


def test_a_decompression_bomb_is_refused_by_its_header(tmp_path: Path) -> None:
    for side in (9_500, 60_000):
        header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
        chunk = b"IHDR" + header
        data = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
        idat = zlib.compress(b"\0" * 10)
        data += struct.pack(">I", len(idat)) + b"IDAT" + idat + struct.pack(">I", zlib.crc32(b"IDAT" + idat))
        (tmp_path / "bomb.png").write_bytes(data)
        assert "too large" in error_of(tmp_path / "bomb.png")


def test_what_is_not_there_or_not_readable_says_so(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "junk.mp4").write_bytes(np.random.default_rng(1).bytes(50_000))
    (tmp_path / "text.mp4").write_text("ffconcat version 1.0\nfile /etc/hostname\n")
    (tmp_path / "nothing").mkdir()
    os.mkfifo(tmp_path / "pipe")
    assert "does not exist" in error_of(tmp_path / "missing.mp4")
    assert "is empty" in error_of(tmp_path / "empty.mp4")
    assert "not a video or picture" in error_of(tmp_path / "junk.mp4")
    assert "is a text" in error_of(tmp_path / "text.mp4")
    assert "no pictures" in error_of(tmp_path / "nothing")
    assert "is not a file" in error_of(tmp_path / "pipe")
    assert "character 0" in error_of(tmp_path / "bad\0name")


def test_a_cut_off_video_plays_to_where_it_is_cut_and_says_so(tmp_path: Path) -> None:
    whole = write_video(tmp_path / "whole.avi", 60).read_bytes()
    (tmp_path / "cut.avi").write_bytes(whole[: len(whole) // 2])
    frames, end = play(tmp_path / "cut.avi")
    assert 10 < len(frames) < 60
    assert "cut off" in end
    for playback in (Playback(Pace.FAST, 1.0), Playback(Pace.FAST, 5.0)):
        assert "cut off" in play(tmp_path / "cut.avi", playback)[1]
    (tmp_path / "stub.avi").write_bytes(whole[:300])
    assert "damaged" in error_of(tmp_path / "stub.avi")


def test_a_cut_off_picture_says_so(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (64, 64, 3)).astype(np.uint8)
    content = cv2.imencode(".jpg", noise)[1].tobytes()
    (tmp_path / "cut.jpg").write_bytes(content[: len(content) // 2])
    assert "cut off" in error_of(tmp_path / "cut.jpg")
    (tmp_path / "header.jpg").write_bytes(content[:20])
    assert "not a video or picture" in error_of(tmp_path / "header.jpg")


def test_nothing_of_opencv_reaches_the_screen(tmp_path: Path) -> None:
    (tmp_path / "junk.mp4").write_bytes(np.random.default_rng(1).bytes(50_000))
    (tmp_path / "stub.jpg").write_bytes(cv2.imencode(".jpg", np.zeros((64, 64), np.uint8))[1].tobytes()[:20])
    (tmp_path / "cut.avi").write_bytes(write_video(tmp_path / "whole.avi").read_bytes()[:300])
    script = """
import sys
from engage.capture.sources import open_source
from engage.errors import SourceError
for address in sys.argv[1:]:
    try:
        open_source(address).open()
        sys.exit(address)
    except SourceError as error:
        assert "hidden" not in str(error)
"""
    addresses = [str(path) for path in tmp_path.iterdir() if path.name != "whole.avi"]
    streams = ["987", "rtsp://anna:hidden@127.0.0.1:1/live", "http://anna:hidden@127.0.0.1:1/live"]
    done = subprocess.run([sys.executable, "-c", script, *addresses, *streams], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_pictures_that_are_taken_away_are_lost_and_not_over(tmp_path: Path) -> None:
    picture = cv2.imencode(".jpg", np.zeros((48, 64, 3), np.uint8))[1].tobytes()
    files = [tmp_path / f"{number}.jpg" for number in range(3)]
    for file in files:
        file.write_bytes(picture)
    source = RecordingSource(tmp_path, FAST)
    source.open()
    assert source.read(1.0) is not None
    for file in files:
        file.unlink()
    with pytest.raises(SourceLost, match="are gone"):
        source.read(1.0)
    source.close()
    with pytest.raises(SourceError, match="no pictures"):
        source.open()
