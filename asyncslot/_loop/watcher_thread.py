"""Starting a thread that only waits for what Qt cannot watch."""

from __future__ import annotations

import threading
import time
from typing import Any, Callable

__all__ = ["RETRY_S", "start_or_pause"]

# How long to wait, in seconds, where no thread can wait. Arbitrary: short for a person, and long for a processor.
RETRY_S = 0.005


def start_or_pause(target: Callable[..., object], *arguments: Any, name: str) -> threading.Thread | None:
    """
    Start a thread. If that is impossible, pause for a moment.

    A thread cannot be started while the interpreter ends (Python 3.12), or if there are too many. The guest then has
    to look by itself, again and again: the pause keeps it from taking a whole processor.

    Args:
        target: What the thread runs.
        arguments: The arguments of *target*.
        name: The thread's name.

    Returns:
        The thread; None if there is none.
    """
    # A daemon, so that a loop that nobody closes does not keep the interpreter from ending.
    thread = threading.Thread(target=target, args=arguments, name=name, daemon=True)
    try:
        thread.start()
    except RuntimeError:
        time.sleep(RETRY_S)
        return None
    return thread
