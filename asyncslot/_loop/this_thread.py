"""This thread's loops: the one last attached or set, and the one that runs. A forked child has neither."""

from __future__ import annotations

import functools
import os
import threading
from typing import Any

__all__ = ["release_thread_loop", "set_running", "set_thread_loop", "thread_loop"]


class _ThisThread(threading.local):
    """The loops of the present thread."""

    # The loop last attached or set. It may be closed since: `thread_loop` checks.
    loop: Any = None
    # The `AsyncSlotEventLoop` that runs; None if there is none.
    running: Any = None


_this_thread = _ThisThread()


def thread_loop() -> Any:
    """Return the `AsyncSlotEventLoop` last attached or set on this thread; None if there is none or it is closed."""
    loop = _this_thread.loop
    return None if loop is None or loop.is_closed() else loop


def set_thread_loop(loop: Any) -> None:
    """Make *loop* this thread's loop, as attaching it does; with None, this thread has none."""
    _register_fork_hook()
    _this_thread.loop = loop


def release_thread_loop(loop: Any) -> None:
    """Let go of *loop*, which is closed, if it is this thread's loop."""
    if _this_thread.loop is loop:
        _this_thread.loop = None


def set_running(loop: Any) -> None:
    """
    Set which loop of ours runs on this thread.

    Args:
        loop: The loop; its ``forget()`` is called in a forked child. None if no loop runs.
    """
    _register_fork_hook()
    _this_thread.running = loop


@functools.lru_cache(maxsize=None)
def _register_fork_hook() -> None:
    """Hide our loops from forked children, from the first loop on. Cached: a hook cannot be taken back."""
    # Windows has no fork.
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_forget)


def _forget() -> None:
    # Only the thread that called fork() goes on in the child, so its loops are the only ones to hide.
    running, _this_thread.running = _this_thread.running, None
    _this_thread.loop = None
    if running is not None:
        running.forget()
