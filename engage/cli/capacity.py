"""``engage plan``: what a school of so many students needs, reckoned from what ``engage bench`` measured."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from engage.config import Settings
from engage.core.capacity import Line, Measured, Needs, School, fit, needs
from engage.errors import SettingsError

STUDENTS_A_PAGE = 25
"""One teacher's page for so many students, where it is not said."""
BUSY = 1.5
"""A load average of more than this many times the cores while it was measured makes figures doubtful."""
HOW = "engage bench scale --json > scale.json"


@click.command()
@click.option("--students", required=True, type=click.IntRange(1, 10**6), help="At the same time.")
@click.option("--rate", default=2.0, show_default=True, type=click.FloatRange(0.5, 30), help="Frames a second each.")
@click.option(
    "--from", "files", multiple=True, type=click.Path(path_type=Path), default=(Path("scale.json"),), show_default=True,
    help="JSON of engage bench scale or live, and of bench store; repeatable.",
)  # fmt: skip
@click.option("--pages", type=click.IntRange(0), help="Live pages open at a time; one for 25 students if left out.")
@click.option("--browsers", type=click.IntRange(0), help="Students who send their own picture; all if left out.")
@click.option("--cores", default=0, type=click.IntRange(0), help="Cores of each machine; as many as measured if 0.")
@click.option("--load", default=0.7, show_default=True, type=click.FloatRange(0.05, 1), help="How busy it may be.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def plan(
    settings: Settings, /, students: int, rate: float, files: tuple[Path, ...], as_json: bool, **given: Any
) -> None:
    """Reckon what a school needs: machines, cores, memory, processes. From what was measured, never from a guess."""
    results = [read(file) for file in files]
    measured = measurement([result for result in results if "classes" in result or "cores_busy_by_process" in result])
    pages = -(-students // STUDENTS_A_PAGE) if given["pages"] is None else given["pages"]
    browsers = students if given["browsers"] is None else given["browsers"]
    school = School(students, rate, pages, browsers, settings.web.threads, given["load"], given["cores"])
    found = needs(measured, school, database(results))
    notes = [*found.notes, *doubts(results)]
    if as_json:
        click.echo(json.dumps(as_values(found, notes), indent=2))
        return
    table = Table("needed", "", show_edge=False)
    for name, value in as_values(found, notes).items():
        if name not in ("cores_by_process", "notes"):
            table.add_row(name.replace("_", " "), f"{value:.2f}" if isinstance(value, float) else str(value))
    Console().print(table)
    for note in notes:
        click.echo(f"• {note}")


def read(file: Path) -> dict[str, Any]:
    """Return a result of ``engage bench``. Raises SettingsError, one line, where the file is none."""
    try:
        found = json.loads(file.read_text("utf-8"))
    except OSError:
        raise SettingsError(f"There is no measurement {file}: make one with {HOW}, on such a machine.") from None
    except ValueError:
        raise SettingsError(f"{file} is not what engage bench --json printed; make it anew with {HOW}.") from None
    if not isinstance(found, dict) or not {"classes", "cores_busy_by_process", "batches"} & set(found):
        raise SettingsError(f"{file} is no result of engage bench scale, live or store; make one with {HOW}.")
    return found


def measurement(results: Sequence[Mapping[str, Any]]) -> Measured:
    """Return the lines through the classes that were borne. Raises SettingsError where there are none."""
    rows = [row for result in results for row in result.get("classes", (result,))]
    from engage.cli.scale_bench import is_saturated

    borne = [row for row in rows if not is_saturated(row)]
    if not borne:
        raise SettingsError(f"No class in these measurements was borne without drops; measure smaller ones: {HOW}.")
    rates = {float(row["rate_fps"]) for row in borne}
    if len(rates) > 1:
        raise SettingsError("These measurements were made at several rates; give those of one rate.")
    names = sorted({name for row in borne for name in row["cores_busy_by_process"]})
    return Measured(
        rates.pop(),
        {name: _line(borne, lambda row, name=name: row["cores_busy_by_process"].get(name, 0.0)) for name in names},
        _line(borne, lambda row: row["memory_pss_mb"]),
        max(row["students"] for row in borne),
        int(next((result["cores"] for result in results if result.get("cores")), 1)),
    )


def database(results: Sequence[Mapping[str, Any]]) -> float | None:
    """Return the samples a second that the measured database takes, None where none was measured."""
    rates = [row["samples_per_s"] for result in results for row in result.get("batches", {}).values()]
    return max(rates) if rates else None


def doubts(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what speaks against the measurements."""
    busy = [result for result in results if (result.get("load_average") or 0) > BUSY * (result.get("cores") or 1)]
    return ["Measured while the machine was busy with other things: the figures are too high."] if busy else []


def as_values(found: Needs, notes: Sequence[str]) -> dict[str, Any]:
    """Return the needs as JSON."""
    return {
        "machines": found.machines,
        "memory_gb_each": round(found.memory_gb_each, 2),
        "cores_busy": round(found.total_cores, 2),
        "cores_by_process": {name: round(cores, 3) for name, cores in found.cores.items()},
        "capture_groups": found.capture_groups,
        "inference_workers": found.inference_workers,
        "web_processes": found.web_processes,
        "samples_per_s": found.samples_per_s,
        "times_the_measured": round(found.beyond, 1),
        "notes": list(notes),
    }


def _line(rows: Sequence[Mapping[str, Any]], value: Any) -> Line:
    return fit([(float(row["students"]), float(value(row))) for row in rows])
