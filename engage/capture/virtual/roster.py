"""A whole class of virtual students."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engage.capture.virtual.script import ScriptKind

_NAMES = (
    *("Amara", "Bjørn", "Chiyo", "Devika", "Émile", "Farid", "Giulia", "Håkon", "Inés", "Jomo", "Katalin", "Łucja"),
    *("Mateo", "Nguyệt", "Omar", "Paulína", "Qiang", "Rūta", "Søren", "Tatsuki", "Uma", "Violeta", "Wanjiru", "Ximena"),
    *("Yusuf", "Željka", "Aoife", "Bogdan", "Çiğdem", "Dmytro", "Esi", "Fenna", "Gökçe", "Hyun-woo", "Ilze", "Joaquín"),
    *(
        "Kofi",
        "Leilani",
        "Małgosia",
        "Nikos",
        "Oluwaseun",
        "Pritha",
        "Rafael",
        "Siân",
        "Thandiwe",
        "Ülkü",
        "Vaclav",
        "Zoë",
    ),
)


@dataclass(frozen=True, slots=True)
class VirtualStudent:
    """One seat of a virtual class: an invented name, whose face, which part, and the address of the source."""

    name: str
    seed: int
    script: ScriptKind

    def address(self, width: int = 320, height: int = 240) -> str:
        """Return the address under which ``VirtualSource`` plays this student."""
        return f"virtual:{self.seed}?script={self.script}&width={width}&height={height}"


def virtual_class(count: int, seed: int = 1) -> tuple[VirtualStudent, ...]:
    """Return ``count`` students with different names and faces; the same seed gives the same class.

    Most take a lively or calm part; one in twelve is distracted, one drowsy, one takes notes and one leaves the seat
    now and then, as far as the class is large enough for them.
    """
    rng = np.random.default_rng([seed, 23])
    order = rng.permutation(len(_NAMES))
    names = [
        _NAMES[order[i % len(order)]] + ("" if i < len(order) else f" {i // len(order) + 1}") for i in range(count)
    ]
    return tuple(VirtualStudent(name, seed * 1000 + i, _part(i, count)) for i, name in enumerate(names))


def _part(place: int, count: int) -> ScriptKind:
    seat = place % 12
    special = {
        2: ScriptKind.DISTRACTED,
        5: ScriptKind.DROWSY,
        7: ScriptKind.NOTE_TAKING,
        9: ScriptKind.COMES_AND_GOES,
        10: ScriptKind.ATTENTIVE,
        4: ScriptKind.ATTENTIVE,
    }
    return ScriptKind.LIVELY if count < 3 else special.get(seat, ScriptKind.LIVELY)
