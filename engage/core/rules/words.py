"""Alerts in words: what is seen, with numbers. They describe; people conclude."""

from __future__ import annotations

from engage.core.rules.settings import RuleName
from engage.core.updates import AlertEvent

HEADLINES = {
    RuleName.LOW_ENGAGEMENT: "Low score",
    RuleName.SUDDEN_DROP: "Score fell",
    RuleName.AWAY: "Away",
    RuleName.DROWSY: "Appears drowsy",
    RuleName.NEGATIVE_EXPRESSION: "Appears unhappy",
    RuleName.CLASS_DIP: "Class score fell",
    RuleName.CAMERA_LOST: "Camera lost",
}


def headline(rule: str) -> str:
    """Return what a rule is called on a page."""
    return HEADLINES[RuleName(rule)]


def why(event: AlertEvent) -> str:
    """Return the reason in one line, such as "score 2.9 on average for 90 s, below 4"."""
    numbers = {name: value for name, value in event.details.items() if isinstance(value, int | float)}
    reason = _reason(event.rule, numbers)
    if "members" in numbers:
        return f"{numbers['members']:.0f} of {numbers.get('students', 0):.0f} students: {reason}"
    return reason


def _reason(rule: str, numbers: dict[str, float]) -> str:
    held, limit, mean = _time(numbers.get("hold_s", 0)), f"{numbers.get('threshold', 0):g}", numbers.get("mean")
    if rule == RuleName.LOW_ENGAGEMENT:
        return f"score below {limit} for {held}" + (f", {mean:.1f} on average" if mean is not None else "")
    if rule == RuleName.SUDDEN_DROP:
        usual = numbers.get("usual")
        own = "" if usual is None or mean is None else f", {usual - mean:.1f} instead of {usual:.1f}"
        return f"score more than {limit} below the minutes before, for {held}{own}"
    if rule == RuleName.CLASS_DIP:
        fell = "" if mean is None else f", {mean:.1f} on average"
        return f"scores more than {limit} below the minutes before, for {held}{fell}"
    words = {
        RuleName.AWAY: f"no face in the picture for {held}",
        RuleName.DROWSY: f"eyes closed much of the time, for {held}",
        RuleName.NEGATIVE_EXPRESSION: f"sad, angry, afraid or the like, it appears, for {held}",
        RuleName.CAMERA_LOST: f"no picture for {held}",
    }
    return words[RuleName(rule)]


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 or seconds % 60 else f"{seconds / 60:.0f} min"
