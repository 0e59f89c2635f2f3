"""Drawn students whose frames were drawn beforehand, pushed like browsers' frames: ``python -m engage.cli.class_feed``.

For measurements: drawing costs more than all the rest, so it is done before, and pushing is left to a process of its
own that is not counted. Frames go straight to capture workers, by the channel on which a web process passes them on.
"""

from __future__ import annotations

import heapq
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import cv2

from engage.capture.virtual.source import VirtualSource, VirtualSpec
from engage.core.protocols import Sender
from engage.core.types import Origin, PushedFrame
from engage.errors import EngageError
from engage.runtime.addresses import AddressBook
from engage.runtime.channels import Channels, frames

SIZE_PX = (480, 360)
"""What a browser sends of a student."""
QUALITY = 80
FACES = 12
"""Different students that are drawn; further ones are these again, at other moments."""
EACH_S = 4.0
"""Drawn of each, and played to and fro."""
CLOSE_WITHIN_S = 30.0


@dataclass(frozen=True, slots=True)
class Feed:
    """A running generator."""

    process: subprocess.Popen[str]

    def sent_between(self, begin: float, end: float) -> int:
        """Stop it, and return how many frames it gave between two times, seconds since the epoch."""
        assert self.process.stdin and self.process.stdout  # noqa: S101
        self.process.stdin.close()
        times = json.loads(self.process.stdout.readline() or "[]")
        return sum(begin <= at < end for at in times)


@contextmanager
def class_feed(folder: Path, origins: Sequence[Origin], rate_fps: float) -> Iterator[Feed]:
    """Draw, then push ``rate_fps`` frames a second for each of ``origins`` into the system with sockets in ``folder``.

    Raises EngageError where it does not start.
    """
    question = {
        "folder": str(folder),
        "rate_fps": rate_fps,
        "origins": [[origin.session_id, origin.source_id, origin.student_id] for origin in origins],
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "engage.cli.class_feed"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin and process.stdout  # noqa: S101
    try:
        process.stdin.write(json.dumps(question) + "\n")
        process.stdin.flush()
        if process.stdout.readline().strip() != "ready":
            raise EngageError("The frame generator did not start.")
        yield Feed(process)
    finally:
        process.stdin.close()
        process.stdout.close()
        try:
            process.wait(CLOSE_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()


def drawn(seed: int, rate_fps: float) -> list[bytes]:
    """Return ``EACH_S`` seconds of one student as JPEG pictures, there and back again."""
    spec = VirtualSpec(seed, width=SIZE_PX[0], height=SIZE_PX[1], fps=rate_fps, realtime=False)
    source = VirtualSource(spec)
    source.open()
    count = max(2, round(EACH_S * rate_fps))
    pictures = [frame.image for _ in range(count) if (frame := source.read(1.0)) is not None]
    source.close()
    packed = [cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes() for image in pictures]
    return [*packed, *packed[-2:0:-1]]


def push(
    senders: Mapping[Origin, Sender], reels: Sequence[Sequence[bytes]], rate_fps: float, until: Callable[[float], bool]
) -> list[float]:
    """Push frames of all students, evenly spread over time, until ``until(seconds)`` is true; return when each went."""
    began_s, interval_s = time.monotonic(), 1.0 / rate_fps
    due = [(began_s + place * interval_s / len(senders), place, 0) for place in range(len(senders))]
    origins, times = list(senders), list[float]()
    while True:
        due_s, place, seq = due[0]
        if until(max(0.0, due_s - time.monotonic())):
            return times
        if time.monotonic() < due_s:
            continue
        reel, origin = reels[place % len(reels)], origins[place]
        data = reel[(seq + 7 * place) % len(reel)]
        now = datetime.now(UTC)
        senders[origin].send(PushedFrame(origin, seq + 1, now, time.monotonic(), data))
        times.append(now.timestamp())
        heapq.heapreplace(due, (max(due_s + interval_s, time.monotonic() - interval_s), place, seq + 1))


def main() -> None:
    """Take the question from standard input, say "ready" once all is drawn, and push until that input ends."""
    import select

    asked = json.loads(sys.stdin.readline())
    origins = [Origin(*origin) for origin in asked["origins"]]
    reels = [drawn(seed, asked["rate_fps"]) for seed in range(1, 1 + min(FACES, len(origins)))]
    channels = Channels(AddressBook(asked["folder"]))
    senders = {origin: channels.sender(frames(origin)) for origin in origins}
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    times = push(senders, reels, asked["rate_fps"], lambda wait_s: bool(select.select([sys.stdin], [], [], wait_s)[0]))
    sys.stdout.write(json.dumps(times) + "\n")
    sys.stdout.flush()
    os._exit(0)  # what is still queued is of no interest


if __name__ == "__main__":
    main()
