"""How long what was read of people is kept. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionSettings:
    """Days after the end of a session; None for never. The defaults are ours: a term, and a school year with a month.

    Both count from the session's end, so that a student can be told beforehand.
    """

    samples_days: int | None = 90
    """When seconds (samples, scores, single gestures) are reduced to minutes, from which reports still work."""
    erase_days: int | None = 400
    """When the session is erased with all that was read or said in it, and flags raised before then."""

    def __post_init__(self) -> None:
        """Raise ValueError where the numbers make no sense."""
        for name in ("samples_days", "erase_days"):
            days = getattr(self, name)
            if days is not None and not 1 <= days <= 36_500:
                raise ValueError(f"{name} must be from 1 to 36500 days, or null for never")
        if self.samples_days is not None and self.erase_days is not None and self.erase_days < self.samples_days:
            raise ValueError("erase_days must not be less than samples_days: what is erased has no minutes either")

    def reduced_before(self, now: datetime) -> datetime | None:
        """Return before which end of a session its seconds go now, or None for never."""
        return None if self.samples_days is None else now - timedelta(days=self.samples_days)

    def erased_before(self, now: datetime) -> datetime | None:
        """Return before which end of a session all of it goes now, or None for never."""
        return None if self.erase_days is None else now - timedelta(days=self.erase_days)
