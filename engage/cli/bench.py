"""``engage bench``: what this machine does, measured on the running system; JSON for programs, a table for people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from engage.cli.bench_several import cluster, web
from engage.cli.showing import AS_JSON, NEEDS_DEV, show, text
from engage.config import Settings
from engage.errors import SettingsError
from engage.inference_settings import BACKENDS


@click.group()
def bench() -> None:
    """Measure this machine. Figures mean something only while nothing else is running."""


SECONDS = click.option(
    "--seconds", default=2.0, show_default=True, type=click.FloatRange(0.01, 600), help="Processor time per figure."
)
AVX2 = click.option("--avx2", is_flag=True, help="Allow the libraries no more than AVX2, the baseline's included.")


@bench.command()
@click.option("--backend", "backends", multiple=True, type=click.Choice(BACKENDS), help="Only this one; repeatable.")
@SECONDS
@AVX2
@AS_JSON
@click.pass_obj
def faces(settings: Settings, backends: tuple[str, ...], seconds: float, avx2: bool, as_json: bool) -> None:
    """Read drawn faces with every backend and precision: faces a second of one core, start, memory, agreement."""
    from engage.cli import plain_bench
    from engage.cli.faces_bench import SIZES, measure
    from engage.inference.backends.registry import KINDS, Offer

    offers = [Offer(name, precision) for name in backends or BACKENDS for precision in KINDS[name].precisions]
    asked = plain_bench.Asked("faces", seconds, offers)
    result = plain_bench.measure(settings, asked) if avx2 else measure(settings, offers, seconds)
    if as_json:
        show(result, as_json=True)
        return
    table = Table("faces/s of one core", *(f"batch {size}" for size in SIZES), "start", "memory", "Δp", show_edge=False)
    for name, row in result["backends"].items():
        if row.get("problem"):
            table.add_row(name, row["problem"])
            continue
        rates = [f"{row['faces_per_s'][str(size)]:.0f} ({row['over_baseline'][str(size)]:.1f} ×)" for size in SIZES]
        start, memory = f"{row['start_s']:.1f} s", f"{row['memory_mb']:.0f} MB"
        table.add_row(name, *rates, start, memory, f"{row['differences']['expression']:.3f}")
    Console().print(table)
    click.echo(f"1 × is PyTorch in float32 as it comes, one face at a time: {result['baseline_faces_per_s']:.0f}/s")


@bench.command()
@click.option("--students", default=8, show_default=True, type=click.IntRange(1, 100), help="Virtual students.")
@SECONDS
@AVX2
@AS_JSON
@click.pass_obj
def frames(settings: Settings, students: int, seconds: float, avx2: bool, as_json: bool) -> None:
    """Take 640 × 480 frames all the way to signals, from JPEG and decoded: frames a second of one core."""
    from engage.cli import frames_bench, plain_bench

    asked = plain_bench.Asked("frames", seconds, students=students)
    found = plain_bench.measure(settings, asked) if avx2 else frames_bench.measure(settings, students, seconds)
    show(found, as_json)


@bench.command()
@SECONDS
@AS_JSON
def baseline(seconds: float, as_json: bool) -> None:
    """Do it the naive way: Haar on every whole frame, PyTorch in float32 on one face at a time."""
    from engage.cli.baseline_bench import drawn_frames, measure

    show(measure([frames[0] for frames in drawn_frames(4, 1)], seconds), as_json)


@bench.command()
@click.option("--students", default=12, show_default=True, type=click.IntRange(1, 200), help="Virtual students.")
@click.option("--rate", default=2.0, show_default=True, type=click.FloatRange(0.5, 30), help="Frames a second each.")
@click.option("--seconds", default=60.0, show_default=True, type=click.FloatRange(5, 3600), help="How long to measure.")
@click.option("--drawn-before", is_flag=True, help="Draw beforehand; JPEG frames then come from another process.")
@click.option("--browser", is_flag=True, help="Have Chromium look at the live page meanwhile.")
@click.option("--adapt", is_flag=True, help="Let the rate follow what the machine bears, up to --rate.")
@AS_JSON
@click.pass_obj
def live(settings: Settings, /, students: int, rate: float, seconds: float, as_json: bool, **how: bool) -> None:
    """Run the whole system on virtual students in a folder of its own: latency, losses, load."""
    try:
        from engage.cli.live_bench import Load, measure
    except ImportError as error:
        raise SettingsError(NEEDS_DEV.format(error.name)) from None
    show(measure(settings, Load(students, rate, seconds, **how)), as_json)


@bench.command()
@click.option(
    "--students",
    "counts",
    multiple=True,
    type=click.IntRange(1, 1000),
    help="A size of class; repeatable.",
    default=(10, 20, 50, 100, 200),
    show_default=True,
)
@click.option("--rate", default=2.0, show_default=True, type=click.FloatRange(0.5, 30), help="Frames a second each.")
@click.option("--seconds", default=30.0, show_default=True, type=click.FloatRange(5, 3600), help="How long each takes.")
@AS_JSON
@click.pass_obj
def scale(settings: Settings, counts: tuple[int, ...], rate: float, seconds: float, as_json: bool) -> None:
    """Run the whole system on ever larger classes, frames drawn beforehand: cost per student, where it saturates."""
    try:
        from engage.cli.scale_bench import COLUMNS, measure
    except ImportError as error:
        raise SettingsError(NEEDS_DEV.format(error.name)) from None
    result = measure(settings, sorted(counts), rate, seconds)
    if as_json:
        show(result, as_json=True)
        return
    table = Table("students", *COLUMNS.values(), show_edge=False)
    for row in result["classes"]:
        table.add_row(str(row["students"]), *(row.get("problem") or text(row.get(name)) for name in COLUMNS))
    Console().print(table)
    click.echo(result["verdict"])


@bench.command()
@click.option("--students", default=40, show_default=True, type=click.IntRange(1, 1000), help="Made-up students.")
@click.option("--minutes", default=90, show_default=True, type=click.IntRange(1, 24 * 60), help="Its length.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def report(students: int, minutes: int, as_json: bool) -> None:
    """Store a made-up session in a folder of its own, and measure its report: page, PDF and the other files."""
    from engage.cli.report_bench import measure

    show(measure(students, minutes), as_json)


@bench.command()
@click.argument("recordings", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--students", default=4, show_default=True, type=click.IntRange(0, 100), help="Virtual students.")
@click.option("--rate", "rates", default=(15.0, 2.0), show_default=True, multiple=True, type=click.FloatRange(0.5, 60))
@click.option(
    "--seconds", default=20.0, show_default=True, type=click.FloatRange(1, 3600), help="Length of each scene."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with every scene.")
@click.pass_obj
def follow(settings: Settings, /, recordings: tuple[Path, ...], **given: Any) -> None:
    """Follow the faces of RECORDINGS and of virtual students: overlap with the detector's boxes, and how often it ran.

    Give --rate, in frames a second, as often as wanted.
    """
    from engage.cli.finding import build_reader
    from engage.cli.follow_bench import Scenes, measure

    reader = build_reader(settings, settings.inference.threads)
    students, seconds = given["students"], given["seconds"]
    results = [measure(settings, reader, Scenes(recordings, students, rate, seconds)) for rate in given["rates"]]
    if given["as_json"]:
        click.echo(json.dumps(results, indent=2))
        return
    for result in results:
        show({name: value for name, value in result.items() if name != "scenes"}, as_json=False)


@bench.command()
@click.option(
    "--students", default=2, show_default=True, type=click.IntRange(1, 100), help="Virtual students a script."
)
@click.option("--rate", default=5.0, show_default=True, type=click.FloatRange(0.5, 30), help="Frames a second each.")
@click.option("--seconds", default=180.0, show_default=True, type=click.FloatRange(15, 3600), help="Length of each.")
@click.option("--script", "names", multiple=True, help="Only this one; may be given more than once.")
@click.option("--no-participation", is_flag=True, help="Leave gestures out of the score, to compare frame rates.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def scripts(settings: Settings, /, names: tuple[str, ...], as_json: bool, **given: Any) -> None:
    """Score virtual students whose right score is known: expected and measured, script by script.

    They are drawn and read like any camera, as fast as this machine can; no figure here depends on its speed.
    """
    from engage.capture.virtual.scenes import SCENES
    from engage.cli.finding import build_reader
    from engage.cli.script_bench import Play, measure

    chosen = [scene for scene in SCENES if not names or scene.name in names or scene.name == "attentive"]
    unknown = set(names) - {scene.name for scene in SCENES}
    if unknown:
        known = ", ".join(scene.name for scene in SCENES)
        raise SettingsError(f"There is no script '{min(unknown)}'; there are {known}.")
    play = Play(given["students"], given["rate"], given["seconds"], not given["no_participation"])
    result = measure(settings, build_reader(settings, settings.inference.threads), chosen, play)
    if as_json:
        show(result, as_json=True)
        return
    columns = ("expected", "measured", "from_truth", "scored_share", "confidence", "error", "met")
    table = Table("script", *columns, show_edge=False)
    for name, row in result["scripts"].items():
        table.add_row(name, *(text(row[column]) for column in columns))
    Console().print(table)
    for group in result["by_confidence"]:
        click.echo(f"at confidence {group['confidence']:.2f} the score errs by {group['error']:.2f}")


@bench.command()
@click.option("--detector", is_flag=True, help="Find the faces by the detector of the settings, not by the script.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with every scene.")
@click.pass_obj
def meeting(settings: Settings, detector: bool, as_json: bool) -> None:
    """Keep names with the tiles of drawn meetings whose windows change: right, wrong, unsure."""
    from engage.cli.meeting_bench import measure, scenes
    from engage.cli.shared import LONGEST_PX
    from engage.vision.detectors.registry import build_detector

    finds = build_detector(settings.vision.detector, settings, LONGEST_PX) if detector else None
    result = measure(scenes(), finds)
    show(
        result if as_json else {**{name: str(each) for name, each in result["scenes"].items()}, **result["all"]},
        as_json,
    )


@bench.command("store")
@click.option("--url", help="Measure in this empty database, which is empty again afterwards.")
@click.option("--postgres", is_flag=True, help="Measure in a temporary PostgreSQL, from the installed binaries.")
@click.option("--students", default=1000, show_default=True, type=click.IntRange(1, 100_000), help="Each at 1 Hz.")
@click.option(
    "--seconds", default=20.0, show_default=True, type=click.FloatRange(0.1, 3600), help="Length of each measurement."
)
@click.option(
    "--batch", "batches", multiple=True, type=click.IntRange(1, 100_000), help="Samples a commit; may be repeated."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def store_command(url: str | None, postgres: bool, as_json: bool, **given: Any) -> None:
    """Write made-up samples, by several sizes of batch and the naive way: samples a second, how long a commit takes.

    Without --url and --postgres it is a temporary SQLite file.
    """
    from engage.cli.store_bench import BATCHES, Asked, measure

    if url and postgres:
        raise SettingsError("--url and --postgres name two databases; give one of them.")
    result = measure(url, postgres, Asked(given["students"], given["seconds"], given["batches"] or BATCHES))
    if as_json:
        show(result, as_json=True)
        return
    table = Table("batch", "samples/s", "p50", "p95", "p99", "longest queue", "sustained", show_edge=False)
    for name, row in {"naive": result["naive"], **result["batches"]}.items():
        rate = f"{row['samples_per_s']:.0f}" + (f" ({row['over_naive']:.0f} ×)" if "over_naive" in row else "")
        commits = [f"{row[f'commit_p{part}_ms']:.1f} ms" for part in (50, 95, 99)]
        queue = text(row.get("queue_longest")), text(row.get("sustained"))
        table.add_row(name, rate, *commits, *queue)
    Console().print(table)
    sustained = "sustained: no queue grew" if result["sustained"] else "not sustained: a queue grew"
    click.echo(f"{result['students']} samples a second in {result['database']} are {sustained} by more than a batch")


for command in (web, cluster):
    bench.add_command(command)
