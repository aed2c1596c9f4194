"""Showing an exception as Python does, but without the frames of this package."""

from __future__ import annotations

import contextlib
import sys
import traceback as tracebacks
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Iterator

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["hide_frames", "show_error", "surviving_slots", "trim"]

_PACKAGE = str(Path(__file__).parent.parent)


def trim(traceback: TracebackType | None) -> TracebackType | None:
    """Return a traceback from the first frame on that is not of this package; None if there is none."""
    while traceback is not None and traceback.tb_frame.f_code.co_filename.startswith(_PACKAGE):
        traceback = traceback.tb_next
    return traceback


def show_error(exc: BaseException) -> None:
    """
    Print an exception by ``sys.excepthook``, and keep it where ``pdb.pm()`` looks for it.

    What the hook raises is printed, too, but for KeyboardInterrupt and the like.
    """
    traceback = trim(exc.__traceback__)
    exc = exc.with_traceback(traceback)
    sys.last_type, sys.last_value, sys.last_traceback = type(exc), exc, traceback
    if sys.version_info >= (3, 12):
        sys.last_exc = exc
    try:
        sys.excepthook(type(exc), exc, traceback)
    except Exception as error:  # noqa: BLE001 - a hook of the user's; the prompt has to go on.
        # sys.stderr may be closed, or an object of the user's that fails.
        with contextlib.suppress(Exception):
            print("Error in sys.excepthook:", file=sys.stderr)
            sys.__excepthook__(type(error), error, trim(error.__traceback__))
            print("\nOriginal exception was:", file=sys.stderr)
            sys.__excepthook__(type(exc), exc, traceback)


def _print_error(kind: type[BaseException], value: BaseException, traceback: TracebackType | None) -> None:
    if sys.version_info >= (3, 13):
        sys.__excepthook__(kind, value, traceback)
    else:
        # Before, Python's own hook looks for the lines in files only, and so finds none of the prompt's.
        tracebacks.print_exception(kind, value, traceback)


def hide_frames(exc: BaseException) -> None:
    """Have the interpreter, which *exc* now ends, report it without our frames, by the hook that the program has."""
    hook: Callable[..., Any] = sys.excepthook
    traceback = trim(exc.__traceback__)

    def show(kind: type[BaseException], value: BaseException, outer: TracebackType | None) -> None:
        sys.excepthook = hook
        if value is exc:
            # Raising it has put our frames back.
            value, outer = value.with_traceback(traceback), traceback
        hook(kind, value, outer)

    sys.excepthook = show


@contextlib.contextmanager
def surviving_slots() -> Iterator[None]:
    """
    Let an exception in a slot print its traceback, and the console go on.

    PyQt aborts the process instead, as long as ``sys.excepthook`` is Python's own.
    """
    hook = sys.excepthook

    if hook is not sys.__excepthook__:
        yield
        return
    sys.excepthook = _print_error
    try:
        yield
    finally:
        if sys.excepthook is _print_error:
            sys.excepthook = hook
