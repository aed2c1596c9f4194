"""Whether a QObject still has its C++ object. Qt may delete that one although Python refers to the QObject."""

from __future__ import annotations

from typing import Any

from asyncslot._qt.binding import QtCore

__all__ = ["check_alive", "is_alive", "is_deleted_error"]


def check_alive(obj: object) -> None:
    """
    Check that *obj* is a QObject whose C++ object exists.

    Raises:
        TypeError: If it is not a QObject.
        RuntimeError: If its C++ object has been destroyed. The binding raises it.
    """
    if not isinstance(obj, QtCore.QObject):
        msg = f"the owner of a task must be a QObject, got {obj!r}; leave it out for a task without an owner"
        raise TypeError(msg)
    # Any call into C++ makes the binding look. This one has no effect of its own.
    obj.objectName()


def is_alive(obj: Any) -> bool:
    """Tell whether *obj* is a QObject whose C++ object exists."""
    try:
        check_alive(obj)
    except (TypeError, RuntimeError):
        return False
    return True


def is_deleted_error(exc: BaseException | None) -> bool:
    """Tell whether *exc* is what the binding raises when a destroyed C++ object is used."""
    # The bindings raise a plain RuntimeError: only the text tells it from others. The first is PySide's, the second
    # PyQt's ("wrapped C/C++ object of type QLabel has been deleted").
    return isinstance(exc, RuntimeError) and str(exc).endswith(("already deleted.", "has been deleted"))
