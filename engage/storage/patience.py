"""PostgreSQL's connections that do not wait for ever.

A server whose processes stand still (a frozen virtual machine, a disk that hangs) keeps its connections: nothing tells
the client, and libpq waits. Time-outs such as ``statement_timeout`` are up to the server, which does nothing.
"""

from __future__ import annotations

import time
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen

from engage.storage.faults import NO_ANSWER

Row = TypeVar("Row")
Result = TypeVar("Result")


class Impatient(psycopg.Connection[Row]):
    """A connection that is given up, and closed, when the server has said nothing for ``limit_s`` while it should."""

    limit_s = float("inf")
    """Given to a subclass of its own by ``impatient``."""

    def wait(self, gen: PQGen[Result], *args: Any, **words: Any) -> Result:
        """Wait for what the server has to say. Raises OperationalError where it says nothing."""
        return super().wait(_bounded(gen, self, self.limit_s), *args, **words)


def _bounded(gen: PQGen[Result], connection: Impatient[Any], limit_s: float) -> PQGen[Result]:
    """Go through ``gen``, which is woken ten times a second, for as long as something comes from time to time."""
    heard_s = time.monotonic()
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            now_s = time.monotonic()
            if ready:
                heard_s = now_s
            elif now_s - heard_s > limit_s:
                connection.pgconn.finish()  # its answer may still come, to a question that nobody asks any more
                raise psycopg.OperationalError(NO_ANSWER)
            wanted = gen.send(ready)
    except StopIteration as end:
        result: Result = end.value
        return result


def impatient(limit_s: float) -> type[Impatient[Any]]:
    """Return the kind of connection that waits for ``limit_s``."""
    return type("Impatient", (Impatient,), {"limit_s": limit_s})
