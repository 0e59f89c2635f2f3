"""A live page's stand-in: watches a session by Socket.IO, and after every hole asks the API, as the page does."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any

import requests
import socketio

from engage.core.live import EVENT, MISSED

OVERLAP_S = 60
"""As in the page (dashboard/static/js/live/connection.js)."""
AGAIN_S = 1.0
ANSWER_WITHIN_S = 20.0

Key = tuple[int, int]
"""(student, second)."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One student's second as the page first had it: when captured, when it came, and whether as an event."""

    captured_s: float
    received_s: float
    by_event: bool


@dataclass(slots=True)
class PageClient:
    """Knows what a page would know. ``address`` is the server's, ``cookie`` that of a signed-in teacher.

    ``troubles`` is all that the page was told is away, in order; ``connected`` how often it connected.
    """

    address: str
    cookie: str
    session_id: int
    transports: tuple[str, ...] = ("websocket",)
    verify: str | bool = True
    rows: dict[Key, Seen] = field(default_factory=dict)
    troubles: list[tuple[str, ...]] = field(default_factory=list)
    changes: int = 0
    connected: int = 0
    watching: bool = False
    """Whether it was let in to watch."""
    twice: int = 0
    """Seconds that came as an event although the page had them; an event after a hole was filled, mostly."""
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _wake: threading.Event = field(default_factory=threading.Event)
    _since: list[float | None] = field(default_factory=list)
    _newest: int = 0
    _stopped: bool = False
    _client: Any = None

    def start(self) -> None:
        """Connect, and stay connected until ``stop``."""
        threading.Thread(target=self._ask, name="page", daemon=True).start()
        threading.Thread(target=self._stay_connected, name="line", daemon=True).start()

    def stop(self) -> None:
        """Disconnect."""
        self._stopped = True
        self._wake.set()
        if self._client is not None:
            self._client.disconnect()

    def wait_until(self, fact: Any, timeout_s: float) -> bool:
        """Wait until ``fact(self)`` holds, up to ``timeout_s``; return whether it does."""
        with self._changed:
            return bool(self._changed.wait_for(lambda: fact(self), timeout_s))

    def known(self) -> set[Key]:
        """Return which students' seconds the page knows."""
        with self._changed:
            return set(self.rows)

    def _stay_connected(self) -> None:
        """Connect again and again; each time by a new client, as the library's own way back forgets the cookie."""
        while not self._stopped:
            client = self._client = socketio.Client(reconnection=False, http_session=self._web())
            client.on("connect", self._on_connect)
            client.on(EVENT, self._on_update)
            client.on("changed", self._on_changed)
            client.on(MISSED, self._on_missed)
            client.on("trouble", self._on_trouble)
            try:
                client.connect(self.address, transports=list(self.transports), wait_timeout=ANSWER_WITHIN_S)
                client.wait()
            except socketio.exceptions.ConnectionError:
                pass
            time.sleep(AGAIN_S / 2)

    def _web(self) -> requests.Session:
        web = requests.Session()
        web.trust_env, web.verify = False, self.verify  # else the environment's authorities count in its stead
        for pair in self.cookie.split("; "):  # in the jar, or a long poll after the first would go without
            name, _, value = pair.partition("=")
            web.cookies.set(name, value)
        return web

    def _on_missed(self, news: dict[str, Any]) -> None:
        if news["session"] == self.session_id:
            self._fill(news["since"])

    def _on_connect(self) -> None:
        with self._changed:
            self.connected += 1
            self._changed.notify_all()
        self._client.start_background_task(self._watch)

    def _watch(self) -> None:
        try:
            answer = self._client.call("watch", {"session": self.session_id}, timeout=ANSWER_WITHIN_S)
        except Exception:  # the connection went again; the next one watches
            return
        if answer and answer.get("ok"):
            with self._changed:
                self.watching = True
                self._changed.notify_all()
            if answer["trouble"]:
                self._on_trouble({"what": answer["trouble"], "since": None})
            self._fill(None)

    def _on_update(self, payload: dict[str, Any]) -> None:
        if payload["session"] == self.session_id:
            self._take(payload["samples"], by_event=True)

    def _on_changed(self, news: dict[str, Any]) -> None:
        with self._changed:
            self.changes += 1
            self._changed.notify_all()

    def _on_trouble(self, news: dict[str, Any]) -> None:
        with self._changed:
            self.troubles.append(tuple(news["what"]))
            self._changed.notify_all()
        if not news["what"]:
            self._fill(news["since"])

    def _take(self, samples: list[dict[str, Any]], by_event: bool) -> None:
        now = time.time()
        with self._changed:
            for sample in samples:
                key = sample["student"], sample["second"]
                self.twice += by_event and key in self.rows
                self.rows.setdefault(key, Seen(sample["captured_at"], now, by_event))
                self._newest = max(self._newest, sample["second"])
            self._changed.notify_all()

    def _fill(self, since: float | None) -> None:
        """Have the hole since a second filled, or since the newest known one."""
        with self._changed:
            self._since.append(since)
        self._wake.set()

    def _ask(self) -> None:
        while not self._stopped:
            self._wake.wait()
            self._wake.clear()
            with self._changed:
                asked, self._since = self._since, []
                known = [since for since in asked if since is not None]
                since = int(min([*known, self._newest or time.time()])) - OVERLAP_S
            if asked and not self._stopped and not self._asked(since):
                time.sleep(AGAIN_S)
                self._fill(since + OVERLAP_S)

    def _asked(self, since: int) -> bool:
        path = f"{self.address}/api/v1/sessions/{self.session_id}/samples?since={since}"
        try:
            answer = requests.get(path, headers={"Cookie": self.cookie}, timeout=ANSWER_WITHIN_S, verify=self.verify)
            answer.raise_for_status()
        except requests.RequestException:
            return False
        self._take(answer.json()["samples"], by_event=False)
        return True
