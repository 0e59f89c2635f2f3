"""What cannot be concluded from a report, in sentences."""

from __future__ import annotations

from engage.core.types import Mode
from engage.reports.content import MINUTE_S, Report
from engage.reports.words import day, percent

LOW_COVERAGE = 0.6
LOW_CONFIDENCE = 0.4
FEW_STUDENTS = 5
FEW_SESSIONS = 3


def limits(report: Report) -> tuple[str, ...]:
    """Return what cannot be concluded from this report, the general first."""
    say = report.language
    general = (
        say.gettext(
            "Presence says that a face was before a camera. It is no register of attendance, and says nothing of "
            "attention."
        )
        if report.mode is Mode.PRESENCE
        else say.gettext(
            "A score tells how a face appears to a camera. It does not tell what a student thought, understood or "
            "learnt, and it is no grade."
        )
    )
    more = (_on_detail, _on_data, _on_confidence, _on_numbers, _on_history, _on_clock)
    return (general, *(sentence for about in more if (sentence := about(report))))


def _on_detail(report: Report) -> str:
    reduced_at = report.session.reduced_at
    if reduced_at is None:
        return ""
    return report.language.gettext(
        "The single seconds of this session were erased on %(day)s, as the school keeps them no longer. This report is "
        "made from what was counted by minute before.",
        day=day(reduced_at, report.zone, report.language),
    )


def _on_data(report: Report) -> str:
    say = report.language
    if report.empty:
        return ""
    if report.mode is Mode.PRESENCE:
        seen = min(1.0, report.tally.observed_s / (report.length_s * len(report.students)))
        if seen >= 0.99:
            return ""
        unseen = percent(1 - seen)
        return say.gettext("No camera looked for %(share)s of the time; that is not time away.", share=unseen)
    if report.coverage >= 0.99:
        return ""
    missing = percent(1 - report.coverage)
    left_out = say.gettext(
        "%(share)s of the time has no score and is left out; it does not count as low.", share=missing
    )
    if report.coverage >= LOW_COVERAGE:
        return left_out
    unknown = say.gettext("Whether the rest of the class was like the part that was seen is not known.")
    return f"{left_out} {unknown}"


def _on_confidence(report: Report) -> str:
    confidence = report.tally.confidence
    if confidence is None or confidence >= LOW_CONFIDENCE:
        return ""
    return report.language.gettext(
        "The scores are uncertain (mean confidence %(share)s); differences within the bands mean nothing.",
        share=percent(confidence),
    )


def _on_numbers(report: Report) -> str:
    scored = sum(student.tally.scored_s > 0 for student in report.students)
    if scored == 0 or scored >= FEW_STUDENTS:
        return ""
    return report.language.ngettext(
        "The class mean rests on %(n)s student; one of them can move it.",
        "The class mean rests on %(n)s students; one of them can move it.",
        scored,
    )


def _on_history(report: Report) -> str:
    say = report.language
    if report.tally.mean is None:
        return ""
    if report.comparison is None:
        return say.gettext("There is no earlier session with scores to compare with.")
    if report.comparison.n_sessions < FEW_SESSIONS:
        return say.ngettext(
            "With %(n)s earlier session a change cannot be told from chance; subject, hour and light differ too.",
            "With %(n)s earlier sessions a change cannot be told from chance; subject, hour and light differ too.",
            report.comparison.n_sessions,
        )
    return say.gettext("A change from earlier sessions has many causes: subject, hour, light, who was there.")


def _on_clock(report: Report) -> str:
    if not report.minutes or report.empty:
        return ""
    start, end = report.session.started_at, report.session.ended_at or report.made_at
    slack = 2 * MINUTE_S
    first, last = report.minutes[0].minute * MINUTE_S, (report.minutes[-1].minute + 1) * MINUTE_S
    if first >= start.timestamp() - slack and last <= end.timestamp() + slack:
        return ""
    return report.language.gettext(
        "Some readings carry times outside the session: a clock was set meanwhile. They are all in this report, at the "
        "times they carry."
    )
