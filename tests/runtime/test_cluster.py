"""Channels between machines: who is heard, who is found, who stands in, and what time it is."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
import zmq

from engage.core.protocols import Receiver, Sender
from engage.core.types import Origin, SourceState, SourceStatus
from engage.errors import ChannelError
from engage.runtime.cluster import ClusterChannels, Place, SharedClock
from engage.runtime.curve import RunKey
from engage.runtime.directory import Bound, Directory, Meeting, Register
from engage.runtime.finding import Addresses
from engage.runtime.ray_nodes import Nodes

PORTS = (20000, 29999)
PATIENCE_S = 20.0


def numbered(number: int) -> SourceStatus:
    return SourceStatus(Origin(1, number, 0), SourceState.LIVE, datetime.now(UTC))


def read(receiver: Receiver, wanted: int) -> list[int]:
    """Return what comes until ``wanted`` is there."""
    deadline, got = time.monotonic() + PATIENCE_S, []
    while wanted not in got and time.monotonic() < deadline:
        got += [message.origin.source_id for message in receiver.receive(0.2)]
    return got


@contextmanager
def feeding(sender: Sender, number: int) -> Iterator[None]:
    """Send ``number`` again and again: what is on its way to a receiver that is gone is lost with it."""
    done = threading.Event()

    def feed() -> None:
        while not done.wait(0.02):
            sender.send(numbered(number))

    feeder = threading.Thread(target=feed)
    feeder.start()
    try:
        yield
    finally:
        done.set()
        feeder.join()


@pytest.fixture
def directory() -> Iterator[Directory]:
    directory = Directory("127.0.0.1", PORTS)
    yield directory
    directory.close()


@pytest.fixture
def join(directory: Directory) -> Iterator[Any]:
    """Yield what makes the channels of one more process of the run."""
    joined: list[ClusterChannels] = []

    receivers: list[Receiver] = []

    def join(process: str, host: str = "127.0.0.1") -> ClusterChannels:
        joined.append(ClusterChannels(directory.meeting, Place(process, host, *PORTS)))
        return joined[-1]

    def receiver(process: str, channel: str, host: str = "127.0.0.1") -> Receiver:
        receivers.append(join(process, host).receiver(channel))
        return receivers[-1]

    join.receiver = receiver
    yield join
    for each in receivers:
        each.close()
    for channels in joined:
        channels.close()


def test_a_sender_follows_the_receiver_to_another_machine(join):
    sender = join("b#1", "127.0.0.3").sender("signals")
    old = join.receiver("a#1", "signals", "127.0.0.1")
    sender.send(numbered(1))
    assert read(old, 1) == [1]
    new = join.receiver("a#2", "signals", "127.0.0.2")
    with feeding(sender, 2):
        assert read(new, 2)[-1] == 2
    old.receive(0)
    sender.send(numbered(3))
    assert 3 in read(new, 3)
    assert old.receive(0.1) == [], "whoever was replaced hears no more"


def test_nobody_without_the_key_of_the_run_is_heard_or_told(join, directory):
    receiver = join.receiver("a#1", "faces")
    friend = join("b#1").sender("faces")
    friend.send(numbered(1))
    assert read(receiver, 1) == [1]
    address = directory._register.address("faces")
    with zmq.Context() as context:
        for key in (None, RunKey.fresh()):
            with context.socket(zmq.PUSH) as stranger:
                stranger.set(zmq.LINGER, 0)
                if key is not None:
                    key.guard(stranger, binds=False)
                stranger.connect(address)
                stranger.send(b"SourceStatus\0x")  # taken by its own side
                assert receiver.receive(0.5) == []
    assert receiver.undecoded == 0, "what a stranger sends does not even arrive"
    impostor = Addresses(Meeting(directory.meeting.address, RunKey.fresh()), "x#1")
    impostor.announce("faces", "tcp://127.0.0.1:9")
    friend.send(numbered(2))
    assert read(receiver, 2) == [2]
    assert directory._register.address("faces") == address
    impostor.close()


def test_what_a_dead_process_received_goes_to_its_sibling_until_it_is_back(join, directory):
    first = join.receiver("inference#1", "faces.1")
    second = join.receiver("inference-2#1", "faces.2")
    sender = join("capture#1").sender("faces.2")
    sender.send(numbered(1))
    assert read(second, 1) == [1]
    directory.forget("inference-2#1")
    with feeding(sender, 2):
        assert read(first, 2)[-1] == 2
    back = join.receiver("inference-2#2", "faces.2")
    with feeding(sender, 3):
        assert read(back, 3)[-1] == 3


def test_only_the_newest_receiver_counts():
    register = Register()
    assert register.bind("a", "signals", Bound("1", "here"))
    assert register.bind("b", "signals", Bound("2", "there"))
    assert not register.bind("a", "signals", Bound("1", "here")), "one that was replaced does not come back"
    assert register.address("signals") == "there"
    assert register.unbind(["1"]) == []
    assert register.unbind(["2"]) == ["signals"]
    assert register.address("signals") is None
    register.bind("c", "faces.1", Bound("3", "first"))
    assert register.address("faces.2") == "first"
    assert register.address("hints.1") is None
    assert register.forget("c") == ["faces.1"]
    assert register.address("faces.2") is None


def test_all_machines_count_time_as_the_supervisor_does(join, monkeypatch):
    clock = join("a#1").clock
    assert abs(clock.monotonic() - time.monotonic()) < 0.5
    real = time.monotonic
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr("engage.runtime.finding.time.monotonic", lambda: real() + (
            0.0 if threading.current_thread().name == "directory" else 1e6))  # fmt: skip
        offset_s = join("b#1")._found.offset_s()
    assert offset_s == pytest.approx(-1e6, abs=0.5), "a machine that started long before is told so"
    assert SharedClock(offset_s).monotonic() == pytest.approx(real() - 1e6, abs=0.5)


def test_a_supervisor_that_does_not_answer_is_one_clear_error(monkeypatch):
    monkeypatch.setattr("engage.runtime.finding.ANSWER_S", 0.2)
    with pytest.raises(ChannelError, match=r"does not answer at tcp://127\.0\.0\.1:9"):
        ClusterChannels(Meeting("tcp://127.0.0.1:9", RunKey.fresh()), Place("a#1", "127.0.0.1", *PORTS))


def raw(number: int, port: int, **more: float) -> dict[str, Any]:
    resources = {"CPU": 2.0, **more}
    return {"NodeID": f"{number:056x}", "NodeManagerAddress": "127.0.0.1", "NodeManagerPort": port, "Alive": True,
            "Resources": resources}  # fmt: skip


def test_a_machine_that_refuses_connections_is_gone_before_ray_says_so():
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        told = [raw(1, one.getsockname()[1], GPU=1.0), raw(2, other.getsockname()[1], **{"site:annex": 1.0})]
        nodes = Nodes(lambda: told)
        assert [(node.cores, node.gpus, set(node.sites)) for node in nodes.alive()] == [
            (2, 1.0, set()),
            (2, 0.0, {"annex"}),
        ]
        annex = nodes.alive()[1]
        other.close()
        deadline = time.monotonic() + PATIENCE_S
        while nodes.has(annex) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert [node.id for node in nodes.alive()] == [told[0]["NodeID"]]
        nodes.close()
