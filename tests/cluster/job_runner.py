"""One process of a deployment that runs its jobs: writes down each run's begin and end, until it is killed.

Called with the database's address, the file to write to, its own name, and the lease in seconds.
"""

from __future__ import annotations

import os
import sys
import threading
import time

from engage.cli.turn import Turn
from engage.runtime.schedule import Job, Schedule
from engage.storage.database import Database

LASTS_S = 0.3


def main(url: str, file: str, name: str, lease_s: str) -> None:
    """Run one job again and again, as far as it is this process's turn."""
    out = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def say(word: str) -> None:
        os.write(out, f"{name} {word} {time.monotonic()}\n".encode())

    def run() -> None:
        say("began")
        time.sleep(LASTS_S)
        say("ended")

    database = Database(url)
    database.open()
    turn = Turn(database, float(lease_s))
    schedule = Schedule(
        [Job("a job", run, every_s=0.5), Job("own", lambda: say("lives"), 0.2, everywhere=True)], mine=turn.mine
    )
    turn.start()
    schedule.start()
    threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
