"""A camera that no machine can look at: the supervisor knows it, and the pages are told, once."""

from __future__ import annotations

from dataclasses import dataclass, field

from engage.cli.unplaced import Unplaced
from engage.core.protocols import Message
from engage.core.sites import NO_MACHINE
from engage.core.types import Origin, SourceState, SourceStatus
from engage.runtime.groups import Groups
from engage.runtime.launcher import GroupPlace
from engage.runtime.specs import ProcessSpec, WorkerSpec
from engage.runtime_settings import Runtime


class Channel:
    dropped = 0

    def __init__(self) -> None:
        self.sent: list[Message] = []

    def send(self, message: Message) -> None:
        self.sent.append(message)

    def close(self) -> None: ...


class Running:
    pid = 1

    def exit_code(self) -> int | None:
        return None

    def wait(self, timeout_s: float) -> bool:
        return False

    def stop(self) -> None: ...

    def kill(self) -> None: ...


@dataclass
class Cluster:
    """A launcher whose machines come and go; its own channels."""

    places: dict[str, frozenset[str]] = field(default_factory=dict)

    @property
    def channels(self) -> Cluster:
        return self

    def sender(self, channel: str) -> Channel:
        return Channel()

    def groups(self) -> list[GroupPlace]:
        return [GroupPlace(name, sites) for name, sites in self.places.items()]

    def launch(self, process: ProcessSpec, incarnation: int) -> Running:
        return Running()


def camera(source: int, site: str = "") -> WorkerSpec:
    return WorkerSpec(f"capture-1-{source}", "engage.cli.workers:capture", {"origin": [1, source, 10 + source]}, site)


def test_a_camera_whose_site_has_no_machine_is_told_until_there_is_one() -> None:
    cluster = Cluster({"capture-a-1": frozenset()})
    groups, wanted, line = Groups(cluster, Runtime()), [camera(1), camera(2, "annex"), camera(3, "annex")], Channel()
    opened: list[Channel] = []

    def open_channel() -> Channel:
        opened.append(line)
        return line

    tell = Unplaced(groups.unplaced, open_channel)
    groups.tick([camera(1)], 0.0)
    tell()
    assert not opened, "nothing to say"
    for now_s in (1.0, 2.0):
        groups.tick(wanted, now_s)
        tell()
    assert len(opened) == 1
    said = [message for message in line.sent if isinstance(message, SourceStatus)]
    assert [status.origin for status in said] == [Origin(1, 2, 12), Origin(1, 3, 13)], "each once, and no other"
    assert {status.state for status in said} == {SourceState.LOST} and {status.detail for status in said} == {
        NO_MACHINE
    }

    cluster.places["capture-b-1"] = frozenset({"annex"})
    groups.tick(wanted, 3.0)
    tell()
    assert groups.unplaced() == () and len(line.sent) == 2, "what runs it says itself that it is live"
    del cluster.places["capture-b-1"]
    groups.tick(wanted, 4.0)
    tell()
    assert len(line.sent) == 4, "its machine is gone: said again"


def test_where_every_process_is_given_up_all_cameras_are_told() -> None:
    groups, line = Groups(Cluster(), Runtime()), Channel()
    groups.tick([camera(1)], 0.0)
    Unplaced(groups.unplaced, lambda: line)()
    assert [status.origin.source_id for status in line.sent if isinstance(status, SourceStatus)] == [1]
