"""
Selectors that Qt can watch: how Qt learns that a selector has something to report.

An epoll or kqueue selector has a descriptor of its own. It becomes readable when any
registered descriptor is ready, and Qt can watch it. For a selector without such a
descriptor, a thread waits and makes a socket readable. This module knows nothing of
Qt or of the loop.
"""

from __future__ import annotations

import functools
import select
import selectors
import socket
import threading
from typing import TYPE_CHECKING, Any, Optional

from asyncslot._loop.watcher_thread import RETRY_S, start_or_pause

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable

__all__ = ["WaiterSelector", "make_poller", "make_watchable"]

# How many events one poll of an epoll reports at most; the next one reports the others. Arbitrary: as many as
# fit into a small block of memory, which each poll allocates.
MAX_EVENTS = 40

# The messages between the guest and the waiter thread, one byte each: two commands and the report.
_WATCH, _END, _REPORT = b"w", b"e", b"r"


def make_watchable(selector: Optional[selectors.BaseSelector]) -> Any:
    """
    Return a selector with a descriptor that one QSocketNotifier can watch.

    Args:
        selector: Any selector, or None for the platform's best.

    Returns:
        *selector* itself if it has a ``fileno()``, else a `WaiterSelector` around it.
    """
    if selector is None:
        selector = selectors.DefaultSelector()
    if hasattr(selector, "fileno"):
        return selector
    return WaiterSelector(selector)


def make_poller(
    selector: selectors.BaseSelector, ready: deque[Any], process_events: Callable[[Any], object]
) -> tuple[Callable[[], Any], Callable[[Any], object]]:
    """
    Return how to poll *selector* once per iteration, and what to do with what that reports.

    Most often nothing is ready. So an epoll is asked directly, without a call into Python.

    Args:
        selector: The selector. The data of each key is a reader and a writer, as the stock loop registers them.
        ready: The queue of handles.
        process_events: Queues the handles of what ``select()`` returns, as the stock loop does.

    Returns:
        A function that returns something true if there may be anything to report, and never waits;
        and a function that takes what it has returned, and queues the handles of the readers and writers.
    """
    # The exact type: a subclass may report more than its epoll object knows of.
    if type(selector) is not getattr(selectors, "EpollSelector", None):
        # bool(1), always true, is called without a Python frame, unlike a lambda.
        return functools.partial(bool, 1), lambda _: process_events(selector.select(0))

    epoll: Any = selector._selector  # type: ignore[attr-defined]
    keys: dict[int, selectors.SelectorKey] = selector._fd_to_key  # type: ignore[attr-defined]

    def queue(events: list[tuple[int, int]]) -> None:
        # As EpollSelector.select() and the stock loop do, without an object for each event.
        for fd, event in events:
            key = keys.get(fd)
            if key is None:
                continue
            reader, writer = key.data
            # An error or a hang-up concerns both.
            for handle, is_ready, mask in (
                (reader, event & ~select.EPOLLOUT, selectors.EVENT_READ),
                (writer, event & ~select.EPOLLIN, selectors.EVENT_WRITE),
            ):
                if handle is None or not is_ready:
                    continue
                if handle._cancelled:  # The stock loop then removes it.
                    process_events([(key, mask)])
                else:
                    ready.append(handle)

    # Timeout 0. Epoll is level-triggered: what is not handled is reported again.
    return functools.partial(epoll.poll, 0, MAX_EVENTS), queue


class WaiterSelector(selectors.BaseSelector):
    """
    A selector without a descriptor, and a thread that waits for it.

    While the guest waits, the thread waits in a selector of its own for the same
    descriptors. When one is ready, the thread makes ``fileno()`` readable, and pauses
    until the next `watch`. A report only says that something may be ready; the guest
    then asks by ``select(0)``. So a report that comes late or twice does no harm.

    All methods must be called on the guest's thread.
    """

    def __init__(self, selector: selectors.BaseSelector) -> None:
        self._selector = selector
        # Started by the first `watch`: a loop that never waits needs no thread.
        self._thread: Optional[threading.Thread] = None
        # The thread was told to wait, and the guest has not read its report yet.
        self._is_watching = False
        # The events that the thread waits for, by descriptor.
        self._interest: dict[int, int] = {}
        # How it waits for them. It reads this without a lock.
        self._wait: Callable[[], bool] = bool
        self._report_reader, self._report_writer = socket.socketpair()
        self._command_reader, self._command_writer = socket.socketpair()
        # The thread pauses in recv(). socket.setdefaulttimeout() must have no effect on that.
        self._command_reader.setblocking(True)
        self._command_writer.setblocking(True)
        self._report_reader.setblocking(False)
        self._report_writer.setblocking(False)

    def fileno(self) -> int:
        """Return a descriptor that is readable when something may be ready."""
        return self._report_reader.fileno()

    def watch(self) -> None:
        """Let the thread wait for what is registered now; a no-op if it does so already."""
        interest = {key.fd: key.events for key in self._selector.get_map().values()}
        if self._is_watching and interest == self._interest:
            return
        self._interest = interest
        self._wait = _make_wait(self._command_reader.fileno(), interest)
        if self._thread is None and not self._start_thread():
            return
        self._is_watching = True
        self._command_writer.send(_WATCH)

    def _start_thread(self) -> bool:
        self._thread = start_or_pause(self._run, name="asyncslot-waiter")
        if self._thread is None:
            self._report()
        return self._thread is not None

    def unwatch(self) -> None:
        """End the thread. The next `watch` starts another."""
        if self._thread is None:
            return
        self._command_writer.send(_END)
        self._thread.join()
        self._thread = None
        self._is_watching = False

    def select(self, timeout: Optional[float] = None) -> list[tuple[selectors.SelectorKey, int]]:
        """
        Return what is ready, and remove the report that something is.

        Raises:
            OSError: If a registered descriptor was closed, as the wrapped selector raises it. It is unregistered, or
                the guest would be woken for it, and fail, without end.
        """
        try:
            self._report_reader.recv(4096)
        except BlockingIOError:
            pass
        else:
            self._is_watching = False
        try:
            return self._selector.select(timeout)
        except OSError:
            for key in list(self._selector.get_map().values()):
                if _is_closed(key.fd):
                    self._selector.unregister(key.fileobj)
            raise

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """Register a file object, as the wrapped selector does."""
        key = self._selector.register(fileobj, events, data)
        self._update()
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        """Unregister a file object, as the wrapped selector does."""
        key = self._selector.unregister(fileobj)
        self._update()
        return key

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """Change what a file object is watched for, as the wrapped selector does."""
        key = self._selector.modify(fileobj, events, data)
        self._update()
        return key

    def get_key(self, fileobj: Any) -> selectors.SelectorKey:
        """Return a file object's key, as the wrapped selector does."""
        return self._selector.get_key(fileobj)

    def get_map(self) -> Any:
        """Return what is registered, as the wrapped selector does."""
        return self._selector.get_map()

    def close(self) -> None:
        """End the thread and close the wrapped selector."""
        self.unwatch()
        for end in (self._report_reader, self._report_writer, self._command_reader, self._command_writer):
            end.close()
        self._selector.close()

    def _update(self) -> None:
        # Foreign code registers while the thread waits. The thread then waits for the old descriptors.
        if self._is_watching:
            self.watch()

    # The thread makes as few objects as it can. The garbage collector runs where objects are made, and may destroy
    # the program's QObjects there.

    def _run(self) -> None:
        command = self._command_reader.recv(1)
        while command == _WATCH:
            if not self._wait():
                self._report()
            command = self._command_reader.recv(1)

    def _report(self) -> None:
        try:
            self._report_writer.send(_REPORT)
        except BlockingIOError:
            return  # The socket is full of reports that nobody has read: one is enough.


def _make_wait(command_fd: int, interest: dict[int, int]) -> Callable[[], bool]:
    """
    Return a function that waits until something is ready, or a command arrives. It returns True for a command.

    Args:
        command_fd: The descriptor by which commands arrive.
        interest: The events to wait for, by descriptor.
    """
    readers = [command_fd, *(fd for fd, events in interest.items() if events & selectors.EVENT_READ)]
    writers = [fd for fd, events in interest.items() if events & selectors.EVENT_WRITE]
    # poll() where there is one: select() takes no descriptor above 1023.
    if hasattr(select, "poll"):
        poller = select.poll()
        for fd in {*readers, *writers}:
            poller.register(fd, select.POLLIN * (fd in readers) | select.POLLOUT * (fd in writers))

        # A descriptor that was closed meanwhile is reported, and the guest has to deal with it.
        def wait() -> bool:
            for fd, _ in poller.poll():  # noqa: SIM110 - a generator is one more object.
                if fd == command_fd:
                    return True
            return False

        return wait

    def wait_by_select() -> bool:
        try:
            # On Windows a connection that has failed is the third kind.
            return command_fd in select.select(readers, writers, writers)[0]
        except OSError:  # A descriptor was closed meanwhile.
            return False
        except ValueError:
            # With the thread's own one they are more than select() takes. The guest then looks now and again.
            return command_fd in select.select([command_fd], (), (), RETRY_S)[0]

    return wait_by_select


def _is_closed(fd: int) -> bool:
    if hasattr(select, "poll"):
        poller = select.poll()
        poller.register(fd, 0)
        return any(event & select.POLLNVAL for _, event in poller.poll(0))
    try:
        select.select([fd], (), (), 0)
    except OSError:
        return True
    return False
