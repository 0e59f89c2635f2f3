"""How often sources are looked at: bounded by settings, following what the system proves to bear."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import pytest

from engage.capture_settings import Capture
from engage.core.pacing import LEAST_FPS, SETTLE_S, Observed, Tempo, agreed_rate_fps, typical


@pytest.mark.parametrize(
    ("n_sources", "cores", "rate"),
    [(1, 2, 5.0), (8, 2, 4.0), (30, 2, 2.0), (30, 16, 5.0), (31, 16, 2.0), (0, 1, 5.0)],
)
def test_what_cores_are_trusted_with_is_bounded_by_what_was_agreed(n_sources: int, cores: int, rate: float) -> None:
    assert agreed_rate_fps(Capture(), n_sources, cores) == rate


def test_nine_in_ten_are_typical() -> None:
    assert typical([]) is None
    assert typical([0.1]) == 0.1
    assert typical([0.1] * 95 + [60.0] * 5) == 0.1, "a few slow cameras slow down nobody"


@dataclass
class Machine:
    """A line that works off so many frames a second, queues the rest, and drops what is older than two seconds."""

    bears_fps: float
    n_sources: int
    tempo: Tempo
    others: float = 0.0
    """Share of the processors that other programs take."""
    told: bool = True
    """Whether the tempo hears how busy the processors are."""
    queue: float = 0.0
    rates: list[float] = field(default_factory=list)
    dropped: float = 0.0
    given: float = 0.0

    def run(self, seconds: int, from_s: int = 0) -> list[float]:
        """Return the rate of each second."""
        rates = []
        for second in range(from_s, from_s + seconds):
            rate = self.tempo.rate_fps() if second else LEAST_FPS
            given = rate * self.n_sources
            served = min(self.queue + given, self.bears_fps)
            self.queue += given - served
            dropped = max(0.0, self.queue - 2.0 * self.bears_fps)
            self.queue -= dropped
            self.dropped, self.given = self.dropped + dropped, self.given + given
            age_s = 0.05 + self.queue / self.bears_fps
            busy = min(1.0, self.others + served / self.bears_fps) if self.told else None
            self.tempo.observe(Observed(self.n_sources, age_s, dropped / given, busy), float(second))
            rates.append(rate)
        return rates


def changes(rates: list[float]) -> int:
    return sum(before != after for before, after in itertools.pairwise(rates))


def tempo(cores: int = 2, **settings: float) -> Tempo:
    return Tempo(Capture(**settings), cores)  # type: ignore[arg-type]


def test_a_machine_that_bears_more_than_it_was_trusted_with_is_found_out() -> None:
    machine = Machine(bears_fps=400, n_sources=30, tempo=tempo())
    rates = machine.run(120)
    assert rates[1] == 2.0, "thirty students on two cores begin at what is known"
    assert rates[-1] == 5.0
    assert changes(rates[60:]) == 0 and machine.dropped == 0


def test_a_machine_that_bears_less_slows_down_and_stays_there() -> None:
    machine = Machine(bears_fps=90, n_sources=30, tempo=tempo(cores=16), told=False)
    assert machine.run(10)[1] == 5.0
    rates = machine.run(290, from_s=10)
    assert machine.queue / machine.bears_fps < 0.5
    assert sum(2.0 <= rate <= 3.0 for rate in rates[60:]) > 0.9 * len(rates[60:]), "what it bears is three a second"
    assert max(rates[60:]) < 4.0
    assert changes(rates[60:]) <= 12, "no swaying: what was too much is tried again ever more seldom"
    later = machine.run(1200, from_s=300)
    assert changes(later) <= 12
    assert machine.dropped / machine.given < 0.01


def test_where_it_knows_how_busy_the_processors_are_it_does_not_even_try_too_much() -> None:
    machine = Machine(bears_fps=100, n_sources=30, tempo=tempo(cores=4))
    rates = machine.run(300)
    assert machine.dropped == 0 and machine.queue == 0
    assert changes(rates[60:]) == 0 and 2.5 <= rates[-1] <= 3.0
    beside = Machine(bears_fps=200, n_sources=30, tempo=tempo(), others=0.6)
    assert beside.run(120)[-1] == 2.0, "whatever else the machine does keeps its processors"


def test_it_recovers_when_the_load_is_gone() -> None:
    machine = Machine(bears_fps=150, n_sources=30, tempo=tempo(cores=16))
    assert machine.run(60)[-1] == 5.0
    machine.bears_fps = 70
    assert machine.run(120, from_s=60)[-1] < 2.5
    machine.bears_fps = 300
    assert machine.run(600, from_s=180)[-1] == 5.0


@pytest.mark.parametrize("bears_fps", [1.0, 10.0, 40.0])
def test_nobody_is_looked_at_less_often_than_a_score_needs(bears_fps: float) -> None:
    machine = Machine(bears_fps=bears_fps, n_sources=30, tempo=tempo(cores=16))
    rates = machine.run(600)
    assert min(rates) == rates[-1] == LEAST_FPS
    machine.bears_fps = 1000.0
    assert max(machine.run(1500, from_s=600)) == 5.0, "and being at the bottom is no trap"


def test_bounds_are_those_of_the_settings() -> None:
    slow = Machine(10.0, 30, tempo(lowest_rate_fps=3.0))
    assert slow.run(100)[-1] == 3.0
    few = Machine(1e6, 5, tempo(rate_fps=12.0))
    assert few.run(300)[-1] == 12.0
    asked = Machine(1e6, 5, tempo(rate_fps=1.0))
    assert asked.run(30)[-1] == 1.0, "who asks for less than the minimum gets it"
    crowd = Machine(1e6, 31, tempo(cores=64))
    assert crowd.run(60)[-1] == 2.0


def test_one_late_second_and_those_who_just_began_change_nothing() -> None:
    found = tempo(cores=16)
    late, fine = Observed(10, 3.0), Observed(10, 0.1)
    for second in range(int(SETTLE_S)):
        found.observe(late, second)
    assert found.rate_fps() == 5.0, "ten students began: their first results are late"
    for second in range(10, 30):
        found.observe(late if second % 2 else fine, second)
    assert found.rate_fps() == 5.0
    found.observe(late, 30)
    found.observe(late, 31)
    assert found.rate_fps() == 5.0 * 0.75


def test_more_students_share_what_was_learnt() -> None:
    machine = Machine(bears_fps=90, n_sources=20, tempo=tempo(cores=16))
    machine.run(120)
    learnt = machine.tempo.total_fps
    machine.n_sources = 25
    machine.run(1, from_s=120)
    assert machine.tempo.rate_fps() == pytest.approx(learnt / 25) and 2.0 < learnt / 25 < 5.0
