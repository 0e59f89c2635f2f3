"""What may be inferred about whom, decided in one place (DESIGN.md section 6). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from engage.core.types import Mode


class Jurisdiction(StrEnum):
    """Whose law applies at the school."""

    EU = "eu"
    US = "us"
    UK = "uk"
    OTHER = "other"


class GivenBy(StrEnum):
    """Who answered the consent question."""

    STUDENT = "student"
    GUARDIAN = "guardian"


@dataclass(frozen=True, slots=True)
class Consent:
    """The newest answer on record for a student. ``granted`` is False for a No and for a withdrawal."""

    granted: bool
    given_by: GivenBy
    answered_at: datetime


@dataclass(frozen=True, slots=True)
class Subject:
    """The person, as far as the gate needs to know them. A virtual student is a drawing."""

    virtual: bool
    minor: bool
    consent: Consent | None


@dataclass(frozen=True, slots=True)
class Decision:
    """The gate's answer: a mode, or None with the reason in words for the page."""

    mode: Mode | None
    reason: str = ""

    @property
    def allowed(self) -> bool:
        """Return whether a capture worker may start."""
        return self.mode is not None


def answer_at(answers: Sequence[Consent], moment: datetime) -> Consent | None:
    """Return which of ``answers`` (the newest first) was in force at ``moment``; None before the first."""
    return next((answer for answer in answers if answer.answered_at <= moment), None)


def valid(consent: Consent | None, minor: bool) -> bool:
    """Return whether an answer lets a person be observed at all: a dated Yes, of a guardian for a minor."""
    return consent is not None and consent.granted and (not minor or consent.given_by is GivenBy.GUARDIAN)


class Answers(Protocol):
    """An answer to both questions, each None where it is open: the section of the settings, or what is stored."""

    @property
    def jurisdiction(self) -> str | None:
        """Return whose law applies."""

    @property
    def mode(self) -> Mode | None:
        """Return what may be inferred."""


def rules_in_force(settings: Answers, stored: Answers | None) -> tuple[Jurisdiction | None, Mode | None]:
    """Return jurisdiction and mode as asked for: each from ``settings`` where they say it, else from ``stored``."""
    jurisdiction = settings.jurisdiction or (stored.jurisdiction if stored else None)
    mode = settings.mode or (stored.mode if stored else None)
    return Jurisdiction(jurisdiction) if jurisdiction else None, mode


def capped_mode(jurisdiction: Jurisdiction, mode: Mode) -> Mode:
    """Return the mode that holds in ``jurisdiction`` when ``mode`` is asked for.

    In the EU inferring emotions of people in education is prohibited (AI Act, Art. 5(1)(f)); attention is not safe
    either, so the cap is presence, and nothing lifts it.
    """
    return Mode.PRESENCE if jurisdiction is Jurisdiction.EU else mode


def decide(jurisdiction: Jurisdiction | None, mode: Mode | None, subject: Subject) -> Decision:
    """Return whether ``subject`` may be observed, and how far.

    The virtual class is exempt. Anyone else needs an answered jurisdiction and mode, and a dated Yes: a guardian's for
    a minor.
    """
    if subject.virtual:
        return Decision(Mode.FULL)
    if jurisdiction is None or mode is None:
        return Decision(None, "the administrator has not yet said where the school is and what may be inferred")
    consent = subject.consent
    if consent is None:
        return Decision(None, "no consent on record")
    if not consent.granted:
        return Decision(None, "not sharing")
    if subject.minor and consent.given_by is not GivenBy.GUARDIAN:
        return Decision(None, "a guardian has not consented")
    return Decision(capped_mode(jurisdiction, mode))
