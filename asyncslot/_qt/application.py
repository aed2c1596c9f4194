"""The application object: which kind to make, and the error if there is none."""

from __future__ import annotations

import sys
import threading
from typing import Any, Callable

from asyncslot._qt.binding import BINDINGS, QtCore, binding_name, heeded_environment, import_qt
from asyncslot._qt.platform_plugin import check_platform_plugin

__all__ = ["APPLICATIONS", "QUIT_EVENT", "is_quit_event", "make_application", "on_widget_thread", "require_application"]

# QEvent::Quit. A number, because PyQt5 has no name for it. Source: Qt's qcoreevent.h.
QUIT_EVENT = 20

# The kinds of application object, with the module and the class of each. The names are the values of
# ASYNCSLOT_APPLICATION, too.
APPLICATIONS = {
    "core": ("QtCore", "QCoreApplication"),
    "gui": ("QtGui", "QGuiApplication"),
    "widgets": ("QtWidgets", "QApplication"),
}

# The applications that were made here. The program has no reference to them, and PySide deletes an
# application that nothing refers to.
_made_applications: list[object] = []


def is_quit_event(event: Any) -> bool:
    """Tell whether *event* is the application's Quit event."""
    kind = event.type()
    # PyQt6's event types are enumeration members that are no numbers.
    return int(getattr(kind, "value", kind)) == QUIT_EVENT


def make_application(kind: str | None = None) -> Any:
    """
    Make the application object, and keep it alive: PySide deletes an application that nothing refers to.

    Qt gets only the program's name, because the program's arguments are not meant for Qt.

    Args:
        kind: One of `APPLICATIONS`; None for the first of "widgets", "gui" and "core" that can be imported.

    Returns:
        The application. If one exists already, that one, of whatever kind.

    Raises:
        ImportError: If the binding lacks the module that *kind* needs.
    """
    present = QtCore.QCoreApplication.instance()
    if present is None:
        module, name = APPLICATIONS[kind or _richest_application()]
        if module != "QtCore":
            _warn_of_abort()
        # Qt requires at least one argument, and sys.argv can be empty where Python is embedded.
        # Source: QCoreApplication's constructor in the Qt 6 reference.
        present = getattr(import_qt(module), name)(sys.argv[:1] or [""])
        _made_applications.append(present)
    return present


def _warn_of_abort() -> None:
    """Say on standard error which library Qt will miss. Qt aborts the process then, and does not name all of them."""
    try:
        check_platform_plugin()
    except ImportError as error:
        # No error: Qt may find another plugin, by a qt.conf or by C's environment, which are not known here.
        print(error, file=sys.stderr)  # noqa: T201 - no handler of `logging` would run before the process aborts.


def _richest_application() -> str:
    # Importing is the test: a module may be installed and still lack a system library, such as libGL on a server.
    for kind in ("widgets", "gui"):
        try:
            import_qt(APPLICATIONS[kind][0])
        except ImportError:
            continue
        return kind
    return "core"


def on_widget_thread() -> bool:
    """Tell whether this is the application's thread, on which all widgets live."""
    # Not by the thread of the widget: with PySide2, QObject.thread() keeps the widget from being destroyed.
    application = QtCore.QCoreApplication.instance()
    return application is not None and bool(application.thread() == QtCore.QThread.currentThread())


def _describe_other_binding() -> str:
    """Return a hint for a program that has imported another binding, whose application does not count."""
    for name in BINDINGS:
        module = sys.modules.get(f"{name}.QtCore")
        if name != binding_name() and module is not None and module.QCoreApplication.instance() is not None:
            return (
                f". There is one of {name}, but asyncslot has chosen {binding_name()}, because no binding had been "
                f"imported: import {name} before asyncslot, or set QT_API={name.lower()}"
            )
    return ""


def require_application(factory: Callable[[], object] | None = None) -> Any:
    """
    Return the application object.

    Args:
        factory: Called to make the application if there is none. It is called on the main thread
            only, because Qt binds an application to the thread that makes it.

    Raises:
        RuntimeError: If there is no application. Qt needs one for everything.
    """
    application = QtCore.QCoreApplication.instance()
    if application is None and factory is not None and threading.get_ident() == threading.main_thread().ident:
        # The factory may be the program's own. It may keep no reference, and return anything, so Qt is asked again.
        _made_applications.append(factory())
        application = QtCore.QCoreApplication.instance()
    if application is None:
        msg = "there is no QCoreApplication, which Qt needs; create one first: app = QApplication(sys.argv)"
        # With the variable, a program that knows nothing of Qt runs on it. The way out is then the environment.
        if heeded_environment().get("ASYNCSLOT_POLICY"):
            msg += "; or have one made: ASYNCSLOT_APPLICATION=core (gui, widgets); or unset ASYNCSLOT_POLICY"
        raise RuntimeError(msg + _describe_other_binding())
    return application
