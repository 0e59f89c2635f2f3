"""What live pages are told of one student's second, and of gestures."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from engage.core.live import update_payload
from engage.core.types import GestureEvent, Sample, Score, ScoredSample
from engage.core.updates import LiveUpdate, Rate

AT = datetime(2026, 3, 2, 9, 0, 30, tzinfo=UTC)


def told(score: Score, frames: int = 5) -> dict[str, object]:
    sample = Sample(1, 2, int(AT.timestamp()), AT, frames, 1.0, 1.0, 0.9, 0.5)
    nod = GestureEvent(1, 2, "nod", AT - timedelta(seconds=2), AT - timedelta(seconds=1), 0.51234)
    update = LiveUpdate(1, AT, (ScoredSample(sample, score, "default-1"),), (), (nod,))
    return dict(json.loads(json.dumps(update_payload(update, 0.4))))


def test_gestures_are_told() -> None:
    (gesture,) = told(Score(5.0, 0.8))["gestures"]  # type: ignore[misc]
    assert gesture == {
        "student": 2,
        "kind": "nod",
        "started_at": AT.timestamp() - 2,
        "ended_at": AT.timestamp() - 1,
        "strength": 0.512,
    }


def test_the_rate_that_sources_are_asked_for_is_told_where_it_is_known() -> None:
    assert update_payload(LiveUpdate(1, AT), 0.4)["rate"] is None
    told_rate = update_payload(LiveUpdate(1, AT, rate=Rate(3.5431, 5.0)), 0.4)["rate"]
    assert told_rate == {"asked_fps": 3.5, "agreed_fps": 5.0}


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        ({"looking_away_s": 41.0}, "looking away"),
        ({"looking_down_s": 12.0}, "looking down"),
        ({"looking_away_s": 4.0}, None),
        ({}, None),
    ],
)
def test_what_lasts_is_told_with_its_beginning(terms: dict[str, float], words: str | None) -> None:
    (sample,) = told(Score(5.0, 0.8, None, terms))["samples"]  # type: ignore[misc]
    expected = words and {"words": words, "since": AT.timestamp() - next(iter(terms.values()))}
    assert sample["doing"] == expected


def test_a_slow_second_says_what_it_does_not_bear() -> None:
    (slow,) = told(Score(5.0, 0.8), frames=2)["samples"]  # type: ignore[misc]
    (quick,) = told(Score(5.0, 0.8), frames=12)["samples"]  # type: ignore[misc]
    assert slow["too_slow_for"] == ["blink", "nod", "shake", "speaking"]
    assert quick["too_slow_for"] == []
