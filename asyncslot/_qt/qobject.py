"""Whether a QObject still has its C++ object: Qt deletes that one whoever refers to the Python object."""

from __future__ import annotations

from typing import Any

from asyncslot._qt.binding import QtCore

__all__ = ["check_alive", "is_alive", "is_deleted_error"]


def check_alive(obj: object) -> None:
    """
    Accept a QObject whose C++ object exists.

    Raises:
        TypeError: If it is no QObject.
        RuntimeError: If its C++ object has been destroyed. The binding says so.
    """
    if not isinstance(obj, QtCore.QObject):
        msg = f"the owner of a task must be a QObject, got {obj!r}; leave it out for a task without an owner"
        raise TypeError(msg)
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
    return isinstance(exc, RuntimeError) and "already deleted" in str(exc)
