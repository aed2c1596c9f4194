"""
Ctrl-C and SIGTERM while the guest runs: recorded at once, handled by the guest.

The problem: a Python signal handler runs wherever Python code runs next. This may be the entry of
a Qt slot. Then its KeyboardInterrupt goes into Qt, and the process crashes. Or it may be the
opening or closing of a loop. Then the loop is left half open.

The solution: while a loop is open, the Python handlers of SIGINT and SIGTERM are replaced by a
handler that only records the signal. The arrival of a signal also wakes the guest. The guest then
does what the signal asks for, or calls the program's own handler, inside a callback of its own.
An exception is safe there.

What was tried and does not work
- Raising as soon as a callback of the guest runs: the exception may come between two
  instructions of Qt's binding.
- Putting the program's handlers back before the rest of the loop is closed: a Ctrl-C in between
  leaves the loop running without a waker. So our handler is set before the first step of opening
  and removed after the last step of closing. Signals that are pending then are raised.
- ``exit()`` where the program only processes events: no Qt loop runs that it could end, so Ctrl-C is lost.
- Calling only the stock ``remove_signal_handler``: it drops the wakeup descriptor. `capture` sets it again.

There is a limit. A second Ctrl-C, while the first one is pending, interrupts the callback that
hangs, at any instruction. A third one interrupts foreign code, and Qt may crash.

In blocking mode, the first Ctrl-C may interrupt a coroutine that hangs, as on the stock loop. This is
safe if the slicer has called the interrupted code through coroutines only: Qt calls plain functions.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import os
import signal
import socket
import sys
import threading
from typing import TYPE_CHECKING, Any, Callable, Iterator, Optional

from asyncslot._loop.slicer import Slicer

if TYPE_CHECKING:
    from types import FrameType

    from asyncslot._loop.blocking_calls import BlockingCalls
    from asyncslot._loop.quit import Quit

__all__ = ["Interrupts", "deferring_signals", "on_main_thread"]

Handler = Callable[[int, Optional["FrameType"]], Any]

# The signals that ask a program to end. Their handlers may raise; those of other signals are left alone.
ENDING_SIGNALS: tuple[signal.Signals, ...] = (signal.SIGINT, signal.SIGTERM)
if sys.platform == "win32":
    # Ctrl-Break, and the closing of the console.
    ENDING_SIGNALS += (signal.SIGBREAK,)


# How long a slice must be over, in seconds, so that its callback counts as one that hangs. Arbitrary: longer than a
# callback ought to take, and shorter than a person waits for Ctrl-C.
HANGS_S = 0.1

# The frames that call a callback: the slicer's, and in debug mode that of asyncio's handle.
_CALLERS = (Slicer._run_batches.__code__, asyncio.Handle._run.__code__)

# The kinds of code that only Python calls. Qt calls plain functions.
_COROUTINES = inspect.CO_COROUTINE | inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR


def on_main_thread() -> bool:
    """Tell whether signal handlers can be set here. Python allows it on its main thread only."""
    # Not by current_thread(): on a thread of Qt's, it makes an object that stays for ever before Python 3.13.
    return threading.get_ident() == threading.main_thread().ident


@contextlib.contextmanager
def deferring_signals() -> Iterator[None]:
    """Let the Python handlers of SIGINT and SIGTERM run only at the end of a block that must not be interrupted."""
    if not on_main_thread():
        yield
        return
    pending: list[int] = []
    # The stack runs all its callbacks, the last one first, even if some of them raise.
    with contextlib.ExitStack() as stack:
        stack.callback(lambda: _raise_signals(pending))
        for signum in ENDING_SIGNALS:
            handler = signal.getsignal(signum)
            if callable(handler):
                stack.callback(signal.signal, signum, handler)
                signal.signal(signum, lambda signum, _: pending.append(signum))
        yield


def _raise_signals(signums: list[int]) -> None:
    """Raise signals in their order. If a handler raises, the others still run."""
    with contextlib.ExitStack() as stack:
        for signum in reversed(signums):
            stack.callback(signal.raise_signal, signum)


class Interrupts:
    """
    The process's signal handling while one loop is open on the main thread.

    Args:
        slicer: Tells which code is on the stack.
        calls: The blocking calls, which Ctrl-C interrupts.
        quit_: The quit, which a signal abandons if it drains.
    """

    def __init__(self, slicer: Slicer, calls: BlockingCalls, quit_: Quit) -> None:
        self._slicer = slicer
        self._calls = calls
        self._quit = quit_
        # Our wakeup descriptor, and the one that it replaced; -1 for none, as in signal.set_wakeup_fd().
        self._wakeup_fd = -1
        self._previous_fd = -1
        # The signals that were recorded and are not handled yet, in the order of arrival.
        self._pending: list[int] = []
        # The program's handlers that ours replaces. Empty while closed.
        self._originals: dict[int, Handler] = {}

    # -- opening and closing --

    def open(self, wakeup_fd: int) -> None:
        """
        Record signals from now on. `close` must be called afterwards, even if this method raises.

        A signal that arrives before this method returns does not wake the guest: ask `is_pending`.

        Args:
            wakeup_fd: The loop's descriptor. C code writes the number of each signal that arrives to it.
        """
        # This comes first: from the next line on, SIGINT raises nothing here.
        self._capture_handlers()
        # Before it is set, so that `close` takes it back whatever happens in between.
        self._wakeup_fd = wakeup_fd
        # No warning: a full buffer is full of wake-ups that the guest has not read yet. One is enough.
        previous_fd = signal.set_wakeup_fd(wakeup_fd, warn_on_full_buffer=False)
        # add_signal_handler() on the stopped loop has set the loop's own. It must not be chained to itself.
        self._previous_fd = -1 if previous_fd == wakeup_fd else previous_fd

    def capture(self) -> None:
        """Set our wakeup descriptor again, and our handler wherever another Python handler was set; if open."""
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
        Put back the program's handlers and descriptor where ours are still set, then raise the pending signals.

        Args:
            keep_wakeup_fd: Leave our wakeup descriptor, for signals that arrive before the loop runs again.

        Raises:
            BaseException: If a handler raises it: KeyboardInterrupt, by default. Everything is put back then.
        """
        # The stack runs all its callbacks, the last one first, even if some of them raise.
        with contextlib.ExitStack() as stack:
            stack.callback(self._raise_pending)
            self._restore(stack, keep_wakeup_fd=keep_wakeup_fd)

    def forget(self) -> None:
        """Do as `close` in a forked child, but drop the pending signals: they were sent to the parent."""
        with contextlib.ExitStack() as stack:
            self._restore(stack, keep_wakeup_fd=False)
        self._pending.clear()

    def _capture_handlers(self) -> None:
        for signum in ENDING_SIGNALS:
            handler = signal.getsignal(signum)
            # Not SIG_IGN and SIG_DFL: they run no Python code, so they cannot raise.
            # Compared by value: each look at self._record makes another bound method.
            if callable(handler) and handler != self._record:
                # In this order: our handler looks the original up.
                self._originals[signum] = handler
                signal.signal(signum, self._record)

    def _restore(self, stack: contextlib.ExitStack, *, keep_wakeup_fd: bool) -> None:
        # Empty from here on: `_record` calls no original while the loop closes, and only records.
        originals, self._originals = self._originals, {}
        # The stack reverses the order, so SIGINT is put back last.
        for signum, handler in originals.items():
            # The program may have set another handler meanwhile, which stays.
            if signal.getsignal(signum) == self._record:
                stack.callback(signal.signal, signum, handler)
        wakeup_fd, self._wakeup_fd = self._wakeup_fd, -1
        if wakeup_fd == -1:
            return
        # There is no getter: only setting a descriptor returns the present one. If that is not ours, it stays.
        current = signal.set_wakeup_fd(wakeup_fd, warn_on_full_buffer=False)
        if current != wakeup_fd:
            signal.set_wakeup_fd(current)
        elif not keep_wakeup_fd:
            self._restore_wakeup_fd()

    def _restore_wakeup_fd(self) -> None:
        try:
            signal.set_wakeup_fd(self._previous_fd)
        except (OSError, ValueError):  # The program has closed it meanwhile.
            signal.set_wakeup_fd(-1)

    def _raise_pending(self) -> None:
        pending, self._pending = self._pending, []
        _raise_signals(pending)

    # -- when a signal arrives --

    def _record(self, signum: int, frame: FrameType | None) -> None:
        original = self._originals.get(signum)
        if original is None:
            self._pending.append(signum)
        elif self._may_raise():
            if _is_ours(frame):
                _call_in_program(original, signum, frame)
            else:
                original(signum, frame)
        elif self._breaks_hanging(signum, frame):
            original(signum, frame)
        else:
            self._pending.append(signum)

    def _may_raise(self) -> bool:
        """
        Tell whether the program's handler may be called here and now, and so may raise.

        It may if no Qt loop runs and nothing of the guest is on the stack: this is the
        program's own code. A second signal while the first one is pending means that a callback
        hangs, so it is interrupted. A third one means that foreign code hangs. Raising there
        may crash Qt, but the user wants the program to end.
        """
        level = self._slicer.get_loop_level()
        # A quit that drains has no Qt loop either, but Qt calls the guest there, and foreign code may hang.
        if level == 0 and not self._quit.pumps and self._slicer.callback_level is None:
            # While the loop opens or closes, it is not attached, or a call is on the stack, or it quits: see
            # attach(), _block(), shutdown(). While a task is created, an exception would leave the capture on.
            is_ours = self._calls.stack or self._quit.is_quitting or self._slicer.is_on_stack()
            return self._calls.is_attached and not is_ours
        return len(self._pending) >= (1 if self._slicer.callback_level == level else 2)

    def _breaks_hanging(self, signum: int, frame: FrameType | None) -> bool:
        """Tell whether this is a Ctrl-C in a coroutine that hangs in blocking mode: there, it may raise at once."""
        # A handler of asyncio.Runner's cancels first, and one of the program's own may do anything.
        if self._originals[signum] is not signal.default_int_handler or not self._calls.stack:
            return False
        if self._calls.is_attached or self._quit.is_quitting:
            return False
        is_innermost = self._slicer.callback_level == self._slicer.get_loop_level()
        return is_innermost and self._slicer.overdue_s() > HANGS_S and _is_in_coroutine(frame)

    # -- when the guest handles it --

    def handle(self, data: bytes) -> None:
        """
        Do what the pending signals ask for. Called in a callback of the guest.

        Args:
            data: The bytes read from the wakeup descriptor. Zero bytes are asyncio's own wake-ups.

        Raises:
            KeyboardInterrupt: If Ctrl-C must end a blocking call and cannot cancel its future.
            BaseException: If a handler of the program raises it.
        """
        self._chain(data)
        try:
            while self._pending:
                self._handle_one(self._pending.pop(0))
        finally:
            # A handler has raised. Those behind it still have their turn, in a callback of their own.
            if self._pending:
                _write_to_fd(self._wakeup_fd, b"\0")

    def _handle_one(self, signum: int) -> None:
        original = self._originals[signum]
        # Told to end once more while clean-up is awaited: wait no longer.
        if self._quit.pumps:
            self._quit.abandon()
        elif original is signal.default_int_handler:
            self._on_ctrl_c()
        else:
            original(signum, sys._getframe())
            self._follow_cancellation()

    def _chain(self, data: bytes) -> None:
        """Write the numbers of the signals that have arrived to the wakeup descriptor that ours replaced."""
        signums = data.replace(b"\0", b"")
        if not signums or self._previous_fd == -1:
            return
        # It never blocks: set_wakeup_fd() takes only non-blocking descriptors. If it is full or closed, the
        # signal is not passed on; CPython itself, which would write to it without us, goes on then, too.
        with contextlib.suppress(OSError):
            _write_to_fd(self._previous_fd, signums)

    def _on_ctrl_c(self) -> None:
        """
        Do what Ctrl-C does by default: quit if the application runs its own Qt loop, else cancel the outermost call.

        An attached guest may be run by a call alone, as in IPython, whose prompt is one.
        """
        if self._calls.is_attached and not self._calls.stack and self._slicer.get_loop_level() == 0:
            # The program only processes events, so there is no Qt loop that exit() could end.
            _call_in_program(signal.default_int_handler, signal.SIGINT, sys._getframe())
        elif self._calls.is_attached and not self._calls.hosts_application:
            self._calls.end_application(KeyboardInterrupt())
        elif not self._calls.interrupt():
            raise KeyboardInterrupt

    def _follow_cancellation(self) -> None:
        """If a signal handler has cancelled the outermost call's task, unwind the dialogs that hide the call."""
        # asyncio.Runner's handler does so. Python 3.11 brought it, and cancelling().
        main = self._calls.outermost.future if self._calls.stack else None
        if isinstance(main, asyncio.Task) and sys.version_info >= (3, 11) and main.cancelling():
            self._calls.unwind()


def _write_to_fd(fd: int, data: bytes) -> None:
    """Write to a wakeup descriptor. On Windows it may be a socket, which os.write() does not take."""
    if sys.platform == "win32":
        try:
            target = socket.socket(fileno=fd)
        except OSError:  # It is a file.
            os.write(fd, data)
            return
        try:
            target.send(data)
        finally:
            target.detach()
    else:
        os.write(fd, data)


def _is_ours(frame: FrameType | None) -> bool:
    """Tell whether *frame* is of this package: an exception there would enter Qt."""
    return frame is not None and str(frame.f_globals.get("__name__")).partition(".")[0] == "asyncslot"


def _call_in_program(handler: Handler, signum: int, frame: FrameType | None) -> None:
    """
    Call a signal's handler in the program's own code, which has called Qt, as soon as that goes on.

    No Qt loop runs, but Qt calls the guest by processEvents() or QTest.qWait(). What the handler raises must not enter
    Qt. So a trace function is set for the program's frame, and calls the handler at that frame's next line.

    Args:
        handler: The handler.
        signum: Its signal.
        frame: The innermost frame.
    """
    target = _find_program_frame(frame)
    if target is None:
        return
    before, local_before = sys.gettrace(), target.f_trace

    def trace(frame: FrameType, *_: Any) -> Any:
        sys.settrace(before)
        frame.f_trace = local_before
        handler(signum, frame)
        return local_before

    target.f_trace = trace
    # The function of the frame is called only if there is one for the thread.
    sys.settrace(lambda *_: None)


def _find_program_frame(frame: FrameType | None) -> FrameType | None:
    """Return the frame in which Qt, or this package, was called first; None if there is none."""
    target = None
    while frame is not None:
        if _is_ours(frame):
            target = frame.f_back
        frame = frame.f_back
    return target


def _is_in_coroutine(frame: FrameType | None) -> bool:
    """Tell whether *frame* is a coroutine that the guest steps, or is awaited by one."""
    # A plain function may be a slot, even right above the slicer's frame: a callback may be Qt's `emit`.
    while frame is not None and frame.f_code.co_flags & _COROUTINES:
        frame = frame.f_back
        if frame is not None and frame.f_code in _CALLERS:
            return True
    return False
