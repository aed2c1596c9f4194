"""Signals and slots under one name for each binding, and what PyQt needs that PySide does by itself."""

from __future__ import annotations

import contextlib
import weakref
from typing import Any, Callable, Mapping, TypeVar

from asyncslot._qt.binding import QtCore, binding_name, import_qt

__all__ = [
    "IS_PYQT",
    "Property",
    "Signal",
    "count_receivers",
    "declare_slot",
    "disconnect_all",
    "find_sender",
    "fit_override",
    "is_slot",
    "make_target",
    "own_arguments",
    "virtual_result",
]

T = TypeVar("T")

IS_PYQT = binding_name().startswith("PyQt")

# Any: what these names are depends on the binding.
Signal: Any = QtCore.pyqtSignal if IS_PYQT else QtCore.Signal  # type: ignore[attr-defined]
Property: Any = QtCore.pyqtProperty if IS_PYQT else QtCore.Property  # type: ignore[attr-defined]
_Slot: Any = QtCore.pyqtSlot if IS_PYQT else QtCore.Slot  # type: ignore[attr-defined]

# Where the binding's Slot notes what it has declared. `functools.wraps` copies it.
_MARK = "__pyqtSignature__" if IS_PYQT else "_slots"


# Returns who has called the slot of an object, until the slot returns. The class's method: an object may have an
# attribute of that name.
find_sender: Callable[[Any], Any] = QtCore.QObject.sender


def is_slot(function: Callable[..., object]) -> bool:
    """Tell whether the binding's own Slot has been applied to *function*."""
    return hasattr(function, _MARK)


def count_receivers(qobject: Any, signal: str, types: str) -> int:
    """
    Return to how many slots and QML handlers a signal of *qobject* is connected.

    Not by ``isSignalConnected``: it still counts the handlers of an engine that is gone.

    Args:
        qobject: The object.
        signal: The signal's name.
        types: The C++ types of its arguments.
    """
    of = getattr(qobject, signal) if IS_PYQT else QtCore.SIGNAL(f"{signal}({types})")
    return int(QtCore.QObject.receivers(qobject, of))


def disconnect_all(qobject: Any, signal: str, types: str) -> None:
    """Disconnect all slots and QML handlers of a signal of *qobject*; for the parameters see `count_receivers`."""
    if not IS_PYQT:
        # Not by the signal's own disconnect(), which warns or raises if there is nothing to disconnect.
        QtCore.QObject.disconnect(qobject, QtCore.SIGNAL(f"{signal}({types})"), None, None)  # type: ignore[call-overload]
        return
    with contextlib.suppress(TypeError):  # There is nothing to disconnect.
        getattr(qobject, signal).disconnect()


def declare_slot(
    slot: T, signal_types: tuple[Any, ...], name: str | None, count: float, result: str | None = None
) -> T:
    """
    Declare a function as a slot, so that QML, ``invokeMethod`` and ``connectSlotsByName`` find it.

    Args:
        slot: The function.
        signal_types: What it takes: Python types, or names of C++ types.
        name: The slot's name; None for the function's.
        count: How many positional parameters it has, ``self`` included.
        result: The C++ type that it returns; None if it returns nothing to Qt.

    Returns:
        The function.
    """
    # PySide passes as many of a signal's arguments as the function has parameters, whatever is declared. PyQt
    # passes what is declared: without types, none. So it is told nothing, and counts the parameters, too.
    if IS_PYQT and not signal_types and name is None and result is None and count > 1:
        return slot
    options = {"name": name} if name else {}
    if result is not None:
        options["result"] = result
    declared: T = _Slot(*signal_types, **options)(slot)
    return declared


if IS_PYQT:
    _sip = import_qt("sip")

    def own_arguments(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        """
        Return a signal's arguments, with copies of those that end with the emission.

        PyQt passes some values, such as a QItemSelection, as a reference to the C++ object that the
        emitter has on its stack. Using it after the first suspension would crash the process.
        Source: measured, PyQt5 5.15.11 and PyQt6 6.11.0: reading a QItemSelection afterwards is a segmentation fault.
        """
        # Most signals have numbers, texts and QObjects, which are Python's own or live on.
        if not any(map(_is_borrowed, arguments)):
            return arguments
        return tuple(_copy(value) if _is_borrowed(value) else value for value in arguments)

    # What C++ passes for the slot to write to.
    _OUT_PARAMETERS = ("QAuthenticator", "QSslPreSharedKeyAuthenticator")

    def _is_borrowed(value: object) -> bool:
        # sip.wrapper is the base class of what may have a parent: QObjects, list items. They are never copied. Nor is
        # what Python has made: it lives as long as somebody refers to it.
        if not isinstance(value, _sip.simplewrapper) or isinstance(value, _sip.wrapper):
            return False
        return not _sip.ispyowned(value) and type(value).__name__ not in _OUT_PARAMETERS

    def _copy(value: Any) -> Any:
        try:
            return type(value)(value)
        except Exception:  # noqa: BLE001 - there is no copy to be had: the value is valid up to the first suspension.
            return value

    class _Caller(QtCore.QObject):
        """Calls a function from a slot that C++ knows."""

        def __init__(self, function: Callable[[], object]) -> None:
            super().__init__()
            self._function = function

        def call(self) -> None:
            self._function()

        call = declare_slot(call, (), None, 1)

    def make_target(function: Callable[[], object]) -> tuple[Any, Any]:
        """
        Return what to connect a signal to, so that it calls a function.

        PyQt calls a plain function through a proxy, which notes the sender in a variable that all threads share.
        If two threads do this at once, the variable may keep a sender that is destroyed later. Then
        ``sender()`` outside of any slot crashes. PyQt calls a declared slot without a proxy.
        Source: measured, PyQt5 5.15.11 and PyQt6 6.11.0; tests/scripts/threads_sender.py.

        Returns:
            The target, and the QObject that has to live as long as the connection; None if there is none.
        """
        caller = _Caller(function)
        return caller.call, caller

    def fit_override(
        call: Callable[[tuple[Any, ...], Mapping[str, Any]], T], get_slot: Callable[[], object]
    ) -> Callable[..., T | None]:
        """
        Return *call*, but with the result None where it overrides a C++ method, as `virtual_result` does.

        Args:
            call: Takes the positional arguments, an object first, and the keyword arguments.
            get_slot: Returns the function that the class of that object has, if *call* is a method.
        """
        # By class; weakly, as programs make classes, too.
        known: weakref.WeakKeyDictionary[type, bool] = weakref.WeakKeyDictionary()

        def call_override(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> T | None:
            result = call(args, kwargs)
            if not args:
                return result
            kind = type(args[0])
            is_override = known.get(kind)
            if is_override is None:
                is_override = known[kind] = _overrides_cpp(kind, get_slot())
            return None if is_override else result

        return call_override

    def _overrides_cpp(kind: type, slot: object) -> bool:
        """Tell whether *slot* is a method of the class *kind*, under a name that a C++ method of a base has."""
        names = {name for base in kind.__mro__ for name, value in vars(base).items() if value is slot}
        return any(isinstance(vars(base).get(name), _CppMethod) for base in kind.__mro__ for name in names)

    # The type of C++ methods. sip gives it no public name.
    _CppMethod = type(vars(QtCore.QObject)["eventFilter"])

    def virtual_result(result: T) -> T | None:
        """Return None, not *result*: PyQt takes nothing else from an override of a C++ ``void`` method."""
        del result
        return None

else:
    # PySide has copied what ends with the emission. Called for each slot: of a tuple, this returns the same one.
    own_arguments = tuple  # type: ignore[assignment]

    def make_target(function: Callable[[], object]) -> tuple[Any, Any]:
        """Return what to connect a signal to, so that it calls *function*: the function itself, and None."""
        return function, None

    def fit_override(
        call: Callable[[tuple[Any, ...], Mapping[str, Any]], T], get_slot: Callable[[], object]
    ) -> Callable[..., T | None]:
        """Return *call*: PySide ignores what an override of a C++ ``void`` method returns."""
        del get_slot
        return call

    def virtual_result(result: T) -> T | None:
        """Return *result*: PySide ignores what an override of a C++ ``void`` method returns."""
        return result
