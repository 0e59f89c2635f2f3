"""Notices for students and guardians, and the school's data protection impact assessment, filled from the settings.

Markdown. What the law asks of the school alone is left as a line to fill in: ____.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engage.core.policy import Jurisdiction
from engage.core.retention import RetentionSettings
from engage.core.types import Mode
from engage.reports.language import Language

BLANK = "____"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a notice is filled with."""

    school: str | None
    contact: str | None
    jurisdiction: Jurisdiction
    mode: Mode
    retention: RetentionSettings


def student_notice(facts: Facts, say: Language) -> str:
    """Return the notice for students, in the words of the page that asks them."""
    t = say.gettext
    done = []
    if facts.mode is Mode.FULL:
        done.append(
            t(
                "A computer looks at your face and guesses which expression it appears to show, such as neutral or happy."
            )
        )
    if facts.mode is not Mode.PRESENCE:
        done += [
            t("It works out whether you appear to look at the screen and to be awake, and gives a score from 0 to 10."),
            t(
                "Your teacher sees the score and the word for it during the lesson, and a report afterwards. You see your own here."
            ),
            t(
                "Over some weeks the scores may tell your teacher that something has changed for you. A person then looks, and decides."
            ),
        ]
    else:
        done.append(
            t(
                "A computer looks whether somebody is in front of your camera. It tells your teacher “present” or “away”."
            )
        )
    return _page(
        t("May your camera be used in lessons?"),
        (t("Who asks"), [facts.school or BLANK]),
        (t("What is done"), done),
        (t("What is not done"), [
            t("No video and no picture is kept, and nobody watches you: your teacher does not see your video."),
            t("No sound is used."),
            t("It is not a grade and does not count for one."),
        ]),
        (t("How long it is kept"), kept(facts.retention, say)),
        (t("You decide"), [
            t("You decide. No has no consequences, you can pause or stop at any time, and change your answer later from the same link."),
            t("You can ask to see all of it, and to have it erased, at any time."),
            t("Whom to ask: %(whom)s", whom=facts.contact or BLANK),
        ]),
    )  # fmt: skip


def guardian_notice(facts: Facts, say: Language) -> str:
    """Return the notice for guardians of students under age."""
    t = say.gettext
    return _page(
        t("May your child's camera be used in lessons?"),
        (t("Who asks"), [facts.school or BLANK]),
        (t("What is done"), computed(facts.mode, say)),
        (t("What is not done"), [
            t("Pictures are looked at in memory and forgotten at once. No picture, no video and no sound is stored."),
            t("Results are not grades and count for none. No decision is made by the program; people decide."),
            t("The program runs at the school, and no picture goes anywhere else."),
        ]),
        (t("Who sees it"), [
            t("The teachers of the course, the administrator of the program, and your child. You can ask to see it too."),
        ]),
        (t("How long it is kept"), kept(facts.retention, say)),
        (t("You decide"), [
            t("Nothing starts without your dated Yes, and your child can still say No at any time."),
            t("A No, or taking back a Yes, has no consequences and stops the camera within seconds."),
            t("You can ask for a copy of everything, have it corrected or erased, and complain to the supervisory authority."),
            t("Whom to ask: %(whom)s", whom=facts.contact or BLANK),
        ]),
    )  # fmt: skip


def impact_assessment(facts: Facts, say: Language) -> str:
    """Return the data protection impact assessment as far as the program knows it (GDPR Art. 35(7), points a to d)."""
    t = say.gettext
    law = t("Jurisdiction: %(where)s. Mode: %(mode)s.", where=facts.jurisdiction.value, mode=facts.mode.value)
    eu = t(
        "In the European Union inferring emotions of people in education is prohibited (AI Act, Art. 5(1)(f)); the program is capped to presence there, and no setting lifts it."
    )
    return _page(
        t("Data protection impact assessment: Engage"),
        (t("Responsible"), [
            t("School: %(school)s", school=facts.school or BLANK),
            t("Contact: %(whom)s", whom=facts.contact or BLANK),
            t("Data protection officer, date, signature: ____"),
        ]),
        (t("What is done, and why"), [
            law, eu, *computed(facts.mode, say),
            t("Purpose: a teacher sees in class whether the group is with them, and later who may need help. Purpose at this school: ____"),
        ]),
        (t("Necessity and proportion"), [
            t("What was tried before, and why it is not enough: ____"),
            t("The mode is the least that serves the purpose, because: ____"),
            t("Legal basis: consent, freely given, a guardian's for minors, each answer dated with the wording that was shown. Who refuses takes part in the lesson all the same, how: ____"),
        ]),
        (t("What is kept, and how long"), [
            t("Per student and second: shares and angles, and expression and score where the mode allows; gestures, minutes counted from them, consents, alerts, flags, markers. No picture, video or sound."),
            *kept(facts.retention, say),
            t("A log of who did what holds numbers and no names, and cannot be changed unnoticed."),
        ]),
        (t("Risks, and what stands against them"), [
            t("Being watched without a Yes: three gates ask for it, the last before anything is stored (docs/reliability.md)."),
            t("A score taken for the truth, or for a grade: confidence and coverage stand beside it, pages say “appears”, and a person confirms every flag. Rule at this school: ____"),
            t("Groups read worse than others: measured in docs/fairness.md, with what was not measured. Consequence at this school: ____"),
            t("Strangers, or a curious colleague, reading it: accounts, roles and rights of each course (docs/threat-model.md)."),
            t("A stolen disk: the database is not encrypted by the program; encryption of the disk: ____"),
            t("Pressure to agree: No has no consequences and a button of the same size. How it is made sure here: ____"),
            t("Chilling effect in class, raised by students or staff: ____"),
        ]),
        (t("Rights"), [
            t("See and export: on the student's page, as files that can be read. Erase: there too, with a line in the log; a restored backup erases again. Pause and stop: on the student's own page."),
        ]),
        (t("Heard, and decided"), [
            t("Views of students, guardians and staff (Art. 35(9)): ____"),
            t("What remains as a risk, and whether it is borne: ____"),
            t("To be looked at again on: ____"),
        ]),
    )  # fmt: skip


NOTICES: dict[str, Callable[[Facts, Language], str]] = {
    "student": student_notice,
    "guardian": guardian_notice,
    "dpia": impact_assessment,
}


def computed(mode: Mode, say: Language) -> list[str]:
    """Return what is computed of a person in ``mode``."""
    if mode is Mode.PRESENCE:
        return [say.gettext("A program looks whether a face is before the camera: present or away. Nothing else.")]
    attention = say.gettext(
        "A program works out head pose, whether somebody appears to look at the screen and to be awake, gestures such as a nod, and from these a score from 0 to 10 with its confidence."
    )
    if mode is Mode.ATTENTION:
        return [attention, say.gettext("Expressions are not read.")]
    return [
        attention,
        say.gettext("It also reads which expression a face appears to show (eight of them); this goes into the score."),
    ]


def kept(retention: RetentionSettings, say: Language) -> list[str]:
    """Return how long things are kept, in sentences."""
    said = []
    if retention.samples_days:
        said.append(
            say.ngettext(
                "After %(n)s day the single seconds of a lesson are counted up by minute and then erased.",
                "After %(n)s days the single seconds of a lesson are counted up by minute and then erased.",
                retention.samples_days,
            )
        )
    if retention.erase_days:
        said.append(
            say.ngettext(
                "After %(n)s day everything about that lesson is erased.",
                "After %(n)s days everything about that lesson is erased.",
                retention.erase_days,
            )
        )
    else:
        said.append(say.gettext("The results stay with your school until it erases them."))
    said.append(
        say.gettext(
            "Only where the law asks the school to keep something does it stay longer; then you are told whom to ask."
        )
    )
    return said


def _page(title: str, *sections: tuple[str, list[str]]) -> str:
    parts = [f"# {title}\n"]
    for heading, lines in sections:
        parts.append(f"## {heading}\n\n" + "\n".join(f"- {line}" for line in lines) + "\n")
    return "\n".join(parts)
