"""
Blocking calls: `run_until_complete` and `run_forever` on the stack, and the Qt loop of each.

A call ends when its own future is done and the Qt loops above it on the stack have returned.
Ending a call closes no dialog.

What was tried and does not work
- A QEventLoop for the outermost call: in it, nothing happens when the last window closes, and
  ``quit()`` is ignored. An application quits as users expect only inside ``QCoreApplication.exec()``.
- ``exit()`` while a dialog is open above: the dialog would return, too. So the call waits until
  the dispatcher is about to block in the call's own loop again.
- A QEventLoop or ``exec()`` while the application quits: a QEventLoop returns at once, and ``exec()``
  never returns, because nothing ends it. Such a call processes events, and ends with the quit at the latest.
- A flag "is leaving" that is set when a call ends: if a dialog opens before the call's Qt loop has
  returned, the flag would stop all of asyncio. So `BlockingCalls.is_leaving` computes the answer.
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any, Callable

from asyncslot._qt import (
    BETWEEN_PASSES,
    EXIT_TELLS_AT_ONCE,
    QtCore,
    exec_application,
    exec_loop,
    is_alive,
    loop_level,
    require_application,
)

if TYPE_CHECKING:
    from asyncslot._loop.dialog_hold import DialogHold

    # Returns when the condition holds, or when the quit is over.
    PumpEvents = Callable[[Callable[[], bool]], object]

__all__ = ["ApplicationCall", "BlockingCall", "BlockingCalls", "NestedCall", "QuittingCall", "exit_code"]

# How often the waker may call in one pass of a Qt loop: by its notifier and its two timers.
CALLS_PER_PASS = 3

# The exit code that a shell reports for a program that SIGINT has ended: 128 + 2.
EXIT_CODE_SIGINT = 130


class BlockingCall:
    """
    One call on the stack.

    Args:
        future: The future that the call waits for; None if it runs until it is stopped.
    """

    def __init__(self, future: asyncio.Future[Any] | None) -> None:
        self.future = future
        # Its future is done, or it was stopped: it returns as soon as the Qt loops above have.
        self.is_ended = False
        # The application quit while the call was on the stack, and Qt ends the call.
        self.is_quit = False
        # Its future was done before the application quit, so the call returns the result all the same.
        self.has_result = False
        # The exception that escaped from a callback and that the call raises.
        self.error: BaseException | None = None
        # Ctrl-C has cancelled its future, so the call raises KeyboardInterrupt instead of CancelledError.
        self.is_interrupted = False
        # It has ended, but an exit() of the program's, in the same pass of Qt's loop, may have come first.
        self.is_contested = False
        # The last window has closed, and Qt quits for this reason: with code 0, unless the program asks for another.
        self.is_last_window_closed = False
        # What `loop_level` returns while the call's own Qt loop is the innermost.
        self._qt_level = loop_level() + 1

    def is_innermost(self) -> bool:
        """Tell whether no other Qt loop runs above the Qt loop of this call."""
        return loop_level() <= self._qt_level

    def exec(self) -> int:
        """
        Run Qt until the call is ended, or until the application or the thread quits.

        Returns:
            The exit code of a quit; meaningless if `is_ended`.
        """
        raise NotImplementedError

    def end(self) -> None:
        """Make `exec` return after the Qt loops above have returned; do not end them."""
        raise NotImplementedError

    def abort(self) -> None:
        """Make `exec` return as soon as it can, even if this ends the Qt loops above."""
        self.end()

    def leave(self) -> None:
        """Make `exec` return now. The call has ended, but its Qt loop has called the guest once more."""


class NestedCall(BlockingCall):
    """A call inside another Qt loop, or on another thread than the application's. It runs a QEventLoop."""

    def __init__(self, future: asyncio.Future[Any] | None) -> None:
        super().__init__(future)
        self._qt_loop = QtCore.QEventLoop()

    def exec(self) -> int:
        """Run the QEventLoop."""
        return exec_loop(self._qt_loop)

    def end(self) -> None:
        """Make the QEventLoop return. It does so after the Qt loops above have returned."""
        self.is_ended = True
        self._qt_loop.exit()


class ApplicationCall(BlockingCall):
    """
    The outermost call on the application's thread. It runs ``QCoreApplication.exec()``.

    Args:
        future: As for `BlockingCall`.
        is_own_dialog_closed: Tells whether the last window, which has just closed, is a dialog that a coroutine
            waits for. Then the coroutine goes on, and it is no quit.
        hold: Keeps Qt from quitting then.
    """

    def __init__(
        self,
        future: asyncio.Future[Any] | None,
        is_own_dialog_closed: Callable[[], bool],
        hold: DialogHold,
    ) -> None:
        super().__init__(future)
        self._is_own_dialog_closed = is_own_dialog_closed
        self._hold = hold
        # `unwind` has made exec() return, which is to be run again.
        self._is_unwinding = False
        # Whether the application's signals were blocked before we blocked them; None if we did not.
        self._blocked_before: bool | None = None
        # The dispatcher whose signals are connected, while an ended call waits for a dialog.
        self._dispatcher: Any = None
        # How often the call's own Qt loop has called the guest meanwhile.
        self._late_calls = 0

    def exec(self) -> int:
        """Run ``exec()``, and run it again each time that only `unwind` has made it return."""
        # A QCoreApplication has no windows.
        last_window_closed = getattr(require_application(), "lastWindowClosed", None)
        if last_window_closed is not None:
            last_window_closed.connect(self._on_last_window_closed)
        try:
            return self._exec_until_ended()
        finally:
            if last_window_closed is not None and is_alive(QtCore.QCoreApplication.instance()):
                last_window_closed.disconnect(self._on_last_window_closed)

    def _exec_until_ended(self) -> int:
        while True:
            self._is_unwinding = False
            try:
                exit_code = exec_application()
            finally:
                # Each time: a quit during the next exec() must emit aboutToQuit.
                self._restore()
            if self.is_ended or not self._is_unwinding:
                return exit_code

    def _on_last_window_closed(self) -> None:
        # Qt asks for the property after this signal, and then quits, or does not.
        if self._is_own_dialog_closed():
            self._hold.switch_off()
        else:
            self.is_last_window_closed = require_application().quitOnLastWindowClosed()
            # If the program opens another window at once, Qt does not quit. The first of these timers may be due in
            # the pass of Qt's loop in which it quits, and the second is not.
            QtCore.QTimer.singleShot(0, lambda: QtCore.QTimer.singleShot(0, self._forget_last_window))

    def _forget_last_window(self) -> None:
        self.is_last_window_closed = False

    def end(self) -> None:
        """Make ``exec()`` return: now, or after the Qt loops above have returned."""
        self.is_ended = True
        is_innermost = self.is_innermost()
        if is_innermost and EXIT_TELLS_AT_ONCE:
            self._exit()
            return
        # Nothing has told of an exit() of the program's just before, and ours would replace its code. But if there
        # was one, exec() returns before it blocks again.
        self.is_contested = is_innermost
        # They are emitted in every Qt loop of the thread, so the slot checks whether it is this call's own.
        if self._dispatcher is None:
            self._dispatcher = QtCore.QAbstractEventDispatcher.instance()
            for name in BETWEEN_PASSES:
                getattr(self._dispatcher, name).connect(self._on_between_passes)

    def unwind(self) -> None:
        """Make every Qt loop above this call's return, dialogs included; this call goes on."""
        # Without a loop above, exit() would end exec() for nothing, and hide a quit that follows.
        if not self.is_innermost():
            self._is_unwinding = True
            self._exit()

    def abort(self) -> None:
        """End the call now, and with it every Qt loop above, dialogs included."""
        self.is_ended = True
        self._exit()

    def _exit(self) -> None:
        # This is no quit, so aboutToQuit must reach nobody. Qt 6.5 and later emit it inside exit(),
        # earlier versions when exec() returns. So the signals stay blocked until exec() has returned.
        self.is_contested = False
        if self._blocked_before is None:
            self._blocked_before = require_application().blockSignals(True)
        QtCore.QCoreApplication.exit(0)

    def _restore(self) -> None:
        if self._blocked_before is not None:
            require_application().blockSignals(self._blocked_before)
            self._blocked_before = None
        if self._dispatcher is not None:
            for name in BETWEEN_PASSES:
                getattr(self._dispatcher, name).disconnect(self._on_between_passes)
            self._dispatcher = None
            self._late_calls = 0

    def _on_between_passes(self) -> None:
        if self.is_innermost():
            self._exit()

    def leave(self) -> None:
        """Make ``exec()`` return now, if it has not been told to: it waited for a dialog, which has ended."""
        # Not each dispatcher emits aboutToBlock while a timer of 0 ms runs, such as the waker's.
        self._late_calls += 1
        # If the program has called exit() just before (see `end`), it was in the pass of the first calls.
        may_be_same_pass = self.is_contested and self._late_calls < CALLS_PER_PASS
        if self._dispatcher is not None and not may_be_same_pass:
            self._exit()


class QuittingCall(BlockingCall):
    """
    A call made while the application quits. It processes events, without a Qt loop of its own.

    Args:
        future: As for `BlockingCall`.
        pump_events: Processes events until a condition holds or the quit is over.
    """

    def __init__(self, future: asyncio.Future[Any] | None, pump_events: PumpEvents) -> None:
        super().__init__(future)
        self._pump_events = pump_events
        # No Qt loop of its own: processEvents() does not count in loopLevel().
        self._qt_level = loop_level()

    def exec(self) -> int:
        """Process events until the call is ended or the quit is over."""
        self._pump_events(lambda: self.is_ended)
        return 0

    def end(self) -> None:
        """Make `exec` return."""
        self.is_ended = True


class BlockingCalls:
    """The blocking calls on the stack. Below them is the application's own Qt loop, if the guest is attached to it."""

    def __init__(self) -> None:
        # The application's own Qt loop carries the guest, below all calls.
        self.is_attached = False
        # The outermost call is the first.
        self.stack: list[BlockingCall] = []
        # The calls that end with the present iteration.
        self._ending: list[BlockingCall] = []
        # What `end_application` was last called with. If the application's Qt loop does not run yet, Qt forgets it.
        self.end_request: BaseException | None = None

    @property
    def outermost(self) -> BlockingCall:
        """The call in which all others are nested."""
        return self.stack[0]

    @property
    def hosts_application(self) -> bool:
        """Whether the outermost call runs the application, which runs no Qt loop of its own below it."""
        return bool(self.stack) and isinstance(self.outermost, ApplicationCall)

    @property
    def futures(self) -> list[asyncio.Future[Any]]:
        """The futures that the calls wait for."""
        return [call.future for call in self.stack if call.future is not None]

    def push(self, call: BlockingCall) -> None:
        """Put a call on the stack, before it is run."""
        self.stack.append(call)

    def remove(self, call: BlockingCall) -> None:
        """Take a call off the stack, however it has ended."""
        self.stack = [other for other in self.stack if other is not call]
        self._ending = [other for other in self._ending if other is not call]

    def is_leaving(self) -> bool:
        """
        Tell whether the innermost call's Qt loop is about to return.

        Qt may call the guest once more before that. Nothing may run then: as in asyncio,
        no callback runs after the iteration in which the call has ended.
        """
        if not self.stack:
            return False
        call = self.stack[-1]
        return call.is_ended and call.is_innermost()

    def leave(self) -> None:
        """Make the innermost call return now. It has ended, but Qt has called the guest once more."""
        self.stack[-1].leave()

    @property
    def is_ending(self) -> bool:
        """Whether a call ends with the present iteration."""
        return bool(self._ending)

    def end_innermost_later(self) -> None:
        """End the innermost call, if any, with the present iteration."""
        # The innermost now: a callback of this iteration may begin another call.
        self._ending.extend(self.stack[-1:])

    def end_later(self, call: BlockingCall) -> None:
        """End *call* with the present iteration."""
        self._ending.append(call)

    def end_stopped(self) -> None:
        """End the calls that were to end with this iteration; if there are none, the innermost call, if any."""
        # There are none if stop() was called before the call began: it then runs for one iteration.
        ending, self._ending = self._ending or self.stack[-1:], []
        for call in ending:
            # Qt ends the call itself; one more exit() could change the application's exit code.
            if not call.is_quit:
                call.end()

    def mark_quit(self) -> None:
        """Note that the application quits: Qt ends the loops of all calls on the stack."""
        for call in self.stack:
            call.is_quit = True
            # If the call is contested, the exit() came first.
            # On a Qt that tells of an exit() late, so did that of a call that nobody has ended yet.
            is_first = not call.is_contested and (call.is_ended or EXIT_TELLS_AT_ONCE)
            # A coroutine may close the last window and return: Qt 6 quits later than that, and Qt 5 before.
            is_first = is_first or call.is_last_window_closed
            call.has_result = call.future is not None and call.future.done() and is_first
            # An ended call may still wait for a dialog to return. It does not wait any more: tasks must clean up.
            call.is_ended = False

    def abort(self, exc: BaseException) -> None:
        """Make the innermost call raise *exc*, or the outermost call if *exc* is a KeyboardInterrupt."""
        # Ctrl-C is for the whole program, so it ends all calls. The ones above raise CancelledError.
        aborted = self.stack if isinstance(exc, KeyboardInterrupt) else self.stack[-1:]
        for call in reversed(aborted):
            call.error = asyncio.CancelledError()
            # If the application quits, its Qt loop has returned, or is about to.
            if not call.is_quit:
                call.abort()
        aborted[0].error = exc
        self._ending = [call for call in self._ending if call not in aborted]

    def end_application(self, exc: BaseException) -> None:
        """Make the application's own Qt loop return, with the exit code that Python would have: a quit."""
        self.end_request = exc
        QtCore.QCoreApplication.exit(exit_code(exc))

    def interrupt(self) -> bool:
        """
        Cancel the future of the outermost call, and unwind the dialogs that hide the call.

        Returns:
            False if this cannot end the call: it has no future, or was interrupted before.
        """
        call = self.outermost
        if call.is_interrupted or call.future is None or not call.future.cancel():
            return False
        call.is_interrupted = True
        self.unwind()
        return True

    def unwind(self) -> None:
        """Make the Qt loops above the outermost call return, so that nobody has to close dialogs by hand."""
        # The calls above must end first, or the outermost one could not return.
        for call in self.stack[1:]:
            if call.future is not None:
                call.future.cancel()
        if isinstance(self.outermost, ApplicationCall):
            self.outermost.unwind()


def exit_code(exc: BaseException) -> int:
    """Return the exit code with which Python would end by *exc*, and print to stderr what Python would print."""
    if isinstance(exc, KeyboardInterrupt):
        return EXIT_CODE_SIGINT
    code = getattr(exc, "code", None)
    if code is None or isinstance(code, int):
        return code or 0
    print(code, file=sys.stderr)  # noqa: T201 - as the interpreter does.
    return 1
