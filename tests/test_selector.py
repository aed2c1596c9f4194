"""WaiterSelector, and how a selector is made watchable."""

from __future__ import annotations

import asyncio
import itertools
import select
import selectors
import socket
import threading
import time
from collections import deque
from typing import Any, Iterator

import pytest
from support import CEILING_S, WITHOUT_DESCRIPTOR, run_qt, run_script

from asyncslot import AsyncSlotSelectorEventLoop
from asyncslot._loop.handles import Handle
from asyncslot._loop.selector import (
    MAX_EVENTS,
    WaiterSelector,
    _is_closed,
    _make_wait,
    make_poller,
    make_watchable,
)


@pytest.fixture(params=WITHOUT_DESCRIPTOR)
def waiter(request: pytest.FixtureRequest) -> Iterator[WaiterSelector]:
    selector = WaiterSelector(getattr(selectors, request.param)())
    yield selector
    selector.close()


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    reader, writer = socket.socketpair()
    with reader, writer:
        yield reader, writer


def wait_report(waiter: WaiterSelector, timeout_s: float = CEILING_S) -> bool:
    """Wait until the thread has reported; False if it has not in time."""
    return bool(select.select([waiter.fileno()], [], [], timeout_s)[0])


def test_watch_ready_descriptor_reported(waiter: WaiterSelector, pair: tuple[socket.socket, socket.socket]) -> None:
    """What becomes ready while the guest waits makes fileno() readable, and select(0) says what it is."""
    reader, writer = pair
    waiter.register(reader, selectors.EVENT_READ, "data")
    waiter.watch()
    assert not wait_report(waiter, 0.05)
    writer.send(b"x")
    assert wait_report(waiter)
    assert [(key.data, events) for key, events in waiter.select(0)] == [("data", selectors.EVENT_READ)]
    assert not wait_report(waiter, 0)


def test_register_while_watching_is_watched(waiter: WaiterSelector, pair: tuple[socket.socket, socket.socket]) -> None:
    """A descriptor registered by foreign code while the guest waits is waited for at once."""
    reader, writer = pair
    waiter.watch()
    waiter.register(reader, selectors.EVENT_READ)
    writer.send(b"x")
    assert wait_report(waiter)


def test_unregister_while_watching_is_not_watched(
    waiter: WaiterSelector, pair: tuple[socket.socket, socket.socket]
) -> None:
    """A descriptor unregistered meanwhile is waited for no more."""
    reader, writer = pair
    waiter.register(reader, selectors.EVENT_READ)
    waiter.watch()
    waiter.unregister(reader)
    writer.send(b"x")
    assert not wait_report(waiter, 0.05)


def test_modify_while_watching_is_watched(waiter: WaiterSelector, pair: tuple[socket.socket, socket.socket]) -> None:
    """What a descriptor is watched for can change meanwhile."""
    reader, _ = pair
    waiter.register(reader, selectors.EVENT_READ)
    waiter.watch()
    assert not wait_report(waiter, 0.02)
    waiter.modify(reader, selectors.EVENT_WRITE)
    assert wait_report(waiter)


def test_closed_descriptor_wakes_guest(waiter: WaiterSelector) -> None:
    """A descriptor that was closed while registered is the guest's to find: it is woken."""
    reader, writer = socket.socketpair()
    waiter.register(reader, selectors.EVENT_READ)
    reader.close()
    writer.close()
    waiter.watch()
    assert wait_report(waiter)


def test_unwatch_ends_thread_watch_starts_another(
    waiter: WaiterSelector, pair: tuple[socket.socket, socket.socket]
) -> None:
    """The thread lives from watch() to unwatch(), and a later watch() works as the first."""
    reader, writer = pair
    waiter.register(reader, selectors.EVENT_READ)
    before = threading.active_count()
    for _ in range(3):
        waiter.watch()
        assert threading.active_count() == before + 1
        waiter.unwatch()
        assert threading.active_count() == before
    waiter.watch()
    writer.send(b"x")
    assert wait_report(waiter)


def test_waiter_delegates_map_and_keys(waiter: WaiterSelector, pair: tuple[socket.socket, socket.socket]) -> None:
    """What is registered can be looked up as in the wrapped selector."""
    key = waiter.register(pair[0], selectors.EVENT_READ, "data")
    assert waiter.get_key(pair[0]) == key
    assert pair[0] in waiter.get_map()
    assert len(waiter.get_map()) == 1


def test_make_watchable_wraps_only_what_needs_it() -> None:
    """A selector with a descriptor is taken as it is."""
    default = selectors.DefaultSelector()
    with make_watchable(default) as watchable:
        assert (watchable is default) == hasattr(default, "fileno")
    with make_watchable(selectors.SelectSelector()) as wrapped:
        assert isinstance(wrapped, WaiterSelector)


POLLED = [name for name in ("EpollSelector", "SelectSelector") if hasattr(selectors, name)]


@pytest.fixture(params=POLLED)
def selector(request: pytest.FixtureRequest) -> Iterator[Any]:
    with getattr(selectors, request.param)() as selector:
        yield selector


class Polled:
    """What a poller does: the handles that it queues, and the events that it leaves to the stock loop."""

    def __init__(self, selector: selectors.BaseSelector) -> None:
        self.ready: deque[Any] = deque()
        self.processed: list[Any] = []
        self._poll, self._queue = make_poller(selector, self.ready, self.processed.extend)

    def poll(self) -> None:
        reported = self._poll()
        if reported:
            self._queue(reported)


def make_handle() -> Handle:
    return Handle(print, (), None, None)


@pytest.mark.skipif("EpollSelector" not in POLLED, reason="only an epoll is asked directly")
def test_epoll_handles_queued_without_select(pair: tuple[socket.socket, socket.socket]) -> None:
    """The handles of what is ready are queued, the reader's before the writer's; nothing else is."""
    with selectors.EpollSelector() as selector:
        polled = Polled(selector)
        reader, writer = make_handle(), make_handle()
        selector.register(pair[0], selectors.EVENT_READ, (reader, None))
        polled.poll()
        assert not polled.ready
        pair[1].send(b"x")
        selector.modify(pair[0], selectors.EVENT_READ | selectors.EVENT_WRITE, (reader, writer))
        polled.poll()
        assert list(polled.ready) == [reader, writer]
        assert not polled.processed


@pytest.mark.skipif("EpollSelector" not in POLLED, reason="only an epoll is asked directly")
def test_epoll_hang_up_queues_both(pair: tuple[socket.socket, socket.socket]) -> None:
    """As EpollSelector has it, a hang-up concerns the reader and the writer."""
    with selectors.EpollSelector() as selector:
        polled = Polled(selector)
        reader, writer = make_handle(), make_handle()
        selector.register(pair[0], selectors.EVENT_READ | selectors.EVENT_WRITE, (reader, writer))
        pair[1].close()
        pair[0].shutdown(socket.SHUT_WR)
        polled.poll()
        assert list(polled.ready) == [reader, writer]


@pytest.mark.skipif("EpollSelector" not in POLLED, reason="only an epoll is asked directly")
def test_epoll_cancelled_handle_is_left_to_the_stock_loop(pair: tuple[socket.socket, socket.socket]) -> None:
    """The stock loop removes a reader that was cancelled."""
    with selectors.EpollSelector() as selector:
        polled = Polled(selector)
        reader = make_handle()
        reader._cancelled = True
        key = selector.register(pair[0], selectors.EVENT_READ, (reader, None))
        pair[1].send(b"x")
        polled.poll()
        assert not polled.ready
        assert polled.processed == [(key, selectors.EVENT_READ)]


@pytest.mark.skipif("EpollSelector" not in POLLED, reason="only an epoll is asked directly")
def test_epoll_more_events_than_one_poll_reports() -> None:
    """Of more descriptors than that, no one is left out: the next polls report them."""
    pairs = [socket.socketpair() for _ in range(2 * MAX_EVENTS)]
    with selectors.EpollSelector() as selector:
        polled = Polled(selector)
        handles = []
        for ours, theirs in pairs:
            handles.append(make_handle())
            selector.register(ours, selectors.EVENT_READ, (handles[-1], None))
            theirs.send(b"x")
        for _ in range(10):
            polled.poll()
        assert set(polled.ready) == set(handles)
    for end in itertools.chain(*pairs):
        end.close()


def test_other_selector_is_asked_by_select(selector: Any, pair: tuple[socket.socket, socket.socket]) -> None:
    """What is not exactly an EpollSelector is polled by its own select()."""

    class Own(type(selector)):  # type: ignore[misc]
        """A subclass may report more than the selector below it knows of."""

    with Own() as own:
        polled = Polled(own)
        key = own.register(pair[0], selectors.EVENT_READ, (make_handle(), None))
        pair[1].send(b"x")
        polled.poll()
        assert not polled.ready
        assert polled.processed == [(key, selectors.EVENT_READ)]


# -- the loop with such a selector --


def make_select_loop() -> AsyncSlotSelectorEventLoop:
    return AsyncSlotSelectorEventLoop(selectors.SelectSelector())


def test_default_timeout_of_sockets_is_not_the_threads(app: Any) -> None:
    """socket.setdefaulttimeout() is for the program's sockets; the thread waits as long as it must."""
    socket.setdefaulttimeout(0.05)
    try:
        loop = make_select_loop()
    finally:
        socket.setdefaulttimeout(None)

    async def main() -> str:
        # Meanwhile the guest does not let the thread wait.
        loop.call_soon(time.sleep, 0.3)
        await asyncio.sleep(0.4)
        event = asyncio.Event()
        threading.Timer(0.05, loop.call_soon_threadsafe, (event.set,)).start()
        await asyncio.wait_for(event.wait(), CEILING_S)
        return "woken"

    assert loop.run_until_complete(main()) == "woken"
    loop.close()


def test_descriptor_closed_while_watched_is_reported_once(app: Any, pair: tuple[socket.socket, socket.socket]) -> None:
    """The program has closed a descriptor and not removed its reader: one report, and the others are served."""
    loop = make_select_loop()
    reports: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: reports.append(context))
    loop.attach()
    closed = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    closed.bind(("127.0.0.1", 0))
    closed.setblocking(False)
    loop.add_reader(closed, int)
    loop.call_later(0.02, closed.close)
    run_qt(lambda quit_qt: loop.call_later(0.2, quit_qt))
    assert [type(report["exception"]) for report in reports] == [OSError]

    def start(quit_qt: Any) -> None:
        loop.add_reader(pair[0], lambda: (loop.remove_reader(pair[0]), quit_qt()))
        pair[1].send(b"x")

    run_qt(start)
    loop.shutdown()
    assert len(reports) == 1


def test_thread_that_cannot_start_is_tried_again(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the end of the interpreter no thread starts: the guest then looks again soon, and misses nothing."""
    start, refused = threading.Thread.start, []

    def refuse(thread: threading.Thread) -> None:
        if thread.name == "asyncslot-waiter" and len(refused) < 3:
            refused.append(thread)
            raise RuntimeError("can't create new thread at interpreter shutdown")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    loop = make_select_loop()

    async def main() -> str:
        await asyncio.sleep(0.05)
        return await loop.run_in_executor(None, str, "done")

    assert loop.run_until_complete(asyncio.wait_for(main(), CEILING_S)) == "done"
    assert len(refused) == 3
    loop.close()


def test_program_makes_a_loop_as_it_ends() -> None:
    """In an atexit handler Python 3.12 starts no thread, and the loop does without."""
    finished = run_script("loop_at_exit")
    assert finished.lines == ["cleaned up"]
    assert finished.errors == ""


@pytest.mark.parametrize("has_poll", [True, False])
def test_wait_tells_a_command_from_what_is_ready(
    monkeypatch: pytest.MonkeyPatch, pair: tuple[socket.socket, socket.socket], has_poll: bool
) -> None:
    """Whether by poll() or by select(): True for a command, False for a descriptor that is ready or was closed."""
    if not has_poll:
        monkeypatch.delattr(select, "poll", raising=False)
    elif not hasattr(select, "poll"):
        pytest.skip("there is no poll() here")
    commands = socket.socketpair()
    closed = socket.socket()
    command_fd, closed_fd = commands[0].fileno(), closed.fileno()
    pair[1].send(b"x")
    assert not _make_wait(command_fd, {pair[0].fileno(): selectors.EVENT_READ})()
    assert not _make_wait(command_fd, {pair[0].fileno(): selectors.EVENT_WRITE})()
    assert not _is_closed(closed_fd)
    closed.close()
    assert _is_closed(closed_fd)
    assert not _make_wait(command_fd, {closed_fd: selectors.EVENT_READ})()
    commands[1].send(b"w")
    assert _make_wait(command_fd, {})()
    for end in commands:
        end.close()
