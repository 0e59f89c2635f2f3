"""The collector's hints on their way to the capture workers."""

from __future__ import annotations

from typing import Any, cast

from engage.cli.hinting import KEPT_S, Hinting, busy_share, feedback
from engage.config import Settings, load
from engage.core.meters import Meters
from engage.core.types import Origin, RateHint


class Line:
    dropped = 0

    def __init__(self) -> None:
        self.sent: list[object] = []
        self.closed = False

    def send(self, message: object) -> None:
        assert not self.closed
        self.sent.append(message)

    def close(self) -> None:
        self.closed = True


class Surroundings:
    """A context whose clock moves when told to."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.clock = self
        self.meters = Meters()
        self.lines: dict[str, list[Line]] = {}
        self.at_s = 0.0

    def monotonic(self) -> float:
        return self.at_s

    def sender(self, channel: str) -> Line:
        self.lines.setdefault(channel, []).append(Line())
        return self.lines[channel][-1]


def test_each_source_has_one_line_until_it_is_gone() -> None:
    around = Surroundings(load(environment={}))
    hinting = Hinting(cast(Any, around))
    first, second = Origin(1, 7, 3), Origin(1, 8, 4)
    for _ in range(3):
        hinting(RateHint(first, 4.0))
    hinting(RateHint(Origin(1, 7, 9), 4.0))
    (line,) = around.lines["hints.1-7"]
    assert len(line.sent) == 4, "people in one picture share its line"
    around.at_s += KEPT_S + 1
    hinting(RateHint(second, 4.0))
    assert line.closed and not around.lines["hints.1-8"][0].closed
    hinting(RateHint(first, 2.0))
    assert around.lines["hints.1-7"][1].sent == [RateHint(first, 2.0)]
    hinting.close()
    assert all(each.closed for lines in around.lines.values() for each in lines)


def test_the_settings_say_whether_rates_adapt() -> None:
    for adapt in (True, False):
        around = Surroundings(load(flags={"capture": {"adapt": adapt}}, environment={}))
        found = feedback(cast(Any, around), Hinting(cast(Any, around)))
        assert found.adapts is adapt and found.meters is around.meters


def test_how_busy_the_processors_are_is_a_share() -> None:
    busy_share()
    assert 0.0 <= cast(float, busy_share()) <= 1.0
