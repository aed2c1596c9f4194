"""
Ctrl+Shift+F12 opens the inspector in a program that was started with ``ASYNCSLOT_INSPECTOR=1``.

This module is light: it imports no widgets before the keys are pressed. No exception leaves it: it prints one line
to standard error instead, and the program goes on.

What was tried and does not work
- A QShortcut: it needs a window of ours, and is dead while a modal dialog is open.
- An event filter of the whole application: it costs each event of the program a Python call.
- Removing the filter from the window before, when another one gets the keyboard: that one may be destroyed. So the
  filter removes itself, inside the event that tells the window that it loses the keyboard.
"""

from __future__ import annotations

import contextlib
import sys
from typing import Any

from asyncslot._qt import QtCore
from asyncslot.loop import GuestEventLoop

__all__ = ["VARIABLE", "prepare"]

VARIABLE = "ASYNCSLOT_INSPECTOR"

_OFF_WORDS = ("", "0", "off", "no", "none", "false")
_ON_WORDS = ("1", "on", "yes", "true")

KEYS = "Ctrl+Shift+F12"


def prepare(value: str) -> None:
    """
    Have the keys watched from the moment on at which a loop first opens on the application's thread.

    Args:
        value: That of the variable.
    """
    word = value.strip().lower()
    if word in _OFF_WORDS:
        return
    if word not in _ON_WORDS:
        _report(f"{VARIABLE}={value!r} is neither '1' nor 'off'; the inspector is off")
        return
    GuestEventLoop.on_first_open = _watch_keys


def _watch_keys() -> None:
    try:
        application: Any = QtCore.QCoreApplication.instance()
        if not application.inherits("QApplication"):
            _report(
                f"{VARIABLE} needs a QApplication, because the inspector is a widget, and this program has a "
                f"{type(application).__name__}; {KEYS} does nothing"
            )
            return
        _KeyWatch(application)
    except Exception as exc:  # noqa: BLE001 - the program must run on.
        _report(f"{VARIABLE}: {type(exc).__name__}: {exc}; {KEYS} does nothing")


class _KeyWatch(QtCore.QObject):
    """
    Sees the keys of the window that has the keyboard.

    Args:
        application: The QApplication, to which it belongs.
    """

    def __init__(self, application: Any) -> None:
        super().__init__(application)
        # Looked up once: there are many events.
        kind, modifier = QtCore.QEvent.Type, QtCore.Qt.KeyboardModifier
        self._press, self._focus_out = kind.KeyPress, kind.FocusOut
        self._key = QtCore.Qt.Key.Key_F12
        self._wanted = modifier.ControlModifier | modifier.ShiftModifier
        self._looked_at = self._wanted | modifier.AltModifier | modifier.MetaModifier
        application.focusWindowChanged.connect(self._on_focus_window_changed)
        self._on_focus_window_changed(application.focusWindow())

    def eventFilter(self, window: Any, event: Any) -> bool:  # noqa: N802 - Qt's name.
        """Swallow the keys, and open the inspector."""
        # With PyQt, what is raised here would end the program.
        try:
            return self._filter(window, event)
        except Exception as exc:  # noqa: BLE001 - as above.
            _report(f"{VARIABLE}: {type(exc).__name__}: {exc}")
            return False

    def _filter(self, window: Any, event: Any) -> bool:
        kind = event.type()
        if kind == self._focus_out:
            window.removeEventFilter(self)
        if kind != self._press or event.key() != self._key or event.modifiers() & self._looked_at != self._wanted:
            return False
        # Later: the program is not to wait inside its key event. Keys that repeat while they are held count once.
        if not event.isAutoRepeat():
            QtCore.QTimer.singleShot(0, _open)
        return True

    def _on_focus_window_changed(self, window: Any) -> None:
        # None: another program has the keyboard. Qt removes the filter when the window is destroyed; installing it
        # twice is the same as once.
        if window is not None:
            window.installEventFilter(self)


def _open() -> None:
    try:
        from asyncslot._inspector.window import show  # noqa: PLC0415 - it imports the widgets.

        show()
    except Exception as exc:  # noqa: BLE001 - the program must run on.
        _report(f"the inspector could not be opened: {type(exc).__name__}: {exc}")


def _report(text: str) -> None:
    """Print one line to standard error; ignore errors of writing."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError, ValueError):  # The reader is gone, the disk is full, or the file is closed.
            print(f"asyncslot: {' '.join(text.split())}", file=sys.stderr)  # noqa: T201 - a program need not log.
