"""Following faces between detections: where to crop now, and when the detector has to look again.

Pure: it sees boxes, times and the network's answers, never a picture. The network says of every crop whether it holds a
well framed face and how the box should move; that answer comes late (from another process) or at once (in an analysis),
and is applied to the box that the crop was cut from, so that a late one is never applied twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from engage.core.types import Box, Face, Hint, TrackedFace
from engage.vision.boxes import overlap
from engage.vision.crops import Shift, crop_square, shift_between
from engage.vision.leads import ASTRAY_EVERY_S, Cut, Lead
from engage.vision.tracking import Tracker

HINT_AGE_S = 1.0
"""A face is followed on answers about frames of at most this age (DESIGN.md section 2), or for as long on what the
detector said, where answers are late: to detect at every look then puts a machine that is behind further behind."""
MOST_SHIFT = 0.45
MOST_GROWTH = 0.35
"""A face that has moved further than this, in crop widths, or grown or shrunk more (natural logarithm), is detected
again: past it the crop shows too little of the face to be sure whose it is."""
SURE_SCORE = 0.8
DENIED_S = 2.0
"""A face that the detector does not find is followed no longer than this, and only while the network is that sure:
heads that turn away are lost to detectors first."""
ASK_AGAIN_S = 0.5
"""Between two looks for a face that was denied."""
CLOSE = 0.05
"""Overlap with another face from which the detector tells them apart at every look."""
SAME_FACE = 0.2
"""Overlap with the followed face from which a look near it has found it."""
OFF_CENTRE, OFF_SIZE = 0.12, 0.15
"""A face that lies further from its crop's middle, in crop widths, or differs more in size (natural logarithm), is
worth a second cut where there is time for it."""
KEPT_CUTS = 32
"""Crops per face that may wait for an answer."""


class Look(Enum):
    """What a frame needs."""

    FOLLOW = "follow"
    """No detection: the faces are where following has them."""
    NEAR = "near"
    """A detection about the one followed face; of the whole frame where it is not found there."""
    WHOLE = "whole"
    """A detection in the whole frame."""


@dataclass(frozen=True, slots=True)
class FollowRules:
    """How far the network's word is trusted; ``enabled=False`` detects at every look."""

    enabled: bool = True
    only_primary: bool = True
    min_score: float = 0.5
    """Below this face score, 0-1, the detector looks again."""
    confirm_every_s: float = 3.0
    """At the latest after this the detector confirms a followed face."""
    whole_every_s: float = 7.5
    """At the latest after this it looks at the whole frame for newcomers."""
    search_every_s: float = 0.2
    """While nobody is there, it looks that often."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A face of this frame: detected, or only followed, and then ``found`` has no landmarks."""

    found: TrackedFace
    detected: bool


class Follower:
    """Follows the faces of one source; times are seconds on the frames' clock and never go back.

    Per frame: ``learn`` what answers have come, ask ``due`` what the frame needs, then say what was ``detected`` (or
    ``detected_near``) or take those ``followed``, and say with ``cut`` which crops leave.
    """

    def __init__(self, tracker: Tracker, rules: FollowRules) -> None:
        self._tracker = tracker
        self._rules = rules
        self.reset()

    def reset(self) -> None:
        """Forget all faces: what comes next is another picture."""
        self._tracker.reset()
        self._leads: dict[int, Lead] = {}
        self._whole_s: float | None = None

    def learn(self, hint: Hint) -> None:
        """Take in the network's answer about one crop; one that was not cut here, or comes out of turn, is ignored."""
        lead = self._leads.get(hint.track_id)
        cut = lead.cuts.pop(hint.seq, None) if lead else None
        if lead is None or cut is None or cut.monotonic_s != hint.monotonic_s:
            return
        if lead.answered_s is not None and cut.at_s < lead.answered_s:
            return
        lead.cuts = {seq: waiting for seq, waiting in lead.cuts.items() if waiting.at_s > cut.at_s}
        dx, dy, growth = hint.box_shift
        near = abs(dx) <= MOST_SHIFT and abs(dy) <= MOST_SHIFT and abs(growth) <= MOST_GROWTH
        lead.answered_s = cut.at_s
        if cut.at_s < lead.detected_s:  # the detector has had a newer word
            return
        lead.score = hint.face_score
        lead.trusted = near and hint.face_score >= self._rules.min_score
        if not lead.trusted:
            return
        if cut.detected:
            lead.compare(hint.box_shift)
        else:
            lead.move(lead.moved(cut.box, hint.box_shift), cut.at_s)
            self._tracker.move(hint.track_id, lead.box, cut.at_s)

    def due(self, at_s: float) -> Look:
        """Return what the frame of ``at_s`` needs."""
        rules = self._rules
        if not rules.enabled or self._whole_s is None:
            return Look.WHOLE
        since_s = at_s - self._whole_s
        leads = self._followed(at_s)
        if not leads:
            return Look.WHOLE if since_s > rules.search_every_s - 1e-3 else Look.FOLLOW
        if since_s >= rules.whole_every_s:
            return Look.WHOLE
        if any(lead.astray_s is not None and at_s - lead.asked_s >= ASTRAY_EVERY_S for lead in leads.values()):
            return Look.WHOLE
        if not any(self._needs(lead, at_s) for lead in leads.values()) and not self._is_crowded(leads, at_s):
            return Look.FOLLOW
        return Look.NEAR if len(leads) == 1 else Look.WHOLE

    def place(self, at_s: float) -> Box | None:
        """Return where the one followed face should be, for a detection near it."""
        return next(iter(self.places(at_s).values()), None)

    def places(self, at_s: float) -> dict[int, Box]:
        """Return where each followed face is, by the newest word on it."""
        return {track_id: lead.box for track_id, lead in self._followed(at_s).items()}

    def detected(self, faces: Sequence[Face], at_s: float) -> list[Sighting]:
        """Return the faces of a frame in which the detector has found ``faces``, in their order."""
        self._whole_s = at_s
        sightings = self._take(faces, at_s)
        known = self._tracker.expected(at_s)
        self._leads = {track_id: lead for track_id, lead in self._leads.items() if track_id in known}
        return sightings + self._denied(faces, at_s)

    def detected_near(self, faces: Sequence[Face], at_s: float) -> list[Sighting] | None:
        """Return the same after a look near the followed face, or None where ``faces`` is without it."""
        place = self.place(at_s)
        if place is None or all(overlap(place, face.box) < SAME_FACE for face in faces):
            return None
        return self._take(faces, at_s)

    def followed(self, at_s: float) -> list[Sighting]:
        """Return the faces of a frame that needs no detection."""
        return [_sighted(track_id, lead) for track_id, lead in self._followed(at_s).items()]

    def cut(self, seq: int, at_s: float, monotonic_s: float, sightings: Sequence[Sighting]) -> None:
        """Remember which crops of a frame leave for the network."""
        for sighting in sightings:
            cuts = self._leads[sighting.found.track_id].cuts
            cuts[seq] = Cut(sighting.found.face.box, at_s, monotonic_s, sighting.detected)
            while len(cuts) > KEPT_CUTS:
                del cuts[next(iter(cuts))]

    def recut(self, seq: int, track_id: int, shift: Shift) -> Box | None:
        """Return whence that crop is better cut again, now that the network sees its face ``shift`` away, or None.

        Answers are then about the new crop.
        """
        lead = self._leads[track_id]
        cut = lead.cuts[seq]
        box = lead.moved(cut.box, shift)
        dx, dy, growth = shift_between(crop_square(cut.box), box)
        if cut.detected or (max(abs(dx), abs(dy)) <= OFF_CENTRE and abs(growth) <= OFF_SIZE):
            return None
        lead.cuts[seq] = replace(cut, box=box)
        return box

    def _take(self, faces: Sequence[Face], at_s: float) -> list[Sighting]:
        for track_id, lead in self._leads.items():
            if lead.left_behind(faces):
                self._tracker.put_back(track_id, lead.anchor, at_s)
        sightings = []
        for found in self._tracker.update(faces, at_s):
            face = found.face
            if found.track_id not in self._leads:
                self._leads[found.track_id] = Lead(face.box, face.confidence, at_s, at_s, face.box)
            self._leads[found.track_id].confirm(face, at_s)
            if self._counts(found.track_id):
                sightings.append(Sighting(found, True))
        return sightings

    def _denied(self, faces: Sequence[Face], at_s: float) -> list[Sighting]:
        """Return the followed faces that the detector has not found in the whole frame and that are kept even so."""
        kept = []
        for track_id, lead in self._leads.items():
            if lead.detected_s == at_s:
                continue
            lead.asked_s = at_s
            lead.denied_s = at_s if lead.denied_s is None else lead.denied_s
            lead.trusted = lead.trusted and all(overlap(lead.box, face.box) < CLOSE for face in faces)
            if self._counts(track_id) and self._is_kept(lead, at_s):
                kept.append(_sighted(track_id, lead))
        return kept

    def _counts(self, track_id: int) -> bool:
        return not self._rules.only_primary or track_id == self._tracker.primary()

    def _followed(self, at_s: float) -> dict[int, Lead]:
        """Return the faces that are followed now: those that count and are neither denied nor disbelieved for good."""
        known = self._tracker.expected(at_s)
        return {
            track_id: lead
            for track_id, lead in self._leads.items()
            if track_id in known and self._counts(track_id) and self._is_kept(lead, at_s)
        }

    def _is_kept(self, lead: Lead, at_s: float) -> bool:
        if lead.denied_s is None:
            return True
        return lead.trusted and lead.score >= SURE_SCORE and at_s - lead.denied_s < DENIED_S

    def _needs(self, lead: Lead, at_s: float) -> bool:
        """Return whether the detector has to look for this face."""
        if not lead.trusted or at_s - lead.known_s > HINT_AGE_S:
            return True
        if lead.denied_s is not None:
            return at_s - lead.asked_s >= ASK_AGAIN_S
        return at_s - lead.detected_s >= self._rules.confirm_every_s - 1e-3

    def _is_crowded(self, leads: dict[int, Lead], at_s: float) -> bool:
        """Return whether a followed face touches another known one."""
        known = self._tracker.expected(at_s)
        return any(
            overlap(lead.box, box) > CLOSE
            for track_id, lead in leads.items()
            for other, box in known.items()
            if other != track_id
        )


def _sighted(track_id: int, lead: Lead) -> Sighting:
    return Sighting(TrackedFace(track_id, Face(lead.box, lead.confidence)), False)
