"""Raised hands and hands at the face, from made-up landmarks: no hand model is needed."""

from __future__ import annotations

from dataclasses import replace

from engage.capture.virtual.script import Script, ScriptKind
from engage.capture.virtual.truth import frames
from engage.core.gestures.hands import hand_signs
from engage.core.gestures.reader import GestureReader
from engage.core.types import Box, GestureEvent

FACE = Box(100, 100, 80, 80)


def hand(wrist: tuple[float, float], tips: tuple[float, float]) -> list[tuple[float, float]]:
    """Return 21 points on the line from the wrist to the fingertips."""
    place = [k % 4 / 4 if k % 4 else 1.0 for k in range(21)]
    return [wrist if k == 0 else tuple(w + s * (t - w) for w, t in zip(wrist, tips)) for k, s in enumerate(place)]  # type: ignore[misc]  # noqa: B905


def test_an_upright_hand_beside_the_face_is_raised() -> None:
    assert hand_signs([hand((230, 180), (235, 110))], FACE) == ("raised_hand",)
    assert hand_signs([hand((140, 90), (140, 30))], FACE) == ("raised_hand",)


def test_a_hand_on_the_desk_or_hanging_is_nothing() -> None:
    assert hand_signs([hand((200, 300), (205, 240))], FACE) == ()
    assert hand_signs([hand((230, 110), (235, 180))], FACE) == ()
    assert hand_signs([], FACE) == ()


def test_fingertips_on_the_face_are_a_hand_at_the_face() -> None:
    both = [hand((150, 240), (140, 170)), hand((230, 180), (235, 110))]
    assert hand_signs(both, FACE) == ("hand_to_face", "raised_hand")


def test_signs_that_last_become_gestures() -> None:
    reader, found = GestureReader(1, 1), list[GestureEvent]()
    for k, frame in enumerate(frames(Script(ScriptKind.ATTENTIVE, 1), 5, 20)):
        up = ("raised_hand",) if 25 <= k < 50 or k == 70 else ()
        found += reader.update(frame, replace(frame.faces[0], hands=up))
    raised = [event for event in found if event.kind == "raised_hand"]
    assert [(event.ended_at - event.started_at).total_seconds() for event in raised] == [4.8]
