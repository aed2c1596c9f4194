"""
Ctrl-C and SIGTERM while the guest runs: recorded at once, handled by the guest.

The problem: a Python signal handler runs wherever Python code runs next. If that is the entry
of a Qt slot, the KeyboardInterrupt that it raises goes into Qt, and the process crashes. If it
is the opening or closing of a loop, the loop is left half open.

The solution: while a loop is open, the Python handlers of SIGINT and SIGTERM are replaced by one
that records. The arrival of a signal wakes the guest, which then does what the signal asks for,
or calls the program's own handler, inside a callback of its own. There an exception is safe.

What was tried and does not work
- Raising as soon as a callback of the guest's runs: the exception can come between two
  instructions of Qt's binding.
- Putting the program's handlers back before the rest of the loop is closed: a Ctrl-C in between
  leaves the loop running without a waker. So ours stand from before the first step of
  opening until after the last step of closing, and what is pending then is raised.
- ``remove_signal_handler``, the stock one: it drops the wakeup descriptor; `capture` takes it back.

What can still fail: a second Ctrl-C, while the first one waits, interrupts the callback that
hangs, wherever that is; a third one interrupts foreign code, and Qt may crash.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any, Callable, Optional

from asyncslot._qt import QtCore

if TYPE_CHECKING:
    from types import FrameType

    from asyncslot._loop.blocking_calls import BlockingCalls
    from asyncslot._loop.quit import Quit
    from asyncslot._loop.slicer import Slicer

__all__ = ["EXIT_CODE_SIGINT", "Interrupts", "on_main_thread"]

Handler = Callable[[int, Optional["FrameType"]], Any]

# The signals that ask a program to end, whose handlers therefore may raise.
ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM)

# What a shell reports for a program that SIGINT has ended: 128 + 2.
EXIT_CODE_SIGINT = 130


def on_main_thread() -> bool:
    """Tell whether signal handlers can be set here: only Python's main thread may."""
    return threading.current_thread() is threading.main_thread()


class Interrupts:
    """
    The process's signal handling while one loop is open on the main thread.

    Args:
        slicer: Tells what is on the stack.
        calls: What Ctrl-C interrupts.
        quit_: What a signal abandons once it has begun.
    """

    def __init__(self, slicer: Slicer, calls: BlockingCalls, quit_: Quit) -> None:
        self._slicer = slicer
        self._calls = calls
        self._quit = quit_
        self._wakeup_fd = -1
        self._previous_fd = -1
        self._pending: list[int] = []
        self._originals: dict[int, Handler] = {}

    # -- opening and closing --

    def open(self, wakeup_fd: int) -> None:
        """
        Record signals from now on, until `close`, which must follow whatever is raised here.

        A signal that arrives before this returns wakes nobody: ask `is_pending`.

        Args:
            wakeup_fd: The loop's descriptor that the arrival of a signal writes to.
        """
        # First of all: from the next line on, SIGINT raises nothing here.
        self._capture_handlers()
        previous_fd = signal.set_wakeup_fd(wakeup_fd, warn_on_full_buffer=False)
        # It is the loop's own if that had signal handlers while it was stopped.
        self._previous_fd = -1 if previous_fd == wakeup_fd else previous_fd
        self._wakeup_fd = wakeup_fd

    def capture(self) -> None:
        """Take our place back: the wakeup descriptor, and the handlers of SIGINT and SIGTERM if others were set."""
        if self._wakeup_fd == -1:
            return
        self._capture_handlers()
        signal.set_wakeup_fd(self._wakeup_fd, warn_on_full_buffer=False)

    @property
    def is_pending(self) -> bool:
        """Whether a signal was recorded and is not handled yet."""
        return bool(self._pending)

    def close(self, *, keep_wakeup_fd: bool) -> None:
        """
        Put back what was found, wherever ours is still in place; then raise the signals that are pending.

        Args:
            keep_wakeup_fd: Leave the wakeup descriptor, for signals that arrive before the loop runs again.

        Raises:
            BaseException: What the handlers raise: KeyboardInterrupt, by default. Everything is put back then.
        """
        with contextlib.ExitStack() as stack:  # It takes each step, whatever the ones before have raised.
            stack.callback(self._raise_pending)
            self._restore(stack, keep_wakeup_fd=keep_wakeup_fd)

    def forget(self) -> None:
        """Put back what was found, in a forked child, where the signals that are pending are the parent's."""
        with contextlib.ExitStack() as stack:
            self._restore(stack, keep_wakeup_fd=False)
        self._pending.clear()

    def _capture_handlers(self) -> None:
        for signum in ENDING_SIGNALS:
            handler = signal.getsignal(signum)
            if callable(handler) and handler != self._record:
                self._originals[signum] = handler
                signal.signal(signum, self._record)

    def _restore(self, stack: contextlib.ExitStack, *, keep_wakeup_fd: bool) -> None:
        originals, self._originals = self._originals, {}
        for signum, handler in originals.items():  # The stack does it the other way round: SIGINT comes last.
            if signal.getsignal(signum) == self._record:
                stack.callback(signal.signal, signum, handler)
        wakeup_fd, self._wakeup_fd = self._wakeup_fd, -1
        if wakeup_fd == -1:
            return
        current = signal.set_wakeup_fd(wakeup_fd, warn_on_full_buffer=False)
        if current != wakeup_fd:
            signal.set_wakeup_fd(current)
        elif not keep_wakeup_fd:
            self._restore_wakeup_fd()

    def _restore_wakeup_fd(self) -> None:
        try:
            signal.set_wakeup_fd(self._previous_fd)
        except (OSError, ValueError):  # Closed meanwhile.
            signal.set_wakeup_fd(-1)

    def _raise_pending(self) -> None:
        pending, self._pending = self._pending, []
        with contextlib.ExitStack() as stack:
            for signum in reversed(pending):
                stack.callback(signal.raise_signal, signum)

    # -- when a signal arrives --

    def _record(self, signum: int, frame: FrameType | None) -> None:
        if self._may_raise() and signum in self._originals:
            self._originals[signum](signum, frame)
        else:
            self._pending.append(signum)

    def _may_raise(self) -> bool:
        """
        Tell whether the program's handler may be called here and now, and so may raise.

        It may where no Qt loop runs and the loop is neither being opened nor closed: that is
        the program's own code. A second signal while the first one is pending means that a
        callback hangs: interrupt it. A third one means that foreign code hangs; raising there
        may crash Qt, but the user wants the program to end.
        """
        level = self._slicer.get_loop_level()
        if level == 0:
            return self._calls.is_attached and not self._calls.stack and not self._quit.pumps
        return len(self._pending) >= (1 if self._slicer.callback_level == level else 2)

    # -- when the guest handles it --

    def handle(self, data: bytes) -> None:
        """
        Do what the signals ask for that have arrived. Called in a callback of the guest's.

        Args:
            data: What was read from the wakeup descriptor. Zero bytes are asyncio's own wake-ups.

        Raises:
            KeyboardInterrupt: To end a blocking call that Ctrl-C cannot cancel.
            BaseException: What a handler of the program's raises.
        """
        self._chain(data)
        pending, self._pending = self._pending, []
        originals = dict(self._originals)  # A handler may close the loop.
        for signum in pending:
            if self._quit.pumps:
                self._quit.abandon()
            elif originals[signum] is signal.default_int_handler:
                self._on_ctrl_c()
            else:
                originals[signum](signum, sys._getframe())
                self._follow_cancellation()

    def _chain(self, data: bytes) -> None:
        """Write the numbers of arrived signals to the wakeup descriptor that ours replaced."""
        signums = data.replace(b"\0", b"")
        if not signums or self._previous_fd == -1:
            return
        with contextlib.suppress(OSError):  # Full or closed: C, which writes to it otherwise, goes on, too.
            os.write(self._previous_fd, signums)

    def _on_ctrl_c(self) -> None:
        """Do what Ctrl-C does by default: quit, if attached; else cancel the outermost blocking call."""
        if self._calls.is_attached:
            QtCore.QCoreApplication.exit(EXIT_CODE_SIGINT)
        elif not self._calls.interrupt():
            raise KeyboardInterrupt

    def _follow_cancellation(self) -> None:
        """If a signal handler, such as asyncio.Runner's, has cancelled the outermost call, make way for it."""
        main = self._calls.outermost.future if self._calls.stack else None
        if isinstance(main, asyncio.Task) and sys.version_info >= (3, 11) and main.cancelling():
            self._calls.unwind()
