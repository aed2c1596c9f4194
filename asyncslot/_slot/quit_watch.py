"""
Whether the application closes its windows because it was asked to quit.

``quit()`` closes all windows first, and does not quit if one of them stays open. A close event does
not tell whether it comes from there. But the application's Quit event lasts as long as the closing does.
"""

from __future__ import annotations

import contextlib
import weakref
from typing import Any, Callable, Iterator

from asyncslot._qt import IdentityDict, QtCore

__all__ = ["holding_quits", "is_quit_closing_windows", "watch_quits"]


def watch_quits() -> None:
    """Look at the application's Quit events from now on, as long as it lives. Doing it twice is a no-op."""
    application = QtCore.QCoreApplication.instance()
    if application is not None:
        _watches[application]  # Made at the first look.


def is_quit_closing_windows() -> bool:
    """Tell whether a Quit event of the application is being handled; False if none is looked at."""
    watch = _watches.get(QtCore.QCoreApplication.instance())
    return watch is not None and watch.depth > 0


@contextlib.contextmanager
def holding_quits(on_held: Callable[[], object]) -> Iterator[None]:
    """
    Refuse to quit, in a block that a window's close event runs, and call *on_held* instead.

    ``quit()`` takes a window that is inside its close event, with a dialog that asks, for closed.
    """
    watch = _watches.get(QtCore.QCoreApplication.instance())
    if watch is None:
        yield
        return
    watch.holders.append(on_held)
    try:
        yield
    finally:
        watch.holders.remove(on_held)


class _Watch:
    """
    How many Quit events the application is handling.

    It overrides ``event()`` on the application object, which sees the few events that are meant for
    the application; this works only if the application was created from Python. An event filter
    would see every event of every object, at some microseconds each.
    """

    def __init__(self, application: Any) -> None:
        self.depth = 0
        # Who is to be told instead of quitting.
        self.holders: list[Callable[[], object]] = []
        reference = weakref.ref(application)
        own = vars(application).get("event")

        def handle(event: Any) -> bool:
            if event.type() != QtCore.QEvent.Type.Quit:
                return call_original(event)
            if self.holders:
                for on_held in self.holders:
                    on_held()
                event.ignore()
                return True
            self.depth += 1
            try:
                return call_original(event)
            finally:
                self.depth -= 1

        def call_original(event: Any) -> bool:
            if own is not None:  # Somebody else has done as we do.
                return bool(own(event))
            application: Any = reference()
            return bool(type(application).event(application, event))

        application.event = handle


_watches = IdentityDict(_Watch)
