"""``engage plan``: what a school needs, and what it refuses to reckon from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from engage.cli import engage as command
from engage.cli.capacity import read
from engage.core.capacity import Line, Measured, School, fit, needs
from engage.errors import SettingsError

LINES = {
    "capture": Line(0.02, 0.008),
    "inference": Line(0.05, 0.01),
    "collector": Line(0.01, 0.001),
    "web": Line(0.02, 0),
}
MEASURED = Measured(2.0, LINES, Line(700.0, 6.0), 200, 4)


def school(students: int, rate_fps: float = 2.0, **more: Any) -> School:
    return School(students, rate_fps, **{"pages": students // 25, "browsers": students, "threads": 64, **more})


def test_a_line_is_found_through_points_and_never_below_zero() -> None:
    assert fit([(10, 0.3), (20, 0.5), (50, 1.1)]) == Line(pytest.approx(0.1), pytest.approx(0.02))
    assert fit([(10, 0.3)]) == Line(0.0, pytest.approx(0.03))
    assert fit([(10, 0.1), (20, 0.3)]).fixed == 0.0
    assert fit([(10, 0.3), (20, 0.2)]).each == 0.0
    assert fit([]).at(100) == 0.0


def test_what_was_measured_is_what_is_needed_for_the_same() -> None:
    found = needs(MEASURED, school(100), 5000)
    assert found.total_cores == pytest.approx(0.1 + 100 * 0.019)
    assert found.machines == 1 and found.notes == ()
    assert found.memory_gb_each == pytest.approx(1300 / 1024)


def test_a_higher_rate_costs_frames_and_a_lower_one_saves_only_those() -> None:
    at_two, at_four, at_one = (needs(MEASURED, school(100, rate), 5000).cores for rate in (2.0, 4.0, 1.0))
    assert at_four["inference"] - 0.05 == pytest.approx(2 * (at_two["inference"] - 0.05))
    assert at_one["capture"] - 0.02 == pytest.approx((at_two["capture"] - 0.02) / 2)
    assert at_one["collector"] == at_two["collector"], "a student second is a student second"


def test_five_thousand_students_need_machines_processes_and_a_warning() -> None:
    found = needs(MEASURED, school(5000), 3000)
    assert found.machines == -(-(0.1 + 5000 * 0.019) // (4 * 0.7))
    assert found.inference_workers == -(-(0.05 + 50) // 0.7)
    assert found.web_processes == -(-(5000 + 200) // 64)
    assert found.memory_gb_each < 700 / 1024 + 6.0 * 5000 / found.machines / 1024 + 0.01
    said = " ".join(found.notes)
    assert "PostgreSQL, Redis and Ray" in said and "25 times larger" in said and "takes 3000" in said


def row(students: int, dropped: float = 0.0) -> dict[str, Any]:
    by_process = {name: line.at(students) for name, line in LINES.items()}
    return {
        "students": students,
        "rate_fps": 2.0,
        "cores_busy": sum(by_process.values()),
        "cores_busy_by_process": by_process,
        "cores_per_student": sum(by_process.values()) / students,
        "memory_pss_mb": 700 + 6 * students,
        "frames_dropped_share": dropped,
        "event_latency_s_p95": 0.1,
    }


def result(file: Path, *rows: dict[str, Any], **more: Any) -> Path:
    file.write_text(json.dumps({"classes": rows, "cores": 4, "load_average": 1.0, **more}))
    return file


def planned(*arguments: str) -> dict[str, Any]:
    done = CliRunner().invoke(command, ["plan", *arguments, "--json"], catch_exceptions=False)
    return dict(json.loads(done.output))


def test_the_command_reckons_with_classes_that_were_borne_alone(tmp_path: Path) -> None:
    file = result(tmp_path / "scale.json", row(10), row(50), row(200), row(400, dropped=0.4))
    store = tmp_path / "store.json"
    store.write_text(json.dumps({"batches": {"50": {"samples_per_s": 4000.0}, "200": {"samples_per_s": 7000.0}}}))
    found = planned("--students", "5000", "--rate", "2", "--from", str(file), "--from", str(store))
    assert found["times_the_measured"] == 25.0, "400 dropped frames and does not count"
    assert found["cores_busy"] == pytest.approx(0.1 + 5000 * 0.019, abs=0.01)
    assert found["samples_per_s"] == 5000 and not any("database" in note for note in found["notes"])
    smaller = planned("--students", "100", "--browsers", "0", "--pages", "4", "--from", str(file))
    assert (smaller["machines"], smaller["web_processes"]) == (1, 1)
    text = CliRunner().invoke(command, ["plan", "--students", "5000", "--from", str(file)], catch_exceptions=False)
    assert "inference workers" in text.output and "25 times larger" in text.output


def test_a_busy_machine_is_no_measure(tmp_path: Path) -> None:
    file = result(tmp_path / "scale.json", row(10), load_average=20.0)
    assert any("busy" in note for note in planned("--students", "10", "--from", str(file))["notes"])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "There is no measurement"),
        ("no json", "is not what engage bench --json printed"),
        ('{"a": 1}', "no result of engage bench"),
        ("[]", "no result of engage bench"),
    ],
)
def test_without_a_measurement_there_is_no_answer(tmp_path: Path, content: str | None, says: str) -> None:
    file = tmp_path / "scale.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(SettingsError, match=says):
        read(file)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([row(10, dropped=0.5)], "No class"),
        ([row(10), {**row(20), "rate_fps": 5.0}], "several rates"),
        ([{"students": 10, "problem": "did not start"}], "No class"),
    ],
)
def test_measurements_that_do_not_fit_are_refused(tmp_path: Path, rows: list[dict[str, Any]], says: str) -> None:
    file = result(tmp_path / "scale.json", *rows)
    with pytest.raises(SettingsError, match=says):
        CliRunner().invoke(command, ["plan", "--students", "9", "--from", str(file)], catch_exceptions=False)
