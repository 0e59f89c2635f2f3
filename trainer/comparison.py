"""Every system of the paper on one data set, in one table: Markdown, JSON, PNG, with curves and confusion matrices."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from trainer.data import Split
from trainer.errors import TrainerError
from trainer.figures import draw_confusions, draw_curves, draw_table
from trainer.systems.registry import FERPLUS, System
from trainer.systems.results import Result, load_result
from trainer.systems.running import Shortening, run_system
from trainer.train import Listener

Told = Callable[[System, Result | None], None]

HEADINGS = ("system", "training", "validation", "macro-F1", "parameters", "minutes", "paper", "paper's labels")
NOTES = """\
Training and validation accuracy are shares of the images on which FER+'s annotators agree (majority rule, eight
classes); nothing here has seen the test split. **The label sets differ where the last column says FER2013**: there the
paper's figure is for FER2013's own seven labels, one per picture, and cannot be compared with ours point by point. The
paper's ResNet18s were measured on FER+, as here. "Parameters" of trees are nodes; of QDA, means and covariances; of the
SVM, its support vectors. Minutes are those of learning on the machine at hand, which other work may have slowed down.
"""


@dataclass(frozen=True, slots=True)
class Row:
    """A system and its result, or None where it was not run."""

    system: System
    result: Result | None

    def cells(self) -> tuple[str, ...]:
        """Return the row's texts, in the order of HEADINGS."""
        paper, found = self.system.paper, self.result
        published = (f"{paper.accuracy:.2%}", paper.labels) if paper else ("–", "–")
        if found is None:
            return (self.system.title, *("not run",) * 2, *("–",) * 3, *published)
        return (
            self.system.title,
            f"{found.train_accuracy:.2%}",
            f"{found.valid_accuracy:.2%}",
            f"{found.macro_f1:.1%}",
            f"{found.parameters:,}",
            f"{found.train_s / 60:.1f}",
            *published,
        )


def compare(
    systems: Sequence[System],
    splits: tuple[Split, Split],
    out: Path,
    shortening: Shortening | None = None,
    told: tuple[Told, Callable[[System], Listener]] | None = None,
) -> tuple[Row, ...]:
    """Train or read again every system of ``systems``, write the table and figures to ``out``, and return the rows.

    Each finished system is kept in ``out/NAME``, so that a comparison that was broken off goes on where it was. The
    table's text is written anew after every system, so that it is there also where a later one takes the night.

    Args:
        systems: of ``trainer.systems.registry.find_systems``.
        splits: to learn from and to measure on.
        out: folder of everything.
        shortening: how to make the networks cheaper.
        told: whom to tell that a system begins (None) or has a result, and who listens to a network's training.
    """
    said, listening = told or (lambda system, result: None, lambda system: Listener())
    rows: list[Row] = []
    for number, system in enumerate(systems):
        said(system, None)
        result = run_system(system, splits, out, shortening, listening(system))
        said(system, result)
        rows.append(Row(system, result))
        write_text(tuple(rows) + tuple(Row(other, None) for other in systems[number + 1 :]), splits[1].name, out)
    write(rows, splits[1].name, out)
    return tuple(rows)


def collect(systems: Sequence[System], out: Path) -> tuple[Row, ...]:
    """Return the rows that ``out`` already holds results for, and empty ones for the others."""
    return tuple(Row(system, load_result(out / system.name)) for system in systems)


def write(rows: Sequence[Row], split: str, out: Path) -> None:
    """Write ``table.md``, ``table.json``, ``table.png``, ``curves.png`` and ``confusion.png`` to ``out``.

    Raises TrainerError when the folder cannot be written or matplotlib is missing.
    """
    write_text(rows, split, out)
    done = [(row.system.title, row.result) for row in rows if row.result]
    curves = [(title, result.history) for title, result in done if result.history]
    try:
        draw_table(HEADINGS, [row.cells() for row in rows], out / "table.png")
        if done:
            draw_confusions([(title, result.confusion) for title, result in done], out / "confusion.png")
        if curves:
            draw_curves(curves, out / "curves.png")
    except OSError as error:
        raise _unwritable(out, error) from error


def write_text(rows: Sequence[Row], split: str, out: Path) -> None:
    """Write ``table.md`` and ``table.json`` to ``out``; raises TrainerError when the folder cannot be written."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / "table.md").write_text(to_markdown(rows, split), encoding="utf-8")
        (out / "table.json").write_text(json.dumps([_plain(row) for row in rows], indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise _unwritable(out, error) from error


def _unwritable(out: Path, error: OSError) -> TrainerError:
    return TrainerError(f"cannot write the table to {out}: {error}; free some space or give another --out")


def to_markdown(rows: Sequence[Row], split: str) -> str:
    """Return the table as Markdown, with its notes."""
    lines = [f"# The systems of the paper, measured on {split}", ""]
    lines += [_line(HEADINGS), _line(("---",) * len(HEADINGS)), *(_line(row.cells()) for row in rows), "", NOTES]
    if any(row.result and row.result.history for row in rows):
        lines += ["![Learning curves](curves.png)", ""]
    if any(row.result for row in rows):
        lines += ["![Confusion matrices](confusion.png)", ""]
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _plain(row: Row) -> dict[str, Any]:
    paper = row.system.paper
    values: dict[str, Any] = {
        "system": row.system.name,
        "title": row.system.title,
        "paper_accuracy": paper.accuracy if paper else None,
        "paper_labels": paper.labels if paper else None,
        "labels": FERPLUS,
        "result": None,
    }
    if row.result:
        values["result"] = {name: value for name, value in asdict(row.result).items() if name != "answers"}
    return values
