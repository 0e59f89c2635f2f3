"""Which addresses a camera may have: a table of ways to write one."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest

from engage.camera_gate import CameraGate
from engage.core.camera_addresses import CameraRules
from engage.errors import RequestError, SourceError

NAMES = {
    "camera.school": ["10.0.0.7"],
    "rebound.example": ["127.0.0.1"],
    "half.example": ["10.0.0.7", "::1"],
    "six.example": ["fd12::7"],
}


def look_up(host: str) -> list[str]:
    """Return what a table says; any other name is unknown."""
    if host not in NAMES:
        raise OSError(host)
    return NAMES[host]


def gate(allow: str = "", deny: str = "", folder: Path | None = None) -> CameraGate:
    """Return a gate with these networks and this folder."""
    networks = [tuple(ip_network(each) for each in text.split()) for text in (allow, deny)]
    return CameraGate(CameraRules(networks[0], networks[1], (folder,) if folder else ()), look_up)


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1/",
        "rtsp://127.9.9.9:554/live",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0x7f.0.0.1/",
        "http://0177.0.0.1/",
        "http://127.0.0.1./",
        "http://\uff11\uff12\uff17.0.0.1/",
        "http://localhost/",
        "http://LOCALHOST./",
        "http://db.localhost/",
        "http://0.0.0.0/",
        "http://0/",
        "http://[::1]/",
        "http://[::]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://[::127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[2002:7f00:1::]/",
        "http://169.254.169.254/latest/meta-data",
        "http://[fe80::1]/",
        "http://[fe80::1%25eth0]/",
        "http://[fd00:ec2::254]/",
        "http://100.100.100.200/",
        "http://224.0.0.1/",
        "rtsp://239.1.2.3/",
        "http://[ff02::1]/",
        "http://255.255.255.255/",
        "http://camera.school@127.0.0.1/",
        "http://camera.school:80@127.0.0.1:80/",
        "http://a@camera.school@127.0.0.1/",
        "http://127.0.0.1#@camera.school/",
        "http://127.0.0.1\\@camera.school/",
        "http://camera.school\\@127.0.0.1/",
        "http://127.0.0.1\t.camera.school/",
        "http://rebound.example/",
        "http://rebound.example./",
        "http://half.example/",
        "http:///live",
        "http:127.0.0.1",
        "rtsp://camera.school:99999/",
        "file:///etc/passwd",
        "ftp://camera.school/",
        "gopher://127.0.0.1/",
        "concat:/etc/passwd",
        "/etc/passwd",
        "../../etc/passwd",
        "~/.ssh/id_rsa",
        "0",
        "\u0660",
    ],
)
def test_refused(address: str) -> None:
    with pytest.raises(RequestError) as caught:
        gate().require(address, administrator=False)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "opened"),
    [
        ("rtsp://10.0.0.7:554/live?a=1", "rtsp://10.0.0.7:554/live?a=1"),
        ("rtsp://192.168.1.9/live", "rtsp://192.168.1.9/live"),
        ("http://camera.school/live", "http://10.0.0.7/live"),
        ("http://anna:p%40ss@Camera.School.:8080/live", "http://anna:p%40ss@10.0.0.7:8080/live"),
        ("https://camera.school/live", "https://camera.school/live"),
        ("http://six.example/", "http://[fd12::7]/"),
        ("http://[::ffff:10.0.0.7]/", "http://[::ffff:a00:7]/"),
        ("http://84.1.2.3/", "http://84.1.2.3/"),
    ],
)
def test_a_camera_of_a_school_is_opened_at_the_address_that_was_checked(address: str, opened: str) -> None:
    gate().require(address, administrator=False)
    assert gate().stream(address) == opened


def test_a_name_that_changes_after_it_was_saved_is_refused_when_it_is_opened() -> None:
    answers = iter([["10.0.0.7"], ["127.0.0.1"]])
    moving = CameraGate(CameraRules(), lambda _: next(answers))
    moving.require("http://moving.example/", administrator=False)
    with pytest.raises(SourceError, match="may not be"):
        moving.stream("http://moving.example/")


def test_a_name_that_is_unknown_now_can_be_saved_but_not_opened() -> None:
    gate().require("rtsp://later.example/1", administrator=False)
    with pytest.raises(SourceError, match="not known here"):
        gate().stream("rtsp://later.example/1")


def test_settings_allow_and_deny_and_denying_wins() -> None:
    gate(allow="127.0.0.0/8").require("http://127.0.0.1/", administrator=False)
    gate(allow="127.0.0.0/8").require("http://[::ffff:127.0.0.1]/", administrator=False)
    for rules in (gate(deny="10.0.0.0/8"), gate(allow="10.0.0.0/8", deny="10.0.0.0/24")):
        for address in ("http://10.0.0.7/", "http://[::ffff:10.0.0.7]/", "http://camera.school/"):
            with pytest.raises(RequestError, match="may not be"):
                rules.require(address, administrator=True)


def test_recordings_are_the_administrators_and_from_the_folders_only(tmp_path: Path) -> None:
    folder, outside = tmp_path / "media", tmp_path / "media-not" / "secret.mp4"
    folder.mkdir()
    outside.parent.mkdir()
    outside.touch()
    (folder / "lesson.mp4").touch()
    (folder / "link.mp4").symlink_to(outside)
    (folder / "inner.mp4").symlink_to(folder / "lesson.mp4")
    here = gate(folder=folder)
    for good in ("lesson.mp4", "inner.mp4"):
        here.require(str(folder / good), administrator=True)
        assert here.recording(folder / good) == folder / "lesson.mp4"
    for bad in (folder / "link.mp4", folder / ".." / "media-not" / "secret.mp4", outside, folder / "a\0b"):
        with pytest.raises(RequestError, match="Recordings"):
            here.require(str(bad), administrator=True)
    with pytest.raises(RequestError, match="Recordings"):
        here.require(str(folder / "lesson.mp4"), administrator=False)
    with pytest.raises(RequestError, match="Recordings"):
        gate().require(str(folder / "lesson.mp4"), administrator=True)


@pytest.mark.parametrize("address", ["virtual:1?script=attentive", "browser:3"])
def test_what_leads_nowhere_passes(address: str) -> None:
    gate().require(address, administrator=False)
