"""Bytes of a CSV file as rows of text, each with the line it begins on."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

MOST_ROWS = 2000
LONGEST_CELL = 2000
SEPARATORS = ",;\t"
MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
"""Byte order marks, and what they stand for."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in a file, in words for the page; line 0 is the file as a whole."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the line of the file it begins on, and its cells without blanks around them."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A file's rows, empty ones left out, the header among them; or, with no rows, what is wrong with the file."""

    rows: tuple[Row, ...]
    problems: tuple[Problem, ...] = ()


def read_table(data: bytes, most_rows: int = MOST_ROWS) -> Table:
    """Return the rows of a CSV file (RFC 4180, quoted line breaks included), however it is encoded and separated."""
    if not data.strip(b"\x00\t\r\n \xef\xbb\xbf\xff\xfe"):
        return _wrong("The file is empty.")
    text = decoded(data)
    if text is None:
        return _wrong("This is no text file. Save the list as CSV, then choose that file.")
    return _rows(text, most_rows)


def decoded(data: bytes) -> str | None:
    """Return the text of a file: UTF-8, UTF-16 or Windows-1252; None where it is none of them."""
    encoding = next((name for mark, name in MARKS if data.startswith(mark)), None) or _utf16_without_mark(data)
    for attempt in (encoding,) if encoding else ("utf-8", "windows-1252"):
        try:
            text = data.decode(attempt)
        except UnicodeDecodeError:
            continue
        return None if "\x00" in text else text
    return None


def _utf16_without_mark(data: bytes) -> str | None:
    """Return the byte order of text that is mostly Latin letters in UTF-16, as some programs write it."""
    if len(data) < 4 or len(data) % 2:
        return None
    high, low = data[1:400:2], data[0:400:2]
    if high.count(0) > 0.6 * len(high) and not low.count(0):
        return "utf-16-le"
    return "utf-16-be" if low.count(0) > 0.6 * len(low) and not high.count(0) else None


def _rows(text: str, most_rows: int) -> Table:
    rows: list[Row] = []
    try:
        for row in _read(text):
            if any(row.cells):
                rows.append(row)
            if len(rows) > most_rows + 1:
                return _wrong(f"The file has more than {most_rows} rows. Split it.")
            if any(len(cell) > LONGEST_CELL for cell in row.cells):
                return _wrong("A cell is too long. Is a quotation mark missing?", row.line)
    except csv.Error as error:
        return _wrong(f"This row cannot be read: {error}.", rows[-1].line + 1 if rows else 1)
    return Table(tuple(rows))


def _read(text: str) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text))
    line = 1
    for cells in reader:
        yield Row(line, tuple(" ".join(cell.split()) for cell in cells))
        line = reader.line_num + 1


def _separator(text: str) -> str:
    """Return what separates the header's cells: outside quotation marks, whatever is there most often."""
    head = next((line for line in text.splitlines() if line.strip()), "")
    outside = "".join(head.split('"')[::2])
    return max(SEPARATORS, key=lambda mark: outside.count(mark))


def _wrong(text: str, line: int = 0) -> Table:
    return Table((), (Problem(line, text),))
