"""What a person reads in the terminal after an analysis."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from engage.cli.analysis import Track
from engage.cli.analysis_files import Report
from engage.core.live import EMOJI, UNKNOWN
from engage.core.types import EMOTIONS, Mode

NAMED = 2
WORTH_NAMING = 0.1
"""Mean probability below which an expression is not listed."""


def show(report: Report, unknown_below: float) -> None:
    """Print a table with a line per track to standard output, or that there is no face."""
    console = Console(highlight=False)
    if not report.tracks:
        console.print(f"No face was found in {report.path}.")
        return
    with_files = any(track.readings[0].file for track in report.tracks)
    table = Table(title=f"{len(report.tracks)} {'face' if len(report.tracks) == 1 else 'faces'}", title_justify="left")
    table.add_column("Face", justify="right")
    if with_files:
        table.add_column("Picture", overflow="fold")
    if report.duration_s:
        table.add_column("Seen", justify="right")
    table.add_column("Score", justify="right")
    table.add_column("Confidence", justify="right")
    if report.mode == Mode.FULL:
        table.add_column("Appears")
    for track in report.tracks:
        cells = [str(track.id)]
        if with_files:
            cells.append(track.readings[0].file or "")
        if report.duration_s:
            cells.append(f"{track.seen_s:.1f} s")
        cells += _scored(track)
        table.add_row(*cells, *([appearance(track, unknown_below)] if report.mode == Mode.FULL else []))
    console.print(table)


def appearance(track: Track, unknown_below: float) -> str:
    """Return the most probable expressions of a track, ``😐 neutral 62%``."""
    mean = track.expression
    if mean is None:
        return "–"
    ranked = sorted(zip(mean, EMOTIONS, strict=True), reverse=True)[:NAMED]
    named = [f"{EMOJI[name]} {name} {share:.0%}" for share, name in ranked if share >= WORTH_NAMING]
    return ("" if ranked[0][0] >= unknown_below else f"{UNKNOWN} unknown: ") + ", ".join(named)


def _scored(track: Track) -> tuple[str, str]:
    score = track.score
    if score.value is None:
        return (score.reason.value if score.reason else "–"), "–"
    return f"{score.value:.1f}", f"{score.confidence:.0%}"
