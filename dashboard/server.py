"""The web server: gunicorn's thread worker, embedded, with the thread that passes committed updates on to browsers.

gunicorn's arbiter forks one worker process. Everything with threads or sockets (database, updates channel, application)
is opened in that process, after the fork. Each open live page holds one thread of ``web.threads``.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.workers.gthread import TConn, ThreadWorker

from dashboard import create_app
from dashboard.frames import OpenFrames, desk
from dashboard.live import close_connections, deliver
from dashboard.looks import OpenLooks, look_desk
from dashboard.meeting import OpenWords, show, word_desk
from dashboard.trouble import DatabaseWatch
from dashboard.waiting import WaitingRoom
from engage.config import Settings
from engage.core.protocols import Receiver
from engage.core.shared import SharedView
from engage.core.updates import LiveUpdate
from engage.network import listen
from engage.storage.database import Database

log = logging.getLogger("engage.dashboard")

STOP_WITHIN_S = 3
"""After SIGTERM open requests get this long; live pages are closed at once and come back by themselves."""
RECEIVE_TIMEOUT_S = 0.5

OpenUpdates = Callable[[], Receiver]
Beat = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Lines:
    """The server's ways to the rest of the running system."""

    open_updates: OpenUpdates
    beat: Beat
    open_frames: OpenFrames | None = None
    open_words: OpenWords | None = None
    open_looks: OpenLooks | None = None
    port: int | None = None
    """Where it listens, of several web processes each on its own; ``web.port`` where not given."""
    socket_file: Path | None = None
    """Where TLS is spoken in front: the socket in a private folder through which every connection comes, each with the
    client's address ahead (PROXY protocol)."""


def serve(settings: Settings, lines: Lines) -> None:
    """Serve the dashboard until SIGTERM or SIGINT; call from the main thread of a process.

    ``lines.open_updates`` opens the channel of LiveUpdate messages, ``open_frames`` the one of a source's pushed
    frames, ``open_looks`` those of single looks; they and ``beat`` are called in the forked worker process, ``beat``
    at least once a second from one thread.
    Raises SettingsError when the address cannot be used, and StorageError when the database cannot.
    """
    _check_database(settings)
    listener = _listener(settings, lines)
    try:
        _Server(settings, listener, lines).run()
    except SystemExit as leaving:  # how gunicorn ends, also after SIGTERM
        if leaving.code:
            raise
    finally:
        listener.detach()  # gunicorn closed it


def _check_database(settings: Settings) -> None:
    database = Database.of(settings)
    try:
        database.open()
        database.check()
    finally:
        database.close()


def _listener(settings: Settings, lines: Lines) -> socket.socket:
    socket_file = lines.socket_file
    if socket_file is None:
        return listen(settings.web.listens_on, lines.port or settings.web.port)
    socket_file.unlink(missing_ok=True)  # of a process before this one
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(socket_file))
    listener.listen(128)
    return listener


class _Worker(ThreadWorker):  # type: ignore[misc] # gunicorn publishes no types
    """gunicorn's thread worker, with the threads beside it that receive what other processes send.

    Its threads begin with requests that have arrived (see ``dashboard.waiting``): gunicorn's own would wait for the
    rest of a slow one, and 64 half requests would be all it takes to hold up a school.
    """

    alive: bool
    nr_conns: int

    def run(self) -> None:
        """Serve until told to stop; the updates thread then closes the live pages, so that no thread is left."""
        server: _Server = self.app
        threads = [
            threading.Thread(target=receive, args=(lambda: self.alive,), name=name, daemon=True)
            for name, receive in (
                ("updates", server.pass_on),
                ("answers", server.bring_answers),
                ("database", server.watch_database),
            )
        ]
        self.room = WaitingRoom(
            lambda conn, data: self.method_queue.defer(self._begin, conn, data),
            lambda conn: self.method_queue.defer(self._forget, conn),
        )
        for thread in threads:
            thread.start()
        super().run()
        self.alive = False
        self.room.close()
        for thread in threads:
            thread.join(timeout=2 * RECEIVE_TIMEOUT_S)

    def accept(self, listener: socket.socket) -> None:
        """Take a new connection; it counts as one once its request has arrived."""
        with suppress(BlockingIOError, ConnectionAbortedError):
            client, address = listener.accept()
            self.room.take(TConn(self.cfg, client, address, listener.getsockname()))

    def enqueue_req(self, conn: Any) -> None:
        """Wait for the next request of a connection that was served before; meanwhile it does not count as one."""
        self.nr_conns -= 1
        self.room.take(conn, conn.parser.unreader.take_buffered() if conn.parser is not None else b"")

    def _begin(self, conn: Any, data: bytes) -> None:
        self.nr_conns += 1
        done = self.tpool.submit(self._handle_arrived, conn, data)
        done.add_done_callback(lambda future: self.method_queue.defer(self.finish_request, conn, future))

    def _handle_arrived(self, conn: Any, data: bytes) -> Any:
        conn.data_ready = True
        conn.sock.setblocking(True)
        conn.init()
        conn.parser.unreader.unread(data)
        return self.handle(conn)

    def _forget(self, conn: Any) -> None:
        conn.close()

    def is_parent_alive(self) -> bool:
        """Return whether the arbiter lives; without it this process stops as if told to."""
        self.alive = self.alive and super().is_parent_alive()
        return self.alive


class _Server(BaseApplication):  # type: ignore[misc] # gunicorn publishes no types
    """gunicorn's application object."""

    def __init__(self, settings: Settings, listener: socket.socket, lines: Lines) -> None:
        self.settings = settings
        self.lines = lines
        self.listener = listener
        self.application: Flask | None = None
        self.watch: DatabaseWatch | None = None
        super().__init__()

    def load_config(self) -> None:
        """Hand gunicorn its settings, the bound socket among them; nothing is read from its own files."""
        values: dict[str, Any] = {
            "bind": [f"fd://{self.listener.fileno()}"],
            "worker_class": _Worker,
            "workers": 1,
            "threads": self.settings.web.threads,
            "worker_connections": 4 * self.settings.web.threads,
            "timeout": 60,
            "graceful_timeout": STOP_WITHIN_S,
            "keepalive": 15,
            "accesslog": None,
            "proxy_protocol": self.lines.socket_file is not None,
            # Whose word on the client counts is decided in dashboard.hosts.
            "forwarded_allow_ips": "",
            "secure_scheme_headers": {},
            "forwarder_headers": "",
            "errorlog": "-",
            "loglevel": "warning",
            "control_socket_disable": True,
            "proc_name": "engage-dashboard",
        }
        for name, value in values.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Flask:
        """Return the application, made in the worker process."""
        database = Database.of(self.settings)
        database.open()
        self.application = create_app(self.settings, database)
        self.watch = DatabaseWatch(self.application)
        if self.lines.open_frames is not None:
            desk(self.application).connect(self.lines.open_frames)
        if self.lines.open_words is not None:
            word_desk(self.application).connect(self.lines.open_words)
        if self.lines.open_looks is not None:
            look_desk(self.application).connect(self.lines.open_looks)
        return self.application

    def bring_answers(self, running: Callable[[], bool]) -> None:
        """Bring the looks that were asked for to those who wait, while ``running()``."""
        if self.application is None:
            raise RuntimeError("the answers thread started before the application")
        look_desk(self.application).listen(running)

    def watch_database(self, running: Callable[[], bool]) -> None:
        """Tell the live pages when the database is away, while ``running()``."""
        if self.watch is None:
            raise RuntimeError("the watching thread started before the application")
        self.watch.run(running, time.sleep)

    def pass_on(self, running: Callable[[], bool]) -> None:
        """Pass updates on to the live pages while ``running()``, then close their connections."""
        if self.application is None or self.watch is None:
            raise RuntimeError("the updates thread started before the application")
        receiver = self.lines.open_updates()
        try:
            while running():
                messages = receiver.receive(RECEIVE_TIMEOUT_S)
                self.lines.beat()
                self.watch.look()
                try:
                    deliver(self.application, [message for message in messages if isinstance(message, LiveUpdate)])
                    show(self.application, [message for message in messages if isinstance(message, SharedView)])
                except Exception:  # a worker boundary: a bad update must not silence the following ones
                    log.exception("event=update_failed messages=%d", len(messages))
        finally:
            receiver.close()
            close_connections(self.application)
