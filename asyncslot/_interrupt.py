"""
SIGINT and SIGTERM while the guest runs: recorded at once, handled by the guest.

A handler that raised KeyboardInterrupt on entry to a Qt slot would raise it into
Qt, where the process crashes. So the Python handlers found are replaced by one
that records, and the guest calls them where an exception is safe.
This module knows nothing of Qt or of the loop.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from typing import TYPE_CHECKING, Any, Callable, Optional

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["Interrupts", "on_main_thread"]

Handler = Callable[[int, Optional["FrameType"]], Any]

# The signals that ask a program to end, whose handlers therefore may raise.
ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def on_main_thread() -> bool:
    """Tell whether signal handlers can be set here: only Python's main thread may."""
    return threading.current_thread() is threading.main_thread()


class Interrupts:
    """
    The process's signal handling while one guest runs on the main thread.

    Args:
        wakeup_fd: The guest's descriptor that the arrival of a signal writes to.
        may_raise: Asked inside the signal handler whether the original may be
            called there and then; gets how many earlier signals still wait.
    """

    def __init__(self, wakeup_fd: int, may_raise: Callable[[int], bool]) -> None:
        self._wakeup_fd = wakeup_fd
        self._may_raise = may_raise
        self._pending: list[int] = []
        self._originals: dict[int, Handler] = {}
        # In one step: a signal that arrives while there is no descriptor wakes nobody.
        previous_fd = signal.set_wakeup_fd(wakeup_fd, warn_on_full_buffer=False)
        # The guest's own, if it had signal handlers while it was stopped.
        self._previous_fd = -1 if previous_fd == wakeup_fd else previous_fd
        self.capture()

    def capture(self) -> None:
        """Take the wakeup descriptor, and the ending signals whose Python handler is not ours."""
        for signum in ENDING_SIGNALS:
            handler = signal.getsignal(signum)
            if callable(handler) and handler != self._record:
                self._originals[signum] = handler
                signal.signal(signum, self._record)
        signal.set_wakeup_fd(self._wakeup_fd, warn_on_full_buffer=False)

    def take_pending(self) -> list[tuple[int, Handler]]:
        """Return the signals recorded since the last call, oldest first, with their original handlers."""
        pending, self._pending = self._pending, []
        return [(signum, self._originals[signum]) for signum in pending]

    def chain(self, data: bytes) -> None:
        """
        Write the numbers of arrived signals to the wakeup descriptor that ours replaced.

        Args:
            data: What was read from ours. Zero bytes are asyncio's own wake-ups.
        """
        signums = data.replace(b"\0", b"")
        if not signums or self._previous_fd == -1:
            return
        with contextlib.suppress(OSError):  # Full or closed: C, which writes to it otherwise, goes on, too.
            os.write(self._previous_fd, signums)

    def restore(self, *, keep_wakeup_fd: bool) -> None:
        """
        Put back what was found, wherever ours is still in place.

        Args:
            keep_wakeup_fd: Leave the wakeup descriptor, for signals that arrive before the guest runs again.
        """
        for signum, handler in self._originals.items():
            if signal.getsignal(signum) == self._record:
                signal.signal(signum, handler)
        current = signal.set_wakeup_fd(self._wakeup_fd, warn_on_full_buffer=False)
        if current != self._wakeup_fd:
            signal.set_wakeup_fd(current)
        elif not keep_wakeup_fd:
            self._restore_wakeup_fd()

    def _restore_wakeup_fd(self) -> None:
        try:
            signal.set_wakeup_fd(self._previous_fd)
        except (OSError, ValueError):  # Closed meanwhile.
            signal.set_wakeup_fd(-1)

    def _record(self, signum: int, frame: FrameType | None) -> None:
        if self._may_raise(len(self._pending)):
            self._originals[signum](signum, frame)
        else:
            self._pending.append(signum)
