"""What a message says: that there is something to read, and where. No name, no emotion, no state."""

from __future__ import annotations

from collections.abc import Sequence

from engage.core.notices import SUBJECTS, Parcel

FOOTER = "This message names nobody, on purpose: what it is about is on the page."


def subject(parcels: Sequence[Parcel]) -> str:
    """Return a message's subject."""
    if len(parcels) == 1:
        return f"Engage: {SUBJECTS[parcels[0].kind]}"
    return f"Engage: {len(parcels)} things to look at"


def body(parcels: Sequence[Parcel], base_url: str) -> str:
    """Return a message's text: one line for each kind and page, the newest last."""
    lines = dict.fromkeys((SUBJECTS[parcel.kind], base_url + parcel.link) for parcel in parcels)
    told = "\n".join(f"{words[:1].upper()}{words[1:]}: {link}" for words, link in lines)
    return f"{told}\n\n{FOOTER}"
