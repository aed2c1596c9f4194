"""A connection of a signal to a function that gets all of the signal's arguments, and may be called on any thread."""

from __future__ import annotations

import contextlib
import threading
import weakref
from typing import Any, Callable

from asyncslot._qt.binding import QtCore, make_types
from asyncslot._qt.slot import IS_PYQT, own_arguments

__all__ = ["Connection", "check_signal"]

# The default of each parameter. Not None, which a signal may pass.
_MISSING: Any = object()


def check_signal(signal: Any) -> None:
    """
    Check that *signal* is a bound signal: one of an object.

    Raises:
        TypeError: If it is anything else.
    """
    # A QObject has these three, too.
    is_object = isinstance(signal, (type, QtCore.QObject))
    if is_object or not all(hasattr(signal, name) for name in ("connect", "disconnect", "emit")):
        msg = f"a signal of an object was expected, such as button.clicked, got {signal!r}"
        raise TypeError(msg)


class Connection:
    """
    Connects a signal until `close`.

    The function is called on the thread that emits, because a plain function has no thread of its own: which one Qt
    chooses depends on the binding.

    Args:
        signal: The bound signal.
        on_emitted: Called with a tuple of all arguments, which are the caller's own. It must not raise.
        on_dropped: Called, on any thread, if the sender is destroyed before `close`. PySide2, and PySide6 from
            6.7 on, tell; the others do not.
    """

    def __init__(
        self, signal: Any, on_emitted: Callable[[tuple[Any, ...]], None], on_dropped: Callable[[], None]
    ) -> None:
        self._signal = signal
        self._on_dropped = on_dropped
        receive = _make_receiver(self._note_thread(on_emitted))
        # Weakly: if the connection is the only one that refers to the function, the function dies with the sender.
        self._reference: weakref.ref[Any] | None = weakref.ref(receive, self._on_freed)
        self._thread_id = threading.get_ident()
        # The signal was emitted on another thread, which may be about to do so again.
        self._has_other_threads = False
        make_types()  # No loop may have been made yet, and the sender's thread may be making them.
        try:
            self._connection = signal.connect(receive, QtCore.Qt.ConnectionType.DirectConnection)
        except BaseException:  # The sender is gone, for instance: nobody is to be told.
            self._reference = None
            raise

    def close(self) -> None:
        """Disconnect. Closing twice is a no-op."""
        if self._signal is None:
            return
        reference, self._reference = self._reference, None
        receive = None if reference is None else reference()
        # With PyQt, signal.disconnect() crashes if the sender is gone. QObject.disconnect() does not crash, and returns
        # False. But it leaves the proxy by which PyQt calls the function: about 1 KB. After it, signal.disconnect()
        # frees the proxy, and raises TypeError. If another thread emits at this moment, that crashes, too; so the proxy
        # is left then. Source: measured, PyQt5 5.15.11 and PyQt6 6.11.0.
        # With PySide6 before 6.7, it crashes if Python has collected the sender. The connection is false then. Source:
        # measured, 6.6.3. PySide2's is a bool.
        if IS_PYQT:
            is_over = not QtCore.QObject.disconnect(self._connection) or self._has_other_threads
        else:
            is_over = not self._connection
        if receive is not None and not is_over:
            # PySide raises if the sender is gone.
            with contextlib.suppress(RuntimeError, TypeError):
                self._signal.disconnect(receive)
        # They refer to the sender on some bindings.
        self._signal = self._connection = None

    def _note_thread(self, on_emitted: Callable[[tuple[Any, ...]], None]) -> Callable[[tuple[Any, ...]], None]:
        if not IS_PYQT:
            return on_emitted
        # The function must not keep this object alive.
        reference = weakref.ref(self)

        def note_and_call(arguments: tuple[Any, ...]) -> None:
            connection = reference()
            if connection is not None and threading.get_ident() != connection._thread_id:
                connection._has_other_threads = True
            on_emitted(arguments)

        return note_and_call

    def _on_freed(self, _: object) -> None:
        # None after close().
        if self._reference is not None:
            self._reference = None
            self._on_dropped()


def _make_receiver(on_emitted: Callable[[tuple[Any, ...]], None]) -> Callable[..., None]:
    # PySide passes to a function with *args what the shortest version of the signal has: nothing, for
    # clicked(bool checked = false). To optional parameters it passes all that there are.
    def receive(  # noqa: PLR0917 - moc, Qt's own compiler, knows signals with ten arguments at most.
        a: Any = _MISSING,
        b: Any = _MISSING,
        c: Any = _MISSING,
        d: Any = _MISSING,
        e: Any = _MISSING,
        f: Any = _MISSING,
        g: Any = _MISSING,
        h: Any = _MISSING,
        i: Any = _MISSING,
        j: Any = _MISSING,
    ) -> None:
        arguments = (a, b, c, d, e, f, g, h, i, j)
        on_emitted(own_arguments(tuple(argument for argument in arguments if argument is not _MISSING)))

    return receive
