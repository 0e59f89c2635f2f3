"""The worker of a picture with many people in it: faces become boxes, and named faces go on as a student's camera does.

Whatever carries no name leaves this worker as a box and nothing else: no crop of it is cut, nothing of it is stored.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from engage.capture.looking import NO_PIXELS
from engage.capture.reading import Pace, Reading, Vitals
from engage.core.protocols import FaceDetector, FrameSource, Receiver, Sender, Stop
from engage.core.shared import Hold, NameFace, SharedFace, SharedName, SharedView, Standing
from engage.core.types import Face, FaceCrop, Frame, FrameFaces, Mode, Origin, SourceState, SourceStatus
from engage.vision.crops import brightness, crop_faces
from engage.vision.keeping import Keeper, Kept, Picture
from engage.vision.pose import pose_from_landmarks

log = logging.getLogger(__name__)

LOG_EVERY = 100

Gate = Callable[[], Mapping[int, Standing]]
"""How each student of the session stands now: asked when a name is given, and again at every frame."""

WORDS = {
    Hold.SURE: (SourceState.LIVE, "a face in a shared picture"),
    Hold.AWAY: (SourceState.LIVE, "a face in a shared picture"),
    Hold.HIDDEN: (SourceState.LOST, "Not to be seen in the shared picture now."),
    Hold.UNSURE: (SourceState.LOST, "It is not sure which face is theirs; the teacher is asked."),
}
NAME_TAKEN_OFF = "The name was taken off the face."


@dataclass(frozen=True, slots=True)
class SharedParts:
    """What the worker looks with: the source, what finds faces, what keeps names with them, and who may be named."""

    source: FrameSource
    detector: FaceDetector
    keeper: Keeper
    gate: Gate


@dataclass(frozen=True, slots=True)
class SharedEnds:
    """The worker's ends of channels: crops and statuses, views for the teacher's page, and the teacher's words."""

    found: Sender
    views: Sender
    words: Receiver


@dataclass(slots=True)
class SharedCounts:
    """What became of the frames so far, and how many faces were seen and went on."""

    read: int = 0
    failed: int = 0
    faces: int = 0
    crops: int = 0


@dataclass(frozen=True, slots=True)
class _Look:
    """One frame with its faces and who they are."""

    frame: Frame
    faces: list[Face]
    kept: Kept = field(default_factory=Kept)


class SharedViewWorker:
    """Turns a picture with many people into views for the teacher's page, and named faces into FrameFaces (see Worker).

    Each named student is an origin of their own with this source's id, so that downstream nothing tells them from a
    student with a camera. ``origin`` names session and source; its student is 0.
    """

    def __init__(self, origin: Origin, pace: Pace, parts: SharedParts, ends: SharedEnds, vitals: Vitals) -> None:
        self.counts = SharedCounts()
        self._origin = origin
        self._parts = parts
        self._ends = ends
        self._clock = vitals.clock
        self._told: dict[int, tuple[SourceState, str]] = {}
        self._reading = Reading(pace, parts.source, self, vitals)

    def run(self, stop: Stop) -> None:
        """Work until ``stop`` is set or the source has ended."""
        try:
            self._reading.run(stop)
        finally:
            for end in (self._ends.found, self._ends.views, self._ends.words):
                end.close()

    def turn(self) -> None:
        """Take in the teacher's words."""
        for message in self._ends.words.receive(0.0):
            if isinstance(message, NameFace) and message.source_id == self._origin.source_id:
                self._hear(message)

    def take(self, frame: Frame) -> None:
        """Look at a frame: boxes to the page, named faces on."""
        try:
            standings = self._parts.gate()
            look = self._look(frame, standings)
            self._ends.views.send(self._view(look))
            for student_id in look.kept.names:
                self._send(student_id, standings[student_id].mode, look)
        except Exception:  # one odd frame must not stop a lesson, and without the gate's answer nothing goes on
            if self.counts.failed % LOG_EVERY == 0:
                log.exception("frame failed source=%d failed=%d", self._origin.source_id, self.counts.failed + 1)
            self.counts.failed += 1
            return
        self.counts.read += 1
        self.counts.faces += len(look.faces)

    def tell(self, state: SourceState, detail: str) -> None:
        """Pass on to the named students that the source is lost or has ended; how each is seen is told with frames."""
        if state is not SourceState.LIVE:
            for student_id in list(self._told):
                self._tell(student_id, state, detail)

    def lose(self) -> None:
        """Do nothing: whether names still hold shows when the picture is back."""

    def _hear(self, word: NameFace) -> None:
        if word.student_id is None:
            self._parts.keeper.reset()
            for student_id in list(self._told):
                self._take_off(student_id)
        elif word.face_id is None:
            self._parts.keeper.forget(word.student_id)
            self._take_off(word.student_id)
        else:
            standing = self._parts.gate().get(word.student_id)
            if standing is not None and standing.nameable:
                self._parts.keeper.name(word.student_id, word.face_id)

    def _take_off(self, student_id: int) -> None:
        self._tell(student_id, SourceState.ENDED, NAME_TAKEN_OFF)
        self._told.pop(student_id, None)

    def _look(self, frame: Frame, standings: Mapping[int, Standing]) -> _Look:
        faces = self._parts.detector.detect(frame.image)
        kept = self._parts.keeper.update(Picture(frame.image, [face.box for face in faces], frame.monotonic_s))
        dropped = [student_id for student_id in kept.names if not _may(standings, student_id)]
        for student_id in dropped:
            self._parts.keeper.forget(student_id)
            self._take_off(student_id)
        names = {student_id: named for student_id, named in kept.names.items() if student_id not in dropped}
        return _Look(frame, faces, Kept(kept.ids, names))

    def _send(self, student_id: int, mode: Mode | None, look: _Look) -> None:
        named = look.kept.names[student_id]
        if mode is None:
            return
        self._tell(student_id, *WORDS[named.hold])
        if named.hold not in (Hold.SURE, Hold.AWAY):
            return
        frame = look.frame
        face = None if named.face is None else look.faces[named.face]
        crops = () if face is None or named.face is None else (_crop(frame, face, look.kept.ids[named.face], mode),)
        self.counts.crops += len(crops)
        origin = Origin(self._origin.session_id, self._origin.source_id, student_id)
        light = brightness(frame.image, face.box if face else None)
        self._ends.found.send(FrameFaces(origin, mode, frame.seq, frame.captured_at, frame.monotonic_s, light, crops))

    def _view(self, look: _Look) -> SharedView:
        height, width = look.frame.image.shape[:2]
        ids = look.kept.ids
        return SharedView(
            self._origin.session_id,
            self._origin.source_id,
            look.frame.captured_at,
            width,
            height,
            tuple(SharedFace(face_id, face.box) for face_id, face in zip(ids, look.faces, strict=True)),
            tuple(
                SharedName(
                    student, named.hold, None if named.face is None else ids[named.face], named.maybe, named.alike
                )
                for student, named in look.kept.names.items()
            ),
        )

    def _tell(self, student_id: int, state: SourceState, detail: str) -> None:
        if self._told.get(student_id) == (state, detail):
            return
        self._told[student_id] = (state, detail)
        origin = Origin(self._origin.session_id, self._origin.source_id, student_id)
        self._ends.found.send(SourceStatus(origin, state, self._clock.now(), detail))


def _may(standings: Mapping[int, Standing], student_id: int) -> bool:
    standing = standings.get(student_id)
    return standing is not None and standing.nameable


def _crop(frame: Frame, face: Face, face_id: int, mode: Mode) -> FaceCrop:
    """Return what leaves the worker for one named face; under ``presence`` the box alone."""
    if mode is Mode.PRESENCE:
        return FaceCrop(face_id, NO_PIXELS, face.box, face.confidence)
    pose = None if face.landmarks is None else pose_from_landmarks(face.landmarks, face.box)
    return FaceCrop(face_id, crop_faces(frame.image, [face.box])[0], face.box, face.confidence, pose)
