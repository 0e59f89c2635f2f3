"""Files that other programs read: what was written is read back, and no text in them runs."""

from __future__ import annotations

import csv
import io
import json
import re
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from pathlib import Path

import openpyxl
import pypdfium2
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engage.core.types import EMOTIONS, Mode
from engage.reports.content import Report
from engage.reports.formats import FORMATS, Choices
from engage.reports.lettering import drawable
from engage.reports.spreadsheets import csv_text, harmless, xlsx_bytes
from engage.reports.tables import TABLES, Sheet
from tests.reports.making import START, away, marker, past, report, rows, scored

ROOT = Path(__file__).resolve().parents[2]
RUNS = tuple("=+-@\t\r\n＝＋－＠")
NUMBER = re.compile(r"-?\d+(\.\d+)?(e-?\d+)?")


@pytest.fixture(scope="module")
def full() -> Report:
    """Return a report with everything in it."""
    minutes = {
        1: rows(START, [scored(8.0)] * 5 + [scored(5.0)] * 5),
        2: rows(START, [scored(6.0)] * 4 + [away()] * 6),
    }
    notes = [marker(START + timedelta(minutes=5), '=HYPERLINK("http://x","y")')]
    return report(minutes, ["Ada", "=cmd|' /C calc'!A0", "Chi"], markers=notes, earlier=[past(1, 6.0, 1)])


def of_mode(mode: Mode) -> Report:
    return report({1: rows(START, [scored(8.0)] * 10)}, ["Ada"], mode=mode, earlier=[past(1, 6.0, 1)])


def read(text: str, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff")), delimiter=delimiter))


class TestCells:
    """No text runs as a formula, in CSV under any usual separator and in XLSX."""

    @settings(deadline=None)
    @given(st.text(st.characters(exclude_categories=[]), max_size=30))
    @example("=1+1")
    @example(" \t=1+1")
    @example("a;=1+1")
    @example("a\r\n=1+1")
    @example("＝1+1")
    @example('"=1+1')
    def test_csv(self, text: str) -> None:
        written = csv_text(Sheet("t", ("a", "b"), [(text, 1)]))
        for delimiter in ",;\t":
            for row in read(written, delimiter)[1:]:
                for cell in row:
                    assert not cell.lstrip().startswith(RUNS) or NUMBER.fullmatch(cell), (delimiter, cell)

    @settings(deadline=None, max_examples=40)
    @given(st.lists(st.text(st.characters(exclude_categories=[]), max_size=20), min_size=1, max_size=5))
    @example(["=1+1", "@SUM(1)", "\t=1", "+1", "-1", "{=1}", "http://example.org", "007"])
    def test_xlsx(self, texts: list[str]) -> None:
        book = openpyxl.load_workbook(io.BytesIO(xlsx_bytes([Sheet("t", ("a",), [(text,) for text in texts])], [])))
        for row, text in zip(book["t"].iter_rows(min_row=2), texts, strict=True):
            assert row[0].data_type in ("s", "n") and row[0].hyperlink is None
            assert row[0].value is None or not str(row[0].value).startswith(RUNS)
            assert (row[0].value or "").strip("'") == harmless(text).strip("'") or "_x" in text

    def test_ordinary_names_stay_as_they_are(self) -> None:
        for name in ("Ada Lovelace", "O'Brien", "Anne-Marie", "王小明", "J. (Jo) + friends", "a@b.org"):
            assert harmless(name) == name

    def test_numbers_stay_numbers(self) -> None:
        table = Sheet("t", ("a", "b", "c"), [(-0.5, None, datetime(2026, 11, 23, 9, tzinfo=UTC))])
        assert read(csv_text(table))[1] == ["-0.5", "", "2026-11-23T09:00:00Z"]
        values = next(openpyxl.load_workbook(io.BytesIO(xlsx_bytes([table], [])))["t"].iter_rows(min_row=2))
        assert [cell.value for cell in values] == [-0.5, None, datetime(2026, 11, 23, 9)]


class TestTables:
    """CSV and XLSX hold the columns that the documentation names, and the report's numbers."""

    def test_every_column_is_documented(self) -> None:
        page = (ROOT / "docs" / "exports.md").read_text("utf-8")
        for name, columns in TABLES.items():
            section = page.split(f"### `{name}`")[1].split("\n#")[0]
            documented = re.findall(r"^\| `(\w+)` \| (.+?) \|", section, re.MULTILINE)
            assert documented == [(column.name, column.meaning) for column in columns], name

    def test_csv_of_students(self, full: Report) -> None:
        head, *found = read(FORMATS["csv"].make(full, Choices()).decode())
        ada = dict(zip(head, found[0], strict=True))
        assert (ada["student"], ada["score"], ada["scored_s"], ada["gestures"]) == ("Ada", "6.5", "600.0", "nod 10")
        assert float(ada["share_neutral"]) == pytest.approx(0.5)
        chi = dict(zip(head, found[2], strict=True))
        assert (chi["score"], chi["no_data_share"], chi["low_at"]) == ("", "1.0", "")
        assert found[1][head.index("student")] == "'=cmd|' /C calc'!A0"

    def test_csv_of_minutes_and_class(self, full: Report) -> None:
        head, *found = read(FORMATS["csv"].make(full, Choices(table="minutes")).decode())
        assert len(found) == 3 * 10
        assert [row[head.index("state")] for row in found[10:20]] == ["scored"] * 4 + ["away"] * 6
        head, *found = read(FORMATS["csv"].make(full, Choices(table="class")).decode())
        assert [row[head.index("mean")] for row in found] == ["7.0"] * 4 + ["8.0"] + ["5.0"] * 5

    def test_xlsx(self, full: Report) -> None:
        book = openpyxl.load_workbook(io.BytesIO(FORMATS["xlsx"].make(full, Choices())))
        assert book.sheetnames == ["about", *TABLES]
        for name in TABLES:
            assert [cell.value for cell in book[name][1]] == [column.name for column in TABLES[name]]
        assert book["markers"]["D2"].value == '\'=HYPERLINK("http://x","y")'
        assert "no grade" in str([cell.value for cell in book["about"]["B"]])


@pytest.mark.parametrize("mode", [Mode.ATTENTION, Mode.PRESENCE])
def test_no_file_holds_what_the_mode_does_not_allow(mode: Mode) -> None:
    made = of_mode(mode)
    words = {"share_", "How faces appeared", "happy", "neutral", *EMOTIONS}
    if mode is Mode.PRESENCE:
        words |= {"engagement", "attentive", "drowsy", "6.0", "8.0", "quartile", "Class mean", "gesture"}
    for name in FORMATS:
        content = FORMATS[name].make(made, Choices(table="class" if name == "csv" else "students"))
        if name == "pdf":
            text = pdf_text(content)
        elif name == "xlsx":
            book = openpyxl.load_workbook(io.BytesIO(content))
            text = str([[cell.value for row in sheet for cell in row] for sheet in book])
        else:
            text = re.sub(r"<style>.*?</style>|class=\"[^\"]*\"", "", content.decode(), flags=re.DOTALL)
        assert [word for word in words if word in text] == [], name


class TestJson:
    """The record for programs."""

    def test_numbers(self, full: Report) -> None:
        record = json.loads(FORMATS["json"].make(full, Choices()))
        assert record["format"] == "engage-report/1"
        assert record["mean"] == pytest.approx(full.tally.mean, abs=1e-3)
        assert record["students"][0]["shares"] == {
            "attentive": 1.0,
            "away": 0.0,
            "drowsy": 0.0,
            "unclear": 0.0,
            "no_data": 0.0,
        }
        assert record["students"][2]["score"] is None
        assert record["earlier"]["mean"] == 6.0
        assert len(record["class"]) == 10 and record["session"]["started_at"] == "2026-11-23T09:00:00Z"


class TestXapi:
    """Statements as xAPI 1.0.3 wants them."""

    def lines(self, made: Report, **choices: object) -> list[dict[str, object]]:
        text = FORMATS["jsonl"].make(made, Choices(home="https://school.example", **choices)).decode()  # type: ignore[arg-type]
        return [json.loads(line) for line in text.splitlines()]

    def test_a_statement_for_each_student_of_whom_something_was_seen(self, full: Report) -> None:
        ada, ben = self.lines(full)
        assert ada["actor"] == {
            "objectType": "Agent",
            "account": {"homePage": "https://school.example", "name": "student-1"},
        }
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", str(ada["id"])) and ada["id"] != ben["id"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", str(ada["timestamp"]))
        result = ada["result"]
        assert isinstance(result, dict) and result["duration"] == "PT600S"
        assert "score" not in result, "a record store would show it as a grade"
        assert result["extensions"]["https://school.example/xapi/engagement-score"] == 6.5
        assert all(re.match(r"https?://", key) for key in result["extensions"])

    def test_names_only_where_asked_for(self, full: Report) -> None:
        assert "Ada" not in json.dumps(self.lines(full))
        assert "Ada" in json.dumps(self.lines(full, with_names=True)[0]["actor"])

    def test_the_same_statement_has_the_same_id(self, full: Report) -> None:
        assert [line["id"] for line in self.lines(full)] == [line["id"] for line in self.lines(full)]


def pdf_text(content: bytes) -> str:
    document = pypdfium2.PdfDocument(content)
    try:
        return "\n".join(page.get_textpage().get_text_range() for page in document)
    finally:
        document.close()


class TestPdf:
    """Text that can be selected, on both papers, with every column on the page."""

    @pytest.mark.parametrize(("paper", "size"), [("a4", (595, 842)), ("letter", (612, 792))])
    def test_nothing_is_cut_off(self, full: Report, paper: str, size: tuple[int, int]) -> None:
        document = pypdfium2.PdfDocument(FORMATS["pdf"].make(full, Choices(paper=paper)))
        try:
            for page in document:
                assert tuple(round(side) for side in page.get_size()) == size
                boxes = [item.get_bounds() for item in page.get_objects()]
                assert min(box[0] for box in boxes) >= 28 and max(box[2] for box in boxes) <= size[0] - 28
        finally:
            document.close()

    def test_text(self, full: Report) -> None:
        text = " ".join(pdf_text(FORMATS["pdf"].make(full, Choices())).split())
        for words in ("Waves", "Class mean", "What this cannot tell", "Highest minute", "scornful", "no grade", "Ada"):
            assert words in text

    def test_names_in_other_letters_are_written_in_latin_ones_and_it_says_so(self) -> None:
        minutes = {1: rows(START, [scored(6.0)])}
        text = pdf_text(FORMATS["pdf"].make(report(minutes, ["王小明", "Çiğdem Żółć", "Мария"]), Choices()))
        assert "WangXiaoMing" in text and "Çiğdem Żółć" in text and "Мария" in text
        for name, says in (("王小明", True), ("أمينة", True), ("Çiğdem Żółć Мария", False)):
            text = pdf_text(FORMATS["pdf"].make(report(minutes, [name]), Choices()))
            assert ("written in Latin letters" in " ".join(text.split())) is says, name

    @settings(deadline=None)
    @given(st.text(max_size=30))
    def test_every_text_has_letters_the_font_can_draw(self, text: str) -> None:
        glyphs = frozenset(range(32, 127)) | frozenset(range(0xC0, 0x180))
        shown = drawable(text, glyphs)
        assert {ord(character) for character in shown} <= glyphs
        assert bool(shown) == bool(text.strip())


def test_figures_are_well_formed_and_have_words(full: Report) -> None:
    page = FORMATS["html"].make(full, Choices()).decode()
    figures = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(figures) > 5
    for text in figures:
        figure = ET.fromstring(text)
        named = figure.attrib["aria-labelledby"].split()
        texts = {node.attrib["id"]: node.text for node in figure if "id" in node.attrib}
        assert figure.attrib["role"] == "img" and all(texts[name] for name in named)
    assert "style=" not in page.split("<body")[1], "the dashboard's Content-Security-Policy refuses it"
