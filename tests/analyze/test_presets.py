"""``engage audience`` and ``engage diary``: the same gate, aggregates of five, a diary of one person."""

from __future__ import annotations

import json
import stat
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from engage.__main__ import main
from engage.core.types import EMOTIONS
from engage.errors import EngageError
from engage.reports.audience import moment, reaction, told
from engage.reports.diary import Diary, Entry, days

HAPPY = (0.1, 0.9, *[0.0] * 6)
CALM = (1.0, *[0.0] * 7)
FULL = ("policy.jurisdiction=other", "policy.mode=full", "vision.detector=haar")
Engage = Callable[..., tuple[int, str, str]]


@pytest.fixture
def engage(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Engage:
    """Return the program in a folder of its own; gives exit code, output and messages."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object, settings: tuple[str, ...] = FULL) -> tuple[int, str, str]:
        flags = [part for setting in settings for part in ("--set", setting)]
        monkeypatch.setattr(sys, "argv", ["engage", *flags, *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        return int(left.value.code or 0), *capfd.readouterr()

    return run


class TestAggregates:
    """Five faces or nothing."""

    def test_four_faces_tell_nothing(self) -> None:
        look = moment("0:00", [HAPPY] * 4)
        assert (look.faces, look.expression) == (None, None)
        assert "fewer than 5" in told(look.expression)

    def test_looks_weigh_by_their_faces_and_small_ones_do_not_count(self) -> None:
        found = reaction([moment("a", [HAPPY] * 5), moment("b", [CALM] * 15), moment("c", [HAPPY] * 4)])
        assert found.counted == 2
        assert found.expression is not None and found.expression[1] == pytest.approx(0.9 * 5 / 20)
        assert told(found.expression) == "neutral 78\u00a0%, happy 22\u00a0%"

    def test_nobody(self) -> None:
        assert reaction([]).expression is None


class TestAudience:
    """The command."""

    @pytest.mark.parametrize(
        "rules",
        [("policy.jurisdiction=eu", "policy.mode=full"), ("policy.jurisdiction=other", "policy.mode=attention")],
    )
    def test_refused_outside_full(self, engage: Engage, rules: tuple[str, ...]) -> None:
        code, _, said = engage("audience", "anything.mp4", settings=rules)
        assert code == 2 and "not 'full'" in said

    def test_a_camera_needs_the_answers_of_first_run(self, engage: Engage) -> None:
        for command in (("audience", "0"), ("diary", "rtsp://camera.example/1")):
            code, _, said = engage(*command, settings=())
            assert code == 2 and "nobody has said yet" in said

    def test_five_faces_in_a_picture(self, engage: Engage, shared_dir: Path) -> None:
        settings = (*FULL[:2], f"models.folders=[{shared_dir / 'models'}]", "vision.detector=yunet")
        code, out, _ = engage("audience", shared_dir / "media" / "five-faces.jpg", "--json", settings=settings)
        record = json.loads(out)
        assert code == 0 and record["looks"][0]["faces"] == 5
        assert sum(record["expression"].values()) == pytest.approx(1, abs=0.01)

    def test_in_german_and_in_the_schools_language(self, engage: Engage, shared_dir: Path) -> None:
        settings = (*FULL[:2], f"models.folders=[{shared_dir / 'models'}]", "vision.detector=yunet")
        picture = shared_dir / "media" / "five-faces.jpg"
        code, out, _ = engage("audience", picture, "--language", "de", settings=settings)
        assert code == 0 and "Wirkten zusammen" in out and "Insgesamt, aus 1 von 1 Blick: " in out
        assert "nichts über ein einzelnes" in " ".join(out.split()) and "look" not in out.lower()
        german = (*settings, "school.language=de")
        assert "Insgesamt" in engage("audience", picture, settings=german)[1]
        assert "Overall" in engage("audience", picture, "--language", "en", settings=german)[1]
        record = json.loads(engage("audience", picture, "--language", "de", "--json", settings=settings)[1])
        assert set(record["expression"]) == set(EMOTIONS), "programs read the same in every language"

    def test_a_camera_with_one_face_tells_nothing_of_it(self, engage: Engage, tmp_path: Path) -> None:
        code, out, _ = engage("audience", "virtual:7", "--every", "200ms", "--for", "300ms", "--json")
        record = json.loads(out)
        assert code == 0 and record["looks"] and record["expression"] is None
        assert all(look["faces"] is None for look in record["looks"])
        assert list(tmp_path.iterdir()) == [], "nothing is stored"


class TestDiaryFile:
    """The entries."""

    def entry(self, day: int, seen_s: float, score: float | None) -> Entry:
        return Entry(date(2026, 11, day), seen_s, score, 0.5, CALM if score is not None else None)

    def test_days(self) -> None:
        found = days([self.entry(23, 10, 4.0), self.entry(22, 5, None), self.entry(23, 30, 8.0)])
        assert [entry.day.day for entry in found] == [22, 23]
        assert (found[0].score, found[1].score, found[1].seen_s) == (None, 7.0, 40)
        assert found[1].expression == CALM

    def test_kept_for_its_owner_alone_and_erased(self, tmp_path: Path) -> None:
        diary = Diary(tmp_path / "var" / "diary.jsonl")
        for day in (22, 23):
            diary.add(self.entry(day, 10, 5.0))
        assert stat.S_IMODE((tmp_path / "var" / "diary.jsonl").stat().st_mode) == 0o600
        assert [entry.day.day for entry in diary.entries()] == [22, 23]
        assert diary.erase(date(2026, 11, 22)) == 1
        assert [entry.day.day for entry in diary.entries()] == [23]
        assert diary.erase(None) == 1
        assert list((tmp_path / "var").iterdir()) == []

    @pytest.mark.parametrize("text", ["{", "[]\n", '{"day": "2026-13-01"}', "\xff"])
    def test_a_damaged_diary_is_one_line_and_stays(self, tmp_path: Path, text: str) -> None:
        file = tmp_path / "diary.jsonl"
        file.write_text(text, "latin-1")
        with pytest.raises(EngageError, match="cannot be read"):
            Diary(file).add(self.entry(22, 10, 5.0))
        assert file.read_text("latin-1") == text


class TestDiary:
    """The command."""

    def test_a_look_at_a_camera(self, engage: Engage) -> None:
        code, out, _ = engage("diary", "virtual:7", "--seconds", "2", "--day", "2026-11-22", "--as", "json")
        day = json.loads(out)[0]
        assert code == 0 and day["day"] == "2026-11-22" and 0 <= day["score"] <= 10
        assert set(day["expression"]) == set(EMOTIONS)
        code, out, _ = engage("diary")
        assert code == 0 and "2026-11-22" in out and "no diagnosis" in out
        code, german, _ = engage("diary", "--language", "de")
        assert code == 0 and "Tagebuch" in german and "Sicherheit" in german and "keine Diagnose" in german
        score = f"{day['score']:.1f}"
        assert score in out and score.replace(".", ",") in german
        assert "day,seen_s,score" in engage("diary", "--as", "csv", "--language", "de")[1]
        assert "Erased 1 entry." in engage("diary", "--erase")[2]
        assert "empty" in engage("diary")[1] and "ist leer" in engage("diary", "--language", "de")[1]

    def test_two_people_are_refused(self, engage: Engage, shared_dir: Path) -> None:
        settings = (*FULL[:2], f"models.folders=[{shared_dir / 'models'}]", "vision.detector=yunet")
        code, _, said = engage("diary", shared_dir / "media" / "two-faces.jpg", settings=settings)
        assert code == 2 and "more than one person" in said
        assert "empty" in engage("diary")[1]

    def test_presence_is_nothing_to_keep_a_diary_of(self, engage: Engage) -> None:
        rules = ("policy.jurisdiction=eu", "policy.mode=full")
        code, _, said = engage("diary", "me.mp4", settings=rules)
        assert code == 2 and "presence" in said
