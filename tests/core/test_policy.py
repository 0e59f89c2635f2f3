"""The gate: every combination of jurisdiction, mode, age and consent."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from engage.core.policy import Consent, GivenBy, Jurisdiction, Subject, capped_mode, decide, rules_in_force
from engage.core.types import Mode

AT = datetime(2026, 3, 2, tzinfo=UTC)
CONSENTS = [None, *(Consent(granted, by, AT) for granted in (True, False) for by in GivenBy)]


@pytest.mark.parametrize("virtual", [True, False])
@pytest.mark.parametrize("minor", [True, False])
@pytest.mark.parametrize("consent", CONSENTS)
def test_gate(virtual: bool, minor: bool, consent: Consent | None) -> None:
    subject = Subject(virtual, minor, consent)
    for jurisdiction, mode in itertools.product([None, *Jurisdiction], [None, *Mode]):
        decision = decide(jurisdiction, mode, subject)
        if virtual:
            assert decision.mode is Mode.FULL
            continue
        willing = consent is not None and consent.granted and (not minor or consent.given_by is GivenBy.GUARDIAN)
        assert decision.allowed == (willing and jurisdiction is not None and mode is not None)
        assert decision.allowed != bool(decision.reason)
        if decision.allowed and jurisdiction is Jurisdiction.EU:
            assert decision.mode is Mode.PRESENCE


def test_eu_caps_every_mode_at_presence() -> None:
    assert {capped_mode(Jurisdiction.EU, mode) for mode in Mode} == {Mode.PRESENCE}
    assert capped_mode(Jurisdiction.US, Mode.FULL) is Mode.FULL


@dataclass
class Answer:
    jurisdiction: str | None
    mode: Mode | None


OPEN, STORED = Answer(None, None), Answer("us", Mode.ATTENTION)


@pytest.mark.parametrize(
    ("settings", "stored", "holds"),
    [
        (OPEN, None, (None, None)),
        (OPEN, STORED, (Jurisdiction.US, Mode.ATTENTION)),
        (Answer("eu", None), STORED, (Jurisdiction.EU, Mode.ATTENTION)),
        (Answer(None, Mode.PRESENCE), STORED, (Jurisdiction.US, Mode.PRESENCE)),
        (Answer("uk", Mode.FULL), None, (Jurisdiction.UK, Mode.FULL)),
    ],
)
def test_settings_beat_the_stored_answer(settings: Answer, stored: Answer | None, holds: object) -> None:
    assert rules_in_force(settings, stored) == holds
