"""
Threads that Python did not start, such as a QThread's.

This module knows nothing of Qt or of the loop.
"""

from __future__ import annotations

import functools
import threading
from typing import Callable

__all__ = ["hold_thread_state", "is_foreign_thread"]


def hold_thread_state() -> Callable[[], None]:
    """
    Keep Python's state of this thread alive until the returned function is called, on the same thread.

    CPython makes that state when C++ calls into Python on a thread that it does
    not know, and frees it when the call returns: with it go the running event
    loop, the hooks for async generators and every ``threading.local``. One more
    ``PyGILState_Ensure()`` keeps it. A thread that Python started has its state
    anyway. Source: "Non-Python created threads" in CPython's C API manual.
    """
    if not is_foreign_thread():
        return _do_nothing
    import ctypes  # noqa: PLC0415 - most programs have no such thread.

    state = ctypes.pythonapi.PyGILState_Ensure()
    return functools.partial(ctypes.pythonapi.PyGILState_Release, state)


def is_foreign_thread() -> bool:
    """Tell whether something other than Python started this thread."""
    return isinstance(threading.current_thread(), threading._DummyThread)


def _do_nothing() -> None:
    pass
