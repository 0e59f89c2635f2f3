"""What the rest of the program says in English, in the reader's language.

Core and storage know no languages: they say what they found in plain English, numbers filled in. Here stand the same
texts with names for what is filled in; ``said`` finds the one that fits and says it again, translated. A text that is
not here is shown as it is.
"""

from __future__ import annotations

import re
from functools import cache

from flask_babel import get_locale, gettext

SOURCE = "en"


def spoken(text: str) -> str:
    """Mark a text for the catalogues."""
    return text


TEXTS = (
    # Alerts (core.rules.words, dashboard.alerts)
    spoken("Low score"),
    spoken("Score fell"),
    spoken("Away"),
    spoken("Appears drowsy"),
    spoken("Appears unhappy"),
    spoken("Class score fell"),
    spoken("Camera lost"),
    spoken("The class"),
    spoken("A student"),
    spoken("Class alert"),
    spoken("%(n)s of %(all)s students: %(reason)s"),
    spoken("score below %(limit)s for %(time)s, %(mean)s on average"),
    spoken("score below %(limit)s for %(time)s"),
    spoken("score more than %(limit)s below the minutes before, for %(time)s, %(fell)s instead of %(usual)s"),
    spoken("score more than %(limit)s below the minutes before, for %(time)s"),
    spoken("scores more than %(limit)s below the minutes before, for %(time)s, %(mean)s on average"),
    spoken("scores more than %(limit)s below the minutes before, for %(time)s"),
    spoken("no face in the picture for %(time)s"),
    spoken("eyes closed much of the time, for %(time)s"),
    spoken("sad, angry, afraid or the like, it appears, for %(time)s"),
    spoken("no picture for %(time)s"),
    spoken("A student's score stays below the threshold. At most 10."),
    spoken("A student's score falls by more points than this below their own last five minutes."),
    spoken("Nobody is seen in a student's picture, who was there before."),
    spoken("A student's eyes are closed much of the time, or for long."),
    spoken("A face appears sad, angry, afraid or the like: their share of the reading, 0 to 1."),
    spoken("The students fall, on average, by more points than this below their own last five minutes."),
    spoken("A camera's picture is gone. This silences the student's other alerts."),
    # Addresses of cameras (engage.camera_gate)
    spoken("This is not a valid stream address; write it like rtsp://10.0.0.7/live."),
    spoken("A camera may not be at this address; an administrator can allow it by capture.allow_networks."),
    spoken("Recordings are for administrators, and only from the folders in capture.media_folders."),
    spoken("Only an administrator can use a camera of the server itself; give a stream's address."),
    # What made a score (core.explain)
    spoken("looks at the usual place"),
    spoken("looks away from the usual place, or down"),
    spoken("eyes open as usual"),
    spoken("lids drooping or closed"),
    spoken("expression appears engaged"),
    spoken("expression appears less engaged"),
    spoken("nods, speaks or raises a hand"),
    spoken("no nod, raised hand or speaking in the last minute"),
    spoken("the seconds before were higher"),
    spoken("the seconds before were lower"),
    spoken("appears drowsy: %(cap)s at most"),
    spoken("%(score)s of 10: %(reasons)s."),
    spoken("nothing that was read costs points"),
    spoken("No score: %(reason)s."),
    spoken("no face for most of the last seconds"),
    spoken("no picture from the camera"),
    spoken("too dark to see a face"),
    spoken("a face, but nothing that could be read from it"),
    spoken("presence only: no score is computed here"),
    spoken("paused"),
    spoken("no consent"),
    spoken("no data"),
    # Who may be looked at (core.policy)
    spoken("the administrator has not yet said where the school is and what may be inferred"),
    spoken("no consent on record"),
    spoken("not sharing"),
    spoken("said no"),
    spoken("a guardian has not consented"),
    # Students at risk (core.risk, reports.term)
    spoken("Worth a look"),
    spoken("Worth a talk"),
    spoken("present"),
    spoken("absent"),
    spoken("excused"),
    spoken("%(n)s session"),
    spoken("%(n)s sessions"),
    spoken("Not enough data: %(sessions)s with a score; it takes three."),
    spoken("Around %(score)s in %(sessions)s; too early to speak of change."),
    spoken("Low but steady: %(recent)s lately, %(first)s in the first sessions. Not declining."),
    spoken("Lower than in the first sessions: %(recent)s lately, %(first)s then."),
    spoken("No lasting decline: %(recent)s lately, %(first)s in the first sessions."),
    spoken("There are too few others to tell a change from one of the whole class."),
    spoken("Since the first sessions the whole class changed by %(others)s; %(own)s is this student's own."),
    spoken("Score %(recent)s in the last %(last)s sessions, %(baseline)s in the first %(first)s."),
    spoken("There are too few others to tell this from a change of the whole class."),
    spoken("The class changed by %(others)s over the same time; %(own)s is this student's own."),
    spoken("Falling by about %(points)s points a session over the last %(n)s sessions."),
    spoken("Below the own first sessions in %(n)s of the last %(last)s sessions with data."),
    spoken("Marked absent by a person in %(n)s of the last %(last)s marked sessions."),
    # What cannot be done (storage)
    spoken("The administrator has not yet said where the school is and what may be computed; no session can start."),
    spoken("There is nobody in this course yet; add a student first."),
    spoken("There is no virtual class here; start the program with 'engage serve --demo'."),
    spoken("The virtual class is drawn by the program; its students cannot be changed."),
    spoken("A session of this course is running already."),
    spoken("A session of this course is running; end it first."),
    spoken("This session has ended."),
    spoken("This lesson is over."),
    spoken("This course is archived. Bring it back to change it."),
    spoken("For someone under age, a parent or guardian must say yes."),
    spoken("There is a student with this number already."),
    spoken("There is an account with this e-mail address already."),
    spoken("Give an e-mail address, such as name@school.org."),
    spoken("Give %(what)s of at most %(n)s characters."),
    spoken("Give %(what)s without control characters."),
    spoken("a title"),
    spoken("a name"),
    spoken("a note"),
    spoken("an e-mail address"),
    spoken("Seat %(seat)s is taken."),
    spoken("There is no seat %(seat)s: the plan has %(rows)s rows of %(columns)s seats."),
    spoken("'%(text)s' is no seat; write the row's letter and the column's number, such as B3."),
    spoken("Somebody sits there: move %(names)s first."),
    spoken("This student is not in this course."),
    spoken("This student is not in this session."),
    spoken("This student was never in this course."),
    spoken("This student has an account already."),
    spoken("Nothing was erased: the name that was typed is not the student's."),
    spoken("Nothing was erased: a legal hold keeps this student's data for now. Ask %(whom)s."),
    spoken("Choose whether to confirm or to dismiss."),
    spoken("A flag is confirmed or dismissed; it cannot be opened again."),
    spoken("This flag was %(state)s already; reload the page."),
    spoken("There is no such flag in this course."),
    spoken("There is no such alert in this session."),
    spoken("There is no such channel of yours."),
    spoken("There is no such course."),
    spoken("There is no such account."),
    spoken("There is no such co-teacher in this course."),
    spoken("There is no such invitation, or it has been taken or withdrawn."),
    spoken("Give both ends of the quiet hours, or neither."),
    spoken("You have %(n)s channels already; remove one first."),
    spoken("Give a stretch that lies within the session."),
    spoken("Give a stretch that ends after it begins, of at most %(n)s minutes."),
    spoken("Only whoever made a correction can withdraw it."),
    spoken("This correction is not there; perhaps it was withdrawn already."),
    spoken("Somebody on this list was not in this session; reload the page."),
    spoken("There is nobody to ask."),
    spoken("They are being asked already."),
    spoken("This link has been used or has expired; start the program again for a new one."),
    spoken("This link is no longer valid. Ask your teacher for a new one."),
    spoken("Your teacher has paused your camera."),
    spoken("You have just checked in; once a minute is enough."),
    spoken("Two students would have had the same PIN. Try again."),
    spoken("A student's account stays a student's; invite them again for another role."),
    spoken("An account is for a student who is there: not drawn, and not taken out of the lists."),
    spoken("Another administrator has to do that for you."),
    spoken("One administrator at least has to stay."),
    spoken("Choose somebody with an active account of an administrator or teacher."),
    spoken("Choose which student the account is for; other accounts have none."),
    spoken("This account is switched off; switch it on first."),
    spoken("%(name)s teaches this course already."),
    spoken("Pictures cannot be taken here: the program is not running as a whole."),
    # What a page says that could not be shown (dashboard.application)
    spoken("That could not be understood."),
    spoken("You need to sign in for this."),
    spoken("Your account may not do this."),
    spoken("There is no such page, or it is not yours to see."),
    spoken("That cannot be done here."),
    spoken("That is too large."),
    spoken("Too many attempts. Wait a minute, then try again."),
    spoken("Something went wrong here. Nothing was lost; it has been written to the log."),
    # Names of a report's tables
    spoken("students"),
    spoken("class"),
    spoken("minutes"),
    spoken("markers"),
)
DECIMAL = re.compile(r"([+\-−±]?\d+)\.(\d+)")
PLACE = re.compile(r"%\((\w+)\)s")


def said(text: str) -> str:
    """Return what core or storage said, in the language of this request."""
    if not text or str(get_locale() or SOURCE) == SOURCE:
        return text
    if text in TEXTS:
        return str(gettext(text))
    for pattern, template in _patterns():
        found = pattern.fullmatch(text)
        if found:
            return str(gettext(template)) % {name: said(part) for name, part in found.groupdict().items()}
    if "; " in text:
        return "; ".join(said(part) for part in text.split("; "))
    return DECIMAL.sub(r"\1,\2", text) if DECIMAL.fullmatch(text) else text


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """Return the texts with something to fill in, those with most words of their own first."""
    with_places = sorted((text for text in TEXTS if PLACE.search(text)), key=lambda text: -len(PLACE.sub("", text)))
    return [(re.compile(_pattern(text)), text) for text in with_places]


def _pattern(text: str) -> str:
    parts = PLACE.split(text)
    return "".join(f"(?P<{part}>.+?)" if i % 2 else re.escape(part) for i, part in enumerate(parts))
