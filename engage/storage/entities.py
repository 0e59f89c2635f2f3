"""Rows as the records that leave this package."""

from __future__ import annotations

from engage.core.addresses import STREAMS, scheme
from engage.core.policy import Consent, GivenBy, Jurisdiction
from engage.core.types import Mode
from engage.storage.records import (
    MarkerRecord,
    SetupRecord,
    SourceKind,
    SourceRecord,
    StudentRecord,
)
from engage.storage.tables import ConsentAnswer, Marker, Setting, Source, Student

SETUP_KEY = "setup"
"""The row of ``settings`` that holds the administrator's answer."""


def setup_record(row: Setting) -> SetupRecord:
    """Return the administrator's answer."""
    return SetupRecord(
        Jurisdiction(row.value["jurisdiction"]), Mode(row.value["mode"]), row.answered_by, row.answered_at
    )


def student_record(row: Student) -> StudentRecord:
    """Return a student."""
    return StudentRecord(row.id, row.name, row.external_id, row.minor, row.virtual, row.archived_at)


def source_record(row: Source) -> SourceRecord:
    """Return a source, without its credentials."""
    return SourceRecord(row.id, row.student_id, row.course_id, SourceKind(row.kind), row.address, row.enabled)


def marker_record(row: Marker) -> MarkerRecord:
    """Return a note on the timeline."""
    return MarkerRecord(row.id, row.session_id, row.user_id, row.at, row.text)


def consent_of(row: ConsentAnswer | None) -> Consent | None:
    """Return an answer as the gate needs it."""
    return None if row is None else Consent(row.granted, GivenBy(row.given_by), row.answered_at)


def kind_of(address: str) -> SourceKind:
    """Return what stands behind ``address``, as ``engage.capture.sources`` reads it."""
    start = scheme(address)
    if address.isascii() and address.isdigit():
        return SourceKind.CAMERA
    if start in STREAMS:
        return SourceKind.STREAM
    own = (SourceKind.VIRTUAL, SourceKind.BROWSER, SourceKind.WINDOW)
    return SourceKind(start) if start in own else SourceKind.FILE
