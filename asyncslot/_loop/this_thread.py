"""This thread's loop: the one last attached or set, and the one that runs. A forked child has neither."""

from __future__ import annotations

import functools
import os
import threading
from typing import Any

__all__ = ["set_running", "set_thread_loop", "thread_loop"]


class _ThisThread(threading.local):
    """What is known of each thread."""

    # The loop last attached or set.
    loop: Any = None
    # The loop of ours that runs.
    running: Any = None


_this_thread = _ThisThread()


def thread_loop() -> Any:
    """Return the `AsyncSlotEventLoop` last attached or set on this thread; None if there is none or it is closed."""
    loop = _this_thread.loop
    return None if loop is None or loop.is_closed() else loop


def set_thread_loop(loop: Any) -> None:
    """Make *loop* this thread's, as attaching it would; None forgets which one is."""
    _register_fork_hook()
    _this_thread.loop = loop


def set_running(loop: Any) -> None:
    """
    Note which loop of ours runs on this thread.

    Args:
        loop: It has ``forget()``, for a forked child; None for none.
    """
    _register_fork_hook()
    _this_thread.running = loop


@functools.lru_cache(maxsize=None)
def _register_fork_hook() -> None:
    """Have ``os.fork`` hide our loops from the child, once there is one to hide."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_forget)


def _forget() -> None:
    running, _this_thread.running = _this_thread.running, None
    _this_thread.loop = None
    if running is not None:
        running.forget()
