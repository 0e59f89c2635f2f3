"""``engage bench web`` and ``cluster``: what several processes, and several machines, come to."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from typing import Any

import click

from engage.cli.showing import AS_JSON, NEEDS_DEV, show
from engage.config import Settings
from engage.errors import SettingsError


@click.command()
@click.option("--students", default=300, show_default=True, type=click.IntRange(1, 5000), help="Each at 1 Hz.")
@click.option("--seconds", default=60.0, show_default=True, type=click.FloatRange(5, 3600), help="How long to measure.")
@click.option("--processes", default=2, show_default=True, type=click.IntRange(1, 32), help="Web processes.")
@click.option("--pages", default=4, show_default=True, type=click.IntRange(1, 200), help="Pages that watch.")
@AS_JSON
def web(students: int, seconds: float, processes: int, pages: int, as_json: bool) -> None:
    """Bring virtual students through PostgreSQL and Redis of its own into several web processes: latency, losses.

    Cameras and network are left out; half-way one web process is killed.
    """
    try:
        from engage.cli.web_bench import Asked, measure
    except ImportError as error:
        raise SettingsError(NEEDS_DEV.format(error.name)) from None
    show(measure(Asked(students, seconds, processes, pages)), as_json)


@click.command()
@click.option("--students", default=30, show_default=True, type=click.IntRange(1, 5000), help="Virtual students.")
@click.option("--rate", default=2.0, show_default=True, type=click.FloatRange(0.5, 30), help="Frames a second each.")
@click.option("--seconds", default=30.0, show_default=True, type=click.FloatRange(5, 3600), help="How long to measure.")
@click.option("--nodes", default=3, show_default=True, type=click.IntRange(2, 32), help="Nodes of the cluster.")
@click.option("--cores", default=1, show_default=True, type=click.IntRange(1, 64), help="Cores of each node.")
@AS_JSON
@click.pass_obj
def cluster(settings: Settings, /, as_json: bool, **asked: Any) -> None:
    """Run a lesson on a Ray cluster of its own on this machine: latency, losses. Then kill a node: what is missing.

    Frames are drawn beforehand. Set inference.replicas for several processes that read faces.
    """
    from engage.cli.cluster_bench import Asked, measure

    with redirect_stdout(sys.stderr):  # where Ray tells of a machine's end
        result = measure(settings, Asked(**asked))
    show(result, as_json)
