"""The web server: gunicorn's thread worker, embedded, with the thread that passes committed updates on to browsers.

gunicorn's arbiter forks one worker process. Everything with threads or sockets (database, updates channel, application)
is opened in that process, after the fork. Each open live page holds one thread of ``web.threads``.
"""

from __future__ import annotations

import errno
import logging
import socket
import threading
from collections.abc import Callable
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.workers.gthread import ThreadWorker

from dashboard import create_app
from dashboard.live import close_connections, deliver
from engage.config import Settings
from engage.core.protocols import Receiver
from engage.core.types import LiveUpdate
from engage.errors import SettingsError
from engage.storage.database import Database

log = logging.getLogger("engage.dashboard")

STOP_WITHIN_S = 3
"""After SIGTERM open requests get this long; live pages are closed at once and come back by themselves."""
RECEIVE_TIMEOUT_S = 0.5

OpenUpdates = Callable[[], Receiver]
Beat = Callable[[], None]


def serve(settings: Settings, open_updates: OpenUpdates, beat: Beat) -> None:
    """Serve the dashboard until SIGTERM or SIGINT; call from the main thread of a process.

    ``open_updates`` opens the channel of LiveUpdate messages; it and ``beat`` are called in the forked worker process,
    ``beat`` at least once a second from one thread. Raises SettingsError when the address cannot be used, and
    StorageError when the database cannot.
    """
    _check_database(settings)
    listener = _bind(settings.web.host, settings.web.port)
    try:
        _Server(settings, listener, open_updates, beat).run()
    except SystemExit as leaving:  # how gunicorn ends, also after SIGTERM
        if leaving.code:
            raise
    finally:
        listener.detach()  # gunicorn closed it


def _check_database(settings: Settings) -> None:
    database = Database(settings.database_url)
    try:
        database.open()
        database.check()
    finally:
        database.close()


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        reasons = {
            errno.EADDRINUSE: "another program uses it; stop that program or set another web.port",
            errno.EACCES: "ports below 1024 need more rights; set web.port to 1024 or above",
        }
        reason = reasons.get(error.errno or 0, f"{error.strerror or error}; check web.host and web.port")
        raise SettingsError(f"The dashboard cannot listen on {host} port {port}: {reason}.") from None
    return listener


class _Worker(ThreadWorker):  # type: ignore[misc] # gunicorn publishes no types
    """gunicorn's thread worker with the updates thread beside it."""

    alive: bool

    def run(self) -> None:
        """Serve until told to stop; the updates thread then closes the live pages, so that no thread is left."""
        server: _Server = self.app
        thread = threading.Thread(target=server.pass_on, args=(lambda: self.alive,), name="updates", daemon=True)
        thread.start()
        super().run()
        self.alive = False
        thread.join(timeout=2 * RECEIVE_TIMEOUT_S)

    def is_parent_alive(self) -> bool:
        """Return whether the arbiter lives; without it this process stops as if told to."""
        self.alive = self.alive and super().is_parent_alive()
        return self.alive


class _Server(BaseApplication):  # type: ignore[misc] # gunicorn publishes no types
    """gunicorn's application object."""

    def __init__(self, settings: Settings, listener: socket.socket, open_updates: OpenUpdates, beat: Beat) -> None:
        self.settings = settings
        self.open_updates = open_updates
        self.beat = beat
        self.listener = listener
        self.application: Flask | None = None
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
        database = Database(self.settings.database_url)
        database.open()
        self.application = create_app(self.settings, database)
        return self.application

    def pass_on(self, running: Callable[[], bool]) -> None:
        """Pass updates on to the live pages while ``running()``, then close their connections."""
        if self.application is None:
            raise RuntimeError("the updates thread started before the application")
        receiver = self.open_updates()
        try:
            while running():
                messages = receiver.receive(RECEIVE_TIMEOUT_S)
                self.beat()
                try:
                    deliver(self.application, [message for message in messages if isinstance(message, LiveUpdate)])
                except Exception:  # a worker boundary: a bad update must not silence the following ones
                    log.exception("event=update_failed messages=%d", len(messages))
        finally:
            receiver.close()
            close_connections(self.application)
