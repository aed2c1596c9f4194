"""WaiterSelector, and how a selector is made watchable."""

from __future__ import annotations

import select
import selectors
import socket
import threading
from typing import Iterator

import pytest
from support import CEILING_S, WITHOUT_DESCRIPTOR

from asyncslot._loop.selector import WaiterSelector, make_probe, make_watchable


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


@pytest.mark.parametrize(
    "name", [*(["EpollSelector"] if hasattr(selectors, "EpollSelector") else []), "SelectSelector"]
)
def test_make_probe_true_when_something_is_ready(name: str, pair: tuple[socket.socket, socket.socket]) -> None:
    """The probe never denies what select(0) would report."""
    reader, writer = pair
    with getattr(selectors, name)() as selector:
        is_ready = make_probe(selector)
        selector.register(reader, selectors.EVENT_READ)
        assert not is_ready() or name != "EpollSelector"
        writer.send(b"x")
        assert is_ready()
        assert len(selector.select(0)) == 1
