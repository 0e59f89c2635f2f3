"""Where channels are: private folders that killed runs do not fill up, and addresses that differ."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from engage.core.types import Origin
from engage.errors import ChannelError
from engage.runtime.addresses import SOCKET_PATH_LIMIT, AddressBook, RunFolder
from engage.runtime.channels import hints

ROOT = Path(__file__).resolve().parents[2]
DIE_INSIDE = """
import os, pathlib, signal, sys
from engage.runtime.addresses import RunFolder
with RunFolder(pathlib.Path(sys.argv[1])) as folder:
    print(folder, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_run_folder_is_private_and_removed(tmp_path):
    with RunFolder(tmp_path / "run") as folder:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        with RunFolder(tmp_path / "run") as other:
            assert folder.is_dir(), "a run in use is left alone"
            assert other != folder
    assert not list((tmp_path / "run").iterdir())


def test_what_a_killed_run_left_is_removed_at_the_next_start(tmp_path):
    command = [sys.executable, "-c", DIE_INSIDE, str(tmp_path)]
    left = Path(subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True).stdout.strip())
    assert left.is_dir()
    with RunFolder(tmp_path):
        assert not left.exists()


def test_socket_paths_stay_within_the_system_limit(tmp_path):
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    with RunFolder(deep) as folder:
        address = AddressBook(str(folder)).address("assignments." + "x" * 24)
        assert len(os.fsencode(address.removeprefix("ipc://"))) <= SOCKET_PATH_LIMIT
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert not folder.exists()


def test_folder_that_cannot_be_made_is_one_clear_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ChannelError, match="No folder for sockets"), RunFolder(tmp_path / "file"):
        pass


def test_every_channel_has_its_own_loopback_address():
    book = AddressBook(None, 4000)
    names = ["faces", "signals", *(f"frames.{number}" for number in range(300))]
    assert len({book.address(name) for name in names}) == len(names)
    assert all(book.address(name).startswith("tcp://127.") for name in names)


def test_every_source_of_every_session_has_its_own_channel_of_hints():
    book = AddressBook("/run/folder")
    sources = [Origin(1, 12, 5), Origin(11, 2, 5), Origin(10**9, 10**9, 5)]
    assert len({book.address(hints(origin)) for origin in sources}) == 3
    assert book.address(hints(Origin(1, 12, 5))) == book.address(hints(Origin(1, 12, 6)))
