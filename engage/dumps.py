"""No core dumps: a process that crashes must not leave on disk what it had in memory, which was faces."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

FILTER = Path("/proc/self/coredump_filter")


def forbid() -> None:
    """Forbid core dumps of this process and of all that it starts; neither can allow them again.

    On Linux the filter too is emptied: a limit does not hold where dumps are piped to a program (core(5)), and then the
    dump holds no memory.
    """
    if sys.platform == "win32":
        return
    import resource

    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError):
        FILTER.write_text("0")
