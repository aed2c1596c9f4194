"""
What the loop does on a kqueue, as on macOS: a selector with a descriptor that is no epoll.

Run the other tests so, too: ``ASYNCSLOT_TEST_KQUEUE=1 pytest``.
"""

from __future__ import annotations

import asyncio
import os
import select
import selectors
import signal
import socket
import sys
import threading
from typing import Any, Iterator

import pytest
from kqueue_over_epoll import KqueueSelector
from support import CEILING_S, list_descriptors, run_coroutine, run_qt

from asyncslot import AsyncSlotEventLoop
from asyncslot._loop.selector import WaiterSelector

pytestmark = pytest.mark.skipif(KqueueSelector is None, reason="the kqueue is made of an epoll, which only Linux has")


@pytest.fixture
def kqueue_loop(app: Any) -> Iterator[AsyncSlotEventLoop]:
    loop = AsyncSlotEventLoop(KqueueSelector())
    yield loop
    loop.shutdown(timeout_s=1)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ends = socket.socketpair()
    for end in ends:
        end.setblocking(False)
    yield ends
    for end in ends:
        end.close()


def test_default_selector_of_macos_is_watched_itself(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop takes the platform's default selector, and needs no thread to watch a kqueue."""
    monkeypatch.setattr(selectors, "DefaultSelector", KqueueSelector)
    loop = AsyncSlotEventLoop()
    before = threading.active_count()
    assert type(loop._selector) is KqueueSelector
    loop.run_until_complete(asyncio.sleep(0.01))
    assert threading.active_count() == before
    loop.close()


def test_select_selector_is_the_way_out(app: Any) -> None:
    """Where a kqueue cannot be watched, SelectSelector works: a thread waits for it."""
    loop = AsyncSlotEventLoop(selectors.SelectSelector())
    assert type(loop._selector) is WaiterSelector
    assert loop.run_until_complete(asyncio.wait_for(echo(100), CEILING_S)) == 100
    loop.close()


async def echo(count: int) -> int:
    """Send *count* lines to a server of our own. Return how many came back."""

    served = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line)
        writer.close()
        await writer.wait_closed()
        served.set()

    server = await asyncio.start_server(serve, "127.0.0.1")
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        echoed = 0
        for number in range(count):
            writer.write(b"%d\n" % number)
            echoed += await reader.readline() == b"%d\n" % number
        writer.close()
        await writer.wait_closed()
        await served.wait()  # Before Python 3.12 nothing else waits for the server's own connections.
    return echoed


@pytest.mark.parametrize("is_attached", [False, True])
def test_sockets_are_served(kqueue_loop: AsyncSlotEventLoop, is_attached: bool) -> None:
    """Readers, writers and timers work in both modes."""
    if is_attached:
        kqueue_loop.attach()
        assert run_coroutine(echo(200)) == 200
    else:
        assert kqueue_loop.run_until_complete(asyncio.wait_for(echo(200), CEILING_S)) == 200


def test_reader_and_writer_of_one_descriptor_are_both_called(
    kqueue_loop: AsyncSlotEventLoop, pair: tuple[socket.socket, socket.socket]
) -> None:
    """A kqueue reports the two as two events, and both callbacks run."""
    called: set[str] = set()

    async def wait_for_both() -> None:
        both = asyncio.Event()

        def note(name: str) -> None:
            called.add(name)
            if len(called) == 2:
                both.set()

        pair[1].send(b"x")
        kqueue_loop.add_reader(pair[0], note, "reader")
        kqueue_loop.add_writer(pair[0], note, "writer")
        await asyncio.wait_for(both.wait(), CEILING_S)
        kqueue_loop.remove_reader(pair[0])
        kqueue_loop.remove_writer(pair[0])

    kqueue_loop.run_until_complete(wait_for_both())
    assert called == {"reader", "writer"}


def test_what_foreign_code_registers_wakes_the_guest(
    kqueue_loop: AsyncSlotEventLoop, pair: tuple[socket.socket, socket.socket]
) -> None:
    """Qt watches the kqueue's descriptor, which sees what a slot registers while the guest waits."""
    kqueue_loop.attach()
    run_qt(lambda quit_qt: kqueue_loop.call_later(0.02, quit_qt))
    assert kqueue_loop._slicer.is_waiting

    def in_slot(quit_qt: Any) -> None:
        kqueue_loop.add_reader(pair[0], lambda: (pair[0].recv(10), quit_qt()))
        pair[1].send(b"x")

    run_qt(in_slot)
    kqueue_loop.remove_reader(pair[0])


@pytest.mark.parametrize("has_pidfd", [False, True])
def test_subprocess_ends_with_its_child_watcher(app: Any, monkeypatch: pytest.MonkeyPatch, has_pidfd: bool) -> None:
    """Without pidfd, as on macOS, asyncio's child watcher is a thread, which calls the loop from outside."""
    if sys.version_info >= (3, 12):
        monkeypatch.setattr("asyncio.unix_events.can_use_pidfd", lambda: has_pidfd and hasattr(os, "pidfd_open"))
    # From Python 3.14 on, each loop chooses its own watcher when it is made.
    if (3, 12) <= sys.version_info < (3, 14):
        monkeypatch.setattr(asyncio.get_event_loop_policy(), "_watcher", None, raising=False)
    loop = AsyncSlotEventLoop(KqueueSelector())

    async def run_children() -> list[int]:
        async def run_child(code: int) -> int:
            child = await asyncio.create_subprocess_exec(
                sys.executable, "-c", f"import sys; sys.exit(int(sys.stdin.readline()) + {code})", stdin=-1
            )
            await child.communicate(b"1\n")
            return child.returncode or 0

        return list(await asyncio.gather(*map(run_child, range(5))))

    codes = loop.run_until_complete(asyncio.wait_for(run_children(), CEILING_S))
    assert codes == [1, 2, 3, 4, 5]
    loop.close()


def test_signal_handler_is_called(kqueue_loop: AsyncSlotEventLoop) -> None:
    """A signal arrives by the kqueue, like anything else."""

    async def wait_for_signal() -> None:
        arrived = asyncio.Event()
        kqueue_loop.add_signal_handler(signal.SIGUSR1, arrived.set)
        kqueue_loop.call_later(0.02, os.kill, os.getpid(), signal.SIGUSR1)
        await asyncio.wait_for(arrived.wait(), CEILING_S)
        kqueue_loop.remove_signal_handler(signal.SIGUSR1)

    kqueue_loop.run_until_complete(wait_for_signal())


def test_idle_guest_waits(kqueue_loop: AsyncSlotEventLoop) -> None:
    """Without anything to do, Qt does not call the guest."""
    kqueue_loop.attach()
    run_qt(lambda quit_qt: kqueue_loop.call_later(0.02, quit_qt))
    assert kqueue_loop._slicer.is_waiting
    assert not select.select([kqueue_loop._selector.fileno()], [], [], 0)[0]


def test_loops_leave_no_descriptor(app: Any) -> None:
    """A kqueue that is closed is gone."""
    before = list_descriptors()
    for _ in range(5):
        loop = AsyncSlotEventLoop(KqueueSelector())
        assert loop.run_until_complete(asyncio.wait_for(echo(1), CEILING_S)) == 1
        loop.close()
    assert list_descriptors() == before
