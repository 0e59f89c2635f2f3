"""What stages count: snapshots that cross processes and come back as histograms."""

from __future__ import annotations

import threading

import pytest

from engage.core.meters import METERS, Meters, read_histogram


def test_counters_add_up_and_gauges_show_the_newest() -> None:
    meters = Meters()
    for value in (3.0, 2.0):
        meters.count("samples_written", value)
        meters.set("rate_fps", value)
    assert meters.snapshot() == {"samples_written": 5.0, "rate_fps": 2.0}


def test_a_histogram_comes_back_cumulated_with_its_bounds_included() -> None:
    meters = Meters()
    meters.observe("batch_size", [1, 2, 2, 3, 1000])
    found = read_histogram("batch_size", meters.snapshot())
    assert found is not None and found.total == 1008
    counts = dict(found.cumulated)
    assert (counts["1"], counts["2"], counts["4"], counts["512"], counts["+Inf"]) == (1, 3, 4, 4, 5)
    assert read_histogram("look_seconds", meters.snapshot()) is None


def test_nothing_is_lost_between_threads() -> None:
    meters = Meters()

    def work() -> None:
        for _ in range(500):
            meters.count("frames_read")
            meters.observe("look_seconds", [0.01])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = meters.snapshot()
    histogram = read_histogram("look_seconds", found)
    assert found["frames_read"] == 2000 and histogram is not None and histogram.cumulated[-1][1] == 2000


@pytest.mark.parametrize("name", ["nonsense", "rate_fps"])
def test_what_is_not_listed_or_of_another_kind_cannot_be_counted(name: str) -> None:
    with pytest.raises(KeyError):
        Meters().count(name)


def test_every_number_says_what_it_is() -> None:
    for name, meter in METERS.items():
        assert meter.help.endswith("."), name
        assert bool(meter.bounds) == (meter.kind == "histogram"), name
        assert list(meter.bounds) == sorted(meter.bounds), name
