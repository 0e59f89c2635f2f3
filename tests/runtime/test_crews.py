"""A group lets go of what its workers held."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from engage.config import Settings
from engage.core.protocols import Message, Stop
from engage.runtime.context import Surroundings
from engage.runtime.crews import Group
from engage.runtime.messages import Assignment
from engage.runtime.specs import WorkerSpec

PATIENCE_S = 10.0
made: list[weakref.ref[Any]] = []
ran = threading.Event()


class KnowsItself:
    """A worker whose parts know it, as a capture worker's reader does."""

    def __init__(self) -> None:
        self.part = self

    def run(self, stop: Stop) -> None:
        ran.set()
        stop.wait(PATIENCE_S)


def factory(context: object) -> KnowsItself:
    worker = KnowsItself()
    made.append(weakref.ref(worker))
    return worker


class Told:
    """The channel of assignments: one worker, and once it ran none."""

    def __init__(self) -> None:
        self.gone = threading.Event()

    def receiver(self, channel: str) -> Told:
        return self

    def receive(self, timeout_s: float, limit: int = 256) -> list[Message]:
        self.gone.wait(0.02)
        spec = WorkerSpec("one", "tests.runtime.test_crews:factory")
        return [Assignment("group", 1, () if ran.is_set() else (spec,))]

    def close(self) -> None:
        """Nothing to do."""


@pytest.fixture
def uncollected() -> Iterator[None]:
    """Have nothing collected by chance."""
    gc.disable()
    yield
    gc.enable()


def test_a_worker_that_has_left_is_let_go_of(uncollected: None) -> None:
    told, stop = Told(), threading.Event()
    group = Group("group", 1, Surroundings(Settings(), told, lambda: None))  # type: ignore[arg-type]
    thread = threading.Thread(target=group.run, args=(stop,), daemon=True)
    thread.start()
    assert ran.wait(PATIENCE_S)
    deadline = time.monotonic() + PATIENCE_S
    while made[0]() is not None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert made[0]() is None, "kept in memory"
    stop.set()
    thread.join(PATIENCE_S)
