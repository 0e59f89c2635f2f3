"""The model store: finding, checking and fetching files, from a server on this machine."""

from __future__ import annotations

import hashlib
import logging
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from engage.errors import ModelError
from engage.vision.store import FileState, ModelFile, ModelStore

CONTENT = bytes(range(256)) * 700


@dataclass
class Behaviour:
    """What the server sends, and what it was asked for."""

    content: bytes = CONTENT
    ranges: bool = True
    cut_after: int | None = None
    """Bytes after which the connection is closed, the promised length notwithstanding."""
    status: int = 200
    length: bool = True
    asked: list[str] = field(default_factory=list)


class Handler(BaseHTTPRequestHandler):
    """Serves one file with or without Range."""

    behaviour: Behaviour

    def do_GET(self) -> None:
        behaviour = self.behaviour
        asked = self.headers.get("Range", "")
        behaviour.asked.append(asked)
        if behaviour.status != 200:
            self.send_error(behaviour.status)
            return
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and behaviour.ranges else 0
        body = behaviour.content[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(behaviour.content) - 1}/{len(behaviour.content)}")
        if behaviour.length:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if behaviour.cut_after is None else body[: behaviour.cut_after])

    def log_message(self, format: str, *args: object) -> None:
        pass


@dataclass
class Place:
    """A server, a store that fetches from it, and the one file of both."""

    behaviour: Behaviour
    store: ModelStore
    file: ModelFile

    @property
    def target(self) -> Path:
        return self.store.folder / self.file.filename

    @property
    def part(self) -> Path:
        return self.target.with_name(self.target.name + ".part")

    def bring(self, content: bytes) -> None:
        self.store.folder.mkdir(parents=True, exist_ok=True)
        self.part.write_bytes(content)


def model_file(port: int, content: bytes = CONTENT) -> ModelFile:
    return ModelFile(
        "eyes",
        "sees",
        "MIT",
        "eyes.onnx",
        url=f"http://127.0.0.1:{port}/eyes.onnx",
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        without="Ears still work.",
    )


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    behaviour = Behaviour()
    handler = type("BoundHandler", (Handler,), {"behaviour": behaviour})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        file = model_file(server.server_address[1])
        yield Place(behaviour, ModelStore(tmp_path / "store", files=[file]), file)
        server.shutdown()
        thread.join()


def test_a_fetched_file_is_whole_and_found(place: Place) -> None:
    told: list[tuple[int, int]] = []
    assert place.store.find("eyes") is None
    path = place.store.fetch("eyes", lambda done, total: told.append((done, total)))
    assert path.read_bytes() == CONTENT
    assert place.store.find("eyes") == place.store.need("eyes") == path
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert not place.part.exists()


def test_what_is_here_is_not_fetched_again(place: Place) -> None:
    place.store.fetch("eyes")
    place.store.fetch("eyes")
    assert len(place.behaviour.asked) == 1


def test_a_broken_download_is_continued_where_the_server_can(place: Place) -> None:
    place.bring(CONTENT[:1000])
    place.store.fetch("eyes")
    assert place.behaviour.asked == ["bytes=1000-"]
    assert place.target.read_bytes() == CONTENT


def test_a_broken_download_starts_anew_where_the_server_cannot_continue(place: Place) -> None:
    place.behaviour.ranges = False
    place.bring(b"x" * 1000)
    place.store.fetch("eyes")
    assert place.target.read_bytes() == CONTENT


def test_a_connection_that_breaks_is_opened_again_while_it_brings_something(place: Place) -> None:
    place.behaviour.cut_after = 60_000
    place.store.fetch("eyes")
    assert place.behaviour.asked == ["", "bytes=60000-", "bytes=120000-"]
    assert place.target.read_bytes() == CONTENT


def test_what_came_is_kept_when_the_connection_breaks_for_good(place: Place) -> None:
    place.behaviour.cut_after = 10_000
    with pytest.raises(ModelError, match=r"50000 of 179200 bytes are here.*Ears still work.*by hand"):
        place.store.fetch("eyes")
    assert place.part.read_bytes() == CONTENT[:50_000]
    assert not place.target.exists()
    place.behaviour.cut_after = None
    assert place.store.fetch("eyes").read_bytes() == CONTENT


@pytest.mark.parametrize("length", [True, False])
def test_a_wrong_checksum_leaves_nothing(place: Place, length: bool) -> None:
    place.behaviour.content = CONTENT[:-1] + b"!"
    place.behaviour.length = length
    with pytest.raises(ModelError, match=r"SHA-256 .* is wrong"):
        place.store.fetch("eyes")
    assert list(place.store.folder.iterdir()) == []


def test_another_file_than_registered_is_refused_by_its_length(place: Place) -> None:
    place.behaviour.content = b"<html>Please sign in to the school's network</html>"
    with pytest.raises(ModelError, match="the server has 51 bytes instead of 179200"):
        place.store.fetch("eyes")
    assert list(place.store.folder.iterdir()) == []


def test_more_than_registered_is_cut_off_and_refused(place: Place) -> None:
    place.behaviour.content = CONTENT * 20
    place.behaviour.length = False
    with pytest.raises(ModelError, match="SHA-256"):
        place.store.fetch("eyes")
    assert list(place.store.folder.iterdir()) == []


def test_a_part_longer_than_the_file_starts_anew(place: Place) -> None:
    place.bring(CONTENT + b"more")
    assert place.store.fetch("eyes").read_bytes() == CONTENT


def test_a_part_that_was_whole_is_not_fetched(place: Place) -> None:
    place.bring(CONTENT)
    assert place.store.fetch("eyes").read_bytes() == CONTENT
    assert place.behaviour.asked == []


def test_an_address_that_is_gone_is_one_line(place: Place) -> None:
    place.behaviour.status = 404
    with pytest.raises(ModelError, match="the server answered 404") as caught:
        place.store.fetch("eyes")
    assert "\n" not in str(caught.value)


def test_offline_is_one_line_that_says_what_works_and_what_to_do(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        file = model_file(taken.getsockname()[1])
        with pytest.raises(ModelError) as caught:
            ModelStore(tmp_path, files=[file]).fetch("eyes")
    text = str(caught.value)
    assert "\n" not in text
    assert "Connection refused" in text and "Ears still work." in text
    assert file.url in text and str(tmp_path) in text


def test_a_folder_that_cannot_be_written_is_one_line(place: Place) -> None:
    place.store.folder.write_text("a file where the folder should be")
    with pytest.raises(ModelError, match="cannot be written"):
        place.store.fetch("eyes")


def test_a_damaged_file_is_never_found_and_is_replaced(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    path = place.store.fetch("eyes")
    path.write_bytes(b"!" + CONTENT[1:])
    with caplog.at_level(logging.WARNING):
        assert place.store.find("eyes") is None
    assert "damaged" in caplog.text
    with pytest.raises(ModelError, match="damaged"):
        place.store.need("eyes")
    assert [stored.state for stored in place.store.verify()] == [FileState.DAMAGED]
    assert place.store.fetch("eyes").read_bytes() == CONTENT


def test_further_folders_are_looked_in_and_not_written(tmp_path: Path) -> None:
    further, own = tmp_path / "further", tmp_path / "own"
    further.mkdir()
    own.mkdir()
    store = ModelStore(own, [tmp_path / "absent", further], [model_file(1)])
    with pytest.raises(ModelError, match="not at hand"):
        store.need("eyes")
    (further / "eyes.onnx").write_bytes(CONTENT)
    (own / "eyes.onnx").write_bytes(b"damaged")
    assert store.find("eyes") == further / "eyes.onnx"
    assert store.contents()[0].state is FileState.PRESENT


def test_what_a_package_brings_is_bundled(tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "store")
    haar = store.look_up("haar")
    assert haar.state is FileState.BUNDLED
    assert store.fetch("haar") == haar.path
    assert not store.folder.exists()


def test_an_unknown_name_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="yunet, haar"):
        ModelStore(tmp_path).find("nose")
