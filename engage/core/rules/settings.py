"""The numbers of the alert rules, with defaults that make alerts come seldom, and their limits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any


class RuleName(StrEnum):
    """What can be alerted. The last two begin with the class and the camera, the others with a student's samples."""

    LOW_ENGAGEMENT = "low_engagement"
    SUDDEN_DROP = "sudden_drop"
    AWAY = "away"
    DROWSY = "drowsy"
    NEGATIVE_EXPRESSION = "negative_expression"
    CLASS_DIP = "class_dip"
    CAMERA_LOST = "camera_lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSettings:
    """One rule: beyond ``threshold`` for ``hold_s`` it fires, back at ``clear`` for ``clear_s`` it is resolved.

    ``clear`` lies on the good side of ``threshold`` (hysteresis). Once resolved it is silent for ``cool_down_s``.
    """

    enabled: bool = True
    threshold: float
    clear: float
    hold_s: float
    clear_s: float
    cool_down_s: float


@dataclass(frozen=True, slots=True)
class Limits:
    """What is fixed about a rule: where its numbers may lie, and how its condition is read.

    ``above`` is True where values above the threshold are bad. ``lag_s`` is how long the condition trails its cause
    (a score speaks of the last 10 s): the hold counts from the cause. Interruptions up to ``grace_s`` do not end a
    pending alert. A firing alert ends by itself after ``longest_s``.
    """

    lowest: float
    highest: float
    above: bool
    lag_s: float = 1.0
    grace_s: float = 8.0
    longest_s: float = math.inf


LIMITS = {
    RuleName.LOW_ENGAGEMENT: Limits(0.5, 9.0, above=False, lag_s=7.0, grace_s=12.0),
    RuleName.SUDDEN_DROP: Limits(0.5, 9.0, above=True, lag_s=6.0, grace_s=5.0, longest_s=300.0),
    RuleName.AWAY: Limits(0.5, 0.5, above=True, grace_s=3.0),
    RuleName.DROWSY: Limits(0.5, 0.5, above=True, lag_s=3.0),
    RuleName.NEGATIVE_EXPRESSION: Limits(0.2, 0.95, above=True),
    RuleName.CLASS_DIP: Limits(0.3, 6.0, above=True, lag_s=6.0, grace_s=10.0, longest_s=600.0),
    RuleName.CAMERA_LOST: Limits(0.5, 0.5, above=True, lag_s=0.0, grace_s=3.0),
}
NAMES = frozenset(name.value for name in RuleName)
LONGEST_HOLD_S, LONGEST_COOL_DOWN_S = 1800.0, 7200.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSettings:
    """All rules of a course. ``group_share`` of the class, and at least ``group_least``, make one class alert."""

    low_engagement: RuleSettings = RuleSettings(threshold=4.0, clear=5.0, hold_s=90.0, clear_s=15.0, cool_down_s=300.0)
    sudden_drop: RuleSettings = RuleSettings(threshold=3.5, clear=2.0, hold_s=45.0, clear_s=10.0, cool_down_s=300.0)
    away: RuleSettings = RuleSettings(threshold=0.5, clear=0.5, hold_s=120.0, clear_s=5.0, cool_down_s=120.0)
    drowsy: RuleSettings = RuleSettings(threshold=0.5, clear=0.5, hold_s=30.0, clear_s=20.0, cool_down_s=600.0)
    negative_expression: RuleSettings = RuleSettings(
        threshold=0.5, clear=0.35, hold_s=60.0, clear_s=15.0, cool_down_s=600.0
    )
    class_dip: RuleSettings = RuleSettings(threshold=1.5, clear=0.8, hold_s=60.0, clear_s=20.0, cool_down_s=600.0)
    camera_lost: RuleSettings = RuleSettings(threshold=0.5, clear=0.5, hold_s=15.0, clear_s=3.0, cool_down_s=60.0)
    group_share: float = 0.4
    group_least: int = 3

    def __post_init__(self) -> None:
        """Raise ValueError, in words for the page, where the numbers contradict one another."""
        for name in RuleName:
            _check(name, self.rule(name))
        if not 0.1 <= self.group_share <= 1.0 or not 2 <= self.group_least <= 1000:
            raise ValueError(
                "the share of the class that makes one alert must lie in 10-100 percent, the least number from 2 on"
            )

    def rule(self, name: RuleName) -> RuleSettings:
        """Return the settings of one rule."""
        settings: RuleSettings = getattr(self, name.value)
        return settings


def _check(name: RuleName, rule: RuleSettings) -> None:
    limits, label = LIMITS[name], name.value.replace("_", " ")
    numbers = (rule.threshold, rule.clear, rule.hold_s, rule.clear_s, rule.cool_down_s)
    if not all(math.isfinite(number) for number in numbers):
        raise ValueError(f"{label}: give numbers")
    if not limits.lowest <= rule.threshold <= limits.highest:
        raise ValueError(f"{label}: the threshold must lie in {limits.lowest:g}-{limits.highest:g}")
    good = rule.clear <= rule.threshold if limits.above else rule.clear >= rule.threshold
    if not good or not 0.0 <= rule.clear <= 10.0:
        side = "not above" if limits.above else "not below"
        raise ValueError(f"{label}: the clear threshold must be {side} the threshold")
    if not 5.0 <= rule.hold_s <= LONGEST_HOLD_S:
        raise ValueError(f"{label}: the hold time must lie in 5-{LONGEST_HOLD_S:g} s")
    if not 0.0 <= rule.clear_s <= LONGEST_HOLD_S or not 0.0 <= rule.cool_down_s <= LONGEST_COOL_DOWN_S:
        raise ValueError(f"{label}: the cool-down must lie in 0-{LONGEST_COOL_DOWN_S:g} s")


def alert_settings(stored: Mapping[str, Any]) -> AlertSettings:
    """Return the defaults with what ``stored`` changes: ``{"away": {"hold_s": 60}}``. ValueError where it may not be.

    An unknown rule or number is an error: a mistyped one would silently have no effect.
    """
    values: dict[str, Any] = {}
    base = AlertSettings()
    for name, given in stored.items():
        if name in NAMES and isinstance(given, Mapping):
            old = asdict(base.rule(RuleName(name)))
            unknown = sorted(set(given) - set(old))
            if unknown:
                raise ValueError(f"{name}: there is no number {unknown[0]!r}")
            values[name] = RuleSettings(**{key: _number(key, value) for key, value in (old | dict(given)).items()})
        elif name in ("group_share", "group_least"):
            values[name] = _number(name, given)
        else:
            raise ValueError(f"there is no rule {name!r}")
    return AlertSettings(**values)


def _number(key: str, value: object) -> Any:
    if key == "enabled":
        if not isinstance(value, bool):
            raise ValueError("enabled is either true or false")
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{key}: give a number")
    return value


def differences(settings: AlertSettings) -> dict[str, Any]:
    """Return what differs from the defaults, as ``alert_settings`` reads it."""
    base = AlertSettings()
    changed: dict[str, Any] = {}
    for name in RuleName:
        ours, usual = asdict(settings.rule(name)), asdict(base.rule(name))
        if ours != usual:
            changed[name.value] = {key: value for key, value in ours.items() if value != usual[key]}
    for field in fields(AlertSettings):
        if field.name.startswith("group_") and getattr(settings, field.name) != getattr(base, field.name):
            changed[field.name] = getattr(settings, field.name)
    return changed
