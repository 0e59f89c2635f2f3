"""``engage audience TARGET``: one camera, many faces, a look every few minutes, and what they come to at the end."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from engage import logs
from engage.cli.analyze import Interval
from engage.cli.language import language_of, language_option
from engage.cli.looks import is_camera, one_look, permitted
from engage.config import Settings
from engage.core.types import EMOTIONS, Mode
from engage.errors import PolicyError, SourceError
from engage.reports.audience import FEWEST_FACES, Moment, Reaction, moment, reaction, told
from engage.reports.language import Language, to_translate

LIMIT = to_translate(
    "Faces of an audience show politeness, light and habit as well; this tells how they appeared together, and nothing "
    "about any one of them."
)


@dataclass(frozen=True, slots=True)
class Choices:
    """What was asked for on the command line."""

    target: str
    every_s: float
    for_s: float
    as_json: bool
    language: str | None


@click.command()
@click.argument("target", metavar="PATH_OR_CAMERA")
@click.option("--every", "every_s", type=Interval(), default="5m", show_default=True, help="How often to look.")
@click.option("--for", "for_s", type=Interval(), default="2h", show_default=True, help="With a camera: how long.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, which is English.")
@language_option()
@click.pass_obj
def audience(settings: Settings, /, **given: Any) -> None:
    """Tell how an audience appeared to react: many faces before one camera, looked at now and then.

    Only what five faces or more show together is told, and nothing is stored. A camera (its number, rtsp:// or http://)
    is open only while it is looked at; Ctrl-C ends early, with what there is by then. It needs the mode 'full'.
    """
    if settings.logging.level == "INFO":
        logs.set_up("WARNING")
    choices = Choices(**given)
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    if permitted(settings, choices.target, console) is not Mode.FULL:
        raise PolicyError("The audience preset reads expressions, and here the mode is not 'full'.")
    looks = _live(settings, choices, console) if is_camera(choices.target) else _recorded(settings, choices)
    found = reaction(looks)
    if choices.as_json:
        click.echo(json.dumps(_record(found), indent=1, ensure_ascii=False))
    else:
        _show(found, language_of(settings, choices.language))


def _recorded(settings: Settings, choices: Choices) -> Iterator[Moment]:
    from engage.cli.analysis_run import Plan, analyze_recording, open_recording

    recording = open_recording(Path(choices.target), None)
    report = analyze_recording(recording, Plan(Mode.FULL, choices.every_s, False), settings, None, lambda _: None)
    faces: defaultdict[tuple[str, float], list[tuple[float, ...]]] = defaultdict(list)
    for track in report.tracks:
        for reading in track.readings:
            if reading.signals.expression is not None:
                faces[reading.file or "", reading.time_s].append(reading.signals.expression)
    for (file, time_s), rows in sorted(faces.items()):
        yield moment(file or _position(time_s), rows)


def _live(settings: Settings, choices: Choices, console: Console) -> Iterator[Moment]:
    from engage.cli.analysis_run import Plan, new_analyst

    analyst, _ = new_analyst(settings, Plan(Mode.FULL, choices.every_s, False))
    began = time.monotonic()
    console.print(f"Looking every {_position(choices.every_s)} for {_position(choices.for_s)}; Ctrl-C ends early.")
    try:
        while True:
            label = f"{datetime.now(UTC).astimezone():%H:%M:%S}"
            try:
                readings = analyst.read([one_look(settings, choices.target)])[0]
                analyst.cut()
                yield moment(label, [row for face in readings if (row := face.signals.expression) is not None])
            except SourceError as error:
                console.print(f"{label} {error} Trying again at the next look.", style="yellow")
            next_s = began + choices.every_s * (1 + (time.monotonic() - began) // choices.every_s)
            if next_s - began > choices.for_s:
                return
            time.sleep(max(0.0, next_s - time.monotonic()))
    except KeyboardInterrupt:
        return


def _show(found: Reaction, say: Language) -> None:
    console, looks = Console(highlight=False), len(found.moments)
    headings = (say.gettext("Look"), say.gettext("Faces"), say.gettext("Appeared together"))
    table = Table(*headings, title=say.ngettext("%(n)s look", "%(n)s looks", looks), title_justify="left")
    few = say.gettext("under %(n)s", n=FEWEST_FACES)
    for look in found.moments:
        table.add_row(look.label, str(look.faces or few), told(look.expression, say))
    if found.moments:
        console.print(table)
    overall = say.ngettext(
        "Overall, from %(counted)s of %(n)s look: %(told)s.",
        "Overall, from %(counted)s of %(n)s looks: %(told)s.",
        looks,
        counted=found.counted,
        told=told(found.expression, say),
    )
    console.print(overall)
    console.print(say.gettext(LIMIT), soft_wrap=True)


def _record(found: Reaction) -> dict[str, Any]:
    return {
        "looks": [
            {"at": look.label, "faces": look.faces, "expression": _named(look.expression)} for look in found.moments
        ],
        "counted": found.counted,
        "fewest_faces": FEWEST_FACES,
        "expression": _named(found.expression),
        "limit": LIMIT,
    }


def _named(expression: tuple[float, ...] | None) -> dict[str, float] | None:
    return None if expression is None else {name: round(p, 4) for name, p in zip(EMOTIONS, expression, strict=True)}


def _position(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"
