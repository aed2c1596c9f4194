"""
Readiness without blocking: how Qt learns that a selector has something to report.

An epoll or kqueue selector has a descriptor that becomes readable when any of
its own does, and Qt can watch that one. For a selector that has none, a thread
waits in its stead and makes a socket readable. This module knows nothing of Qt
or of the loop.
"""

from __future__ import annotations

import contextlib
import functools
import selectors
import socket
import threading
from typing import TYPE_CHECKING, Any, Optional

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["WaiterSelector", "make_probe", "make_watchable"]

# What passes between the guest and the waiter thread, one byte each.
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


def make_probe(selector: selectors.BaseSelector) -> Callable[[], object]:
    """
    Return a function that tells, as fast as can be, whether ``select(0)`` may report anything.

    It is called once per iteration, and most often nothing is ready. Epoll is asked
    directly, which costs a fraction of what ``select(0)`` does; for other selectors the
    answer is always yes.
    """
    if type(selector) is getattr(selectors, "EpollSelector", None):
        return functools.partial(selector._selector.poll, 0, 1)  # type: ignore[attr-defined]
    return functools.partial(bool, 1)


class WaiterSelector(selectors.BaseSelector):
    """
    A selector without a descriptor, and the thread that waits in its stead.

    While the guest waits, the thread sits in a selector of its own over the same
    descriptors; when one is ready it makes ``fileno()`` readable and pauses until
    the guest has polled. It only ever reports that something may be ready: what is
    ready, the guest finds out by ``select(0)``, so a report that comes late or
    twice does no harm.

    `watch`, `unwatch`, registration and `select` belong to the guest's thread.
    """

    def __init__(self, selector: selectors.BaseSelector) -> None:
        self._selector = selector
        self._thread: Optional[threading.Thread] = None
        self._is_watching = False  # The thread is sent off, and the guest has not read its report.
        self._interest: dict[int, int] = {}  # What it waits for: descriptor -> events.
        self._report_reader, self._report_writer = socket.socketpair()
        self._command_reader, self._command_writer = socket.socketpair()
        self._report_reader.setblocking(False)
        self._report_writer.setblocking(False)

    def fileno(self) -> int:
        """Return a descriptor that is readable when something may be ready."""
        return self._report_reader.fileno()

    def watch(self) -> None:
        """Send the thread off to wait for what is registered now, unless it does so already."""
        interest = {key.fd: key.events for key in self._selector.get_map().values()}
        if self._is_watching and interest == self._interest:
            return
        self._interest = interest
        self._is_watching = True
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="asyncslot-waiter", daemon=True)
            self._thread.start()
        self._command_writer.send(_WATCH)

    def unwatch(self) -> None:
        """End the thread. The next `watch` starts another."""
        if self._thread is None:
            return
        self._command_writer.send(_END)
        self._thread.join()
        self._thread = None
        self._is_watching = False

    def select(self, timeout: Optional[float] = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready, and take back the report that something was."""
        with contextlib.suppress(BlockingIOError):
            while self._report_reader.recv(4096):
                self._is_watching = False
        return self._selector.select(timeout)

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
        # Foreign code registers while the thread waits: what it waits for is out of date.
        if self._is_watching:
            self.watch()

    def _run(self) -> None:
        command = self._command_reader.recv(1)
        while command == _WATCH:
            if not self._wait_for_interest():
                with contextlib.suppress(BlockingIOError):  # Full of reports: one is enough.
                    self._report_writer.send(_REPORT)
            command = self._command_reader.recv(1)

    def _wait_for_interest(self) -> bool:
        """Wait until something is ready, or until there is a command; True in the latter case."""
        selector = getattr(selectors, "PollSelector", selectors.SelectSelector)()
        with selector:
            selector.register(self._command_reader, selectors.EVENT_READ)
            # A descriptor that was closed meanwhile is the guest's to find, so it is woken.
            try:
                for fd, events in self._interest.items():
                    selector.register(fd, events)
                ready = selector.select()
            except (OSError, ValueError):
                return False
            return any(key.fileobj is self._command_reader for key, _ in ready)
