"""``engage serve``: the whole system on this machine, until Ctrl-C."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress

import click
import segno
from pydantic import ValidationError

from engage.certificates import Certificate, certificate_for, fingerprint
from engage.cli.jobs import jobs, make_partitions, pulse_job
from engage.cli.parts import Part, check, claim_sockets, fixed_processes
from engage.cli.plan import Plan
from engage.cli.turn import Turn
from engage.cli.unplaced import unplaced_job
from engage.config import Settings
from engage.core.seats import Grid
from engage.errors import SettingsError, StorageError
from engage.network import listen
from engage.runtime.addresses import RunFolder
from engage.runtime.launchers import build_launcher
from engage.runtime.schedule import Job, Schedule
from engage.runtime.signals import StopSignals
from engage.runtime.specs import WorkerSpec
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
@click.option(
    "--only",
    type=click.Choice([str(part) for part in Part]),
    help="The web processes, or all but them (docs/cluster.md).",
)
@click.pass_obj
def serve(settings: Settings, demo: bool, lan: bool, only: str | None) -> None:
    """Start everything: the dashboard, the capture workers, the network, the database's writer."""
    part = Part(only) if only else None
    settings = for_the_network(settings) if lan else settings
    check(settings, part)
    settings, certificate = with_certificate(settings)
    for port in ports(settings, part):
        listen(settings.web.listens_on, port).close()  # said now, before anything is started
    claim_sockets(settings, part)
    database = Database.of(settings)
    database.open()
    if part is not Part.WEB and database.schema_state() == "empty":
        upgrade(database)
    database.check()
    if part is not Part.WEB:
        make_partitions(database)
    if demo:
        Classroom(database).ensure_demo(demo_members(DEMO_STUDENTS))
    with ExitStack() as until_the_end:
        folder = until_the_end.enter_context(RunFolder(settings.path(settings.runtime.folder))) if certificate else None
        launcher, processes = build_launcher(settings), fixed_processes(settings, part, folder)
        plan = plan_of(settings, database, part, launcher.cores)
        supervisor = Supervisor(settings, launcher, processes, plan)
        greeter = threading.Thread(target=greet, args=(settings, database, supervisor, certificate), daemon=True)
        greeter.start()
        about_it = () if part is Part.WEB else (unplaced_job(supervisor, launcher),)
        supervise(settings, database, supervisor, part, about_it)


def ports(settings: Settings, part: Part | None) -> range:
    """Return the ports that this program listens on."""
    return range(settings.web.port, settings.web.port + (0 if part is Part.WORKERS else settings.web.processes))


def plan_of(
    settings: Settings, database: Database, part: Part | None, cores: Callable[[], int]
) -> Callable[[], Sequence[WorkerSpec]]:
    """Return what says which capture workers run here: none beside web processes alone."""
    return tuple if part is Part.WEB else Plan(settings, Queries(database), Classroom(database), cores)


def supervise(
    settings: Settings, database: Database, supervisor: Supervisor, part: Part | None, more: Sequence[Job] = ()
) -> None:
    """Run the processes, the deployment's jobs and ``more`` of this program's until a signal; close ``database``."""
    stop, turn, pulse = threading.Event(), Turn(database), Pulse(database)
    own = [] if part is Part.WEB else [pulse_job(pulse, supervisor)]
    schedule = Schedule([*jobs(settings, database), *own, *more], mine=turn.mine)
    try:
        with StopSignals(stop) as signals:
            turn.start()
            schedule.start()
            supervisor.run(stop)
    finally:
        stop.set()
        schedule.stop()
        with suppress(StorageError):
            turn.stop()
            if own:
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
