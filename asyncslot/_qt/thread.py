"""Threads that Python did not start, such as a QThread's."""

from __future__ import annotations

import functools
import threading
from typing import Callable

__all__ = ["hold_thread_state", "is_python_thread"]


def hold_thread_state() -> Callable[[], None]:
    """
    Keep Python's state of this thread alive until the returned function is called, on the same thread.

    CPython makes that state when C++ calls into Python on a thread that CPython does not
    know, and frees it when the call returns. The running event loop, the hooks for async
    generators and every ``threading.local`` would go with it. One more
    ``PyGILState_Ensure()`` keeps it. A thread that Python started keeps its state anyway.
    Source: "Non-Python created threads" in CPython's C API manual.
    """
    if is_python_thread():
        return _do_nothing
    import ctypes  # noqa: PLC0415 - most programs have no such thread.

    state = ctypes.pythonapi.PyGILState_Ensure()
    return functools.partial(ctypes.pythonapi.PyGILState_Release, state)


def is_python_thread() -> bool:
    """Tell whether Python started this thread; a QThread's was started by Qt."""
    return not isinstance(threading.current_thread(), threading._DummyThread)


def _do_nothing() -> None:
    pass
