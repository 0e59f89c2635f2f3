"""Inputs that are nearly right: whole files with bytes changed, moved, taken out and put in; and quite wrong ones."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Sequence
from typing import Any

import psutil
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

NIGHTLY = 100_000
PART = 2000
PER_SEED = 50
MARKS = ("\n", ",", ";", '"', ":", "  ", "-", "{", "[", "&a", "*a", "!!", "=", "\t", "é", "\U0001f600", "9" * 30)
GROWN_MB = 96.0
"""By how much the process may have grown after all inputs of a target: what libraries keep, but nothing per input."""

EDITS = ("set", "insert", "delete", "repeat", "cut", "number", "swap")
NUMBERS = (b"\x00\x00", b"\xff\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff", b"\x80\x00\x00\x00", b"\x00\x00\x00\x01")

Edit = tuple[str, float, bytes]


def nightly_count() -> int:
    """Return how many inputs a target gets at night."""
    return int(os.environ.get("ENGAGE_FUZZ_INPUTS", NIGHTLY))


def changed(base: bytes, edits: Sequence[Edit]) -> bytes:
    """Return ``base`` after ``edits``, each at a share of its length."""
    data = base
    for kind, where, value in edits:
        at = int(where * len(data))
        if kind == "set":
            data = data[:at] + value + data[at + len(value) :]
        elif kind == "insert":
            data = data[:at] + value + data[at:]
        elif kind == "delete":
            data = data[:at] + data[at + 1 + len(value) :]
        elif kind == "repeat":
            data = data[:at] + data[at : at + 64] * (1 + len(value)) + data[at:]
        elif kind == "cut":
            data = data[:at]
        elif kind == "number":
            number = NUMBERS[len(value) % len(NUMBERS)]
            data = data[:at] + number + data[at + len(number) :]
        else:
            data = data[at:] + data[:at]
    return data


def nearly(*bases: bytes) -> st.SearchStrategy[bytes]:
    """Return files like ``bases``, more or less damaged, the early bytes (headers) as often as all others together."""
    place = st.one_of(st.floats(0, 1), st.floats(0, 0.02), st.floats(0, 0.2))
    edit = st.tuples(st.sampled_from(EDITS), place, st.binary(max_size=8))
    damaged = st.builds(changed, st.sampled_from(bases), st.lists(edit, max_size=5))
    return st.one_of(damaged, damaged, damaged, st.binary(max_size=256))


def nearly_text(*bases: str) -> st.SearchStrategy[bytes]:
    """Return text files like ``bases``, in UTF-8, more or less damaged by bytes and by characters."""
    text = st.one_of(
        st.text(max_size=20),
        st.sampled_from(["\n", ",", ";", '"', ":", "  ", "-", "{", "[", "&a", "*a", "!!", "=", "\t"]),
    )
    place = st.floats(0, 1)

    def spliced(base: str, pieces: Sequence[tuple[float, str]]) -> bytes:
        for where, piece in pieces:
            at = int(where * len(base))
            base = base[:at] + piece + base[at + len(piece) // 2 :]
        return base.encode("utf-8", "surrogatepass")

    written = st.builds(spliced, st.sampled_from(bases), st.lists(st.tuples(place, text), max_size=5))
    return st.one_of(written, nearly(*(base.encode() for base in bases)))


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)


def nested(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return lists and objects of ``leaves``, in one another."""
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
        max_leaves=8,
    )


JSON = nested(SCALARS | st.binary(max_size=300))
"""What a client of Socket.IO may send: JSON, and bytes anywhere in it."""


def storm(check: Callable[[bytes], object], like: Sequence[bytes], count: int) -> None:
    """Call ``check`` with ``count`` files like ``like``, each damaged; many from each seed that Hypothesis draws.

    (Ten times as many in the same time as by ``nearly``; what fails is told by its bytes.)
    """

    def check_many(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(PER_SEED):
            data = changed(chance.choice(like), [_edit(chance) for _ in range(chance.randrange(6))])
            try:
                check(data)
            except Exception as error:
                raise AssertionError(f"{type(error).__name__}: {error} by {data[:2000]!r}") from error

    try_all(check_many, st.integers(0, 2**63), count // PER_SEED)


def _edit(chance: random.Random) -> Edit:
    kind, value = chance.choice(EDITS), chance.randbytes(chance.randrange(9))
    if kind in ("set", "insert") and chance.random() < 0.5:
        value = chance.choice(MARKS).encode()
    return kind, chance.random() * chance.choice((1.0, 0.2, 0.02)), value


def try_all(check: Callable[[Any], object], inputs: st.SearchStrategy[Any], count: int) -> None:
    """Call ``check`` with ``count`` inputs; it raises where one does harm. Raises AssertionError where memory grows."""
    tried, before = 0, None

    def counted(value: Any) -> None:
        nonlocal tried
        tried += 1
        check(value)

    while tried < count:  # in parts: Hypothesis remembers what it has tried
        settings(
            max_examples=min(PART, count - tried), database=None, deadline=None,
            suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.generate, Phase.shrink),
        )(given(inputs)(counted))()  # fmt: skip
        if before is None:  # after the first part, which fills what libraries keep
            before = psutil.Process().memory_info().rss
    grown_mb = (psutil.Process().memory_info().rss - (before or 0)) / 2**20
    print(f"{tried} inputs, memory grew by {grown_mb:.1f} MB")
    assert grown_mb < GROWN_MB, f"{grown_mb:.0f} MB more after {tried} inputs"
