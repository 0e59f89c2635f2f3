"""The server's start, and the browser libraries' installation."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from dashboard import install, libraries
from dashboard.server import Lines, serve
from engage.config import Settings
from engage.core.protocols import Receiver
from engage.errors import EngageError, SettingsError, StorageError
from engage.storage.database import Database


def never() -> Receiver:
    raise AssertionError("nothing may be opened before the address is bound")


def test_a_port_in_use_is_one_clear_line(settings: Settings, database: Database) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        taken = settings.model_copy(update={"web": settings.web.model_copy(update={"port": port})})
        with pytest.raises(SettingsError, match=f"port {port}: another program uses it") as caught:
            serve(taken, Lines(never, lambda: None))
    assert "\n" not in str(caught.value)


def test_a_database_without_tables_is_refused_before_the_port_is_bound(tmp_path: Path) -> None:
    empty = Settings(home=tmp_path, database={"url": f"sqlite:///{tmp_path}/none.db"})  # type: ignore[arg-type]
    with pytest.raises(StorageError):
        serve(empty, Lines(never, lambda: None))


class TestInstall:
    """``python -m dashboard.install``."""

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        for name in ("package.json", "package-lock.json"):
            (tmp_path / name).write_bytes((libraries.FOLDER / name).read_bytes())
        return tmp_path

    def put(self, folder: Path) -> None:
        for path in libraries.LIBRARIES.values():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text("//")
        (folder / "node_modules" / install.STAMP).write_text(install.digest(folder))

    def test_nothing_to_do(self, folder: Path) -> None:
        self.put(folder)
        assert install.missing_files(folder) == []
        assert install.install(folder) is False

    def test_a_changed_lock_file_or_a_missing_file_is_noticed(self, folder: Path) -> None:
        self.put(folder)
        lock = folder / "package-lock.json"
        lock.write_text(lock.read_text() + " ")
        assert not install.is_current(folder)
        self.put(folder)
        (folder / libraries.LIBRARIES["uplot.css"]).unlink()
        assert not install.is_current(folder)
        assert [path.name for path in install.missing_files(folder)] == ["uPlot.min.css"]

    def test_a_failing_npm_is_one_line(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        npm = folder / "bin" / "npm"
        npm.parent.mkdir()
        for program in (npm, npm.with_name("node")):
            program.write_text("#!/bin/sh\necho noise >&2\necho 'npm error network is unreachable' >&2\nexit 1\n")
            program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{npm.parent}:/bin:/usr/bin")
        with pytest.raises(EngageError, match="network is unreachable") as caught:
            install.install(folder)
        assert "\n" not in str(caught.value)
        assert not install.is_current(folder)

    def test_the_lock_file_names_no_registry(self) -> None:
        lock = (libraries.FOLDER / "package-lock.json").read_text()
        assert "resolved" not in lock
        assert "://" not in lock
