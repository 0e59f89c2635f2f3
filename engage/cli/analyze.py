"""``engage analyze PATH``: a video, a picture or a folder of pictures, read and scored like a live session."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from engage import logs
from engage.cli.analysis_files import csv_text, json_chunks, new_files
from engage.cli.analysis_summary import show
from engage.cli.rules import stored_answer
from engage.config import Settings
from engage.core.policy import capped_mode, rules_in_force
from engage.core.types import Mode

NOTICE = "Nobody's consent is on record here: analyse only what you may."
UNITS_S = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


class Interval(click.ParamType[float]):
    """``10s``, ``30m``, ``1.5h``, ``200ms`` or plain seconds; ``frame`` for every frame, which is 0."""

    name = "interval"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return seconds."""
        if isinstance(value, float):
            return value
        text = str(value).strip().lower()
        if text == "frame":
            return 0.0
        match = re.fullmatch(r"(\d+(?:\.\d+)?|\.\d+)\s*(ms|s|min|m|h|)", text)
        if not match or float(match[1]) <= 0:
            self.fail(f"'{value}' is no interval; write 10s, 30m, 1.5h, 200ms, or 'frame' for every frame.", param, ctx)
        return float(match[1]) * UNITS_S[match[2]]


@dataclass(frozen=True, slots=True)
class Choices:
    """What was asked for on the command line. ``every_s`` 0 is every frame, None the settings' rate."""

    path: Path
    out: Path | None
    force: bool
    every_s: float | None
    fps: float | None
    annotate: bool
    as_json: bool

    @property
    def folder(self) -> Path | None:
        """Where the files go: with --json nowhere unless said, else ``NAME-analysis`` in the working folder."""
        if self.out is not None or self.as_json:
            return self.out
        return Path(f"{self.name}-analysis")

    @property
    def name(self) -> str:
        """What the files are called after."""
        return self.path.resolve().stem or "recording"


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the files; NAME-analysis where not given.")
@click.option("--force", is_flag=True, help="Replace files of an earlier analysis in that folder.")
@click.option(
    "--every", "every_s", type=Interval(), help="Look every 10s, 30m …, or at every 'frame'; 5 a second else."
)
@click.option("--fps", type=click.FloatRange(min=0.001), help="The pictures of the folder are a film of this rate.")
@click.option("--annotate/--no-annotate", default=True, help="Write a copy with boxes, words and scores (the default).")
@click.option("--json", "as_json", is_flag=True, help="Print only JSON; files are written only with --out.")
@click.pass_obj
def analyze(settings: Settings, /, **given: object) -> None:
    """Read and score every face in a video, a picture or a folder of pictures.

    Writes a CSV and a JSON file with every reading, and a copy of the recording with boxes, words and scores.
    """
    if settings.logging.level == "INFO":
        logs.set_up("WARNING")  # what a server logs is no news in a terminal
    choices = Choices(**given)  # type: ignore[arg-type]  # click has converted and named them
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    _run(settings, choices, console)


def mode_for(settings: Settings, console: Console) -> Mode:
    """Return what may be inferred, and say so where it is not plain: everything, with a notice, before set-up."""
    jurisdiction, mode = rules_in_force(settings.policy, stored_answer(settings))
    if jurisdiction is None or mode is None:
        console.print(NOTICE, style="yellow")
    mode = mode or Mode.FULL
    if jurisdiction is not None:
        mode = capped_mode(jurisdiction, mode)
    if mode is not Mode.FULL:
        console.print(f"The settings allow the mode '{mode}' only.", style="yellow")
    return mode


def _run(settings: Settings, choices: Choices, console: Console) -> None:
    from engage.cli.analysis_run import Plan, analyze_recording, open_recording

    recording = open_recording(choices.path, choices.fps)  # what cannot be read is said before anything is loaded
    plan = Plan(mode_for(settings, console), _every_s(settings, choices), choices.annotate)
    with ExitStack() as stack:
        draft = None
        if choices.folder is not None:
            names = [f"{choices.name}.json", f"{choices.name}.csv"]
            if choices.annotate:
                names.append(recording.annotated_name)
            draft = stack.enter_context(new_files(choices.folder, names, choices.force))
        with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
            bar = progress.add_task(f"Looking at {choices.path.name}", total=1.0)
            report = analyze_recording(
                recording, plan, settings, draft, lambda share: progress.update(bar, completed=share)
            )
        if draft is not None:
            _write(draft / f"{choices.name}.json", json_chunks(report))
            _write(draft / f"{choices.name}.csv", csv_text(report.tracks))
    if report.remark:
        console.print(report.remark, style="yellow")
    if choices.as_json:
        for chunk in json_chunks(report):
            click.echo(chunk, nl=False)
    else:
        show(report, settings.scoring.unknown_below)
    if choices.folder is not None:
        console.print(f"Written to {choices.folder}: {', '.join(names)}")


def _every_s(settings: Settings, choices: Choices) -> float:
    return 1.0 / settings.capture.rate_fps if choices.every_s is None else choices.every_s


def _write(file: Path, chunks: Iterator[str]) -> None:
    with file.open("w", encoding="utf-8") as text:
        text.writelines(chunks)
