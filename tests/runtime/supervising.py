"""A program of its own for the test that kills the supervisor: two fixed processes and one group, by SETTINGS."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

from engage.config import Settings
from engage.core.types import SourceStatus
from engage.runtime.launchers import build_launcher
from engage.runtime.signals import StopSignals
from engage.runtime.specs import ProcessSpec, WorkerSpec
from engage.runtime.supervisor import Supervisor


def main(text: str) -> None:
    values = json.loads(text)
    settings = Settings(**{**values, "runtime": {**values["runtime"], "capture_processes": 1}})
    fixed = [ProcessSpec(name, WorkerSpec(name, "small_workers:small")) for name in ("web", "collector")]
    plan = (WorkerSpec("camera", "small_workers:small"),)
    stop = threading.Event()
    environment = {"PYTHONPATH": str(Path(__file__).parent)}
    with StopSignals(stop), build_launcher(settings, environment) as launcher:
        supervisor = Supervisor(settings, launcher, fixed, lambda: plan)
        signals = launcher.channels.receiver("signals")
        runner = threading.Thread(target=supervisor.run, args=(stop,))
        runner.start()
        while runner.is_alive():
            for message in signals.receive(0.1):
                if isinstance(message, SourceStatus):
                    print(message.detail, flush=True)
        for message in signals.receive(0.1):
            if isinstance(message, SourceStatus):
                print(message.detail, flush=True)
        signals.close()


if __name__ == "__main__":
    main(sys.argv[1])
