"""The states of alerts: hold, hysteresis, cool-down, inhibition, no data; and the numbers of a course."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engage.core.rules import AlertSettings, RuleName, RuleSettings, SessionRules, alert_settings, differences, why
from engage.core.rules.hold import Hold, HoldState
from engage.core.rules.settings import LIMITS
from engage.core.types import Mode, Origin, Reason, Sample, Score, ScoredSample, SourceState, SourceStatus
from engage.core.updates import AlertEvent, AlertState

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LOW = AlertSettings().low_engagement


def scored(at_s: float, level: float | None, student: int = 1, face: float = 1.0, **terms: float) -> ScoredSample:
    """Return a second of a student whose unsmoothed score is ``level``."""
    at = START + timedelta(seconds=at_s)
    sample = Sample(
        1, student, int(at.timestamp()), at, 5, 1.0, face, 0.9 if face else None, 0.5,
        yaw_deg=0.0 if face else None, pitch_deg=0.0 if face else None,
        lids_closed_share=(1.0 if terms.get("drowsy") else 0.0) if face else None, mode=Mode.FULL,
    )  # fmt: skip
    score = Score(None, 0.0, Reason.AWAY) if level is None else Score(level, 0.8, None, {"raw": level, **terms})
    return ScoredSample(sample, score, "test")


def status(at_s: float, state: SourceState, student: int = 1) -> SourceStatus:
    return SourceStatus(Origin(1, student, student), state, START + timedelta(seconds=at_s))


def play(
    level: Callable[[int], float | None], until_s: int, settings: AlertSettings | None = None, face: float = 1.0
) -> list[tuple[str, str, float]]:
    """Return what one student's levels lead to: (rule, state, seconds since the start)."""
    rules = SessionRules(1, settings or AlertSettings())
    return told(
        rules.observe([scored(k, level(k), face=face if level(k) is not None else 0.0) for k in range(until_s)])
    )


def told(events: Sequence[AlertEvent]) -> list[tuple[str, str, float]]:
    return [(e.rule, e.state.value, ((e.ended_at or e.started_at) - START).total_seconds()) for e in events]


def only(*names: RuleName) -> AlertSettings:
    """Return the defaults with all rules but these switched off."""
    base = AlertSettings()
    return replace(base, **{n.value: replace(base.rule(n), enabled=False) for n in RuleName if n not in names})


class TestLowEngagement:
    """One rule, from pending to resolved."""

    def test_it_fires_after_the_hold_time_and_ends_after_being_clear(self) -> None:
        events = play(lambda k: 2.0 if 100 <= k < 300 else 8.0, 400, only(RuleName.LOW_ENGAGEMENT))
        assert events == [("low_engagement", "firing", 183.0), ("low_engagement", "resolved", 314.0)]

    def test_a_shorter_spell_is_nobodys_business(self) -> None:
        assert play(lambda k: 2.0 if 100 <= k < 170 else 8.0, 400) == []

    @pytest.mark.parametrize(("centre", "times"), [(3.7, 1), (3.9, 1), (4.0, 1), (4.1, 0)])
    def test_a_score_that_hovers_at_the_threshold_fires_once(self, centre: float, times: int) -> None:
        swing = [0.0, 0.35, 0.1, -0.4, -0.2, 0.25, -0.1]
        events = play(lambda k: centre + swing[k % 7], 3000, only(RuleName.LOW_ENGAGEMENT))
        assert [state for _, state, _ in events].count("firing") == times

    def test_a_score_that_touched_the_threshold_once_never_fires(self) -> None:
        assert play(lambda k: 3.9 if k == 50 else 4.6, 1000, only(RuleName.LOW_ENGAGEMENT)) == []

    def test_no_data_is_not_low(self) -> None:
        assert play(lambda k: 2.0 if k < 40 else None, 1000, only(RuleName.LOW_ENGAGEMENT)) == []
        assert play(lambda k: None, 1000, only(RuleName.LOW_ENGAGEMENT)) == []

    def test_a_hole_in_the_samples_is_no_data(self) -> None:
        rules = SessionRules(1, only(RuleName.LOW_ENGAGEMENT))
        samples = [scored(k, 2.0) for k in [*range(30), *range(120, 160)]]
        assert rules.observe(samples) == []

    def test_an_alert_ends_when_the_student_is_no_longer_seen(self) -> None:
        events = play(lambda k: 2.0 if k < 200 else None, 400, only(RuleName.LOW_ENGAGEMENT))
        assert [state for _, state, _ in events] == ["firing", "resolved"]
        assert 200 < events[1][2] < 240

    def test_after_an_alert_it_is_silent_for_the_cool_down(self) -> None:
        events = play(lambda k: 8.0 if k % 160 >= 120 else 2.0, 1200, only(RuleName.LOW_ENGAGEMENT))
        starts = [at for _, state, at in events if state == "firing"]
        ends = [at for _, state, at in events if state == "resolved"]
        assert len(starts) >= 2
        assert all(start >= end + LOW.cool_down_s for end, start in zip(ends, starts[1:], strict=False))


class TestOtherRules:
    """What is particular to each."""

    def test_a_drop_is_one_against_the_students_own_minutes(self) -> None:
        assert play(lambda k: 4.5, 900, only(RuleName.SUDDEN_DROP)) == []  # always so: no drop
        events = play(lambda k: 8.5 if k < 300 else 4.5, 900, only(RuleName.SUDDEN_DROP))
        assert events[0][:2] == ("sudden_drop", "firing") and 339 <= events[0][2] <= 350
        assert [state for _, state, _ in events] == ["firing", "resolved"], "what lasts is no longer sudden"

    def test_who_never_came_is_not_away(self) -> None:
        assert play(lambda k: None, 600, only(RuleName.AWAY)) == []
        events = play(lambda k: 8.0 if k < 60 or k >= 300 else None, 400, only(RuleName.AWAY))
        assert [(rule, state) for rule, state, _ in events] == [("away", "firing"), ("away", "resolved")]
        assert 178 <= events[0][2] <= 185

    def test_drowsy_silences_low(self) -> None:
        rules = SessionRules(1, AlertSettings())
        events = rules.observe([scored(k, 1.5, drowsy=1.0) for k in range(300)])
        assert [e.rule for e in events] == [RuleName.DROWSY]

    def test_a_rule_that_is_off_says_nothing(self) -> None:
        assert play(lambda k: 1.0, 600, only()) == []


class TestCameraLost:
    """By the source's state; it silences the rest."""

    def test_it_fires_by_the_other_cameras_time_and_ends_by_a_sample(self) -> None:
        rules = SessionRules(1, AlertSettings())
        items = [scored(k, 8.0, student=2) for k in range(120)]
        items += [scored(k, 8.0) for k in [*range(10), *range(80, 120)]]
        assert told(rules.observe([*items, status(10, SourceState.LOST)])) == [
            ("camera_lost", "firing", 25.0), ("camera_lost", "resolved", 83.0)
        ]  # fmt: skip

    def test_it_fires_by_time_alone_when_nobody_sends_anything(self) -> None:
        rules = SessionRules(1, AlertSettings())
        rules.observe([scored(0, 8.0), status(1, SourceState.LOST)])
        assert rules.advance(START + timedelta(seconds=10)) == []
        assert [e.rule for e in rules.advance(START + timedelta(seconds=17))] == [RuleName.CAMERA_LOST]
        assert rules.advance(START + timedelta(seconds=5)) == [], "time never goes back"

    @pytest.mark.parametrize("state", [SourceState.PAUSED, SourceState.ENDED, SourceState.LIVE])
    def test_a_camera_that_is_paused_or_has_ended_is_not_lost(self, state: SourceState) -> None:
        rules = SessionRules(1, AlertSettings())
        events = rules.observe([scored(0, 8.0), status(1, SourceState.LOST), status(3, state)])
        assert events + rules.advance(START + timedelta(seconds=300)) == []

    def test_it_silences_the_rest(self) -> None:
        rules = SessionRules(1, AlertSettings())
        items: list[ScoredSample | SourceStatus] = [scored(k, 8.0, student=2) for k in range(300)]
        events = rules.observe([*items, *[scored(k, 2.0) for k in range(150)], status(150, SourceState.LOST)])
        low = [e for e in events if e.rule == RuleName.LOW_ENGAGEMENT]
        lost = next(e for e in events if e.rule == RuleName.CAMERA_LOST)
        assert [e.state for e in low] == [AlertState.FIRING, AlertState.RESOLVED]
        assert low[1].ended_at == lost.started_at

    def test_a_broken_network_is_one_alert(self) -> None:
        rules = SessionRules(1, AlertSettings())
        items: list[ScoredSample | SourceStatus] = [
            scored(k, 8.0, student=n) for n in range(1, 21) for k in range(300) if n > 12 or k < 100
        ]
        items += [status(100 + n / 10, SourceState.LOST, student=n) for n in range(1, 13)]
        events = rules.observe(items)
        assert [(e.rule, e.student_id) for e in events] == [(RuleName.CAMERA_LOST, None)]
        assert why(events[0]) == "12 of 20 students: no picture for 15 s"


class TestAfterARestart:
    """The state comes from the samples; what is stored goes on."""

    def test_the_stored_firing_is_taken_over(self) -> None:
        rules = SessionRules(1, AlertSettings())
        stored = replace(rules.observe([scored(k, 2.0) for k in range(150)])[0], id=7)
        again = SessionRules(1, AlertSettings())
        again.observe([scored(k, 2.0) for k in range(60, 160)])
        again.adopt(stored)
        ended = again.observe([scored(k, 9.0) for k in range(160, 200)])
        assert [(e.id, e.started_at, e.state) for e in ended] == [(7, stored.started_at, AlertState.RESOLVED)]

    @pytest.mark.parametrize("student", [1, None])
    def test_what_ended_before_cools_down(self, student: int | None) -> None:
        ended = AlertEvent(1, student, RuleName.LOW_ENGAGEMENT, AlertState.RESOLVED, START, START)
        rules = SessionRules(1, only(RuleName.LOW_ENGAGEMENT), [ended])
        events = rules.observe([scored(k, 2.0) for k in range(400)])
        assert told(events) == [("low_engagement", "firing", LOW.cool_down_s)]

    def test_the_class_cools_down_too(self) -> None:
        settings = only(RuleName.CLASS_DIP)
        before = START - timedelta(seconds=settings.class_dip.cool_down_s - 420)
        ended = AlertEvent(1, None, RuleName.CLASS_DIP, AlertState.RESOLVED, before, before)
        for known, at in (((), 360.0), ([ended], 420.0)):
            rules = SessionRules(1, settings, known)
            items = [scored(k, 8.0 if k < 300 else 4.0, student=n) for n in range(1, 5) for k in range(440)]
            begun = [told([event])[0][2] for event in rules.observe(items) if event.state is AlertState.FIRING]
            assert begun[:1] == [pytest.approx(at, abs=5)], known


SIGNAL = st.lists(
    st.tuples(st.floats(0.2, 40.0), st.one_of(st.none(), st.floats(0, 10), st.sampled_from([3.99, 4.0, 4.99, 5.0]))),
    max_size=200,
)


@given(SIGNAL)
def test_a_hold_never_fires_early_twice_or_from_nothing(signal: list[tuple[float, float | None]]) -> None:
    settings = RuleSettings(threshold=4.0, clear=5.0, hold_s=30.0, clear_s=10.0, cool_down_s=60.0)
    hold = Hold(settings, LIMITS[RuleName.LOW_ENGAGEMENT])
    at, before = 0.0, HoldState.INACTIVE
    first_bad: float | None = None
    resolved_at = -1e9
    for step, value in signal:
        at += step
        hold.update(at, value)
        hold.update(at - 0.1, 9.9)  # what comes late changes nothing
        if before is HoldState.INACTIVE and hold.state is not HoldState.INACTIVE:
            assert value is not None and value < 4.0
            first_bad = at
        if hold.state is HoldState.FIRING and before is not HoldState.FIRING:
            assert before is HoldState.PENDING, "it was pending first"
            assert first_bad is not None and at - first_bad >= 0.4 * settings.hold_s
            assert value is not None and value < 5.0, "it holds at this very moment"
            assert hold.mean is not None and hold.mean < 4.0
            assert at >= resolved_at + settings.cool_down_s
        if before is HoldState.FIRING and hold.state is not HoldState.FIRING:
            assert value is None or value >= 5.0, "only what is clear, or unknown, ends it"
            resolved_at = at
        before = hold.state


LEVELS = st.lists(st.one_of(st.none(), st.floats(0, 10)), min_size=1, max_size=300)


@given(LEVELS, st.integers(1, 50))
def test_alerts_begin_and_end_in_turn_however_the_samples_are_cut(levels: list[float | None], size: int) -> None:
    settings = alert_settings({"low_engagement": {"hold_s": 10, "clear_s": 3, "cool_down_s": 10}})
    samples = [scored(k, level, face=float(level is not None)) for k, level in enumerate(levels)]
    whole = SessionRules(1, settings).observe(samples)
    rules = SessionRules(1, settings)
    pieces = [e for k in range(0, len(samples), size) for e in rules.observe(samples[k : k + size])]
    assert pieces == whole
    for rule in RuleName:
        mine = [event for event in whole if event.rule == rule]
        assert [e.state for e in mine] == [(AlertState.FIRING, AlertState.RESOLVED)[k % 2] for k in range(len(mine))]
        starts = [e.started_at for e in mine if e.state is AlertState.FIRING]
        assert len(set(starts)) == len(starts)
        assert all(
            e.ended_at is not None and e.ended_at >= e.started_at for e in mine if e.state is not AlertState.FIRING
        )


class TestSettings:
    """A course's own numbers."""

    def test_what_is_stored_is_what_differs(self) -> None:
        assert differences(AlertSettings()) == {}
        changed = alert_settings({"away": {"hold_s": 60, "enabled": False}, "group_share": 0.5})
        assert differences(changed) == {"away": {"hold_s": 60, "enabled": False}, "group_share": 0.5}
        assert alert_settings(differences(changed)) == changed

    @pytest.mark.parametrize(
        ("stored", "words"),
        [
            ({"tired": {}}, "no rule 'tired'"),
            ({"away": {"holds": 3}}, "no number 'holds'"),
            ({"away": {"hold_s": "60"}}, "hold_s: give a number"),
            ({"away": {"enabled": 1}}, "true or false"),
            ({"low_engagement": {"clear": 3.0}}, "clear threshold must be not below"),
            ({"sudden_drop": {"clear": 9.0}}, "clear threshold must be not above"),
            ({"low_engagement": {"threshold": float("nan")}}, "give numbers"),
            ({"low_engagement": {"threshold": 11}}, "threshold must lie in"),
            ({"low_engagement": {"hold_s": 0}}, "hold time must lie in"),
            ({"low_engagement": {"cool_down_s": -1}}, "cool-down must lie in"),
            ({"group_share": 0}, "share of the class"),
        ],
    )
    def test_what_cannot_be_meant_is_refused_in_words(self, stored: dict[str, object], words: str) -> None:
        with pytest.raises(ValueError, match=words):
            alert_settings(stored)
