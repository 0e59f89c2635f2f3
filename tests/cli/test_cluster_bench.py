"""``engage bench cluster``: its figures are there and fit together; and the cameras whose frames were drawn before."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from engage.cli import engage as command
from engage.cli.bench import bench
from engage.cli.cluster_bench import gap_s, missing_s
from engage.cli.replayed import Reel
from engage.config import load
from engage.core.types import Origin, PushedFrame
from engage.errors import SettingsError
from tests.conftest import shared_folder
from tests.databases import PostgresServer

BEGAN = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)


class Clock:
    at_s = 1000.0

    def now(self) -> datetime:
        return BEGAN + timedelta(seconds=self.at_s - 1000.0)

    def monotonic(self) -> float:
        return self.at_s


def test_a_drawn_camera_has_a_frame_when_one_is_due_and_dates_it_so() -> None:
    clock, origin = Clock(), Origin(1, 3, 7)
    reel = Reel(origin, 2.0, clock, [b"a", b"b", b"c"])
    assert reel.receive(0.0) == []
    clock.at_s += 0.5
    first = reel.receive(0.0)
    clock.at_s += 1.25  # its reader was busy
    late = reel.receive(0.0)
    frames = [frame for frame in [*first, *late] if isinstance(frame, PushedFrame)]
    assert [frame.seq for frame in frames] == [1, 2, 3] and {frame.origin for frame in frames} == {origin}
    times = [frame.monotonic_s for frame in frames]
    assert times == pytest.approx([times[0], times[0] + 0.5, times[0] + 1.0]), "when due, not when taken"
    assert [frame.captured_at.timestamp() - BEGAN.timestamp() for frame in frames] == pytest.approx(
        [at_s - 1000.0 for at_s in times]
    )
    assert len({frame.data for frame in frames}) == 3
    assert reel.receive(0.0) == []


def test_drawn_cameras_of_a_class_do_not_come_all_at_once() -> None:
    clock = Clock()
    reels = [Reel(Origin(1, source, source), 2.0, clock, [b"a"]) for source in range(1, 11)]
    clock.at_s += 0.25
    assert 3 <= sum(len(reel.receive(0.0)) for reel in reels) <= 7


def test_what_is_missing_is_counted_by_the_second() -> None:
    stored = {(1, second) for second in (10, 11, 15, 16)} | {(2, second) for second in range(10, 17)}
    assert missing_s(stored, 1, 10, 16) == 3 and missing_s(stored, 2, 10, 16) == 0
    assert gap_s(stored, 1, 10, 16) == 4 and gap_s(stored, 2, 10, 16) == 1
    assert missing_s(stored, 3, 10, 16) == gap_s(stored, 3, 10, 16) == 6, "somebody of whom there is nothing"


def test_without_ray_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setitem(sys.modules, "ray.cluster_utils", None)
    ended = CliRunner().invoke(command, ["bench", "cluster"])
    assert isinstance(ended.exception, SettingsError)
    assert "pip install 'engage[ray]'" in str(ended.exception) and "\n" not in str(ended.exception)


@pytest.mark.nightly
@pytest.mark.postgres
@pytest.mark.timeout(400)
def test_a_lesson_on_three_nodes_of_which_one_is_killed(postgres_server: PostgresServer) -> None:
    pytest.importorskip("ray", reason="Ray is not installed")
    models = shared_folder() / "models"
    folders = [str(models)] if models.is_dir() else []
    inference = {"backend": "onnxruntime", "precision": "fp32", "replicas": 2, "max_age_s": 5.0}
    settings = load(flags={"models": {"folders": folders}, "inference": inference}, environment={})
    asked = ["cluster", "--students", "6", "--seconds", "5", "--json"]
    ended = CliRunner().invoke(bench, asked, obj=settings, catch_exceptions=False)
    print(ended.stdout)
    result = json.loads(ended.stdout)  # nothing of Ray's between
    assert result["nodes"] == 3 and result["replicas"] == 2 and result["killed_cameras"] == 2
    assert 0 < result["samples_published"] <= result["samples_expected"] + 6
    assert 0 < result["frames_stored"] <= result["frames_expected"] + 6
    for name in ("stored_latency_s", "published_latency_s"):
        assert 0 < result[f"{name}_p50"] <= result[f"{name}_p95"] <= result[f"{name}_p99"]
    assert result["stored_latency_s_p50"] <= result["published_latency_s_p50"]
    assert {"capture", "collector", "inference", "ray"} == set(result["cores_busy_by_process"])
    assert result["outage_s"] > 0
    assert result["published_twice"] == result["published_but_not_stored"] == 0
