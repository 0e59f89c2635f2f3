"""A Chromium of its own by the DevTools protocol alone: Playwright keeps every page visible and hides none."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from simple_websocket import Client

PATIENCE_S = 60.0


class Tab:
    """One tab, driven by what a page's own scripts can do."""

    def __init__(self, address: str) -> None:
        self._socket = Client(address)
        self._last = 0

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Return the answer to one command."""
        self._last += 1
        self._socket.send(json.dumps({"id": self._last, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.receive(PATIENCE_S))
            if message.get("id") == self._last:
                return dict(message.get("result", {}))

    def value(self, script: str) -> Any:
        """Return what ``script`` gives in the page."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        return answer.get("result", {}).get("value")

    def until(self, script: str) -> None:
        """Wait until ``script`` gives something true."""
        deadline = time.monotonic() + PATIENCE_S
        while not self.value(script):
            assert time.monotonic() < deadline, f"never true: {script}\n{self.value('document.body.innerText')}"
            time.sleep(0.1)

    def hide(self) -> None:
        """Open another tab before this one."""
        other = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.call("Target.activateTarget", targetId=other)
        self.until("document.visibilityState === 'hidden'")

    def close(self) -> None:
        """Let go of the tab."""
        self._socket.close()


@contextmanager
def tab(executable: str, arguments: Sequence[str], home: Path) -> Iterator[Tab]:
    """Yield the only tab of a new Chromium whose profile lies in ``home``."""
    port_file = home / "DevToolsActivePort"
    command = [executable, "--headless=new", "--remote-debugging-port=0", f"--user-data-dir={home}", *arguments]
    process = subprocess.Popen([*command, "about:blank"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + PATIENCE_S
        while not port_file.exists() or len(port_file.read_text().split()) < 2:
            assert process.poll() is None and time.monotonic() < deadline, "Chromium did not start"
            time.sleep(0.1)
        port = port_file.read_text().split()[0]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=PATIENCE_S) as answer:
            found = next(target for target in json.load(answer) if target["type"] == "page")
        opened = Tab(found["webSocketDebuggerUrl"])
        try:
            yield opened
        finally:
            opened.close()
    finally:
        process.terminate()
        process.wait(20)
