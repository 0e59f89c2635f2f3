"""The loop from the end of the line back to the cameras: what is judged, who is told, and when."""

from __future__ import annotations

import pytest

from engage.capture_settings import Capture
from engage.core.meters import Meters
from engage.core.pacing import Tempo
from engage.core.types import Origin, RateHint, Strain
from engage.core.updates import Rate
from engage.pipeline.collector import Collector, CollectorSettings
from engage.pipeline.feedback import REPEAT_S, SEEN_S, Feedback
from tests.pipeline.test_collector import Rig, frame

ORIGINS = [Origin(1, k, k) for k in range(1, 11)]


class Line:
    """A feedback with its hints, and a clock moved by hand."""

    def __init__(self, adapts: bool = True, busy: float | None = None) -> None:
        self.hints: list[RateHint] = []
        self.meters = Meters()
        tempo = Tempo(Capture(rate_fps=4.0), cores=8)
        self.feedback = Feedback(tempo, self.hints.append, lambda: busy, self.meters, adapts)
        self.at_s = 0.0

    def second(self, age_s: float, dropped: int = 0, origins: list[Origin] = ORIGINS) -> list[RateHint]:
        """Let a second pass in which each source gave four frames; return who was told."""
        before = len(self.hints)
        for origin in origins:
            for _ in range(4):
                self.feedback.see(origin, age_s, self.at_s)
        self.feedback.strain(Strain(4 * len(origins) - dropped, dropped))
        self.at_s += 1.0
        self.feedback.judge(self.at_s)
        return self.hints[before:]


def test_late_frames_slow_down_every_source_and_are_told_to_all() -> None:
    line = Line()
    for _ in range(7):
        line.second(0.1)
    told = [*line.second(0.9), *line.second(0.9), *line.second(0.9)]
    slower = [hint for hint in told if hint.rate_fps < 4.0]
    assert {hint.origin for hint in slower} == set(ORIGINS) and {hint.rate_fps for hint in slower} == {3.0}
    assert line.feedback.rate() == Rate(3.0, 4.0)
    assert line.meters.snapshot()["rate_fps"] == 3.0 and line.meters.snapshot()["sources_seen"] == 10


def test_drops_at_inference_count_as_much_although_what_arrives_is_fresh() -> None:
    line = Line()
    for _ in range(7):
        line.second(0.1)
    for _ in range(4):
        line.second(0.1, dropped=5)
    assert line.feedback.rate() == Rate(3.0, 4.0)


def test_hints_are_few_but_repeated_and_a_newcomer_is_told_at_once() -> None:
    line = Line()
    told = [len(line.second(0.1)) for _ in range(1 + 4 * int(REPEAT_S))]
    assert sum(told) <= 5 * len(ORIGINS)
    assert max(told[6:]) == len(ORIGINS), "for workers that began anew"
    newcomer = Origin(1, 99, 99)
    while line.second(0.1):
        pass
    assert {hint.origin for hint in line.second(0.1, origins=[*ORIGINS, newcomer])} >= {newcomer}


def test_who_gives_nothing_any_more_does_not_share_the_machine() -> None:
    line = Line()
    for _ in range(3):
        line.second(0.1)
    for _ in range(int(SEEN_S) + 1):
        line.second(0.1, origins=ORIGINS[:2])
    assert line.meters.snapshot()["sources_seen"] == 2


def test_where_rates_do_not_adapt_nobody_is_told_and_the_page_hears_the_truth() -> None:
    line = Line(adapts=False)
    for _ in range(20):
        line.second(3.0, dropped=20)
    assert line.hints == []
    assert line.feedback.rate() == Rate(4.0, 4.0)


def test_the_collector_judges_the_age_of_what_arrives_and_tells_the_pages() -> None:
    rig, hints = Rig(), list[RateHint]()
    feedback = Feedback(Tempo(Capture(), cores=8), hints.append)
    collector = Collector(
        CollectorSettings(rig.collector._settings.scoring), rig.store, rig.publisher, lambda *_: ((), ()), rig.clock,
        feedback=feedback,
    )  # fmt: skip
    for second in range(30):
        rig.clock.at_s = second + 0.9
        late_s = 0.8 if second > 8 else 0.1
        collector.take([frame(1, rig.clock.at_s - late_s), Strain(1, 0)])
        feedback.judge(rig.clock.at_s)
        collector.flush()
    assert hints[-1].origin == Origin(1, 1, 1) and hints[-1].rate_fps < 5.0
    newest = rig.publisher.updates[-1].rate
    assert newest is not None and newest.asked_fps == pytest.approx(feedback.tempo.rate_fps())
    assert newest.agreed_fps == 5.0
    found = feedback.meters.snapshot()
    assert found["samples_written"] == len(rig.store.samples) == 30
    assert found["committed_age_seconds_sum"] == pytest.approx(9 * 0.1 + 21 * 0.8, abs=0.1)


def test_a_strain_without_feedback_is_no_error() -> None:
    rig = Rig()
    rig.collector.take([Strain(3, 1), frame(1, 1.0)])
    assert rig.collector.flush() and rig.publisher.updates[-1].rate is None
