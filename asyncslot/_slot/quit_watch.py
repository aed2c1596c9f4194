"""
Whether the application closes its windows because it was asked to quit.

``quit()`` sends the application a Quit event. While the application handles it, it closes all windows, and
it does not quit if one of them stays open. So a close event belongs to a quit if a Quit event is being handled.

What was tried and does not work
- Asking the close event: it does not tell whether the application quits.
- An event filter on the application: it would see each event of each object, at some microseconds each.
- Waiting for ``aboutToQuit``: while a window ignores its close event, ``quit()`` does nothing at all.
- Leaving a quit alone that comes while a close event shows a dialog: Qt takes the window for closed, and quits.
"""

from __future__ import annotations

import contextlib
import weakref
from typing import Any, Callable, Iterator

from asyncslot._qt import IdentityDict, QtCore, is_quit_event

__all__ = ["holding_quits", "is_quit_closing_windows", "watch_quits"]


def watch_quits() -> None:
    """Watch the application's Quit events from now on, as long as it lives. Doing it twice is a no-op."""
    # Without an application no window can be made, so nothing is missed.
    application = QtCore.QCoreApplication.instance()
    if application is not None:
        _watches[application]  # The lookup makes the watch, once.


def is_quit_closing_windows() -> bool:
    """Tell whether a Quit event of the application is being handled; False if they are not watched."""
    watch = _watches.get(QtCore.QCoreApplication.instance())
    return watch is not None and watch.depth > 0


@contextlib.contextmanager
def holding_quits(on_held: Callable[[], object]) -> Iterator[None]:
    """
    Refuse each quit during a block, and call *on_held* instead. The block runs inside a window's close event.

    Without this, a quit would succeed while the close event shows a dialog that asks the user: Qt takes
    a window that is inside its close event for closed.
    """
    watch = _watches.get(QtCore.QCoreApplication.instance())
    if watch is None:
        yield
        return
    # Several at once: while one window's close event shows a dialog, another window may be closed.
    watch.holders.append(on_held)
    try:
        yield
    finally:
        watch.holders.remove(on_held)


class _Watch:
    """
    How many Quit events the application is handling.

    It overrides ``event()`` on the application object. This sees only the few events that are meant for the
    application itself. It works only if the application was created from Python.
    """

    def __init__(self, application: Any) -> None:
        # A count, not a flag: a dialog that a close event shows can let another Quit event in.
        self.depth = 0
        # Called instead of quitting.
        self.holders: list[Callable[[], object]] = []
        # Weakly: the closures below become an attribute of the application, and would keep it alive by a cycle.
        reference = weakref.ref(application)
        # On the object, not the class: an override in the program's subclass is found by call_original().
        own = vars(application).get("event")

        def handle(event: Any) -> bool:
            if not is_quit_event(event):
                return call_original(event)
            # Refused as QGuiApplication::event() refuses where a window stays open: ignored, and handled.
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
            # bool(): PySide warns if an override of event() returns anything else.
            if own is not None:  # Somebody else has overridden event() in the same way.
                return bool(own(event))
            application: Any = reference()
            return bool(type(application).event(application, event))

        application.event = handle


_watches = IdentityDict(_Watch)
