"""Threads that Python did not start, such as a QThread's."""

from __future__ import annotations

import threading
from typing import Callable

__all__ = ["hold_thread_state", "is_python_thread"]


def hold_thread_state() -> Callable[[], None]:
    """
    Keep Python's state of this thread alive until the returned function is called on it. Elsewhere that is a no-op.

    When C++ calls into Python on a thread that CPython does not know, CPython makes that state,
    and frees it when the call returns. The running event loop, the hooks for async generators
    and every ``threading.local`` are lost with it. One more ``PyGILState_Ensure()`` keeps it.
    A thread that Python started keeps its state anyway.
    Source: "Non-Python created threads" in CPython's C API manual.
    """
    if is_python_thread():
        return _do_nothing
    import ctypes  # noqa: PLC0415 - most programs have no such thread.

    # ctypes.pythonapi keeps the GIL during its calls. The returned state goes back to the matching release.
    state = ctypes.pythonapi.PyGILState_Ensure()
    ident = threading.get_ident()

    def release() -> None:
        # Elsewhere it would release another thread's state. If the thread has ended, nothing can be done.
        if threading.get_ident() == ident:
            ctypes.pythonapi.PyGILState_Release(state)

    return release


def is_python_thread() -> bool:
    """Tell whether Python started this thread; a QThread's was started by Qt."""
    # Not by current_thread(): on a thread of Qt's, it makes a _DummyThread, which stays for ever before Python 3.13.
    # Other packages may have called it.
    ident = threading.get_ident()
    threads = [thread for thread in threading.enumerate() if thread.ident == ident]
    return any(not isinstance(thread, threading._DummyThread) for thread in threads)


def _do_nothing() -> None:
    pass
