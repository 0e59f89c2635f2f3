"""What a list of students would change in a course: worked out before anything is saved."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from engage.core.rosters.people import Person, same_name
from engage.core.rosters.tables import Problem
from engage.core.seats import Grid, seat_of


class Kind(StrEnum):
    """What a line of the file would do."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "already there"
    BACK = "comes back"
    JOINS = "joins"
    """The school knows them already; they come into this course too."""


class Standing(StrEnum):
    """How a student stands to the course."""

    HERE = "here"
    FORMER = "former"
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True)
class Known:
    """A student the school has, as far as the file may concern them."""

    student_id: int
    standing: Standing
    name: str
    number: str | None
    seat: str | None
    minor: bool


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds besides the file: who is under age where it does not say, who may be let in, which seats there are."""

    minor: bool
    may_join: bool
    grid: Grid


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one line: the student as they will be, and in words what was otherwise before."""

    line: int
    kind: Kind
    student_id: int | None
    name: str
    number: str | None
    seat: str | None
    minor: bool
    before: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """All lines: what would be done, what is left out and why, and who of the course is not in the file."""

    changes: tuple[Change, ...]
    problems: tuple[Problem, ...]
    not_in_file: tuple[str, ...]

    def digest(self) -> str:
        """Return a fingerprint: two comparisons with the same one save the same."""
        return hashlib.sha256(repr(self.changes).encode("utf-8", "surrogatepass")).hexdigest()

    def of(self, *kinds: Kind) -> list[Change]:
        """Return the changes of some kinds."""
        return [change for change in self.changes if change.kind in kinds]


def compare(people: Sequence[Person], known: Iterable[Known], rules: Rules) -> Comparison:
    """Return what ``people`` would change. Known students are found by number, else by a name that only one has."""
    matching = _Matching(list(known), rules)
    for person in people:
        matching.take(person)
    matching.check_seats()
    met = {change.student_id for change in matching.changes}
    here = [each for each in matching.known if each.standing is Standing.HERE]
    missing = sorted(each.name for each in here if each.student_id not in met | matching.refused)
    return Comparison(tuple(matching.changes), tuple(sorted(matching.problems, key=_by_line)), tuple(missing))


class _Matching:
    def __init__(self, known: list[Known], rules: Rules) -> None:
        self.known, self.rules = known, rules
        self.by_number = {each.number: each for each in known if each.number is not None}
        self.by_name: defaultdict[tuple[Standing, str], list[Known]] = defaultdict(list)
        for each in known:
            self.by_name[each.standing, same_name(each.name)].append(each)
        self.changes: list[Change] = []
        self.problems: list[Problem] = []
        self.refused: set[int | None] = set()
        self._lines: dict[object, int] = {}

    def take(self, person: Person) -> None:
        """Work out one line."""
        found = self._known(person)
        if isinstance(found, str):
            self.problems.append(Problem(person.line, found))
            return
        key = found.student_id if found else (person.number or same_name(person.name))
        first = self._lines.setdefault(key, person.line)
        if first != person.line:
            self.problems.append(Problem(person.line, f"The same student as on line {first}."))
            return
        self.changes.append(self._new(person) if found is None else self._changed(person, found))

    def _known(self, person: Person) -> Known | str | None:
        """Return who it is, None for somebody new, or what is wrong."""
        if person.number is not None and person.number in self.by_number:
            found = self.by_number[person.number]
            if found.standing is Standing.ELSEWHERE and not self.rules.may_join:
                return "A student of another course has this number; an administrator can bring them in."
            return found
        for standing in (Standing.HERE, Standing.FORMER):
            called = self.by_name.get((standing, same_name(person.name)), [])
            called = [each for each in called if None in (each.number, person.number)]  # no number says otherwise
            if len(called) > 1:
                return f"Two students here are called {person.name}; give a number."
            if called:
                return called[0]
        return None

    def _new(self, person: Person) -> Change:
        minor = self.rules.minor if person.minor is None else person.minor
        return Change(person.line, Kind.NEW, None, person.name, person.number, person.seat, minor)

    def _changed(self, person: Person, known: Known) -> Change:
        if known.standing is Standing.ELSEWHERE:
            kept = known.name, known.number, person.seat, known.minor
            return Change(person.line, Kind.JOINS, known.student_id, *kept)
        seat = known.seat if known.standing is Standing.HERE else None
        change = Change(
            line=person.line,
            kind=Kind.SAME,
            student_id=known.student_id,
            name=person.name,
            number=person.number or known.number,
            seat=person.seat or seat,
            minor=known.minor if person.minor is None else person.minor,
        )
        before = tuple(_differences(known, change))
        kind = Kind.BACK if known.standing is Standing.FORMER else Kind.CHANGED if before else Kind.SAME
        return replace(change, kind=kind, before=before if kind is Kind.CHANGED else ())

    def check_seats(self) -> None:
        """Leave out lines whose seat cannot be had; again until all fit, since a line left out keeps its old seat."""
        while True:
            wrong = self._wrong_seats()
            if not wrong:
                return
            self.problems += [Problem(change.line, why) for change, why in wrong]
            self.refused |= {change.student_id for change, _ in wrong}
            gone = {change.line for change, _ in wrong}
            self.changes = [change for change in self.changes if change.line not in gone]

    def _wrong_seats(self) -> list[tuple[Change, str]]:
        before = {each.student_id: each.seat for each in self.known if each.standing is Standing.HERE}
        moved = {change.student_id for change in self.changes}
        holders = {
            each.seat: (each.student_id, each.name)
            for each in self.known
            if each.standing is Standing.HERE and each.seat is not None and each.student_id not in moved
        }
        wrong = []
        for change in sorted(self.changes, key=lambda each: not _stays(each, before)):  # who stays has the older right
            if change.seat is None:
                continue
            me = change.student_id or -change.line
            seat, grid = seat_of(change.seat), self.rules.grid
            if not _stays(change, before) and (seat is None or seat not in grid):
                why = f"There is no seat {change.seat}: the plan has {grid.rows} rows of {grid.columns}."
                wrong.append((change, why))
            elif holders.setdefault(change.seat, (me, change.name))[0] != me:
                wrong.append((change, f"Seat {change.seat} is taken by {holders[change.seat][1]}."))
        return wrong


def _stays(change: Change, before: dict[int, str | None]) -> bool:
    return change.student_id is not None and before.get(change.student_id) == change.seat


def _differences(known: Known, change: Change) -> list[str]:
    said = {True: "under age", False: "of age"}
    pairs = [
        (known.name, change.name, known.name),
        (known.number, change.number, f"number {known.number}" if known.number else "no number"),
        (known.seat, change.seat, f"seat {known.seat}" if known.seat else "no seat"),
        (known.minor, change.minor, said[known.minor]),
    ]
    return [words for before, after, words in pairs if before != after]


def _by_line(problem: Problem) -> int:
    return problem.line
