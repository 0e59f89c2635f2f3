"""Lists of students: any bytes give students and problems with lines; what they would change is worked out first."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engage.core.rosters.comparison import Kind, Known, Rules, Standing, compare
from engage.core.rosters.oneroster import OneRoster, looks_like_zip, read_oneroster
from engage.core.rosters.people import PeopleFile, Person, read_people
from engage.core.rosters.tables import read_table
from engage.core.seats import Grid

TODAY = date(2026, 11, 23)
RULES = Rules(minor=True, may_join=False, grid=Grid(5, 6))


def people(text: str, encoding: str = "utf-8") -> PeopleFile:
    return read_people(read_table(text.encode(encoding)))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "windows-1252"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_encodings_and_separators(encoding: str, mark: str) -> None:
    text = "First name,Last name,Student ID,Seat,Under age\r\nRené,Müller,7,b3,yes\r\n".replace(",", mark)
    found = people(text, encoding)
    assert found.people == (Person(2, "René Müller", "7", "B3", True),)
    assert found.problems == ()


def test_quoted_line_breaks_keep_the_line_numbers() -> None:
    found = people('Name;Note\n"Okafor,\nBen";x\n\n;y\nAda;"a;b"\nEve;;z')
    assert [(person.line, person.name) for person in found.people] == [(2, "Okafor, Ben"), (6, "Ada")]
    assert [problem.line for problem in found.problems] == [5, 7]
    assert found.unused == ("Note",)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 0, "empty"),
        ("Name", 0, "no student"),
        ("Colour,Size\nred,1", 1, "must name the columns"),
        ("Name,Full name\na,b", 1, "Two columns"),
        ("First name\nAda", 1, "must name the columns"),
        ("Name,Seat\nAda,window", 2, "no seat"),
        ("Name,Minor\nAda,perhaps", 2, "yes or no"),
        ("Name,ID\n,7", 2, "no name"),
        ("Name\n" + "x" * 121, 2, "120"),
        ('Name\n"' + "x\n" * 2000, 2, "quotation mark"),
        ("Name\nA\u202eda", 2, "control"),
        ("Name\n" + "Ada\n" * 2001, 0, "more than 2000"),
    ],
)
def test_problems_have_their_line(text: str, line: int, words: str) -> None:
    problems = people(text).problems
    assert problems[0].line == line and words in problems[0].text


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_read(data: bytes) -> None:
    table = read_table(data)
    found = read_people(table)
    assert found.people or found.problems
    lines = data.count(b"\n") + data.count(b"\r") + data.count(b"\x85") + len(data)
    assert all(0 <= each.line <= lines + 1 for each in (*found.people, *found.problems))


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)


@settings(deadline=None)
@given(st.lists(st.tuples(CELLS, CELLS), max_size=8), st.sampled_from(",;\t"))
def test_every_line_is_a_student_or_a_problem(rows: list[tuple[str, str]], mark: str) -> None:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=mark)
    writer.writerows([("Name", "Number"), *rows])
    found = people(stream.getvalue())
    full = [row for row in rows if any(cell.split() for cell in row)]
    assert len(found.people) + len([each for each in found.problems if each.line > 0]) == len(full)


def here(student: int, name: str, number: str | None = None, seat: str | None = None) -> Known:
    return Known(student, Standing.HERE, name, number, seat, True)


def test_new_changed_same_back_and_left() -> None:
    known = [
        here(1, "Ada", "7", "A1"),
        here(2, "Ben"),
        here(3, "Chi"),
        Known(4, Standing.FORMER, "Dan", "9", None, True),
    ]
    found = compare(
        [Person(2, "Ada L.", "7"), Person(3, "ben", "8"), Person(4, "Eve", minor=False), Person(5, "Dan", "9"),
         Person(6, "Ada", "7"), Person(7, "BEN")],
        known, RULES,
    )  # fmt: skip
    assert [(change.line, change.kind, change.student_id) for change in found.changes] == [
        (2, Kind.CHANGED, 1), (3, Kind.CHANGED, 2), (4, Kind.NEW, None), (5, Kind.BACK, 4),
    ]  # fmt: skip
    assert found.changes[0].before == ("Ada",) and found.changes[0].seat == "A1"
    assert [change.minor for change in found.changes] == [True, True, False, True]
    assert [(problem.line, problem.text) for problem in found.problems] == [
        (6, "The same student as on line 2."), (7, "The same student as on line 3."),
    ]  # fmt: skip
    assert found.not_in_file == ("Chi",)
    again = compare([Person(1, "Ada", "7", "A1", True)], known, RULES)
    assert [change.kind for change in again.changes] == [Kind.SAME]


def test_a_number_of_another_course_opens_no_door() -> None:
    known = [Known(5, Standing.ELSEWHERE, "Zoe", "55", None, True)]
    refused = compare([Person(2, "Zoe", "55")], known, RULES)
    assert refused.changes == () and "administrator" in refused.problems[0].text
    joined = compare([Person(2, "Zo", "55")], known, Rules(True, True, Grid()))
    assert [(change.kind, change.name) for change in joined.changes] == [(Kind.JOINS, "Zoe")]


def test_one_name_of_two_students_needs_a_number() -> None:
    found = compare([Person(2, "Ada")], [here(1, "Ada", "1"), here(2, "Ada", "2")], RULES)
    assert found.changes == () and "give a number" in found.problems[0].text
    new = compare([Person(2, "Ada", "3")], [here(1, "Ada", "1")], RULES)
    assert [change.kind for change in new.changes] == [Kind.NEW]


def test_seats_are_swapped_and_conflicts_left_out() -> None:
    known = [here(1, "Ada", seat="A1"), here(2, "Ben", seat="A2"), here(3, "Chi", seat="A3")]
    swapped = compare([Person(2, "Ada", seat="A2"), Person(3, "Ben", seat="A1")], known, RULES)
    assert [change.seat for change in swapped.changes] == ["A2", "A1"] and not swapped.problems
    taken = compare(
        [Person(2, "Ada", seat="A2"), Person(3, "Ben", seat="A3"), Person(4, "Eve", seat="T1")], known, RULES
    )
    assert [problem.line for problem in taken.problems] == [2, 3, 4]
    assert taken.changes == ()


@settings(deadline=None)
@given(
    st.lists(
        st.builds(
            Person, st.integers(2, 99), st.sampled_from(["Ada", "Ben", "Chi"]), st.sampled_from([None, "1", "2"]),
            st.sampled_from([None, "A1", "A2", "F1"]), st.sampled_from([None, True]),
        ),
        max_size=6, unique_by=lambda person: person.line,
    )
)  # fmt: skip
def test_every_line_is_a_change_or_a_problem_and_no_seat_is_given_twice(rows: list[Person]) -> None:
    known = [here(1, "Ada", "1", "A1"), here(2, "Ben", None, "A2"), Known(3, Standing.FORMER, "Chi", "2", None, True)]
    found = compare(rows, known, RULES)
    assert sorted([each.line for each in found.changes] + [each.line for each in found.problems]) == sorted(
        row.line for row in rows
    )
    moved = {change.student_id for change in found.changes}
    seats = [change.seat for change in found.changes] + [each.seat for each in known if each.student_id not in moved]
    taken = [seat for seat in seats if seat]
    assert len(taken) == len(set(taken))


USERS = "sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,userIds,givenName,familyName\n"
ENROLLMENTS = "sourcedId,classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate\n"
FILES = {
    "manifest.csv": "propertyName,value\nmanifest.version,1.0\noneroster.version,1.1\nfile.users,bulk\n",
    "users.csv": USERS + "u1,,,true,o,student,a,,Ada,Obi\nu2,,,true,o,teacher,b,,Ben,T\n"
    "u3,tobedeleted,,true,o,student,,,C,D\n"
    "u4,,,true,o,student,,,Eve,Roux\nu5,,,true,o,student,,,,\n",
    "classes.csv": "sourcedId,title,courseSourcedId,schoolSourcedId\nc1,Physics 9b,k1,o\nc2,,k1,o\nc3,,,\n",
    "courses.csv": "sourcedId,title\nk1,Physics\n",
    "orgs.csv": "sourcedId,name\no,Hill School\n",
    "enrollments.csv": ENROLLMENTS + "e1,c1,o,u1,student,,,\ne2,c1,o,u2,teacher,,,\ne3,c2,o,u1,student,,,\n"
    "e4,c2,o,u4,student,,,2026-11-22\ne5,c9,o,u1,student,,,\ne6,c1,o,u4,student,,,2027-07-01\n",
}  # fmt: skip


def packed(files: dict[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def roster(**changed: str | bytes | None) -> OneRoster:
    files = {**FILES, **{f"{name}.csv": content for name, content in changed.items()}}
    return read_oneroster(packed({name: content for name, content in files.items() if content is not None}), TODAY)


def test_classes_of_oneroster() -> None:
    found = roster()
    assert [(each.id, each.title, [person.name for person in each.people]) for each in found.classes] == [
        ("c2", "Physics (Hill School)", ["Ada Obi"]),
        ("c1", "Physics 9b (Hill School)", ["Ada Obi", "Eve Roux"]),
    ]
    assert found.classes[0].people[0] == Person(2, "Ada Obi", "u1")
    assert [(problem.line, problem.text.split(":")[0]) for problem in found.problems] == [
        (6, "users.csv"), (4, "classes.csv"), (6, "enrollments.csv"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"manifest": None}, "no manifest.csv"),
        ({"manifest": "propertyName,value\noneroster.version,1.2\n"}, "OneRoster 1.1"),
        ({"manifest": "a,b\noneroster.version,1.1\nfile.users,delta\n"}, "delta"),
        ({"users": None}, "no users.csv"),
        ({"users": "name\nAda\n"}, "sourcedId"),
        ({"users": b"\x00\x01\x02\x03\x04"}, "no text file"),
        ({"classes": ""}, "empty"),
        ({"../manifest": "x"}, "folders"),
        ({"users": "sourcedId\n" + "0" * 20_000_000}, "unpacks to more"),
    ],
)
def test_an_unusable_zip_is_said_in_one_line(changed: dict[str, str | bytes | None], words: str) -> None:
    found = roster(**changed)
    assert found.classes == () and len(found.problems) == 1
    assert words in found.problems[0].text and "\n" not in found.problems[0].text


def test_a_zip_of_many_files_is_refused() -> None:
    found = read_oneroster(packed({f"{number}.csv": "" for number in range(41)}), TODAY)
    assert "more than 40 files" in found.problems[0].text


@settings(deadline=None)
@given(st.binary(max_size=200), st.integers(0, 900), st.binary(min_size=1, max_size=4))
def test_any_zip_is_read(rest: bytes, place: int, patch: bytes) -> None:
    good = packed(FILES)  # type: ignore[arg-type] # texts
    assert looks_like_zip(good)
    for data in (rest, b"PK\x03\x04" + rest, good[:place] + patch + good[place + len(patch) :]):
        found = read_oneroster(data, TODAY)
        assert found.classes or found.problems
