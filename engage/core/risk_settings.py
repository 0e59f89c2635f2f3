"""The numbers of the at-risk list, with their defaults.

Tuned on simulated terms of 60 sessions with class-wide drift (tests/core/test_risk.py): where sessions of a student
scatter by .3 points, at most 1 % of steady students is flagged and a decline of 2 points over 20 sessions is flagged by
its 15th; where they scatter by .4, nine in ten are. Sessions are taken to be independent of one another: where good and
bad days come in runs, more steady students are flagged (docs/figures.md).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskSettings:
    """Every number the at-risk list uses. Changes in points of the score (0-10), times in seconds."""

    min_session_s: float = 300.0
    """Scored time from which a session counts; with less it is a gap."""
    min_sessions: int = 3
    baseline_sessions: int = 5
    """First sessions, whose median is the student's own baseline."""
    recent_sessions: int = 5
    trend_sessions: int = 20
    persistent: int = 4
    """Of the recent sessions, how many must lie below the baseline, by half the change or more."""

    min_change: float = 0.75
    min_change_on_slope: float = 0.5
    min_fall: float = 0.8
    """What the line must fall from its first to its last session."""
    clear_change: float = 1.5
    """From here a flag asks for a talk, not just a look."""
    step_z: float = 4.0
    slope_z: float = 3.7
    """Change and slope over their standard errors. High, since a term asks the question sixty times."""
    least_spread: float = 0.15
    spread_weight: int = 10
    """How many sessions the class's usual spread weighs beside the student's own."""
    class_of: int = 5
    """Students with data from which there is a class to compare with."""

    low_below: float = 4.0
    """A score that has always been lower is called low, not declining."""
    absent_of: int = 10
    absent_from: int = 4
    """Absences marked by a person, of the last ``absent_of`` marked sessions, that raise a flag."""
    again_after_sessions: int = 10
    """After a person has decided, the same student is not flagged again for so many sessions of the course."""

    def __post_init__(self) -> None:
        """Raise ValueError, naming the setting, where the numbers contradict one another."""
        _require(self.min_sessions >= 3, "min_sessions must be 3 or more: less is not enough data")
        _require(self.baseline_sessions >= self.min_sessions, "baseline_sessions must be at least min_sessions")
        _require(self.recent_sessions >= self.min_sessions, "recent_sessions must be at least min_sessions")
        _require(self.trend_sessions >= 2 * self.min_sessions, "trend_sessions must be at least twice min_sessions")
        _require(1 <= self.persistent <= self.recent_sessions, "persistent must lie in 1 and recent_sessions")
        changes = (self.min_change_on_slope, self.min_change, self.clear_change, 10.0)
        _require(
            changes[0] > 0 and list(changes) == sorted(changes),
            "changes must rise: min_change_on_slope, min_change, clear_change, 10",
        )
        _require(0 < self.min_fall <= 10, "min_fall must lie above 0 and up to 10")
        _require(min(self.step_z, self.slope_z) > 0, "step_z and slope_z must be above 0")
        _require(self.least_spread > 0 and self.spread_weight >= 0, "least_spread must be above 0")
        _require(self.min_session_s > 0, "min_session_s must be above 0")
        _require(self.class_of >= 4, "class_of must be 4 or more")
        _require(0 <= self.low_below <= 10, "low_below must lie in 0-10")
        _require(1 <= self.absent_from <= self.absent_of, "absent_from must lie in 1 and absent_of")
        _require(self.again_after_sessions >= 1, "again_after_sessions must be 1 or more")


def _require(condition: bool, text: str) -> None:
    if not condition:
        raise ValueError(text)
