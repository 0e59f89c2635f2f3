"""``engage bench scale``: what its rows come to; and the frames that come from outside, drawn beforehand."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from click.testing import CliRunner

from engage.capture.decoding import decode
from engage.cli import engage as command
from engage.cli import scale_bench
from engage.cli.class_feed import SIZE_PX, drawn, push
from engage.cli.live_bench import Load, spent_since, stage_figures
from engage.config import Settings, load
from engage.core.types import Origin, PushedFrame
from engage.errors import EngageError
from engage.storage.pulse import Beat, Standing

SETTINGS: Settings = load(environment={})


def row(students: int, cores: float, dropped: float = 0.0, p95: float | None = 0.2) -> dict[str, Any]:
    return {
        "students": students,
        "cores_busy": cores,
        "cores_per_student": cores / students,
        "frames_dropped_share": dropped,
        "event_latency_s_p95": p95,
    }


def series(*rows: dict[str, Any]) -> dict[str, Any]:
    given = {each["students"]: each for each in rows}

    def run(settings: Settings, asked: Load) -> dict[str, Any]:
        assert asked.drawn_before and asked.rate_fps == 2.0 and not asked.adapt
        if asked.students not in given:
            raise EngageError("Only 3 of 200 students were seen.")
        return given[asked.students]

    return scale_bench.measure(SETTINGS, [10, 20, 50, 100, 200], 2.0, 30.0, run)


def test_a_machine_that_bears_all_of_them() -> None:
    found = series(*(row(n, 0.1 + 0.01 * n) for n in (10, 20, 50, 100, 200)))
    assert found["saturated_from_students"] is None and found["borne_students"] == 200
    assert found["cores_fixed_and_each"] == [pytest.approx(0.1), pytest.approx(0.01)]
    assert found["cost_spread"] == pytest.approx(0.02 / 0.0105, abs=0.001) and not found["cost_even"]


def test_saturation_begins_where_frames_are_lost_or_events_are_late() -> None:
    lost = series(row(10, 0.1), row(20, 0.2), row(50, 0.5), row(100, 1.0, dropped=0.05), row(200, 1.9, dropped=0.5))
    assert lost["saturated_from_students"] == 100 and lost["borne_students"] == 50
    assert lost["cost_even"] and lost["cost_spread"] == 1.0
    assert "saturation begins at 100" in lost["verdict"]
    late = series(row(10, 0.1), row(20, 0.2, p95=0.6), row(50, 0.5), row(100, 1.0), row(200, 1.0, p95=None))
    assert late["saturated_from_students"] == 20


def test_a_class_that_does_not_even_start_ends_the_series_and_is_told() -> None:
    found = series(row(10, 0.1), row(20, 0.2))
    assert found["saturated_from_students"] == 50
    assert [each.get("problem") for each in found["classes"]] == [None, None, "Only 3 of 200 students were seen."]


def test_the_command_prints_a_table_or_json(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[int]] = []

    def measured(settings: Settings, counts: list[int], rate: float, seconds: float) -> dict[str, Any]:
        asked.append(counts)
        return {"classes": [row(10, 0.1), {"students": 20, "problem": "did not start"}], "verdict": "said so"}

    monkeypatch.setattr(scale_bench, "measure", measured)
    arguments = ["bench", "scale", "--students", "20", "--students", "10", "--seconds", "5"]
    shown = CliRunner().invoke(command, arguments, catch_exceptions=False, env={"COLUMNS": "200"})
    assert "said so" in shown.output and "did not start" in shown.output
    found = json.loads(CliRunner().invoke(command, [*arguments, "--json"], catch_exceptions=False).output)
    assert found["classes"][0]["students"] == 10 and found["cores"]
    assert asked == [[10, 20]] * 2


def test_processor_time_is_told_by_process_also_of_those_that_came_later() -> None:
    assert spent_since({"web": 1.0, "gone": 2.0}, {"web": 1.5, "capture": 0.25}) == {
        "capture": 0.25,
        "gone": 0.0,
        "web": 0.5,
    }


class Line:
    dropped = 0

    def __init__(self) -> None:
        self.sent: list[PushedFrame] = []

    def send(self, message: object) -> None:
        assert isinstance(message, PushedFrame)
        self.sent.append(message)

    def close(self) -> None: ...


def test_frames_drawn_beforehand_go_to_every_student_at_the_rate_that_was_asked_for() -> None:
    reel = drawn(3, rate_fps=2.0)
    image = decode(reel[0])
    assert image is not None and image.shape == (SIZE_PX[1], SIZE_PX[0], 3)
    assert reel[1] != reel[0], "a student moves"
    lines = {Origin(1, k, k): Line() for k in range(1, 5)}
    enough = threading.Event()

    def until(wait_s: float) -> bool:
        if min(len(line.sent) for line in lines.values()) >= 3:
            enough.set()
        return enough.wait(wait_s)

    times = push(lines, [reel], 50.0, until)
    assert len(times) == sum(len(line.sent) for line in lines.values())
    for origin, line in lines.items():
        assert {frame.origin for frame in line.sent} == {origin}
        assert [frame.seq for frame in line.sent] == list(range(1, len(line.sent) + 1))
        assert all(frame.data in reel for frame in line.sent)
    assert max(len(line.sent) for line in lines.values()) - 3 <= 1, "all at the same rate"


def test_what_was_not_looked_at_on_purpose_is_no_drop() -> None:
    class Written:
        def last(self) -> Beat:
            meters = {"frames_inferred": 90.0, "frames_stale": 6.0, "frames_crowded": 4.0}
            return Beat(
                datetime.now(UTC),
                (Standing("a", True, False, 0, {}, meters), Standing("b", True, False, 0, {}, {"rate_fps": 3.5})),
            )

    fixed = stage_figures(cast(Any, Written()), adapts=False)
    assert fixed == {"frames_inferred": 90, "frames_stale": 6, "frames_crowded": 4, "rate_fps": 3.5}
    assert stage_figures(cast(Any, Written()), adapts=True)["frames_dropped_share"] == 0.1
