"""Following single frames through all stages: which are followed, so that stages in several processes agree. Pure.

A frame's trace is named by what every stage knows of it, so that nothing more has to travel with the frame.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Trace:
    """The names of one frame's trace: 128 and 64 bits, never 0. They name nobody."""

    trace_id: int
    root_id: int


def trace_of(session_id: int, student_id: int, captured_at: datetime, share: float) -> Trace | None:
    """Return the trace of the frame captured then, or None where it is not among the ``share`` that is followed.

    All processes give the same answer.
    """
    if share <= 0:
        return None
    words = f"{session_id} {student_id} {round(captured_at.timestamp() * 1e6)}"
    digest = hashlib.blake2b(words.encode(), digest_size=32).digest()
    if int.from_bytes(digest[24:]) >= share * 2**64:
        return None
    return Trace(int.from_bytes(digest[:16]) or 1, int.from_bytes(digest[16:24]) or 1)


class Traces(Protocol):
    """Takes down what a stage did with a frame, where that frame is followed. Never waits, never raises."""

    def begin(self, session_id: int, student_id: int, captured_at: datetime, ended: float) -> None:
        """Take down the frame itself, from its capture until it was looked at (Unix seconds)."""

    def stage(self, name: str, frame: tuple[int, int, datetime], began: float, ended: float) -> None:
        """Take down one stage of a frame, named by (session, student, capture); Unix seconds."""

    def close(self) -> None:
        """Send off what waits, for a second at most."""


class NoTraces:
    """Follows nothing."""

    def begin(self, session_id: int, student_id: int, captured_at: datetime, ended: float) -> None:
        """Do nothing."""

    def stage(self, name: str, frame: tuple[int, int, datetime], began: float, ended: float) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""
