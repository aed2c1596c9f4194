"""
The standard library's ``KqueueSelector`` on Linux, over a kqueue that is made of an epoll.

macOS and the BSDs have a kqueue where Linux has an epoll. Here is the part of it that the selector uses, so that
Linux runs what macOS runs: the standard library's class, and our way for a selector that has a descriptor but is no
epoll. What it cannot show is macOS itself: how Qt's Cocoa dispatcher watches the descriptor.
"""

from __future__ import annotations

import importlib.util
import select
import selectors
import sys
import types
from abc import ABCMeta
from dataclasses import dataclass
from typing import Any, Iterable, Optional
from unittest import mock

__all__ = ["KqueueSelector"]

KQ_FILTER_READ, KQ_FILTER_WRITE = -1, -2
KQ_EV_ADD, KQ_EV_DELETE = 1, 2


@dataclass
class Kevent:
    """A ``select.kevent``: a change to make, or something that has happened."""

    ident: int
    filter: int = KQ_FILTER_READ
    flags: int = KQ_EV_ADD


class Kqueue:
    """
    A ``select.kqueue`` for reading and writing, level-triggered as asyncio uses it.

    As with the real one, a descriptor that is readable and writable is two events.
    """

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._filters: dict[int, set[int]] = {}
        self.fileno = self._epoll.fileno
        self.close = self._epoll.close

    def control(
        self, changes: Optional[Iterable[Kevent]], max_events: int, timeout: Optional[float] = None
    ) -> list[Kevent]:
        """Make the changes, then return up to *max_events* events; wait up to *timeout* seconds for the first."""
        for change in changes or ():
            self._change(change)
        if max_events == 0:
            return []
        events = [
            Kevent(fd, each)
            for fd, mask in self._epoll.poll(timeout, max_events)
            for each in sorted(self._filters[fd])
            # An error or a hang-up is reported by each filter, as EV_EOF is.
            if mask & ~(select.EPOLLOUT if each == KQ_FILTER_READ else select.EPOLLIN)
        ]
        return events[:max_events]

    def _change(self, change: Kevent) -> None:
        before = self._filters.get(change.ident, set())
        after = before | {change.filter} if change.flags & KQ_EV_ADD else before - {change.filter}
        mask = sum(select.EPOLLIN if each == KQ_FILTER_READ else select.EPOLLOUT for each in after)
        self._filters[change.ident] = after
        if not after:
            del self._filters[change.ident]
            self._epoll.unregister(change.ident)
        elif not before:
            self._register(change.ident, mask)
        else:
            self._epoll.modify(change.ident, mask)

    def _register(self, fd: int, mask: int) -> None:
        try:
            self._epoll.register(fd, mask)
        except OSError:
            del self._filters[fd]
            raise


def _load_selector() -> Any:
    """Return ``KqueueSelector``, from a copy of the module `selectors` that finds a kqueue."""
    with_kqueue = types.ModuleType("select")
    vars(with_kqueue).update(vars(select))
    vars(with_kqueue).update(
        kqueue=Kqueue,
        kevent=Kevent,
        KQ_FILTER_READ=KQ_FILTER_READ,
        KQ_FILTER_WRITE=KQ_FILTER_WRITE,
        KQ_EV_ADD=KQ_EV_ADD,
        KQ_EV_DELETE=KQ_EV_DELETE,
    )
    spec = importlib.util.spec_from_file_location("selectors_with_kqueue", selectors.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with mock.patch.dict(sys.modules, {"select": with_kqueue}):
        spec.loader.exec_module(module)
    # The copy has a BaseSelector of its own. The class has a register() that is not that of an abstract class.
    ABCMeta.register(selectors.BaseSelector, module.KqueueSelector)
    return module.KqueueSelector


KqueueSelector = _load_selector() if hasattr(select, "epoll") else None
