"""The dispatcher: takes what is due from the outbox to its channels, each in a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from engage.core.notices import Delivery, Failure, Parcel, Service
from engage.core.protocols import Clock
from engage.errors import DeliveryError, DeliveryRefused

log = logging.getLogger(__name__)


class Outbox(Protocol):
    """What waits to be told; see ``engage.storage.outbox``."""

    def claim(self, now: datetime, lease_s: float, most: int) -> list[Delivery]:
        """Return what is due, at most ``most`` deliveries of different channels, claimed for ``lease_s`` seconds."""

    def sent(self, token: str, parcel_ids: Sequence[int], now: datetime) -> int:
        """Record that parcels were taken."""

    def failed(self, token: str, parcel_ids: Sequence[int], failure: Failure, now: datetime) -> int:
        """Record that parcels were not taken."""


class Sender(Protocol):
    """One way to reach people. ``together`` is True where all that is due goes as one message."""

    @property
    def together(self) -> bool:
        """Return whether several parcels make one message."""

    def send(self, delivery: Delivery, parcels: tuple[Parcel, ...]) -> None:
        """Hand ``parcels`` to the channel; DeliveryError where it does not take them, DeliveryRefused for ever."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How often, and for how long, a message is tried; ``lease_s`` is longer than any sender takes for one parcel."""

    lease_s: float = 120.0
    first_retry_s: float = 30.0
    longest_retry_s: float = 3600.0
    attempts: int = 12
    most_at_once: int = 64

    def again_at(self, attempts: int, now: datetime) -> datetime | None:
        """Return when to try again after ``attempts`` failures, each pause twice the last; None to give up."""
        if attempts >= self.attempts:
            return None
        pause_s = min(self.first_retry_s * 2.0 ** (attempts - 1), self.longest_retry_s)
        return now + timedelta(seconds=pause_s)


class Dispatcher:
    """Call ``run_once`` every few seconds; it never waits for a channel.

    Each channel with something due gets a thread of its own, so that a slow or failing one delays no other. A parcel is
    recorded as sent after its channel took it: dying in between means that it is sent again, with the same key.
    """

    def __init__(
        self, outbox: Outbox, senders: Mapping[Service, Sender], clock: Clock, timing: Timing | None = None
    ) -> None:
        """Use ``outbox`` and ``senders``; ``clock`` and ``timing`` are for tests."""
        self._outbox = outbox
        self._senders = senders
        self._clock = clock
        self._timing = timing or Timing()
        self._threads: set[threading.Thread] = set()
        self._lock = threading.Lock()

    def run_once(self) -> int:
        """Begin to send what is due, and return to how many channels."""
        with self._lock:
            free = self._timing.most_at_once - len(self._threads)
        if free <= 0:
            return 0
        deliveries = self._outbox.claim(self._clock.now(), self._timing.lease_s, free)
        for delivery in deliveries:
            thread = threading.Thread(
                target=self._deliver, args=(delivery,), name=f"tell-{delivery.channel_id}", daemon=True
            )
            with self._lock:
                self._threads.add(thread)
            thread.start()
        return len(deliveries)

    def wait(self, timeout_s: float) -> bool:
        """Wait for what is being sent, together at most ``timeout_s``; return whether all is done."""
        end_s = self._clock.monotonic() + timeout_s
        with self._lock:
            threads = list(self._threads)
        for thread in threads:
            thread.join(max(0.0, end_s - self._clock.monotonic()))
        return not any(thread.is_alive() for thread in threads)

    def _deliver(self, delivery: Delivery) -> None:
        try:
            sender = self._senders[delivery.service]
            parts = [delivery.parcels] if sender.together else [(parcel,) for parcel in delivery.parcels]
            until = self._clock.monotonic() + self._timing.lease_s / 2
            for k, parcels in enumerate(parts):
                if k and self._clock.monotonic() > until:  # the rest goes with the next claim
                    rest = [parcel.id for later in parts[k:] for parcel in later]
                    now = self._clock.now()
                    self._outbox.failed(delivery.token, rest, Failure("waiting for its turn", now), now)
                    break
                self._hand_over(delivery, parcels, lambda p=parcels: sender.send(delivery, p))  # type: ignore[misc]
        except Exception:  # a thread's end: the lease runs out, and the rows are tried again
            log.exception("delivery failed channel=%d", delivery.channel_id)
        finally:
            with self._lock:
                self._threads.discard(threading.current_thread())

    def _hand_over(self, delivery: Delivery, parcels: tuple[Parcel, ...], send: Callable[[], None]) -> None:
        ids = [parcel.id for parcel in parcels]
        attempts = max(parcel.attempts for parcel in parcels)
        try:
            send()
        except DeliveryRefused as error:
            self._fail(delivery, ids, Failure(str(error), None))
        except DeliveryError as error:
            self._fail(delivery, ids, Failure(str(error), self._timing.again_at(attempts, self._clock.now())))
        except Exception as error:  # a channel's library may raise anything
            log.exception("channel broke channel=%d", delivery.channel_id)
            reason = f"It broke ({type(error).__name__})."
            self._fail(delivery, ids, Failure(reason, self._timing.again_at(attempts, self._clock.now())))
        else:
            self._outbox.sent(delivery.token, ids, self._clock.now())
            log.info("told channel=%d parcels=%d", delivery.channel_id, len(ids))

    def _fail(self, delivery: Delivery, ids: list[int], failure: Failure) -> None:
        what = "given up" if failure.again_at is None else "tried again"
        log.warning("not told channel=%d %s reason=%s", delivery.channel_id, what, failure.error)
        self._outbox.failed(delivery.token, ids, failure, self._clock.now())
