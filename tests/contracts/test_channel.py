"""What every channel promises, whatever carries it: order, no blocking, drop-oldest, and a peer that is replaced."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engage.core.protocols import Receiver, Sender
from engage.core.types import Origin, PushedFrame, SourceState, SourceStatus
from engage.errors import ChannelError
from engage.runtime.addresses import RunFolder, free_port
from engage.runtime.channels import ChannelHub
from engage.runtime.cluster import OPEN, Place, arguments_for
from engage.runtime.directory import Directory
from engage.runtime.specs import HubSpec, find_factory

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 20.0

READ_FOR_EVER = """
import json, sys
from engage.runtime.specs import HubSpec, find_factory
hub = HubSpec(**json.loads(sys.argv[1]))
receiver = find_factory(hub.factory, "test")(**hub.arguments).receiver("faces")
print("ready", flush=True)
while True:
    for message in receiver.receive(1.0):
        print(message.origin.source_id, flush=True)
"""

SEND_FOR_EVER = """
import json, sys, itertools
from datetime import UTC, datetime
from engage.core.types import Origin, SourceState, SourceStatus
from engage.runtime.specs import HubSpec, find_factory
hub = HubSpec(**json.loads(sys.argv[1]))
sender = find_factory(hub.factory, "test")(**hub.arguments).sender("faces")
for number in itertools.count():
    sender.send(SourceStatus(Origin(2, number, 0), SourceState.LIVE, datetime.now(UTC)))
"""

SEND_FROM_FORK = """
import json, os, sys
from datetime import UTC, datetime
from engage.core.types import Origin, SourceState, SourceStatus
from engage.runtime.specs import HubSpec, find_factory
hub = HubSpec(**json.loads(sys.argv[1]))
channels = find_factory(hub.factory, "test")(**hub.arguments)
sender = channels.sender("faces")
def send(group):
    sender.send(SourceStatus(Origin(group, 0, 0), SourceState.LIVE, datetime.now(UTC)))
send(1)
child = os.fork()
send(2 if child else 3)
channels.close()
if child:
    raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def numbered(number: int, group: int = 1, size: int = 0) -> SourceStatus:
    return SourceStatus(Origin(group, number, 0), SourceState.LIVE, datetime.now(UTC), "x" * size)


def numbers(messages: list[object], group: int = 1) -> list[int]:
    records = [message for message in messages if isinstance(message, SourceStatus)]
    return [record.origin.source_id for record in records if record.origin.session_id == group]


def receive_until(receiver: Receiver, enough: Callable[[list[object]], bool]) -> list[object]:
    """Receive until ``enough`` holds of what came so far."""
    deadline = time.monotonic() + PATIENCE_S
    messages: list[object] = []
    while not enough(messages):
        assert time.monotonic() < deadline, f"received only {len(messages)} messages"
        messages += receiver.receive(0.2)
    return messages


@contextmanager
def feeding(sender: Sender) -> Iterator[None]:
    """Send again and again: what is on its way to a receiver that dies is lost with it."""
    done = threading.Event()

    def feed() -> None:
        while not done.wait(0.02):
            sender.send(numbered(3))

    feeder = threading.Thread(target=feed)
    feeder.start()
    try:
        yield
    finally:
        done.set()
        feeder.join()


PORTS = (20000, 29999)


@pytest.fixture(params=["socket files", "loopback", "cluster"])
def spec(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[HubSpec]:
    """Yield how a process gets at the channels: of one machine, in two ways, or of several."""
    if request.param == "cluster":
        directory = Directory("127.0.0.1", PORTS)
        yield HubSpec(OPEN, arguments_for(directory.meeting, Place("test", "127.0.0.1", *PORTS)))
        directory.close()
        return
    if request.param == "loopback":
        yield HubSpec("engage.runtime.channels:open_local", {"folder": None, "port": free_port()})
        return
    with RunFolder(tmp_path) as folder:
        yield HubSpec("engage.runtime.channels:open_local", {"folder": str(folder), "port": 0})


@pytest.fixture
def hub(spec: HubSpec) -> Iterator[ChannelHub]:
    channels = find_factory(spec.factory, "test")(**spec.arguments)
    yield channels
    channels.close()


@pytest.fixture
def program(spec: HubSpec) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Start a process with one end of the channel "faces"; it is killed at the end."""
    started: list[subprocess.Popen[str]] = []

    def start(code: str) -> subprocess.Popen[str]:
        where = json.dumps({"factory": spec.factory, "arguments": spec.arguments})
        command = [sys.executable, "-W", "error", "-c", code, where]
        started.append(subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_what_was_sent_arrives_in_the_order_of_each_sender(hub):
    receiver = hub.receiver("faces")
    senders = {group: hub.sender("faces") for group in (1, 2, 3)}
    for number in range(50):
        for group, sender in senders.items():
            sender.send(numbered(number, group))
    messages = receive_until(receiver, lambda messages: len(messages) == 150)
    assert all(numbers(messages, group) == list(range(50)) for group in senders)
    receiver.close()


def test_receive_waits_no_longer_than_told_and_gives_no_more_than_asked(hub):
    receiver = hub.receiver("signals")
    assert receiver.receive(0.0) == []
    assert receiver.receive(0.01) == []
    sender = hub.sender("signals")
    for number in range(5):
        sender.send(numbered(number))
    got: list[object] = []
    while len(got) < 5:
        some = receiver.receive(PATIENCE_S, limit=2)
        assert 1 <= len(some) <= 2
        got += some
    assert numbers(got) == list(range(5))
    receiver.close()


def test_channels_do_not_mix(hub):
    one, other = hub.receiver("assignments.capture-1"), hub.receiver("assignments.capture-2")
    hub.sender("assignments.capture-2").send(numbered(2))
    hub.sender("assignments.capture-1").send(numbered(1))
    assert numbers(receive_until(one, bool)) == [1]
    assert numbers(receive_until(other, bool)) == [2]
    one.close()
    other.close()


@pytest.mark.parametrize("blocked", [True, False], ids=["blocked receiver", "no receiver"])
def test_full_channel_drops_the_oldest_and_never_blocks(hub, blocked):
    receiver = hub.receiver("faces") if blocked else None
    sender = hub.sender("faces")
    count = 2000
    for number in range(count):
        sender.send(numbered(number, size=20_000))
    assert sender.dropped > count / 2
    receiver = receiver or hub.receiver("faces")
    arrived = numbers(receive_until(receiver, lambda messages: numbers(messages)[-1:] == [count - 1]))
    assert arrived == sorted(arrived)
    assert arrived[-50:] == list(range(count - 50, count)), "the newest are all there"
    assert len(arrived) + sender.dropped == count
    receiver.close()


def test_senders_find_a_receiver_that_takes_the_place_of_a_killed_one(hub, program):
    reader = program(READ_FOR_EVER)
    assert reader.stdout.readline() == "ready\n"
    sender = hub.sender("faces")
    sender.send(numbered(1))
    assert reader.stdout.readline() == "1\n"
    reader.kill()
    reader.wait()
    sender.send(numbered(2))
    successor = program(READ_FOR_EVER)
    assert successor.stdout.readline() == "ready\n"
    with feeding(sender):
        assert successor.stdout.readline() in ("2\n", "3\n")


def test_receiver_outlives_a_killed_sender(hub, program):
    receiver = hub.receiver("faces")
    other = program(SEND_FOR_EVER)
    receive_until(receiver, lambda messages: bool(numbers(messages, 2)))
    other.kill()
    other.wait()
    sender = hub.sender("faces")
    sender.send(numbered(1))
    messages = receive_until(receiver, lambda messages: bool(numbers(messages)))
    assert numbers(messages, 2) == sorted(numbers(messages, 2))
    receiver.close()


def test_receiver_may_be_replaced_within_one_process(hub):
    sender = hub.sender("frames.12")
    for _ in range(10):
        receiver = hub.receiver("frames.12")
        with feeding(sender):
            receive_until(receiver, bool)
        receiver.close()


def pushed(seq: int) -> PushedFrame:
    return PushedFrame(Origin(1, 2, 3), seq, datetime.now(UTC), 0.0, b"x" * 20_000)


@pytest.mark.parametrize("early", [True, False], ids=["blocked receiver", "no receiver"])
def test_a_channel_of_frames_holds_nothing_but_the_newest(hub, early):
    receiver = hub.receiver("frames.1-2") if early else None
    sender = hub.sender("frames.1-2")
    if early:
        sender.send(pushed(1))
        assert [frame.seq for frame in receive_until(receiver, bool)] == [1]
    for seq in range(2, 500):
        sender.send(pushed(seq))
    receiver = receiver or hub.receiver("frames.1-2")
    arrived = receive_until(receiver, lambda messages: bool(messages) and messages[-1].seq == 499)
    assert len(arrived) < 50, "what was not read in time was replaced"
    assert sender.dropped == 0
    receiver.close()


def test_close_flushes_and_later_messages_are_counted_as_dropped(hub):
    receiver = hub.receiver("faces")
    sender = hub.sender("faces")
    sender.send(numbered(1))
    sender.close()
    sender.close()
    sender.send(numbered(2))
    assert sender.dropped == 1
    assert numbers(receive_until(receiver, bool)) == [1]
    receiver.close()


def test_close_gives_up_on_a_receiver_that_does_not_come(hub):
    sender = hub.sender("faces")
    for number in range(100):
        sender.send(numbered(number))
    sender.close()
    assert sender.dropped > 0
    hub.close()


def test_hub_that_is_closed_ends_a_receiver_and_opens_nothing(hub):
    receiver = hub.receiver("faces")
    hub.close()
    with pytest.raises(ChannelError, match="closed"):
        receiver.receive(PATIENCE_S)
    with pytest.raises(ChannelError, match="closed"):
        hub.receiver("faces")


def test_senders_work_after_a_fork_on_both_sides(hub, program):
    receiver = hub.receiver("faces")
    parent = program(SEND_FROM_FORK)
    messages = receive_until(receiver, lambda messages: len(messages) == 3)
    assert {message.origin.session_id for message in messages} == {1, 2, 3}
    assert parent.wait(PATIENCE_S) == 0
    receiver.close()


def test_unreadable_messages_are_dropped_counted_and_logged_once(hub, caplog):
    receiver = hub.receiver("faces")
    other = hub.sender("faces")  # it has the way there
    other.send(numbered(0))
    receive_until(receiver, bool)
    for data in (b"", b"\0", b"SourceStatus\0", b"SourceStatus\0\xff", b"Nonsense\0\x80"):
        other._socket.send(data)
    sender = hub.sender("faces")
    sender.send(numbered(1))
    messages = receive_until(receiver, lambda messages: bool(messages) and receiver.undecoded == 5)
    assert numbers(messages) == [1]
    assert [record.levelname for record in caplog.records if record.name == "engage.runtime.ends"] == ["WARNING"]
    assert hub.counters()["undecoded.faces"] == 5
    receiver.close()


@pytest.mark.parametrize("name", ["", "Faces", "faces.", "../faces", "faces.a/b", "faces." + "x" * 25])
def test_impossible_names_are_refused(hub, name):
    with pytest.raises(ChannelError, match="no name for a channel"):
        hub.sender(name)
    with pytest.raises(ChannelError, match="no name for a channel"):
        hub.receiver(name)


def test_what_is_no_record_is_refused_by_its_sender(hub):
    with pytest.raises(ChannelError, match="dict is no message"):
        hub.sender("faces").send({"a": 1})
