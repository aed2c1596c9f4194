"""
The Qt binding that the tests run on: one that is imported already, or ASYNCSLOT_QT_API names, or is installed.

``from qt import QTimer, QtCore, Signal``: classes, modules, and PySide's names for signals, slots and properties.
It does not import asyncslot: some scripts import that later, or not at all.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import os
import signal
import socket
import sys
import threading
from importlib.util import find_spec
from typing import Any

BINDINGS = ("PySide6", "PyQt6", "PyQt5", "PySide2")
NAMES_IN_PYQT = {"Signal": "pyqtSignal", "Slot": "pyqtSlot", "Property": "pyqtProperty"}
ELSEWHERE = {"QTest": "QtTest", "QQuickItem": "QtQuick"}


def find_binding() -> str:
    asked = os.environ.get("ASYNCSLOT_QT_API", "").lower()
    imported = (name for name in BINDINGS if f"{name}.QtCore" in sys.modules)
    named = (name for name in BINDINGS if name.lower() == asked)
    installed = (name for name in BINDINGS if find_spec(name) is not None)
    return next(imported, None) or next(named, None) or next(installed)


BINDING = find_binding()
IS_PYQT = BINDING.startswith("PyQt")


def delete(qobject: Any) -> None:
    """Delete the C++ object of a QObject."""
    if IS_PYQT:
        importlib.import_module(f"{BINDING}.sip").delete(qobject)
    else:
        importlib.import_module(f"shiboken{BINDING[-1]}").delete(qobject)


def __getattr__(name: str) -> Any:
    """Find a module of the binding, or a name in one of them."""
    if name.startswith("__"):
        raise AttributeError(name)
    if name.startswith("Qt") and name != "Qt":
        return importlib.import_module(f"{BINDING}.{name}")
    if IS_PYQT:
        name = NAMES_IN_PYQT.get(name, name)
    for module in (ELSEWHERE[name],) if name in ELSEWHERE else ("QtCore", "QtGui", "QtWidgets"):
        found = getattr(importlib.import_module(f"{BINDING}.{module}"), name, None)
        if found is not None:
            add_exec(found)
            return found
    raise AttributeError(name)


def add_exec(found: Any) -> None:
    """Give a class of PySide2 the name that the others have; "exec" was a keyword of Python 2."""
    if hasattr(found, "exec_") and not hasattr(found, "exec"):
        found.exec = found.exec_


def signal_self(signum: int) -> None:
    """Send this process a signal, as another process would."""
    if sys.platform == "win32":
        # There, os.kill() ends the process. The system, too, calls the handler on another thread.
        threading.Thread(target=signal.raise_signal, args=(signum,)).start()
    else:
        os.kill(os.getpid(), signum)


def press_ctrl_c() -> None:
    """Send Ctrl-C to this process and to those that it has started, as a terminal does."""
    if sys.platform == "win32":
        # The script has a console of its own: see `support.SignalSender`.
        send_event = ctypes.WinDLL("kernel32", use_last_error=True).GenerateConsoleCtrlEvent
        if not send_event(signal.CTRL_C_EVENT, 0):
            raise ctypes.WinError(ctypes.get_last_error())
    else:
        # The script has called os.setpgrp().
        os.killpg(0, signal.SIGINT)


def raise_signals(port: int) -> None:
    """Raise each signal that `support.SignalSender` asks for."""
    with contextlib.suppress(ConnectionError), socket.create_connection(("127.0.0.1", port)) as connection:
        for line in connection.makefile():
            if int(line) == signal.SIGINT:
                press_ctrl_c()
            else:
                signal.raise_signal(int(line))


if "ASYNCSLOT_TEST_SIGNALS" in os.environ:
    # Not for the processes that the script starts.
    _port = int(os.environ.pop("ASYNCSLOT_TEST_SIGNALS"))
    threading.Thread(target=raise_signals, args=(_port,), daemon=True).start()

for _name in ("QCoreApplication", "QEventLoop", "QThread"):
    add_exec(__getattr__(_name))
