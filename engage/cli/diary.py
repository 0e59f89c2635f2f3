"""``engage diary``: how one person's face appeared, day by day; kept in a file of their own."""

from __future__ import annotations

import csv
import json
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from engage import logs
from engage.cli.analysis import Track
from engage.cli.language import language_of, language_option
from engage.cli.looks import frames_for, is_camera, opened, permitted
from engage.config import Settings
from engage.core.types import EMOTIONS, Mode
from engage.errors import EngageError, PolicyError
from engage.reports.audience import told
from engage.reports.diary import Diary, Entry, days
from engage.reports.language import Language, to_translate
from engage.reports.words import number, percent

FILE = Path("var/diary.jsonl")
SOMEBODY_ELSE = 0.25
"""A second face seen for this share of the first one's time is another person, and the diary is of one."""
LIMIT = to_translate("This tells how a face appeared to a camera. It is no diagnosis; how you were, you know better.")


@click.command()
@click.argument("target", metavar="[PATH_OR_CAMERA]", required=False)
@click.option("--file", type=click.Path(path_type=Path, dir_okay=False), help=f"The diary; {FILE} where not given.")
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="The day it belongs to; today where not given.")
@click.option("--seconds", type=click.FloatRange(1, 600), default=20.0, show_default=True, help="With a camera.")
@click.option("--erase", is_flag=True, help="Erase the entries of --day, or the whole diary.")
@click.option("--as", "form", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True)
@language_option("For the table; ")
@click.pass_obj
def diary(settings: Settings, /, target: str | None, erase: bool, form: str, **given: Any) -> None:
    """Look at yourself, add it to your diary, and show the diary; without PATH_OR_CAMERA only show it.

    Kept are numbers, in one file: no picture. A video, a picture or a folder is read whole, a camera (its number,
    rtsp:// or http://) for some seconds.
    """
    if settings.logging.level == "INFO":
        logs.set_up("WARNING")
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    book = Diary(given["file"] or settings.path(FILE))
    day = given["day"].date() if given["day"] else None
    if erase:
        erased = book.erase(day)
        say = language_of(settings, given["language"])
        console.print(say.ngettext("Erased %(n)s entry.", "Erased %(n)s entries.", erased))
        return
    if target is not None:
        mode = permitted(settings, target, console)
        if mode is Mode.PRESENCE:
            raise PolicyError("A diary needs a score, and here the mode is 'presence'.")
        tracks = (
            _watched(settings, target, mode, given["seconds"]) if is_camera(target) else _read(settings, target, mode)
        )
        book.add(_entry(tracks, day or datetime.now(UTC).astimezone().date(), target))
    entries = days(book.entries())
    if form == "table":
        _show(entries, language_of(settings, given["language"]))
    else:
        _write(entries, form)


def _read(settings: Settings, target: str, mode: Mode) -> list[Track]:
    from engage.cli.analysis_run import Plan, analyze_recording, open_recording

    plan = Plan(mode, 1.0 / settings.capture.rate_fps, False)
    recording = open_recording(Path(target), None)
    return list(analyze_recording(recording, plan, settings, None, lambda _: None).tracks)


def _watched(settings: Settings, target: str, mode: Mode, seconds: float) -> list[Track]:
    from engage.cli.analysis_run import Plan, new_analyst

    rate_fps = settings.capture.rate_fps
    analyst, _ = new_analyst(settings, Plan(mode, 1.0 / rate_fps, False))
    with opened(settings, target) as source:
        for frame in frames_for(source, seconds, rate_fps):
            analyst.read([frame])
    analyst.cut()
    return analyst.tracks


def _entry(tracks: list[Track], day: date, target: str) -> Entry:
    """Return the entry of the one person seen. EngageError where there is nobody, or somebody else too."""
    ranked = sorted(tracks, key=lambda track: len(track.readings), reverse=True)
    if not ranked:
        raise EngageError(f"No face was found in {target}; nothing was added.")
    if _together(ranked):
        raise EngageError(f"There is more than one person in {target}; a diary is of one. Nothing was added.")
    return days(_part(track, day) for track in ranked)[0]


def _part(track: Track, day: date) -> Entry:
    seen_s = sum(found.sample.duration_s * found.sample.face_share for found in track.samples)
    score = track.score
    return Entry(day, seen_s or 1.0, score.value, score.confidence, track.expression)  # a picture has no duration


def _together(ranked: list[Track]) -> bool:
    """Return whether two faces were seen at the same time, for longer than a false alarm lasts."""
    times = {(reading.file, reading.time_s) for reading in ranked[0].readings}
    others = sum((reading.file, reading.time_s) in times for track in ranked[1:] for reading in track.readings)
    return others >= max(1.0, SOMEBODY_ELSE * len(times))


def _write(entries: list[Entry], form: str) -> None:
    if form == "json":
        records = [
            {
                "day": entry.day.isoformat(),
                "seen_s": round(entry.seen_s, 1),
                "score": entry.score,
                "confidence": entry.confidence,
                "expression": entry.expression and dict(zip(EMOTIONS, entry.expression, strict=True)),
            }
            for entry in entries
        ]
        click.echo(json.dumps(records, indent=1))
        return
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["day", "seen_s", "score", "confidence", *EMOTIONS])
    for entry in entries:
        shares = entry.expression or ("",) * len(EMOTIONS)
        writer.writerow([entry.day.isoformat(), entry.seen_s, entry.score, entry.confidence, *shares])


def _show(entries: list[Entry], say: Language) -> None:
    console = Console(highlight=False)
    if not entries:
        console.print(say.gettext("The diary is empty; add today with: engage diary CAMERA_OR_FILE"))
        return
    headings = [
        say.gettext("Day"),
        say.gettext("Seen"),
        say.gettext("Score"),
        say.gettext("Confidence"),
        say.gettext("Appeared"),
    ]
    table = Table(*headings, title=say.gettext("Diary"), title_justify="left")
    for entry in entries:
        words = "–" if entry.expression is None else told(entry.expression, say)
        seen, score = f"{entry.seen_s:.0f} s", number(entry.score, say)
        table.add_row(entry.day.isoformat(), seen, score, percent(entry.confidence), words)
    console.print(table)
    console.print(say.gettext(LIMIT), soft_wrap=True)
