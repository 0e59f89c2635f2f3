"""Which capture group runs which worker. Pure bookkeeping: no process, no clock of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from engage.runtime.backoff import backoff_s

LONGEST_HOLD_S = 60.0
FORGIVEN_AFTER_S = 600.0


def place(
    workers: Iterable[str],
    groups: Sequence[str],
    current: Mapping[str, str],
    suits: Callable[[str, str], bool] = lambda worker, group: True,
) -> dict[str, str]:
    """Return the group of each worker: where it is now if that group is there, else the one with the fewest.

    So a worker never moves while its group lives, and groups grow evenly; the first of equals wins. A worker that
    ``suits`` no group is not placed.
    """
    there = set(groups)
    placed: dict[str, str] = {}
    homeless = []
    for worker in workers:
        if current.get(worker) in there and suits(worker, current[worker]):
            placed[worker] = current[worker]
        else:
            homeless.append(worker)
    load = Counter(placed.values())
    for worker in homeless:
        group = min((group for group in groups if suits(worker, group)), key=lambda name: load[name], default=None)
        if group is not None:
            placed[worker] = group
            load[group] += 1
    return placed


class Held:
    """Workers that hung and took their process with them; each is held back, longer from time to time.

    So one camera whose driver hangs does not stop its group again and again. Times are monotonic seconds.
    """

    def __init__(self) -> None:
        self._hangs: dict[str, tuple[int, float]] = {}

    def blame(self, worker: str, now_s: float) -> float:
        """Note that ``worker`` hung; return for how long it is held back: 0.5 s, 1 s, … 60 s."""
        count, last_s = self._hangs.get(worker, (0, now_s))
        count = 1 if now_s - last_s > FORGIVEN_AFTER_S else count + 1
        self._hangs[worker] = (count, now_s)
        return backoff_s(count, LONGEST_HOLD_S)

    def is_held(self, worker: str, now_s: float) -> bool:
        """Return whether ``worker`` may not run yet."""
        count, last_s = self._hangs.get(worker, (0, now_s))
        return count > 0 and now_s < last_s + backoff_s(count, LONGEST_HOLD_S)

    def forget(self, workers: Iterable[str]) -> None:
        """Forget all but ``workers``."""
        self._hangs = {worker: self._hangs[worker] for worker in workers if worker in self._hangs}
