"""Scenes with a known right answer: which score each script should get, for tests and ``engage bench scripts``."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count, islice

from engage.capture.virtual.person import Person
from engage.capture.virtual.script import ScriptKind

CALIBRATION_S = 5.0
"""Length of the "look at your screen" step of a scene that begins with one."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A script with what should be measured: a mean score in a range, or none at all while nobody is there."""

    name: str
    script: ScriptKind
    lowest: float | None = None
    highest: float | None = None
    nobody: bool = False
    """No score is expected while the seat is empty."""
    glasses: bool = False
    calibrated: bool = False
    beside: str | None = None
    """Name of the scene whose mean this one should come within ``BESIDE`` of."""

    def seeds(self, n_students: int) -> list[int]:
        """Return students for this scene; those with glasses where it is about glasses, others where it is not."""
        return list(islice((seed for seed in count(1) if self._suits(Person.from_seed(seed))), n_students))

    def _suits(self, person: Person) -> bool:
        return bool(person.glasses) == self.glasses

    @property
    def expected(self) -> str:
        """What should be measured, in words."""
        if self.nobody:
            return "none while away"
        if self.beside:
            return f"within {BESIDE:g} of {self.beside}"
        return f"at least {self.lowest:g}" if self.lowest is not None else f"at most {self.highest:g}"


BESIDE = 0.7
SCENES = (
    Scene("attentive", ScriptKind.ATTENTIVE, lowest=7.0),
    Scene("distracted", ScriptKind.DISTRACTED, highest=4.0),
    Scene("drowsy", ScriptKind.DROWSY, highest=4.0),
    Scene("note-taking", ScriptKind.NOTE_TAKING, lowest=5.5),
    Scene("away", ScriptKind.AWAY, nobody=True),
    Scene("camera to one side", ScriptKind.CAMERA_OFF_AXIS, calibrated=True, beside="attentive"),
    Scene("glasses", ScriptKind.ATTENTIVE, glasses=True, beside="attentive"),
    Scene("dark room", ScriptKind.DARK_ROOM, beside="attentive"),
)
