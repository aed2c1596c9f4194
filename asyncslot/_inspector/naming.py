"""What the inspector calls objects of the program, whose own methods may raise anything."""

from __future__ import annotations

from typing import Any

from asyncslot._qt import IdentityDict, QtCore

__all__ = ["describe_object", "name_callable", "name_task"]

# How many objects of each class name have been described.
_counts: dict[str, int] = {}


def describe_object(obj: Any) -> str:
    """
    Return a QObject's class and object name, such as ``Window 'main'``; empty for None.

    Without an object name, from the second object of a class on, a number tells them apart: ``Window 2``.
    """
    if obj is None:
        return ""
    kind = type(obj).__name__
    try:
        # Not the object's own method, which a program may have overridden.
        name = QtCore.QObject.objectName(obj)
    except Exception:  # noqa: BLE001 - its C++ object is gone, or it is no QObject.
        name = ""
    if name:
        return f"{kind} {name!r}"
    number = _numbers[obj]
    return kind if number == 1 else f"{kind} {number}"


def name_callable(obj: Any) -> str:
    """Return the qualified name of a function or coroutine; for other objects what ``repr`` says, if it can."""
    try:
        name = getattr(obj, "__qualname__", None)
        return name if isinstance(name, str) else repr(obj)
    except Exception:  # noqa: BLE001 - the program's own, which must not break a list.
        return f"<{type(obj).__name__}>"


def name_task(task: Any) -> str:
    """Return a task's own name; its class, if it has none."""
    try:
        return str(task.get_name())
    except Exception:  # noqa: BLE001 - of a program's own kind of task.
        return f"<{type(task).__name__}>"


def _count(obj: Any) -> int:
    kind = type(obj).__name__
    _counts[kind] = _counts.get(kind, 0) + 1
    return _counts[kind]


_numbers = IdentityDict(_count)
