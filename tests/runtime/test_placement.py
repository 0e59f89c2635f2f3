"""Workers stay where they are and spread evenly; a worker that hung is held back."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from engage.runtime.placement import FORGIVEN_AFTER_S, LONGEST_HOLD_S, Held, place

workers = st.lists(st.integers(0, 40).map("w{}".format), unique=True)
groups = st.lists(st.sampled_from(["g1", "g2", "g3", "g4"]), unique=True, min_size=1)


@given(workers, groups)
def test_new_workers_spread_evenly(names, group_names):
    placed = place(names, group_names, {})
    assert set(placed) == set(names)
    loads = Counter(dict.fromkeys(group_names, 0)) + Counter(placed.values())
    counts = [loads[group] for group in group_names]
    assert max(counts) - min(counts) <= 1


@given(workers, workers, groups, groups)
def test_worker_never_moves_while_its_group_is_there(before, after, old_groups, new_groups):
    first = place(before, old_groups, {})
    second = place(after, new_groups, first)
    assert set(second) == set(after)
    assert all(second[name] == first[name] for name in after if first.get(name) in new_groups)
    assert set(second.values()) <= set(new_groups)


def test_nothing_is_placed_without_groups():
    assert place(["w"], [], {"w": "g1"}) == {}


def test_worker_that_hangs_again_and_again_is_held_ever_longer():
    held, now_s, holds = Held(), 0.0, []
    for _ in range(12):
        holds.append(held.blame("camera", now_s))
        assert held.is_held("camera", now_s + holds[-1] * 0.99)
        assert not held.is_held("camera", now_s + holds[-1] * 1.01)
        now_s += holds[-1] + 10
    assert holds == sorted(holds)
    assert holds[-1] == LONGEST_HOLD_S
    assert held.blame("camera", now_s + 2 * FORGIVEN_AFTER_S) == holds[0]
    assert not held.is_held("other", now_s)
