"""The plan: what may be captured now, and how often."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from engage.cli.plan import Plan
from engage.config import Settings, load
from engage.core.policy import Consent, GivenBy, Jurisdiction, Subject
from engage.core.types import Mode, Origin
from engage.storage.records import PlannedSource, SetupRecord, SourceKind
from engage.storage.shared import SharedSource

AT = datetime(2026, 3, 2, tzinfo=UTC)
YES = Consent(True, GivenBy.STUDENT, AT)
VIRTUAL = Subject(virtual=True, minor=False, consent=None)
WILLING = Subject(virtual=False, minor=False, consent=YES)


class Database:
    """Stands for queries and classroom: what runs, and what was answered at first run."""

    def __init__(self, sources: list[PlannedSource], setup: SetupRecord | None) -> None:
        self.sources = sources
        self.shared: list[SharedSource] = []
        self.answer = setup

    def capture_plan(self) -> list[PlannedSource]:
        return self.sources

    def shared_plan(self) -> list[SharedSource]:
        return self.shared

    def setup(self) -> SetupRecord | None:
        return self.answer


def source(number: int, subject: Subject, paused: bool = False, kind: SourceKind = SourceKind.VIRTUAL) -> PlannedSource:
    return PlannedSource(Origin(1, number, number), kind, f"virtual:{number}", subject, paused)


def plan(sources: list[PlannedSource], setup: SetupRecord | None = None, flags: dict[str, Any] | None = None) -> Plan:
    database = cast(Any, Database(sources, setup))
    return Plan(settings(flags), database, database)


def settings(flags: dict[str, Any] | None = None) -> Settings:
    return load(flags=flags, environment={})


def answered(jurisdiction: Jurisdiction, mode: Mode = Mode.FULL) -> SetupRecord:
    return SetupRecord(jurisdiction, mode, 1, AT)


def test_before_set_up_only_drawings_are_looked_at() -> None:
    specs = plan([source(1, VIRTUAL), source(2, WILLING)])()
    assert [spec.name for spec in specs] == ["capture-1-1"]


@pytest.mark.parametrize(
    "subject",
    [
        replace(WILLING, consent=None),
        replace(WILLING, consent=replace(YES, granted=False)),
        replace(WILLING, minor=True),
    ],
)
def test_without_consent_nothing_starts(subject: Subject) -> None:
    assert plan([source(1, subject)], answered(Jurisdiction.US))() == []


def test_eu_leaves_presence_and_settings_beat_the_answer() -> None:
    assert plan([source(1, WILLING)], answered(Jurisdiction.EU))()[0].arguments["mode"] == "presence"
    capped = plan([source(1, WILLING)], answered(Jurisdiction.US), {"policy": {"jurisdiction": "eu"}})
    assert capped()[0].arguments["mode"] == "presence"


def test_a_paused_student_is_not_looked_at() -> None:
    assert plan([source(1, WILLING, paused=True)], answered(Jurisdiction.US))() == []


def test_a_browser_that_has_joined_is_captured_and_a_shared_window_is_not() -> None:
    sources = [source(1, WILLING, kind=SourceKind.BROWSER), source(2, WILLING, kind=SourceKind.WINDOW)]
    assert [spec.name for spec in plan(sources, answered(Jurisdiction.US))()] == ["capture-1-1"]


def test_a_crowd_is_looked_at_less_often() -> None:
    strong = {"capture": {"frames_per_core_s": 1000, "adapt": False}}
    few = plan([source(k, VIRTUAL) for k in range(30)], flags=strong)()
    many = plan([source(k, VIRTUAL) for k in range(31)], flags=strong)()
    assert {spec.arguments["rate_fps"] for spec in few} == {5.0}
    assert {spec.arguments["rate_fps"] for spec in many} == {2.0}


def test_where_rates_adapt_nobody_begins_anew_because_others_came() -> None:
    few, many = (plan([source(k, VIRTUAL) for k in range(count)])() for count in (3, 40))
    assert [spec for spec in many if spec.name in {each.name for each in few}] == few


def test_a_weak_machine_looks_less_often_but_never_below_the_lowest_rate() -> None:
    def rate(students: int) -> float:
        flags = {"capture": {"frames_per_core_s": 20.0 / (os.cpu_count() or 1), "adapt": False}}
        return float(plan([source(k, VIRTUAL) for k in range(students)], flags=flags)()[0].arguments["rate_fps"])

    assert rate(4) == 5.0
    assert rate(5) == 4.0
    assert rate(30) == 2.0


def test_a_picture_with_many_people_has_a_worker_that_asks_about_each_of_them_itself() -> None:
    database = Database([source(1, WILLING, kind=SourceKind.BROWSER)], None)
    database.shared = [SharedSource(Origin(1, 7, 0), SourceKind.WINDOW, "window:")]
    (spec,) = Plan(settings(None), cast(Any, database), cast(Any, database))()
    assert spec.name == "shared-1-7"
    assert spec.arguments["window"] is True


def test_what_has_changed_since_the_last_time_is_planned_anew_and_the_rest_is_the_same() -> None:
    database = Database([source(1, WILLING), source(2, WILLING)], answered(Jurisdiction.US))
    made = Plan(settings({"capture": {"adapt": False}}), cast(Any, database), cast(Any, database))
    first = made()
    database.sources = list(database.sources)
    assert [again is before for again, before in zip(made(), first, strict=True)] == [True, True]
    database.sources[0] = source(1, replace(WILLING, consent=replace(YES, granted=False)))
    assert [spec.name for spec in made()] == ["capture-1-2"], "a No stops the camera"
    database.sources[0] = source(1, WILLING, paused=True)
    assert [spec.name for spec in made()] == ["capture-1-2"]
    database.sources[0] = replace(source(1, WILLING), address="virtual:9")
    assert [spec.arguments["address"] for spec in made()] == ["virtual:9", "virtual:2"]
    database.answer = answered(Jurisdiction.EU)
    assert {spec.arguments["mode"] for spec in made()} == {"presence"}
    database.answer = None
    assert made() == []
