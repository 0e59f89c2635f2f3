"""Takes the texts of the sources into the catalogues: ``python -m dashboard.messages`` (``make messages``).

Texts are those in ``_()`` and its kin in Python and templates, and in ``t()`` and ``tn()`` in scripts. A translation
whose text is gone from the sources is dropped; a new text arrives untranslated, which a test then tells.
"""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po, write_po

from dashboard.languages import FOLDER, LANGUAGES, SOURCE

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("dashboard", "engage")
METHODS = [
    ("**/node_modules/**", "ignore"),
    ("**.py", "python"),
    ("**/templates/**.html", "jinja2"),
    ("**/static/js/**.js", "javascript"),
]
KEYWORDS = {
    **DEFAULT_KEYWORDS,
    "lazy_gettext": None,
    "lazy_ngettext": (1, 2),
    "_l": None,
    "spoken": None,
    "to_translate": None,
    "t": None,
    "tn": (1, 2),
}
HEADER = """msgid ""
msgstr ""
"Language: {code}\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: {plural}\\n"

"""


def extracted() -> Catalog:
    """Return the texts of the sources, each with the files it stands in."""
    found = Catalog()
    for folder in FOLDERS:
        for file, _, text, comments, context in extract_from_dir(
            ROOT / folder, METHODS, keywords=KEYWORDS, strip_comment_tags=True
        ):
            found.add(text, locations=[(f"{folder}/{file}", 0)], auto_comments=comments, context=context)
    return found


def update(code: str) -> tuple[int, int]:
    """Bring a language's file up to the sources; return the numbers of its texts and of those untranslated."""
    file = FOLDER / code / "LC_MESSAGES" / "messages.po"
    with file.open("rb") as stream:
        catalogue = read_po(stream, locale=code)
    catalogue.update(extracted(), no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    body = BytesIO()
    write_po(body, catalogue, width=0, omit_header=True, sort_by_file=True, include_lineno=False)
    file.write_bytes(HEADER.format(code=code, plural=catalogue.plural_forms).encode() + body.getvalue())
    texts = [message for message in catalogue if message.id]
    return len(texts), sum(not is_translated(message) for message in texts)


def is_translated(message: Message) -> bool:
    """Return whether a text has its translation, in every plural form."""
    words = message.string or ""
    return bool(words) and all([words] if isinstance(words, str) else words)


def main() -> int:
    """Update every language and say how it stands."""
    for code in LANGUAGES:
        if code != SOURCE:
            texts, open_ = update(code)
            sys.stdout.write(f"{LANGUAGES[code]}: {texts} texts, {open_} to translate.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
