"""Which processes a program runs, what its settings must say for that, and where web processes find the workers."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner
from pydantic import ValidationError

from engage.cli import engage
from engage.cli.parts import Part, check, claim_sockets, fixed_processes
from engage.cli.serve import ports
from engage.config import Settings
from engage.core.types import Origin, PushedFrame
from engage.errors import ChannelError, EngageError, SettingsError
from engage.runtime.channels import frames
from engage.runtime.launcher import LocalLauncher
from tests.databases import START

QUEUE = {"message_queue": "redis://127.0.0.1:6379/0"}
SEVERAL = {"processes": 3, "public_url": "https://school.example"}
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def short() -> Iterator[Path]:
    """Yield a folder whose path leaves room for sockets."""
    with tempfile.TemporaryDirectory(prefix="e-") as folder:
        yield Path(folder)


def settings(home: Path, **sections: object) -> Settings:
    return Settings(home=home, **sections)  # type: ignore[arg-type]


def names(made: Settings, part: Part | None) -> list[str]:
    return [process.name for process in fixed_processes(made, part, None)]


def test_web_processes_and_workers_together_or_apart(tmp_path: Path) -> None:
    made = settings(tmp_path, web=SEVERAL, socketio=QUEUE, runtime={"shared_folder": "s"})
    for part in (None, *Part):
        check(made, part)
    assert names(made, None) == ["web", "web-2", "web-3", "collector", "inference", "looks"]
    assert names(made, Part.WEB) == ["web", "web-2", "web-3"]
    assert names(made, Part.WORKERS) == ["collector", "inference", "looks"]
    assert list(ports(made, None)) == [8000, 8001, 8002]
    assert list(ports(made, Part.WORKERS)) == []
    assert names(settings(tmp_path), None) == ["web", "collector", "inference", "looks"]


@pytest.mark.parametrize(
    ("sections", "part", "said"),
    [
        ({"web": SEVERAL}, None, "message_queue"),
        ({"socketio": QUEUE}, Part.WEB, "shared_folder"),
        ({"runtime": {"shared_folder": "s"}}, Part.WORKERS, "message_queue"),
        ({"socketio": QUEUE, "runtime": {"shared_folder": "s"}, "web": {"lan": True}}, Part.WEB, "proxy"),
    ],
)
def test_settings_that_do_not_bear_it_are_one_line(
    tmp_path: Path, sections: dict[str, object], part: Part | None, said: str
) -> None:
    with pytest.raises(SettingsError, match=said):
        check(settings(tmp_path, **sections), part)


@pytest.mark.parametrize(
    "web", [{"processes": 2}, {**SEVERAL, "lan": True}, {"secret_key": "short"}], ids=["no address", "own TLS", "key"]
)
def test_contradictions_are_refused_when_settings_are_read(tmp_path: Path, web: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        settings(tmp_path, web=web)


def test_the_command_refuses_before_anything_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ended = CliRunner().invoke(engage, ["serve", "--only", "web"])
    assert isinstance(ended.exception, EngageError) and "shared_folder" in str(ended.exception), ended.output
    assert list(tmp_path.iterdir()) == []


def frame(data: bytes) -> PushedFrame:
    return PushedFrame(Origin(1, 2, 3), 1, START, 0.0, data)


def test_a_frame_from_a_web_process_of_another_run_reaches_the_worker(short: Path) -> None:
    """Two launchers as of two programs, with the shared folder; anything else stays each one's own."""
    made = settings(short, runtime={"shared_folder": "s"})
    with LocalLauncher(made) as workers, LocalLauncher(made) as web:
        with closing(workers.channels.receiver(frames(Origin(1, 2, 3)))) as receiver:
            web.channels.sender(frames(Origin(1, 2, 3))).send(frame(b"one"))
            got = [message.data for message in receiver.receive(10.0) if isinstance(message, PushedFrame)]
        with closing(workers.channels.receiver("updates")) as own, closing(web.channels.receiver("updates")) as its:
            web.channels.sender("updates").send(frame(b"two"))
            assert its.receive(10.0) and not own.receive(0.2)
    assert got == [b"one"]


def test_frames_of_two_web_processes_are_taken_by_the_one_worker(short: Path) -> None:
    made = settings(short, runtime={"shared_folder": "s"})
    with (
        LocalLauncher(made) as workers,
        LocalLauncher(made) as first,
        LocalLauncher(made) as second,
        closing(workers.channels.receiver(frames(Origin(1, 2, 3)))) as receiver,
    ):
        for number, web in enumerate((first, second, first)):
            sender = web.channels.sender(frames(Origin(1, 2, 3)))
            sender.send(frame(bytes([number])))
            taken = receiver.receive(10.0)
            assert [message.data for message in taken if isinstance(message, PushedFrame)] == [bytes([number])]


def test_a_second_program_with_workers_is_refused(short: Path) -> None:
    made = settings(short, socketio=QUEUE, runtime={"shared_folder": "s"})
    command = (
        "import sys; from pathlib import Path; from engage.runtime.addresses import claim, shared_folder\n"
        "claim(shared_folder(Path(sys.argv[1]))); print('has it', flush=True); sys.stdin.read()"
    )
    claim_sockets(made, Part.WEB)
    first = subprocess.Popen(
        [sys.executable, "-c", command, str(short / "s")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    )
    assert first.stdout is not None and first.stdout.readline() == b"has it\n"
    try:
        claim_sockets(made, Part.WEB)
        with pytest.raises(ChannelError, match="another run"):
            claim_sockets(made, Part.WORKERS)
        assert (short / "s").stat().st_mode & 0o777 == 0o700
    finally:
        first.kill()
        first.communicate()
    claim_sockets(made, Part.WORKERS)


def test_a_path_too_long_for_sockets_is_one_line(tmp_path: Path) -> None:
    deep = settings(tmp_path, runtime={"shared_folder": "x" * 120})
    with pytest.raises(ChannelError, match="shorter"), LocalLauncher(deep):
        pass
