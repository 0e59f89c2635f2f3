"""The sentences of a report: computed from its numbers, and from nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo

from engage.core.types import EMOTIONS, Mode
from engage.reports.content import MINUTE_S, Comparison, Report, Stretch
from engage.reports.language import ENGLISH, Language, to_translate

SAME_WITHIN = 0.3
"""A change of the class mean below this is not called a change."""
NAMED_FROM = 0.005

APPEARS = {
    "neutral": to_translate("neutral"),
    "happiness": to_translate("happy"),
    "surprise": to_translate("surprised"),
    "sadness": to_translate("sad"),
    "anger": to_translate("angry"),
    "disgust": to_translate("disgusted"),
    "fear": to_translate("afraid"),
    "contempt": to_translate("scornful"),
}
"""What stands after "appears": the words of the live page."""
GESTURES = {
    "nod": to_translate("nod"),
    "shake": to_translate("shake"),
    "speaking": to_translate("speaking"),
    "yawn": to_translate("yawn"),
    "drowsy": to_translate("drowsy"),
    "looking_away": to_translate("looking away"),
    "head_down": to_translate("head down"),
    "left_seat": to_translate("left seat"),
    "leaning_in": to_translate("leaning in"),
    "raised_hand": to_translate("raised hand"),
    "hand_to_face": to_translate("hand to face"),
}


def clock(moment: datetime | int, zone: tzinfo | None) -> str:
    """Return ``10:05`` for a time, or for a minute (Unix seconds // 60), where people are."""
    if isinstance(moment, int):
        moment = datetime.fromtimestamp(moment * MINUTE_S, UTC)
    return f"{moment.astimezone(zone):%H:%M}"


def day(moment: datetime, zone: tzinfo | None, language: Language = ENGLISH) -> str:
    """Return ``Sunday, 22 November 2026``."""
    return language.day(moment.astimezone(zone).date())


def hours_apart(report: Report) -> str:
    """Return when the session was, ``10:00–11:30``; where clocks changed meanwhile, each with its offset from UTC."""
    start, end = report.session.started_at, report.session.ended_at or report.made_at
    local = start.astimezone(report.zone), end.astimezone(report.zone)
    form = "%H:%M" if local[0].utcoffset() == local[1].utcoffset() else "%H:%M (UTC%z)"
    days = (local[1].date() - local[0].date()).days
    later = " " + report.language.ngettext("%(n)s day later", "%(n)s days later", days) if days > 0 else ""
    return f"{local[0]:{form}}–{local[1]:{form}}{later}"


def duration(seconds: float) -> str:
    """Return ``40 s``, ``12 min`` or ``1 h 30 min``."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def percent(share: float) -> str:
    """Return ``82 %``, on one line; a share that is not quite nothing or all is not rounded to it."""
    if 0 < share < 0.01:
        return "<\u00a01\u00a0%"
    if 0.99 < share < 1:
        return ">\u00a099\u00a0%"
    return f"{share:.0%}".replace("%", "\u00a0%")


def number(value: float | None, language: Language = ENGLISH) -> str:
    """Return ``6.8``, or a dash where there is no data."""
    return "–" if value is None else language.number(value)


def signed(value: float, language: Language = ENGLISH) -> str:
    """Return ``+0.4``, ``−0.4`` or ``±0.0``."""
    size = f"{abs(value):.1f}"
    sign = "±" if float(size) == 0 else "+" if value > 0 else "−"
    return sign + language.number(abs(value))


def spoken(name: str, language: Language = ENGLISH) -> str:
    """Return the name of a gesture as it is said: ``raised hand``."""
    return language.gettext(GESTURES[name]) if name in GESTURES else name.replace("_", " ")


def appears(language: Language) -> list[str]:
    """Return what stands after "appears", in the order of the emotions."""
    return [language.gettext(APPEARS[name]) for name in EMOTIONS]


def plural(count: int, one: str, many: str | None = None) -> str:
    """Return ``1 student``, ``3 students``."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def time_columns(report: Report) -> list[tuple[str, str]]:
    """Return heading and field (of ``Shares``) of the columns that say how students' time divides."""
    say = report.language
    no_data = (say.gettext("No data"), "no_data")
    if report.mode is Mode.PRESENCE:
        return [(say.gettext("Present"), "attentive"), (say.gettext("No face seen"), "away"), no_data]
    columns = [
        (say.gettext("Attentive"), "attentive"),
        (say.gettext("Away"), "away"),
        (say.gettext("Drowsy"), "drowsy"),
    ]
    if _some_unclear(report):
        columns.append((say.gettext("Unclear"), "unclear"))
    return [*columns, no_data]


def time_note(report: Report) -> str:
    """Return what those columns, and the band of the score, mean."""
    say = report.language
    if report.mode is Mode.PRESENCE:
        return say.gettext("No data: the camera was off, paused or refused. That is not time away.")
    notes = [
        say.gettext("“Probably”: the band that the mean confidence leaves. Away: no face, or looking elsewhere."),
        say.gettext("Unclear: too dark, or where the student looked could not be told."),
        say.gettext("No data: the camera was off, paused or refused; that is not time away."),
    ]
    return " ".join(notes if _some_unclear(report) else notes[::2])


def summary(report: Report) -> tuple[str, ...]:
    """Return the two sentences of the first screen; fewer where there is less to say."""
    say, long = report.language, duration(report.length_s)
    if not report.students:
        return (say.gettext("Nobody was in this session of %(long)s.", long=long),)
    of = say.ngettext("of %(n)s student", "of %(n)s students", len(report.students))
    if report.empty or report.mode is Mode.PRESENCE or report.tally.mean is None:
        return (_unscored(report, of),)
    first = say.gettext(
        "Over %(long)s the class appeared at %(mean)s of 10 on average, with scores for %(share)s of the time "
        "%(of_students)s%(compared)s.",
        long=long,
        mean=number(report.tally.mean, say),
        share=percent(report.coverage),
        of_students=of,
        compared=_compared(report.comparison, say),
    )
    return (first, _extremes(report)) if report.best and report.weakest else (first,)


def _unscored(report: Report, of: str) -> str:
    """Return the sentence of a session whose class has no score; ``of`` is ``of 3 students``."""
    say, long = report.language, duration(report.length_s)
    if report.empty:
        return say.gettext(
            "Nobody was looked at in this session of %(long)s: no camera was on for any %(of_students)s.",
            long=long,
            of_students=of,
        )
    if report.mode is Mode.PRESENCE:
        return say.gettext(
            "Over %(long)s, a face was before the camera for %(share)s of the time %(of_students)s.",
            long=long,
            share=percent(report.present),
            of_students=of,
        )
    return say.gettext(
        "There is no score in this session of %(long)s: what was seen %(of_students)s was too little.",
        long=long,
        of_students=of,
    )


def three_numbers(report: Report) -> list[tuple[str, str, str]]:
    """Return name, value and remark of the three numbers of the first screen."""
    say, count = report.language, len(report.students)
    if report.mode is Mode.PRESENCE:
        present = "–" if report.empty else percent(report.present)
        seen = sum(student.tally.face_s > 0 for student in report.students)
        return [
            (say.gettext("Before a camera"), present, say.gettext("of the students' time")),
            (say.gettext("Students"), str(count), say.gettext("%(n)s of them seen", n=seen)),
            (say.gettext("Length"), duration(report.length_s), hours_apart(report)),
        ]
    mean, spread, comparison = report.tally.mean, report.tally.spread, report.comparison
    covered = say.ngettext(
        "of the time of %(n)s student has a score", "of the time of %(n)s students has a score", count
    )
    return [
        (
            say.gettext("Class mean"),
            "–" if mean is None else say.gettext("%(score)s of 10", score=number(mean, say)),
            say.gettext("no score")
            if spread is None
            else say.gettext("standard deviation %(value)s", value=number(spread, say)),
        ),
        (say.gettext("Coverage"), "–" if report.empty else percent(report.coverage), covered),
        (
            say.pgettext("report", "Change"),
            "–" if comparison is None else signed(comparison.change, say),
            say.gettext("no earlier session")
            if comparison is None
            else say.ngettext("against %(n)s earlier session", "against %(n)s earlier sessions", comparison.n_sessions),
        ),
    ]


def made(report: Report) -> str:
    """Return when the report was computed, and from what, as its last line."""
    say = report.language
    when = f"{day(report.made_at, report.zone, say)}, {clock(report.made_at, report.zone)}"
    running = "" if report.session.ended_at else say.gettext(", while the session was running")
    drawn = say.gettext(", from students drawn by the program") if report.session.demo else ""
    return say.gettext("Computed %(when)s%(more)s.", when=when, more=running + drawn)


def marked(stretch: Stretch, language: Language = ENGLISH) -> str:
    """Return ``, during “Group work”``, or nothing where no marker was set before."""
    return language.gettext(", during “%(marker)s”", marker=stretch.marker) if stretch.marker else ""


def _some_unclear(report: Report) -> bool:
    return any(student.shares.unclear >= NAMED_FROM for student in report.students)


def _compared(comparison: Comparison | None, say: Language) -> str:
    if comparison is None:
        return ""
    before = say.ngettext(
        "the session before (%(mean)s)",
        "the mean of the last %(n)s sessions (%(mean)s)",
        comparison.n_sessions,
        mean=number(comparison.mean, say),
    )
    if abs(comparison.change) < SAME_WITHIN:
        return say.gettext("; about the same as %(before)s", before=before)
    points = number(abs(comparison.change), say)
    if comparison.change > 0:
        return say.gettext("; %(points)s above %(before)s", points=points, before=before)
    return say.gettext("; %(points)s below %(before)s", points=points, before=before)


def _extremes(report: Report) -> str:
    if report.best is None or report.weakest is None:
        return ""
    say = report.language
    high, low = (
        say.gettext(
            "from %(start)s to %(end)s (%(mean)s%(marked)s)",
            start=clock(part.minute, report.zone),
            end=clock(part.until, report.zone),
            mean=number(part.mean, say),
            marked=marked(part, say),
        )
        for part in (report.best, report.weakest)
    )
    return say.gettext("It was highest %(high)s, and lowest %(low)s.", high=high, low=low)
