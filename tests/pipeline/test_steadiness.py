"""Time goes on when the machine's clock is set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from engage.core.scoring_settings import ScoringSettings
from engage.core.signals import FrameSignals
from engage.core.types import Mode, Origin
from engage.pipeline.steadiness import SteadyTime
from engage.pipeline.student import StudentLine

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def test_ordinary_time_is_left_alone() -> None:
    steady = SteadyTime()
    times = [at(0), at(0.5), at(0.4), at(90), at(91)]
    assert [steady.of(each, number) for number, each in enumerate(times)] == times


def test_a_clock_set_back_goes_on_from_where_it_was_until_it_has_caught_up() -> None:
    steady = SteadyTime()
    assert steady.of(at(0), 10.0) == at(0)
    assert steady.of(at(1) - HOUR, 11.0) == at(1)
    assert steady.of(at(2) - HOUR, 12.0) == at(2)
    assert steady.of(at(3) - 2 * HOUR, 13.0) == at(3)
    assert steady.of(at(500), 14.0) == at(500)
    assert steady.of(at(501), 15.0) == at(501)


def test_after_a_restart_it_goes_on_from_what_is_stored() -> None:
    steady = SteadyTime()
    steady.resume(at(100))
    assert steady.of(at(1), 5.0) == at(100)
    assert steady.of(at(2), 6.0) == at(101)


@pytest.mark.parametrize("jump_s", [-86400.0, -3600.0, -30.0, 30.0, 3600.0])
def test_a_lesson_goes_on_when_the_clock_is_set(jump_s: float) -> None:
    """Without SteadyTime there was no sample until a clock that was set back had caught up."""
    line = StudentLine(1, 2, ScoringSettings())
    samples = []
    for number in range(120):
        seconds = number / 2
        stamp = at(seconds + (jump_s if seconds >= 30 else 0.0))
        taken = line.take(FrameSignals(Origin(1, 1, 2), Mode.FULL, number, stamp, seconds, 0.5))
        if taken.sample is not None:
            samples.append(taken.sample.sample.second)
    assert len(samples) >= 58
    assert samples == sorted(set(samples))
