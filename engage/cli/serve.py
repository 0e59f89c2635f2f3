"""``engage serve``: the whole system on this machine, until Ctrl-C."""

from __future__ import annotations

import signal
import socket
import threading
from datetime import UTC, datetime, timedelta

import click

from engage.cli.plan import Plan
from engage.config import Settings
from engage.errors import SettingsError
from engage.runtime.launcher import LocalLauncher
from engage.runtime.schedule import Job, Schedule
from engage.runtime.signals import StopSignals
from engage.runtime.specs import ProcessSpec, WorkerSpec
from engage.runtime.supervisor import Supervisor
from engage.storage.accounts import Accounts
from engage.storage.classroom import Classroom
from engage.storage.database import Database
from engage.storage.migrate import upgrade
from engage.storage.queries import Queries
from engage.storage.records import DemoMember

SETUP_LINK_LIFETIME_S = 24 * 3600.0
DEMO_STUDENTS = 12
READY_WITHIN_S = 120.0
"""Past this something is wrong, and the log says what."""


@click.command()
@click.option("--demo", is_flag=True, help=f"Have the virtual class ready: {DEMO_STUDENTS} drawn students.")
@click.pass_obj
def serve(settings: Settings, demo: bool) -> None:
    """Start everything: the dashboard, the capture workers, the network, the database's writer."""
    require_port(settings.web.host, settings.web.port)
    database = Database(settings.database_url)
    database.open()
    if database.schema_state() == "empty":
        upgrade(database)
    database.check()
    classroom, queries = Classroom(database), Queries(database)
    if demo:
        classroom.ensure_demo(demo_members(DEMO_STUDENTS))
    stop = threading.Event()
    schedule = Schedule([Job("end forgotten sessions", lambda: end_forgotten(settings, queries, classroom), 300.0)])
    supervisor = Supervisor(settings, LocalLauncher(settings), fixed_processes(), Plan(settings, queries, classroom))
    greeter = threading.Thread(target=greet, args=(settings, database, supervisor), daemon=True)
    try:
        with StopSignals(stop) as signals:
            schedule.start()
            greeter.start()
            supervisor.run(stop)
    finally:
        stop.set()
        schedule.stop()
        database.close()
    if signals.received is signal.SIGINT:
        raise KeyboardInterrupt


def require_port(host: str, port: int) -> None:
    """Raise SettingsError, before anything is started, where the dashboard could not listen."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise SettingsError(
                f"Port {port} on {host} is not to be had ({error.strerror}). Stop what uses it (perhaps another "
                "'engage serve'), or choose another with --set web.port=8001."
            ) from None


def fixed_processes() -> list[ProcessSpec]:
    """Return the processes that run all the time, in their order of start."""
    return [
        ProcessSpec(name, WorkerSpec(name, f"engage.cli.workers:{name}")) for name in ("web", "collector", "inference")
    ]


def end_forgotten(settings: Settings, queries: Queries, classroom: Classroom) -> None:
    """End sessions that nobody ended: past ``pipeline.longest_session_h`` no lesson goes on."""
    oldest = datetime.now(UTC) - timedelta(hours=settings.pipeline.longest_session_h)
    for session in queries.running_sessions():
        if session.started_at < oldest:
            classroom.end_session(session.id)


def demo_members(count: int) -> list[DemoMember]:
    """Return the virtual class as the database knows it."""
    from engage.capture.virtual.roster import virtual_class

    return [DemoMember(member.name, member.address(), str(seat)) for seat, member in enumerate(virtual_class(count), 1)]


def greet(settings: Settings, database: Database, supervisor: Supervisor) -> None:
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
    click.echo("  Ctrl-C stops everything.")
