"""Who was erased: kept outside the database too, so that a restored backup does not bring anybody back.

The file beside the database holds numbers of students and times, one line each, and no names. Only lines are added.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from engage.errors import StorageError


@dataclass(frozen=True, slots=True)
class Erased:
    """A student who was erased, and when; ``log`` is the hash of the audit log's first row: which database it was."""

    student_id: int
    at: datetime
    log: str


class ErasureList:
    """The file of one deployment (mode 0600). Written before the erasure is committed: rather one too many."""

    def __init__(self, file: Path) -> None:
        """Use ``file``, which may be missing, as may its folder."""
        self.file = file

    def append(self, erased: Erased) -> None:
        """Add a line and wait until it is on the disk. StorageError where that is impossible."""
        line = {"student": erased.student_id, "at": erased.at.astimezone(UTC).isoformat(), "log": erased.log}
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
            try:
                # The line end comes first, so that a line cut short by a power cut spoils none after it.
                os.write(handle, b"\n" + json.dumps(line).encode())
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            raise StorageError(
                f"The list of erasures {self.file} cannot be written ({error.strerror}), so nothing was erased; "
                "make it writable and try again."
            ) from error

    def read(self) -> list[Erased]:
        """Return all entries, oldest first; a line cut short stands for no erasure: it was not committed."""
        try:
            lines = self.file.read_text("utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StorageError(f"The list of erasures {self.file} cannot be read ({error.strerror}).") from error
        return [entry for line in lines if (entry := _entry(line)) is not None]


def _entry(line: str) -> Erased | None:
    try:
        given = json.loads(line)
        return Erased(int(given["student"]), datetime.fromisoformat(given["at"]).astimezone(UTC), str(given["log"]))
    except (ValueError, KeyError, TypeError):
        return None
