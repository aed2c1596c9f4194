"""The watched port, with a fake port in place of the system's; on Windows with asyncio's own, too."""

from __future__ import annotations

import queue
import select
import threading
from collections import deque
from typing import Any, Iterator

import pytest
from support import CEILING_S, only_windows

from asyncslot._loop.port import WatchedPort


class FakePort:
    """A completion port and a proactor in one: packets are any objects."""

    def __init__(self) -> None:
        self.queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        # What the thread has taken.
        self.taken: deque[Any] = deque()
        # What the proactor has handled, and on which thread.
        self.handled: list[Any] = []
        self.pollers: set[int] = set()
        # The thread has a packet just now that is in neither place; and whether it had one while the proactor polled.
        self.is_moving = False
        self.moving_at_poll: list[bool] = []

    def wait(self) -> bool:
        packet = self.queue.get()
        if packet == "end":
            return False
        if isinstance(packet, OSError):
            raise packet
        self.is_moving = True
        self.taken.append(packet)
        self.is_moving = False
        return True

    def post_end(self) -> None:
        self.queue.put("end")

    def release(self, proactor: Any) -> None:
        assert proactor is self

    def select(self, timeout: float) -> list[Any]:
        assert timeout == 0
        self.moving_at_poll.append(self.is_moving)
        self.pollers.add(threading.get_ident())
        handled = []
        while self.taken or not self.queue.empty():
            handled.append(self.taken.popleft() if self.taken else self.queue.get())
        self.handled += handled
        return handled


@pytest.fixture
def fake() -> FakePort:
    return FakePort()


@pytest.fixture
def port(fake: FakePort) -> Iterator[WatchedPort]:
    port = WatchedPort(fake, fake)
    yield port
    port.close()
    assert not has_thread()


def has_thread() -> bool:
    return "asyncslot-port-watcher" in [thread.name for thread in threading.enumerate()]


def wait_for_report(port: WatchedPort) -> None:
    assert select.select([port.fileno()], [], [], CEILING_S)[0], "no report came"
    assert port.is_guests_turn()


def is_reported(port: WatchedPort) -> bool:
    return bool(select.select([port.fileno()], [], [], 0)[0])


def test_new_port_is_the_guests(port: WatchedPort, fake: FakePort) -> None:
    """Before the first watch(), the guest may poll, and there is no thread."""
    fake.queue.put(1)
    assert port.is_guests_turn()
    assert port.select(0) == [1]
    assert not has_thread()


def test_packet_is_reported_and_kept(port: WatchedPort, fake: FakePort) -> None:
    """A packet that comes while the thread waits makes the descriptor readable; the guest finds the packet."""
    port.watch()
    assert not port.is_guests_turn()
    assert has_thread()
    assert not is_reported(port)
    fake.queue.put(1)
    wait_for_report(port)
    assert port.select(0) == [1]


def test_packet_that_was_there_is_reported(port: WatchedPort, fake: FakePort) -> None:
    """A packet that came before watch() is reported."""
    fake.queue.put(1)
    port.watch()
    wait_for_report(port)
    assert port.select(0) == [1]


def test_poll_removes_the_report(port: WatchedPort, fake: FakePort) -> None:
    """After the poll the descriptor is not readable, or Qt would call for ever."""
    fake.queue.put(1)
    port.watch()
    wait_for_report(port)
    port.select(0)
    assert not is_reported(port)


def test_packet_that_is_left_is_reported_again(port: WatchedPort, fake: FakePort) -> None:
    """watch() without a poll in between reports the same packet again."""
    fake.queue.put(1)
    for _ in range(3):
        port.watch()
        wait_for_report(port)
        port._report_reader.recv(1)
        port._read += 1
    assert port.select(0) == [1]


def test_unread_reports_are_all_removed(port: WatchedPort, fake: FakePort) -> None:
    """The polls remove all the reports that have come, also if there were several."""
    fake.queue.put(1)
    for _ in range(3):
        port.watch()
        while not port.is_guests_turn():
            pass
    assert port.select(0) == [1]
    while port._read != port._sent:
        port.select(0)
    assert not is_reported(port)


def test_watch_twice_is_once(port: WatchedPort, fake: FakePort) -> None:
    """watch() while the thread waits is a no-op."""
    port.watch()
    port.watch()
    fake.queue.put(1)
    wait_for_report(port)
    assert port._commands.empty()
    assert port._sent == 1


@pytest.mark.parametrize("state", ["ended", "watching", "reported"])
def test_unwatch_ends_the_thread_and_loses_nothing(port: WatchedPort, fake: FakePort, state: str) -> None:
    """In each state, unwatch() ends the thread, and the guest gets all packets and no others, in order."""
    if state != "ended":
        port.watch()
    if state == "reported":
        for packet in range(3):
            fake.queue.put(packet)
        wait_for_report(port)
    port.unwatch()
    assert not has_thread()
    assert port.is_guests_turn()
    assert port.select(0) == ([0, 1, 2] if state == "reported" else [])


def test_port_watches_again_after_unwatch(port: WatchedPort, fake: FakePort) -> None:
    """After unwatch(), the next watch() starts another thread."""
    for packet in range(3):
        port.watch()
        fake.queue.put(packet)
        wait_for_report(port)
        assert port.select(0) == [packet]
        port.unwatch()


def test_storm_of_packets_is_handled_once_in_order_by_the_guest(port: WatchedPort, fake: FakePort) -> None:
    """10,000 packets of another thread, with watch() and unwatch() meanwhile: the guest handles each once, in order."""
    count = 10_000

    def post() -> None:
        for packet in range(count):
            fake.queue.put(packet)

    poster = threading.Thread(target=post)
    poster.start()
    turns = 0
    while len(fake.handled) < count:
        if port.is_guests_turn():
            port.select(0)
        port.watch()
        turns += 1
        if turns % 50 == 0:
            port.unwatch()
    poster.join()
    assert fake.handled == list(range(count))
    assert fake.pollers == {threading.get_ident()}
    assert set(fake.moving_at_poll) == {False}


def test_error_of_the_port_is_the_guests(port: WatchedPort, fake: FakePort) -> None:
    """If the system reports an error, the guest's next poll raises it, as the stock loop's would; then it goes on."""
    port.watch()
    fake.queue.put(OSError("no packet"))
    wait_for_report(port)
    port.watch()
    with pytest.raises(OSError, match="no packet"):
        port.select(0)
    port.watch()
    fake.queue.put(1)
    wait_for_report(port)
    assert port.select(0) == [1]


def test_thread_that_cannot_start_is_tried_again(
    port: WatchedPort, fake: FakePort, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the end of the interpreter no thread starts: the guest is then called again soon, and polls itself."""

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        for _ in range(3):
            port.watch()
            wait_for_report(port)
            assert port.select(0) == []
        port.unwatch()
    port.watch()
    fake.queue.put(1)
    wait_for_report(port)
    assert port.select(0) == [1]


# -- asyncio's own port --


@only_windows
def test_taken_packets_come_first() -> None:
    """What `PortPackets.wait` has taken, asyncio gets before what is in the port, each once; `post_end` ends it."""
    import _overlapped
    import asyncio

    from asyncslot._task.asyncio_private import PortPackets

    proactor = asyncio.IocpProactor()
    packets = PortPackets(proactor)
    address = _overlapped.Overlapped(0).address
    for transferred in (1, 2, 3):
        _overlapped.PostQueuedCompletionStatus(proactor._iocp, transferred, 0, address)
    assert packets.wait()
    packets.post_end()
    assert [packets._next(proactor._iocp, 0)[1] for _ in range(3)] == [1, 2, 3]
    assert not packets.wait()
    assert packets._next(proactor._iocp, 0) is None
    packets.release(proactor)
    proactor.close()


@only_windows
def test_asyncio_takes_packets_by_the_function_that_is_replaced() -> None:
    """`PortPackets` gives asyncio's own `_poll` its packets by the name of this function."""
    import asyncio

    assert "GetQueuedCompletionStatus" in asyncio.IocpProactor._poll.__code__.co_names
    assert "_overlapped" in asyncio.IocpProactor._poll.__code__.co_names
