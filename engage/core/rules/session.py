"""All rules of one session: scored samples and camera states in, alerts that began or ceased to fire out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from operator import itemgetter

from engage.core.rules.hold import Hold, HoldState
from engage.core.rules.settings import LIMITS, AlertSettings, RuleName
from engage.core.rules.student import STUDENT_RULES, Reading, StudentSignals, reading_of
from engage.core.types import ScoredSample, SourceStatus
from engage.core.updates import AlertEvent, AlertState

GROUP_WAIT_S = 5.0
"""Who would fire within this time counts for the group, so that twenty students become one alert, not two and one."""
GROUP_ENDS_S = 15.0
MEMBER_S = 300.0
"""Who was heard of within this time is of the class."""
DIP_WAIT_S = 25.0
"""Where the class is about to dip, many students' falls wait so long for that one alert,"""
AFTER_DIP_S = 30.0
"""and are not told so long after it: they come back one by one."""
LEAST_FOR_DIP = 4
LEAST_COVERAGE = 0.5

INHIBITED_BY = {
    RuleName.LOW_ENGAGEMENT: (RuleName.CAMERA_LOST, RuleName.AWAY, RuleName.DROWSY),
    RuleName.SUDDEN_DROP: (RuleName.CAMERA_LOST, RuleName.AWAY, RuleName.DROWSY, RuleName.LOW_ENGAGEMENT),
    RuleName.AWAY: (RuleName.CAMERA_LOST,),
    RuleName.DROWSY: (RuleName.CAMERA_LOST, RuleName.AWAY),
    RuleName.NEGATIVE_EXPRESSION: (RuleName.CAMERA_LOST, RuleName.AWAY),
}
"""What says more silences what says less about the same student."""
REPLACED_BY_DIP = (RuleName.LOW_ENGAGEMENT, RuleName.SUDDEN_DROP)

Key = tuple[int | None, RuleName]
"""Whom (None is the class) and by which rule."""
_TIME: Callable[[tuple[float, object]], float] = itemgetter(0)


@dataclass(slots=True)
class _Group:
    """Many students at once, by one rule."""

    on: bool = False
    few_since: float = math.inf


class SessionRules:
    """The rules of one session. The same observations in the same order give the same alerts, however they are cut."""

    def __init__(self, session_id: int, settings: AlertSettings, ended: Iterable[AlertEvent] = ()) -> None:
        """Follow ``session_id`` by ``settings``; the cool-downs of alerts that have ``ended`` before go on.

        After an alert of many by a student's rule all students cool down: who they were is not known any more.
        """
        self.settings = settings
        self._cool_until: dict[Key, float] = {}
        self._session_id = session_id
        self._students: dict[int, StudentSignals] = {}
        self._groups: dict[RuleName, _Group] = {name: _Group() for name in STUDENT_RULES}
        self._stirring: dict[RuleName, set[Hold]] = {name: set() for name in STUDENT_RULES}
        """Of all students, what is pending or firing: the rest of their rules need not be looked at."""
        for event in ended:
            self._cool(event)
        self._dip = Hold(settings.class_dip, LIMITS[RuleName.CLASS_DIP])
        self._dip.cool_until = self._cool_until.get((None, RuleName.CLASS_DIP), -math.inf)
        self._open: dict[Key, AlertEvent] = {}
        self._at = self._dipped_at = -math.inf

    @property
    def reached(self) -> datetime | None:
        """Return the latest moment that was observed."""
        return None if math.isinf(self._at) else datetime.fromtimestamp(self._at, UTC)

    @property
    def firing(self) -> tuple[AlertEvent, ...]:
        """Return the alerts that fire."""
        return tuple(self._open.values())

    def observe(self, items: Iterable[ScoredSample | Reading | SourceStatus]) -> list[AlertEvent]:
        """Return what began or ceased to fire by ``items``, in order of their time."""
        events: list[AlertEvent] = []
        for at, item in sorted(map(_timed, items), key=_TIME):
            if isinstance(item, Reading):
                self._student(item.student_id).observe(item)
            elif item.origin.student_id:
                self._student(item.origin.student_id).note(item)
            if math.floor(at) > self._at or math.isinf(self._at):
                events += self._reach(at)
        return events

    def advance(self, to: datetime) -> list[AlertEvent]:
        """Return what begins or ceases to fire because time has reached ``to``, though nothing was observed."""
        at = to.timestamp()
        return self._reach(at) if math.floor(at) > self._at and not math.isinf(self._at) else []

    def adopt(self, event: AlertEvent) -> None:
        """Take over a firing that is stored: if its like fires here, it is that one, with that one's start and id."""
        key = (event.student_id, RuleName(event.rule))
        if key in self._open:
            self._open[key] = replace(event, details={**self._open[key].details, **event.details})

    def _student(self, student_id: int) -> StudentSignals:
        if student_id not in self._students:
            student = self._students[student_id] = StudentSignals(self.settings, self._stirring)
            for name, hold in student.holds.items():
                hold.cool_until = max(self._cool_until.get((who, name), -math.inf) for who in (student_id, None))
        return self._students[student_id]

    def _cool(self, event: AlertEvent) -> None:
        if event.ended_at is not None:
            key = event.student_id, RuleName(event.rule)
            until = event.ended_at.timestamp() + self.settings.rule(key[1]).cool_down_s
            self._cool_until[key] = max(self._cool_until.get(key, -math.inf), until)

    def _reach(self, at: float) -> list[AlertEvent]:
        """Bring everything to second ``at`` and compare what fires with what fired."""
        self._at = math.floor(at)
        for student in self._students.values():
            student.advance(at)
        self._dip.update(at, self._class_drop(at))
        if self._all_quiet():
            return []
        visible = list(self._visible(at))
        ended = [self._resolved(key, at) for key in self._open if key not in visible]
        begun = [self._fired(key, at) for key in visible if key not in self._open]
        for event in ended:
            del self._open[(event.student_id, RuleName(event.rule))]
        self._open |= {(event.student_id, RuleName(event.rule)): event for event in begun}
        return ended + begun

    def _class_drop(self, at: float) -> float | None:
        """Return how far the students lie below their own last minutes on average; None where few are scored.

        Each is compared with themselves, so that the mean does not move because someone leaves. It is never more than
        the fall of the ``group_least``-th: one student of five, turned aside, is not a dip of the class.
        """
        members = self._members(at)
        drops = [student.drop for student in members if student.drop is not None]
        if len(drops) < max(LEAST_FOR_DIP, LEAST_COVERAGE * len(members)):
            return None
        fallen = sorted(drops, reverse=True)[: self.settings.group_least]
        return min(sum(drops) / len(drops), fallen[-1])

    def _all_quiet(self) -> bool:
        """Return whether nothing is pending or firing, of anybody: nothing can begin or cease then."""
        return not (
            self._open
            or any(self._stirring.values())
            or self._dip.state is not HoldState.INACTIVE
            or any(group.on for group in self._groups.values())
        )

    def _members(self, at: float) -> list[StudentSignals]:
        return [student for student in self._students.values() if at - student.heard_at <= MEMBER_S]

    def _visible(self, at: float) -> Iterator[Key]:
        """Yield what fires and is neither grouped nor inhibited."""
        dip = self._dip.state is HoldState.FIRING
        self._dipped_at = at if dip else self._dipped_at
        after = at - self._dipped_at <= AFTER_DIP_S
        n_students = len(self._members(at))
        grouped = {name for name in STUDENT_RULES if self._grouped(name, at, n_students)}
        blind = RuleName.CAMERA_LOST in grouped
        if dip and not blind:
            yield None, RuleName.CLASS_DIP
        for name in STUDENT_RULES:
            silenced = blind and name is not RuleName.CAMERA_LOST
            if name in REPLACED_BY_DIP:
                silenced |= after or ((None, name) not in self._open and self._dip.nearly(at, DIP_WAIT_S))
            if name in grouped and not silenced:
                yield None, name
        yield from self._of_students(grouped, after)

    def _of_students(self, grouped: set[RuleName], after_dip: bool) -> Iterator[Key]:
        fired = [name for name in STUDENT_RULES if any(map(_fires, self._stirring[name]))]
        if not fired:
            return
        for student_id, student in self._students.items():
            firing = {name for name in fired if _fires(student.holds[name])}
            for name in sorted(firing - grouped):
                inhibited = firing.intersection(INHIBITED_BY.get(name, ()))
                if not inhibited and not (after_dip and name in REPLACED_BY_DIP):
                    yield student_id, name

    def _grouped(self, name: RuleName, at: float, n_students: int) -> bool:
        group = self._groups[name]
        near = sum(hold.nearly(at, GROUP_WAIT_S) for hold in self._stirring[name])
        firing = any(map(_fires, self._stirring[name]))
        many = max(self.settings.group_least, math.ceil(self.settings.group_share * n_students))
        if not group.on:
            group.on = near >= many and firing
            group.few_since = math.inf
        elif near >= many / 2:
            group.few_since = math.inf
        else:
            group.few_since = min(group.few_since, at)
            group.on = at - group.few_since < GROUP_ENDS_S
        return group.on

    def _details(self, key: Key, at: float) -> dict[str, float | str]:
        """Return the numbers behind what begins to fire."""
        student_id, name = key
        if student_id is not None:
            student = self._students[student_id]
            return self._held(name, student.holds[name], student.usual)
        return self._held(name, self._dip) if name is RuleName.CLASS_DIP else self._group_details(name, at)

    def _held(self, name: RuleName, hold: Hold, usual: float | None = None) -> dict[str, float | str]:
        details: dict[str, float | str] = {
            "since": round(hold.since, 3),
            "hold_s": self.settings.rule(name).hold_s,
            "threshold": self.settings.rule(name).threshold,
        }
        mean = hold.mean
        if mean is not None:
            details["mean"] = round(mean, 2)
        if usual is not None and name is RuleName.SUDDEN_DROP:
            details["usual"] = round(usual, 2)
        return details

    def _group_details(self, name: RuleName, at: float) -> dict[str, float | str]:
        members = [hold for hold in self._stirring[name] if hold.nearly(at, GROUP_WAIT_S)]
        since = min((hold.since for hold in members), default=self._at)
        return {
            "since": round(since, 3),
            "hold_s": self.settings.rule(name).hold_s,
            "threshold": self.settings.rule(name).threshold,
            "members": len(members),
            "students": max(len(self._members(at)), len(members)),
        }

    def _fired(self, key: Key, at: float) -> AlertEvent:
        moment, details = datetime.fromtimestamp(at, UTC), self._details(key, at)
        return AlertEvent(self._session_id, key[0], key[1].value, AlertState.FIRING, moment, details=details)

    def _resolved(self, key: Key, at: float) -> AlertEvent:
        event = self._open[key]
        return replace(
            event, state=AlertState.RESOLVED, ended_at=max(datetime.fromtimestamp(at, UTC), event.started_at)
        )


def _fires(hold: Hold) -> bool:
    return hold.state is HoldState.FIRING


def _timed(item: ScoredSample | Reading | SourceStatus) -> tuple[float, Reading | SourceStatus]:
    """Return an item, a sample as what the rules look at in it, with its time."""
    if isinstance(item, SourceStatus):
        return item.at.timestamp(), item
    reading = reading_of(item) if isinstance(item, ScoredSample) else item
    return reading.at, reading
