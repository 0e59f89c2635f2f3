"""How long to wait before something that failed is tried again."""

from __future__ import annotations

FIRST_S = 0.5
LONGEST_S = 10.0


def backoff_s(failures: int, longest_s: float = LONGEST_S) -> float:
    """Return the wait after ``failures`` in a row: 0.5 s, doubled each time, ``longest_s`` at most."""
    return 0.0 if failures < 1 else min(longest_s, FIRST_S * 2.0 ** min(failures - 1, 30))
