"""Tables as CSV and XLSX, in which no text can run as a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from datetime import UTC, datetime

import xlsxwriter

from engage.reports.tables import Sheet, Value

BYTE_ORDER_MARK = "\ufeff"
"""Without it, Excel reads UTF-8 as something else."""
DANGEROUS = re.compile(r"(^|[;,|\t])(\s*[=+\-@\uff1d\uff0b\uff0d\uff20])")
"""What a spreadsheet could take for the start of a formula (OWASP, CSV injection): also after a separator inside the
cell, for programs that split at another one, and in full width, which some keyboards turn into half."""
CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]+")
LARGEST_CELL = 32_767
DECIMALS = 4


def harmless(text: str) -> str:
    """Return ``text`` as a cell that no spreadsheet runs: controls become a blank, and ``'`` stands before = + - @."""
    return DANGEROUS.sub(r"\1'\2", CONTROLS.sub(" ", text))


def csv_text(sheet: Sheet) -> str:
    """Return a table as CSV: UTF-8 with byte order mark, comma, CRLF (RFC 4180); an empty cell is no data."""
    text = io.StringIO()
    text.write(BYTE_ORDER_MARK)
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(sheet.columns)
    writer.writerows([_plain(value) for value in row] for row in sheet.rows)
    return text.getvalue()


def xlsx_bytes(sheets: Iterable[Sheet], about: Iterable[tuple[str, str]]) -> bytes:
    """Return an Excel workbook: a sheet for each table, and first a sheet ``about`` of names and words."""
    stream = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "nan_inf_to_errors": True,
    }
    book = xlsxwriter.Workbook(stream, options)
    text = book.add_format({"quote_prefix": True})
    head = book.add_format({"bold": True, "bottom": 1})
    time = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
    rounded = book.add_format({"num_format": "0.00"})
    page = book.add_worksheet("about")
    page.set_column(0, 0, 24)
    page.set_column(1, 1, 110)
    for line, (name, words) in enumerate(about):
        page.write_string(line, 0, harmless(name), head)
        page.write_string(line, 1, _cell(words), text)
    for sheet in sheets:
        page = book.add_worksheet(sheet.name)
        page.freeze_panes(1, 0)
        for place, name in enumerate(sheet.columns):
            page.write_string(0, place, name, head)
        page.set_column(0, max(len(sheet.columns) - 1, 0), 16)
        for line, row in enumerate(sheet.rows, 1):
            for place, value in enumerate(row):
                if isinstance(value, str):
                    page.write_string(line, place, _cell(value), text)
                elif isinstance(value, datetime):
                    page.write_datetime(line, place, value.astimezone(UTC).replace(tzinfo=None), time)
                elif value is not None:
                    page.write_number(line, place, value, rounded if isinstance(value, float) else None)
    book.close()
    return stream.getvalue()


def _cell(text: str) -> str:
    return harmless(text)[:LARGEST_CELL]


def _plain(value: Value) -> str | int | float:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, float):
        return round(value, DECIMALS)
    return harmless(value) if isinstance(value, str) else value
