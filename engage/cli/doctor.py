"""``engage doctor``: is everything here that the system needs, and what to do about each thing that is not."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

import click

from engage.config import Settings
from engage.errors import EngageError


class Verdict(StrEnum):
    """How a check came out. Only ``FAIL`` keeps the system from working."""

    OK = "ok"
    NOTE = "note"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: what was looked at, how it stands, and what to do."""

    subject: str
    verdict: Verdict
    text: str


def check_classifier(settings: Settings) -> Finding:
    """Return whether the expression network loads with the checksum of its card."""
    from engage.inference.classifier import load

    network = load(settings.models.classifier and settings.path(settings.models.classifier))
    return Finding("expression network", Verdict.OK, f"{network.name}, checksum verified")


def check_backends(settings: Settings) -> Finding:
    """Return what may compute the network here, and what would, were it installed."""
    from engage.inference.backends.registry import KINDS, offers

    wanted = settings.inference
    names = dict.fromkeys(offer.backend for offer in offers(wanted.backend, wanted.precision))
    text = f"{', '.join(names)}{' (the fastest is measured and taken)' if wanted.backend == 'auto' else ''}"
    absent = {name: kind.extra for name, kind in KINDS.items() if kind.missing}
    if wanted.backend != "auto" or not absent:
        return Finding("reading faces with", Verdict.OK, text)
    name, extra = list(absent.items())[-1]
    text = f"{text}; not installed: {', '.join(absent)} (pip install 'engage[{extra}]' for {name} and more speed)"
    return Finding("reading faces with", Verdict.NOTE, text)


def check_detector(settings: Settings) -> Finding:
    """Return which face detector will be used."""
    from engage.vision.store import ModelStore

    if ModelStore.from_settings(settings).find("yunet") is not None:
        return Finding("face detector", Verdict.OK, "YuNet, checksum verified")
    return Finding(
        "face detector",
        Verdict.NOTE,
        "YuNet is not here, so the slower Haar cascade is used; 'engage models fetch' brings it",
    )


def check_hands(settings: Settings) -> Finding:
    """Return whether raised hands can be read. Off is the rule."""
    from engage.vision.hands import installed
    from engage.vision.store import HANDS, ModelStore

    missing = [] if installed() else ["the extra 'gestures' (pip install -e '.[gestures]')"]
    if ModelStore.from_settings(settings).find(HANDS) is None:
        missing.append(f"its model file ('engage models fetch {HANDS}')")
    if settings.vision.hands:
        verdict = Verdict.FAIL if missing else Verdict.OK
        return Finding("hands", verdict, f"on, but missing: {' and '.join(missing)}" if missing else "read")
    return Finding("hands", Verdict.NOTE, "raised hands and hands at the face are not read; vision.hands turns it on")


def check_database(settings: Settings) -> Finding:
    """Return whether the database opens and its tables are those of this program."""
    from engage.storage.database import Database

    database = Database.of(settings)
    database.open()
    try:
        database.check()
    finally:
        database.close()
    return Finding("database", Verdict.OK, "opens, tables are current")


def check_port(settings: Settings) -> Finding:
    """Return whether the dashboard's port is free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.web.listens_on, settings.web.port))
        except OSError as error:
            return Finding(
                "port",
                Verdict.FAIL,
                f"{settings.web.port} is not to be had ({error.strerror}); stop what uses it (perhaps a running "
                "'engage serve') or set another with --set web.port=8001",
            )
    return Finding("port", Verdict.OK, f"{settings.web.port} is free")


def check_browser_assets(settings: Settings) -> Finding:
    """Return whether the browser libraries are installed."""
    from dashboard.install import missing_files

    missing = missing_files()
    if missing:
        return Finding(
            "browser libraries", Verdict.FAIL, f"{missing[0].name} is missing; run 'python -m dashboard.install'"
        )
    return Finding("browser libraries", Verdict.OK, "installed")


def check_camera(settings: Settings) -> Finding:
    """Return whether the first webcam gives a picture. Having none is no fault."""
    if not list(Path("/dev").glob("video*")) and Path("/dev").is_dir():
        return Finding("webcam", Verdict.NOTE, "none on this machine; streams, files and the virtual class work")
    from engage.capture.sources import open_source

    source = open_source("0")
    try:
        source.open()
        frame = source.read(5.0)
    finally:
        source.close()
    if frame is None:
        return Finding("webcam", Verdict.NOTE, "camera 0 gives no picture; is another program using it?")
    height, width = frame.image.shape[:2]
    return Finding("webcam", Verdict.OK, f"camera 0 gives {width} × {height} pixels")


CHECKS: dict[str, Callable[[Settings], Finding]] = {
    "expression network": check_classifier,
    "reading faces with": check_backends,
    "face detector": check_detector,
    "hands": check_hands,
    "database": check_database,
    "port": check_port,
    "browser libraries": check_browser_assets,
    "webcam": check_camera,
}


def examine(settings: Settings) -> list[Finding]:
    """Return the finding of every check; a check that raises EngageError is a finding too."""
    findings = []
    for subject, check in CHECKS.items():
        try:
            findings.append(check(settings))
        except EngageError as error:
            verdict = Verdict.NOTE if subject == "webcam" else Verdict.FAIL
            findings.append(Finding(subject, verdict, str(error)))
    return findings


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
@click.pass_context
def doctor(ctx: click.Context, settings: Settings, as_json: bool) -> None:
    """Check everything the system needs, and say what to do about what is missing."""
    findings = examine(settings)
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            click.echo(f"{finding.verdict.upper():5} {finding.subject}: {finding.text}")
    if any(finding.verdict is Verdict.FAIL for finding in findings):
        ctx.exit(2)
