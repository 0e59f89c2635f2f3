"""``engage serve``: the whole system on this machine, until Ctrl-C."""

from __future__ import annotations

import signal
import sys
import threading
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import click
import segno
from pydantic import ValidationError

from engage.certificates import Certificate, certificate_for, fingerprint
from engage.cli.jobs import jobs, pulse_job
from engage.cli.plan import Plan
from engage.config import Settings
from engage.core.seats import Grid
from engage.errors import SettingsError, StorageError
from engage.network import listen
from engage.runtime.addresses import RunFolder
from engage.runtime.launchers import build_launcher
from engage.runtime.schedule import Schedule
from engage.runtime.signals import StopSignals
from engage.runtime.specs import ProcessSpec, WorkerSpec
from engage.runtime.supervisor import Supervisor
from engage.storage.accounts import Accounts
from engage.storage.classroom import Classroom
from engage.storage.database import Database
from engage.storage.migrate import upgrade
from engage.storage.pulse import Pulse
from engage.storage.queries import Queries
from engage.storage.records import DemoMember
from engage.web_settings import Web

SETUP_LINK_LIFETIME_S = 24 * 3600.0
DEMO_STUDENTS = 12
READY_WITHIN_S = 120.0
"""Past this something is wrong, and the log says what."""


@click.command()
@click.option("--demo", is_flag=True, help=f"Have the virtual class ready: {DEMO_STUDENTS} drawn students.")
@click.option("--lan", is_flag=True, help="Serve the local network, by HTTPS (docs/lan.md).")
@click.pass_obj
def serve(settings: Settings, demo: bool, lan: bool) -> None:
    """Start everything: the dashboard, the capture workers, the network, the database's writer."""
    settings, certificate = with_certificate(for_the_network(settings) if lan else settings)
    listen(settings.web.listens_on, settings.web.port).close()  # said now, before anything is started
    database = Database(settings.database_url)
    database.open()
    if database.schema_state() == "empty":
        upgrade(database)
    database.check()
    classroom, queries = Classroom(database), Queries(database)
    if demo:
        classroom.ensure_demo(demo_members(DEMO_STUDENTS))
    stop = threading.Event()
    with ExitStack() as until_the_end:
        folder = until_the_end.enter_context(RunFolder(settings.path(settings.runtime.folder))) if certificate else None
        launcher = build_launcher(settings)
        plan = Plan(settings, queries, classroom, launcher.cores)
        supervisor = Supervisor(settings, launcher, fixed_processes(folder, settings.inference.replicas), plan)
        pulse = Pulse(database)
        schedule = Schedule([*jobs(settings, database), pulse_job(pulse, supervisor)])
        greeter = threading.Thread(target=greet, args=(settings, database, supervisor, certificate), daemon=True)
        try:
            with StopSignals(stop) as signals:
                schedule.start()
                greeter.start()
                supervisor.run(stop)
        finally:
            stop.set()
            schedule.stop()
            with suppress(StorageError):
                pulse.stop()
            database.close()
    if signals.received is signal.SIGINT:
        raise KeyboardInterrupt


def for_the_network(settings: Settings) -> Settings:
    """Return ``settings`` that serve the local network by HTTPS. Raises SettingsError where others contradict."""
    try:
        web = Web(**{**settings.web.model_dump(), "lan": True})
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise SettingsError(f"--lan does not go with the settings: {reason}.") from None
    return settings.model_copy(update={"web": web})


def with_certificate(settings: Settings) -> tuple[Settings, Certificate | None]:
    """Return ``settings`` that answer to the certificate's names too, and the certificate; None without TLS."""
    if not settings.web.serves_tls:
        return settings, None
    certificate = certificate_for(settings)
    web = settings.web.model_copy(update={"trusted_hosts": (*settings.web.trusted_hosts, *certificate.names)})
    return settings.model_copy(update={"web": web}), certificate


def fixed_processes(folder: Path | None, replicas: int = 1) -> list[ProcessSpec]:
    """Return the processes that run all the time, in their order of start; ``folder`` is private, for TLS.

    What serves an address, or looks at single pictures for it, stays on this machine.
    """
    behind = {} if folder is None else {"socket_file": str(folder / "web.sock")}
    networks = [_fixed("inference" if k == 0 else f"inference-{k + 1}", "inference", {"replica": k}, gpu=True)
                for k in range(replicas)]  # fmt: skip
    return [
        _fixed("web", "web", behind, here=True),
        _fixed("collector", "collector", {}),
        *networks,
        _fixed("looks", "looks", {}, here=True),
        *([_fixed("tls", "tls", behind, here=True)] if behind else []),
    ]


def _fixed(name: str, worker: str, arguments: dict[str, Any], *, here: bool = False, gpu: bool = False) -> ProcessSpec:
    spec = WorkerSpec(name, f"engage.cli.workers:{worker}", arguments)
    return ProcessSpec(name, spec, here=here, gpu=gpu)


def demo_members(count: int) -> list[DemoMember]:
    """Return the virtual class as the database knows it."""
    from engage.capture.virtual.roster import virtual_class

    return [
        DemoMember(member.name, member.address(), seat.name)
        for member, seat in zip(virtual_class(count), Grid().seats(), strict=False)
    ]


def greet(settings: Settings, database: Database, supervisor: Supervisor, certificate: Certificate | None) -> None:
    """Print the address, and the one-time link where there is no account yet, once everything is ready."""
    if not supervisor.wait_ready(READY_WITHIN_S):
        return
    accounts = Accounts(database)
    if accounts.count_users() == 0:
        token = accounts.issue_setup_token(SETUP_LINK_LIFETIME_S)
        click.echo(f"\n  Open this link once to make your account:  {settings.address}/setup/{token}")
        click.echo("  It works for a day, and only for the first account.\n")
    else:
        click.echo(f"\n  The dashboard is at  {settings.address}\n")
    if certificate is not None:
        show_the_way(settings.address, certificate)
    click.echo("  Ctrl-C stops everything.")


def show_the_way(address: str, certificate: Certificate) -> None:
    """Print the address as a QR code, and what devices must trust before they come."""
    if sys.stdout.isatty():
        segno.make(address, micro=False).terminal(compact=True)
    if certificate.authority is not None:
        click.echo(f"  Each device must first trust this program's authority: {address}/trust says how.")
        click.echo(f"  Its fingerprint (SHA-256), to compare there:  {fingerprint(certificate.authority)}\n")
