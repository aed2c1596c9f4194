"""
QML: whether its engine has a QObject, and may delete it; values that it can use.

Not imported with the rest of this room: QtQml takes time to import, and few programs need it here.
"""

from __future__ import annotations

import math
from typing import Any, Callable

from asyncslot._qt.binding import QtCore, import_qt

__all__ = ["convert_to_qml", "is_given_to_qml", "is_in_qml"]

# The integers that Qt has types for. JavaScript's numbers are exact up to 2**53 only.
LIMITS = (-(2**63), 2**63 - 1)

try:
    _qml: Any = import_qt("QtQml")
except ImportError:  # Not installed, or a system library is missing: then no QML runs here.
    _qml = None

if _qml is not None:
    # PyQt5 has the members of its enumerations in the class around them.
    _JAVASCRIPT: Any = getattr(_qml.QQmlEngine, "ObjectOwnership", _qml.QQmlEngine).JavaScriptOwnership


def is_given_to_qml(qobject: Any) -> bool:
    """
    Tell whether a slot has returned *qobject* to QML: its collector may delete it then, once it has no parent.

    Reading it as a property is not enough. Source: QQmlEngine::ObjectOwnership in the Qt 6 reference.
    """
    return _qml is not None and bool(_qml.QQmlEngine.objectOwnership(qobject) == _JAVASCRIPT)


def is_in_qml(qobject: Any) -> bool:
    """
    Tell whether an engine has *qobject* now, so that its collector will delete it if it may.

    PySide2 cannot tell. There, it is taken to be so.
    """
    if _qml is None:
        return False
    find_engine = getattr(_qml, "qjsEngine", None)
    return find_engine is None or find_engine(qobject) is not None


def convert_to_qml(value: Any, outer: tuple[int, ...] = ()) -> Any:
    """
    Return *value* with types that QML knows. What has no such type is returned as it is.

    Args:
        value: Any object.
        outer: The ids of the containers that it is in.
    """
    if value is None or isinstance(value, bool):
        return value
    for kind, convert in _CONVERSIONS:
        if isinstance(value, kind):
            return convert(value)
    if not isinstance(value, (dict, list, tuple, set, frozenset)):
        return value
    # A container that contains itself would have no end.
    if id(value) in outer:
        return None
    outer = (*outer, id(value))
    if isinstance(value, dict):
        return {str(key): convert_to_qml(item, outer) for key, item in value.items()}
    return [convert_to_qml(item, outer) for item in value]


def _convert_int(value: int) -> int | float:
    if LIMITS[0] <= value <= LIMITS[1]:
        return int(value)
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _convert_bytes(value: bytes | bytearray) -> Any:
    return QtCore.QByteArray(bytes(value))


# Of subclasses, too: to the bindings, the members of an enumeration or numpy's numbers are objects of no type that they
# know.
_CONVERSIONS: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    (str, str.__str__),
    (int, _convert_int),
    (float, float),
    ((bytes, bytearray), _convert_bytes),
)
