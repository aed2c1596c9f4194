"""
Blocking calls, `run_until_complete` and `run_forever`: those on the stack, and the Qt loop of each.

A call ends when its own future is done and the Qt loops above it on the stack have returned.
Ending it closes no dialog.

What was tried and does not work
- A QEventLoop for the outermost call: in it, the last window's closing changes nothing and
  ``quit()`` is ignored. Only inside ``QCoreApplication.exec()`` does an application quit as users expect.
- ``exit()`` while a dialog is open above: the dialog would return, too. The dispatcher is asked to
  tell when it is about to block in the call's own loop again.
- A QEventLoop, or ``exec()``, while the application quits: the first returns at once, the second
  never, as nothing ends it. Such a call processes events, until the quit is over at the latest.
- A flag "is leaving" set when a call ends: a dialog that opens before its Qt loop has returned would stop
  all of asyncio. `BlockingCalls.is_leaving` asks.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Callable

from asyncslot._qt import QtCore, loop_level, require_application

if TYPE_CHECKING:
    # Returns when the condition holds, or when the quit is over.
    PumpEvents = Callable[[Callable[[], bool]], object]

__all__ = ["ApplicationCall", "BlockingCall", "BlockingCalls", "NestedCall", "QuittingCall"]


class BlockingCall:
    """
    One call on the stack.

    Args:
        future: What the call waits for; None if it runs until it is stopped.
    """

    def __init__(self, future: asyncio.Future[Any] | None) -> None:
        self.future = future
        # Its future is done, or it was stopped: it returns as soon as the Qt loops above have.
        self.is_ended = False
        # The application quit while it ran, which ends it.
        self.is_quit = False
        # Its future was done before the application quit.
        self.has_result = False
        # What escaped from a callback, for the call to raise.
        self.error: BaseException | None = None
        # Ctrl-C has cancelled its future.
        self.is_interrupted = False
        self._qt_level = loop_level() + 1

    def is_innermost(self) -> bool:
        """Tell whether no other Qt loop runs above this call's."""
        return loop_level() <= self._qt_level

    def exec(self) -> int:
        """
        Run Qt until the call is ended, or until the application or the thread quits.

        Returns:
            The exit code of a quit; meaningless if `is_ended`.
        """
        raise NotImplementedError

    def end(self) -> None:
        """Have `exec` return once the Qt loops above have; end none of them."""
        raise NotImplementedError

    def abort(self) -> None:
        """Have `exec` return as soon as it can, with no regard to the Qt loops above."""
        self.end()


class NestedCall(BlockingCall):
    """A call inside another Qt loop, or on another thread than the application's: a QEventLoop."""

    def __init__(self, future: asyncio.Future[Any] | None) -> None:
        super().__init__(future)
        self._qt_loop = QtCore.QEventLoop()

    def exec(self) -> int:
        """Run the QEventLoop."""
        exit_code: int = self._qt_loop.exec()
        return exit_code

    def end(self) -> None:
        """Have the QEventLoop return; it does so after those above."""
        self.is_ended = True
        self._qt_loop.exit()


class ApplicationCall(BlockingCall):
    """The outermost call on the application's thread: ``QCoreApplication.exec()``."""

    def __init__(self, future: asyncio.Future[Any] | None) -> None:
        super().__init__(future)
        self._is_unwinding = False
        self._blocked_before: bool | None = None
        self._dispatcher: Any = None

    def exec(self) -> int:
        """Run ``exec()``, again and again while it returns for no other reason than `unwind`."""
        while True:
            self._is_unwinding = False
            try:
                exit_code: int = QtCore.QCoreApplication.exec()
            finally:
                self._restore()
            if self.is_ended or not self._is_unwinding:
                return exit_code

    def end(self) -> None:
        """Have ``exec()`` return: now, or when the Qt loops above have."""
        self.is_ended = True
        if self.is_innermost():
            self._exit()
        elif self._dispatcher is None:
            self._dispatcher = QtCore.QAbstractEventDispatcher.instance()
            self._dispatcher.aboutToBlock.connect(self._on_about_to_block)

    def unwind(self) -> None:
        """Have every Qt loop above this call's return, dialogs included; this call goes on."""
        if not self.is_innermost():
            self._is_unwinding = True
            self._exit()

    def abort(self) -> None:
        """End the call now, and with it every Qt loop above, dialogs included."""
        self.is_ended = True
        self._exit()

    def _exit(self) -> None:
        # This is no quit: nobody is to hear aboutToQuit, which Qt emits inside
        # exit() from 6.5 on, and on exec()'s return before.
        if self._blocked_before is None:
            self._blocked_before = require_application().blockSignals(True)
        QtCore.QCoreApplication.exit(0)

    def _restore(self) -> None:
        if self._blocked_before is not None:
            require_application().blockSignals(self._blocked_before)
            self._blocked_before = None
        if self._dispatcher is not None:
            self._dispatcher.aboutToBlock.disconnect(self._on_about_to_block)
            self._dispatcher = None

    def _on_about_to_block(self) -> None:
        if self.is_innermost():
            self._exit()


class QuittingCall(BlockingCall):
    """
    A call made while the application quits: it processes events, without a loop of Qt's.

    Args:
        future: As for any call.
        pump_events: Processes events until a condition holds or the quit is over.
    """

    def __init__(self, future: asyncio.Future[Any] | None, pump_events: PumpEvents) -> None:
        super().__init__(future)
        self._pump_events = pump_events
        self._qt_level = loop_level()

    def exec(self) -> int:
        """Process events until the call is ended or the quit is over."""
        self._pump_events(lambda: self.is_ended)
        return 0

    def end(self) -> None:
        """Have `exec` return."""
        self.is_ended = True


class BlockingCalls:
    """The blocking calls on the stack, on top of the application's own Qt loop if the guest is attached to that."""

    def __init__(self) -> None:
        # The application's own Qt loop carries the guest below all calls.
        self.is_attached = False
        self.stack: list[BlockingCall] = []
        # Those that end with the present iteration.
        self._ending: list[BlockingCall] = []

    @property
    def outermost(self) -> BlockingCall:
        """The call that all others are nested in."""
        return self.stack[0]

    @property
    def futures(self) -> list[asyncio.Future[Any]]:
        """What the calls wait for."""
        return [call.future for call in self.stack if call.future is not None]

    def push(self, call: BlockingCall) -> None:
        """Put a call on the stack, before it is run."""
        self.stack.append(call)

    def remove(self, call: BlockingCall) -> None:
        """Take a call off the stack, whatever has become of it."""
        self.stack = [other for other in self.stack if other is not call]
        self._ending = [other for other in self._ending if other is not call]

    def is_leaving(self) -> bool:
        """
        Tell whether the innermost call's Qt loop is about to return.

        Qt may call the guest once more before that; nothing is to run then.
        """
        if not self.stack:
            return False
        call = self.stack[-1]
        return call.is_ended and call.is_innermost()

    def end_innermost_later(self) -> None:
        """Have the innermost call, if any, end with the present iteration."""
        self._ending.extend(self.stack[-1:])

    def end_later(self, call: BlockingCall) -> None:
        """Have *call* end with the present iteration."""
        self._ending.append(call)

    def end_stopped(self) -> None:
        """End those calls that are to end with the iteration that is over; else the innermost, if any."""
        ending, self._ending = self._ending or self.stack[-1:], []
        for call in ending:
            if not call.is_quit:
                call.end()

    def mark_quit(self) -> None:
        """Note that the application quits: Qt ends the loops of all calls on the stack."""
        for call in self.stack:
            call.is_quit = True
            call.has_result = call.future is not None and call.future.done()

    def abort(self, exc: BaseException) -> None:
        """Have the innermost call raise *exc*; the outermost, if it is KeyboardInterrupt."""
        aborted = self.stack if isinstance(exc, KeyboardInterrupt) else self.stack[-1:]
        for call in reversed(aborted):
            call.error = asyncio.CancelledError()
            if not call.is_quit:  # Else its Qt loop has returned, or is about to.
                call.abort()
        aborted[0].error = exc

    def interrupt(self) -> bool:
        """
        Cancel what the outermost call waits for, and unwind the dialogs that hide it.

        Returns:
            False if that is no way to end it: it waits for nothing, or was interrupted before.
        """
        call = self.outermost
        if call.is_interrupted or call.future is None or not call.future.cancel():
            return False
        call.is_interrupted = True
        self.unwind()
        return True

    def unwind(self) -> None:
        """Make the Qt loops above the outermost call return: nobody is to close dialogs by hand now."""
        for call in self.stack[1:]:
            if call.future is not None:
                call.future.cancel()
        if isinstance(self.outermost, ApplicationCall):
            self.outermost.unwind()
