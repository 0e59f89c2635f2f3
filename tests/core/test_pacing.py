"""How fast a browser is asked to push."""

from __future__ import annotations

import pytest

from engage.config import Capture
from engage.core.pacing import LEAST_FPS, Pacer, agreed_rate_fps


@pytest.mark.parametrize(
    ("n_sources", "cores", "rate"),
    [(1, 2, 5.0), (8, 2, 4.0), (30, 2, 2.0), (30, 16, 5.0), (31, 16, 2.0), (0, 1, 5.0)],
)
def test_what_is_agreed_is_bounded_by_what_the_cores_bear(n_sources: int, cores: int, rate: float) -> None:
    assert agreed_rate_fps(Capture(), n_sources, cores) == rate


def test_late_results_slow_it_down_to_one_a_second_and_fresh_ones_bring_it_back() -> None:
    pacer = Pacer(5.0)
    rates = []
    for second in range(12):
        pacer.hear(4.0, float(second))
        rates.append(pacer.ask(5.0))
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] == LEAST_FPS
    for second in range(12, 24):
        pacer.hear(1.0 / pacer.rate_fps + 0.2, float(second))
    assert pacer.ask(5.0) == 5.0
    assert pacer.ask(2.0) == 2.0, "never above what is agreed"


def test_one_change_a_second_and_none_in_between() -> None:
    pacer = Pacer(5.0)
    for _ in range(9):
        pacer.hear(9.0, 50.0)
    assert pacer.ask(5.0) == 5.0 * 0.7
    pacer.hear(1 / 3.5 + 0.7, 60.0)
    assert pacer.ask(5.0) == 5.0 * 0.7, "neither late nor fresh"
