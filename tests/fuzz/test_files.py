"""Files that people hand in or that lie on the disk: whatever is in them, the answer is a value or one clear line."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import strategies as st
from PIL import Image as Pillow

from engage import config
from engage.capture.decoding import Need, decode
from engage.capture.native import quiet_opencv
from engage.capture.reels import open_reel
from engage.capture.uploads import WORKING_PX, read_upload
from engage.core.pictures import read_header
from engage.core.rosters.oneroster import read_oneroster
from engage.core.rosters.people import read_people
from engage.core.rosters.tables import read_table
from engage.errors import EngageError
from engage.inference.card import default_folder, load_card
from engage.scoring_file import read_scoring
from engage.storage.backup import CONTENT, FORMAT, MANIFEST, read_manifest, unpack
from engage.storage.erasures import ErasureList
from engage.storage.lesson_calendar import read_calendar
from tests.fuzz.inputs import nearly, nearly_text, nightly_count, storm, try_all

quiet_opencv()
NOW = datetime(2026, 11, 28, 8, tzinfo=UTC)
LONGEST_LINE = 1000
PICTURE = (np.indices((48, 64)).sum(0)[..., None] * np.array([1, 2, 3])).astype(np.uint8)

ROSTER = 'Name,Seat,Born,E-mail,Number\nAmina Diallo,A1,2010-01-02,amina@example.org,17\n"Ben, O\'Neil",B2,,,\n'
CALENDAR = """BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:-//School//EN\r
BEGIN:VTIMEZONE\r
TZID:Europe/Berlin\r
BEGIN:STANDARD\r
DTSTART:19961027T030000\r
TZOFFSETFROM:+0200\r
TZOFFSETTO:+0100\r
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\r
END:STANDARD\r
END:VTIMEZONE\r
BEGIN:VEVENT\r
UID:1@example.org\r
SUMMARY:Physics\r
DTSTART;TZID=Europe/Berlin:20261130T090000\r
DTEND;TZID=Europe/Berlin:20261130T094500\r
RRULE:FREQ=WEEKLY;COUNT=5;BYDAY=MO\r
EXDATE;TZID=Europe/Berlin:20261207T090000\r
END:VEVENT\r
END:VCALENDAR\r
"""
ONEROSTER = {
    "manifest.csv": "propertyName,value\nmanifest.version,1.0\noneroster.version,1.1\nfile.users,bulk\n",
    "users.csv": "sourcedId,status,enabledUser,role,givenName,familyName\nu1,active,true,student,Amina,Diallo\n",
    "classes.csv": "sourcedId,status,title\nc1,active,Physics\n",
    "enrollments.csv": "sourcedId,status,classSourcedId,userSourcedId,role\ne1,active,c1,u1,student\n",
}
SETTINGS = """web:
  port: 8000
  trusted_hosts: [school.example]
capture: {rate_fps: 5.0, allow_networks: [10.0.0.0/8]}
policy:
  jurisdiction: uk
scoring:
  window_s: 10
"""
ERASURES = '\n{"student": 5, "at": "2026-11-22T09:00:00+00:00", "log": "abc"}\n{"student": 6, "at": "2026'


@dataclass(frozen=True)
class Target:
    """What is tried, with files like which, and how often in every run of the suite."""

    check: Callable[[bytes], object]
    like: tuple[bytes | str, ...]
    count: int = 150

    @property
    def inputs(self) -> st.SearchStrategy[bytes]:
        """Return the inputs: damaged by characters too where they are text."""
        texts = [each for each in self.like if isinstance(each, str)]
        return nearly_text(*texts) if texts else nearly(*(each for each in self.like if isinstance(each, bytes)))


def picture(kind: str, *options: int) -> bytes:
    return cv2.imencode(f".{kind}", PICTURE, list(options))[1].tobytes()


def by_pillow(kind: str, **options: object) -> bytes:
    output = io.BytesIO()
    image = Pillow.fromarray(PICTURE)
    if kind == "JPEG":
        exif = Pillow.Exif()
        exif[0x0112] = 6
        options["exif"] = exif
    image.save(output, kind, **options)
    return output.getvalue()


PUSHED = (picture("jpg"), picture("jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1), picture("webp"))
SENT = (*PUSHED, picture("png"), by_pillow("JPEG"), by_pillow("PNG", dpi=(72, 72)), by_pillow("WEBP", lossless=True))
STORED = (*SENT, by_pillow("GIF"), by_pillow("BMP"), by_pillow("TIFF"), by_pillow("PPM"))


def zipped(files: dict[str, str], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", how) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return output.getvalue()


def films(folder: Path) -> list[bytes]:
    """Return one short film of each container there is a writer for."""
    found = []
    for suffix, code in ((".avi", "MJPG"), (".mp4", "mp4v"), (".mkv", "MJPG")):
        file = folder / f"film{suffix}"
        writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*code), 10, (64, 48))
        for _ in range(3):
            writer.write(PICTURE)
        writer.release()
        if file.is_file() and file.stat().st_size:
            found.append(file.read_bytes())
    return found


refusals: list[str] = []
"""What was said last, for the test that sees to it that undamaged files are taken."""


def said_in_a_line(act: Callable[[], object]) -> None:
    """Do it; whatever is wrong is said by our own error, in one short line."""
    refusals.clear()
    try:
        act()
    except EngageError as error:
        refusals.append(str(error))
        text = str(error)
        assert text and "\n" not in text.strip() and len(text) < LONGEST_LINE, text


def header(data: bytes) -> None:
    with suppress(ValueError):
        found = read_header(data)
        assert found.width > 0 and found.height > 0


def upload(data: bytes) -> None:
    def act() -> None:
        image = read_upload(data)
        assert image.dtype == np.uint8 and image.ndim == 3 and max(image.shape) <= WORKING_PX

    said_in_a_line(act)


def pushed(data: bytes) -> None:
    for need in (Need(), Need(8, gray=True)):
        image = decode(data, need)
        assert image is None or image.dtype == np.uint8


def roster(data: bytes) -> None:
    found = read_people(read_table(data))
    assert found.people or found.problems


def calendar(data: bytes) -> None:
    found = read_calendar(data, NOW, UTC)
    assert found.lessons or found.problems


def class_files(data: bytes) -> None:
    found = read_oneroster(data, date(2026, 11, 28))
    assert found.classes or found.problems


def targets(folder: Path) -> dict[str, Target]:
    """Return all targets; what is read from a file lies in ``folder``."""
    file = folder / "input"

    def written(act: Callable[[], object]) -> Callable[[bytes], None]:
        def check(data: bytes) -> None:
            file.write_bytes(data)
            said_in_a_line(act)

        return check

    def film() -> None:
        reel = open_reel(file)
        for second in (0.0, 0.1, 0.2):
            if reel.forward(second) is not None:
                reel.picture()
        reel.close()

    def card() -> None:
        (folder / "card.toml").write_bytes(file.read_bytes())
        load_card(folder)

    def backup() -> None:
        target = folder / "unpacked"
        target.unlink(missing_ok=True)
        unpack(file, read_manifest(file), target)

    digest = hashlib.sha256(b"hello").hexdigest()
    facts = {"format": FORMAT, "engine": "sqlite", "revision": "a", "made_at": NOW.isoformat(), "size": 5}
    backups = zipped({MANIFEST: json.dumps({**facts, "sha256": digest}), CONTENT: "hello"})
    plain, packed = zipped(ONEROSTER, zipfile.ZIP_STORED), zipped(ONEROSTER)
    model = (default_folder() / "card.toml").read_text()
    scoring = (default_folder().parent / "scoring" / "webcam.yaml").read_text()
    return {
        "picture header": Target(header, (*PUSHED,), 400),
        "pushed frame": Target(pushed, (*PUSHED,), 300),
        "uploaded picture": Target(upload, (*SENT,), 300),
        "picture file": Target(written(film), (*STORED,), 150),
        "video file": Target(written(film), (*films(folder),), 60),
        "roster": Target(
            roster,
            (
                ROSTER,
                ROSTER.replace(",", ";"),
                ROSTER.replace(",", "\t"),
            ),
        ),
        "OneRoster": Target(
            class_files,
            (
                plain,
                packed,
            ),
        ),
        "calendar": Target(calendar, (CALENDAR,), 100),
        "config.yaml": Target(written(lambda: config.load(file, environment={})), (SETTINGS,), 100),
        "scoring file": Target(written(lambda: read_scoring(file)), (scoring,), 100),
        "model card": Target(written(card), (model,), 100),
        "list of erasures": Target(written(lambda: ErasureList(file).read()), (ERASURES,), 100),
        "backup": Target(written(backup), (backups,), 100),
    }


NAMES = (
    "picture header", "pushed frame", "uploaded picture", "picture file", "video file", "roster", "OneRoster",
    "calendar", "config.yaml", "scoring file", "model card", "list of erasures", "backup",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore")
def test_no_file_does_harm(name: str, tmp_path: Path) -> None:
    target = targets(tmp_path)[name]
    try_all(target.check, target.inputs, target.count)


@pytest.mark.nightly
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore")
def test_no_file_of_many_does_harm(name: str, tmp_path: Path) -> None:
    target = targets(tmp_path)[name]
    like = [each.encode() if isinstance(each, str) else each for each in target.like]
    storm(target.check, like, nightly_count())


def test_every_target_is_tried_and_takes_what_is_not_damaged(tmp_path: Path) -> None:
    found = targets(tmp_path)
    assert set(found) == set(NAMES)
    for name, target in found.items():
        for whole in target.like:
            refusals.clear()
            target.check(whole.encode() if isinstance(whole, str) else whole)
            assert not refusals, f"{name}: {refusals}"


def test_archives_that_broke_the_reader(tmp_path: Path) -> None:
    """Found by the many at night: an entry without a name, and one of a later version of the format."""
    packed = zipped(ONEROSTER, zipfile.ZIP_STORED)
    central = packed.rindex(b"PK\x01\x02")
    later = packed.replace(b"PK\x01\x02\x14\x03\x14\x00", b"PK\x01\x02\x14\x03\xff\x00")
    length = packed[central + 28 : central + 30]  # of the name, which becomes the entry's comment
    nameless = packed[: central + 28] + b"\0\0" + packed[central + 30 : central + 32] + length + packed[central + 34 :]
    with (
        zipfile.ZipFile(io.BytesIO(nameless)) as archive,
        pytest.raises(IndexError),
    ):  # so the library's answers stay known
        archive.infolist()[-1].is_dir()
    with pytest.raises(NotImplementedError):
        zipfile.ZipFile(io.BytesIO(later))
    for data in (nameless, later):
        assert read_oneroster(data, date(2026, 11, 28)).problems
        (tmp_path / "input").write_bytes(data)
        with pytest.raises(EngageError):
            read_manifest(tmp_path / "input")
