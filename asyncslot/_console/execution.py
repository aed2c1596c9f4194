"""
Running the code of one input on the main thread, in the application that runs there; and interrupting it.

The code is run as foreign code: by a timer of Qt's, not by a callback of the guest. So all works that works in a
slot, ``asyncslot.run`` and ``dialog.exec()`` too. If it has a top-level await, it is a coroutine, and becomes a task.

Ctrl-C has three meanings: it cancels the task; it interrupts Python code that is busy; or it is for the prompt.
If a slot or a task hangs, which the input has not called itself, the first Ctrl-C gets no answer, and the second one
interrupts what hangs.

The thread of the prompt wakes the main thread by a timer of Qt's, and not by the guest, which may be detached.
"""

from __future__ import annotations

import asyncio
import collections
import concurrent.futures
import contextlib
import contextvars
import functools
import inspect
import signal
import sys
import threading
import time
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any, Callable, Coroutine

from asyncslot._console.error_display import show_error
from asyncslot._console.single_application import end_exec
from asyncslot._loop.blocking_calls import exit_code
from asyncslot._qt import QtCore, binding_name, loop_level
from asyncslot.loop import LoopState

if TYPE_CHECKING:
    from asyncslot.loop import GuestEventLoop

__all__ = ["TASK_NAME", "Execution"]

TASK_NAME = "prompt"

# After how many timeouts of a timer of 0 ms the prompt goes on. Up to Qt 6.4, nothing tells of an exit() before exec()
# has returned, which it does at the end of the present pass. The second timeout is certainly in another one.
TURNS = 2

# How long a Ctrl-C must be without an answer, in seconds, so that the next one interrupts what hangs. Arbitrary: longer
# than the application takes to answer, and about as long as a person takes to press it again.
HANGS_S = 0.3

# Set by the main thread when the input is done, and the application goes on.
Done = concurrent.futures.Future


class Execution:
    """
    Runs one input after the other, all in one namespace and one context.

    Args:
        loop: The attached loop.
        namespace: The names at the prompt.
        on_idle_interrupt: Called if Ctrl-C comes while no input runs.
    """

    def __init__(
        self, loop: GuestEventLoop, namespace: dict[str, Any], on_idle_interrupt: Callable[[], object]
    ) -> None:
        self._loop = loop
        self._namespace = namespace
        self._on_idle_interrupt = on_idle_interrupt
        # What one input sets in a context variable, the next one sees.
        self._context = contextvars.copy_context()
        # The task of the input that awaits; None if none does.
        self._task: asyncio.Task[None] | None = None
        # QThread.loopLevel() when the input began that runs now; None if none does.
        self._level: int | None = None
        # Ctrl-C has come for the present input, by way of the guest.
        self._is_interrupted = False
        # SystemExit is shown, and ends nothing: the program before the prompt runs.
        self._survives_exit = False
        # Tells of the passes of Qt's loop; see `_finish`. No object for each use, and no posted event: those that are
        # posted in a pass may still be delivered in it.
        self._timer = QtCore.QTimer()
        self._timer.setInterval(0)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._on_turn)
        self._turns = 0
        self._done: Done[None] | None = None
        # What the thread of the prompt asks for; the timer, which it starts, has it done on the main thread.
        self._requests: collections.deque[Callable[[], object]] = collections.deque()
        self._requester = QtCore.QTimer()
        self._requester.setInterval(0)
        self._requester.setSingleShot(True)
        self._requester.timeout.connect(self._on_request)
        # When the Ctrl-C came that the main thread has not answered yet, as of time.monotonic(); None if it has.
        self._unanswered_s: float | None = None
        # The handler that `Interrupts` has set: it records the signal for the guest.
        self._record: Any = None
        # The handler of SIGINT before `open`; None if that was not called, or if it is no Python function.
        self._before: Any = None

    # -- the thread of the prompt calls these --

    def run(self, code: CodeType) -> None:
        """Run the code of an input, and wait until it is done; for ever, if it ends the application."""
        self._call(functools.partial(self._execute, code))

    def run_first(self, code: CodeType) -> None:
        """Run a program before the prompt, which its SystemExit does not end, as with Python's own -i."""
        self._survives_exit = True
        self.run(code)
        self._survives_exit = False

    def quit(self, *, by_force: bool) -> None:
        """Quit the application; return if a window has refused to close."""

        def act(done: Done[None]) -> None:
            if by_force:
                QtCore.QCoreApplication.exit(0)
            else:
                QtCore.QCoreApplication.quit()
            self._finish(done)

        self._call(act)

    def show(self, exc: BaseException) -> None:
        """Show an exception on the main thread, where a hook of the user's may show a window, and wait."""
        self._call(functools.partial(self._show, exc))

    def call(self, function: Callable[[], Any], *, timeout_s: float | None = None) -> Any:
        """
        Call a function on the main thread, in foreign code; return its result.

        Raises:
            concurrent.futures.TimeoutError: If there is none after *timeout_s* seconds.
            Exception: If the function raises it.
        """
        done: Done[Any] = Done()

        def call() -> None:
            try:
                done.set_result(function())
            except Exception as exc:  # noqa: BLE001 - it belongs to the caller, on the other thread.
                done.set_exception(exc)

        self._request(call)
        return done.result(timeout_s)

    def interrupt_hanging(self) -> None:
        """Do what Ctrl-C does if the terminal has sent no signal for it: the second one interrupts what hangs."""
        if self._unanswered_s is None:
            self._unanswered_s = time.monotonic()
            self._request(self._answer)
        elif self._is_hanging() and sys.platform != "win32" and self._before != signal.SIG_IGN:
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)  # type: ignore[arg-type]

    def _call(self, act: Callable[[Done[None]], object]) -> None:
        done: Done[None] = Done()
        self._request(functools.partial(act, done))
        done.result()

    def _request(self, function: Callable[[], object]) -> None:
        self._requests.append(function)
        QtCore.QMetaObject.invokeMethod(self._requester, "start", QtCore.Qt.ConnectionType.QueuedConnection)

    # -- on the main thread --

    def _on_request(self) -> None:
        self._attach_again()
        while self._requests:
            self._requests.popleft()()

    def _answer(self) -> None:
        self._unanswered_s = None

    def _is_hanging(self) -> bool:
        since_s = self._unanswered_s
        return since_s is not None and time.monotonic() - since_s > HANGS_S

    def _show(self, exc: BaseException, done: Done[None]) -> None:
        self._is_interrupted = False
        self._level = loop_level()
        try:
            self._show_error(exc)
            if self._is_interrupted:
                self._say_interrupted()
        finally:
            self._level = None
            self._finish(done)

    def _show_error(self, exc: BaseException) -> None:
        """Show an exception. Nothing is raised, or the prompt would wait for ever."""
        try:
            show_error(exc)
        except BaseException as error:  # noqa: BLE001 - a hook of the user's, which Ctrl-C may have interrupted.
            if isinstance(error, KeyboardInterrupt):
                self._say_interrupted()

    def _execute(self, code: CodeType, done: Done[None]) -> None:
        self._is_interrupted = False
        self._level = loop_level()
        result: Any = None
        try:
            result = self._context.run(eval, code, self._namespace)
        except BaseException as exc:  # noqa: BLE001 - the prompt has to go on, and nothing may enter Qt.
            self._fail(exc)
        else:
            if self._is_interrupted:
                self._say_interrupted()
        finally:
            self._level = None
        if code.co_flags & inspect.CO_COROUTINE and inspect.iscoroutine(result):
            self._loop.run_task(self._await(result, done), name=TASK_NAME, context=self._context)
        else:
            self._finish(done)

    async def _await(self, coro: Coroutine[Any, Any, object], done: Done[None]) -> None:
        # Here, because the first step runs before run_task() returns, and may take long.
        self._task = asyncio.current_task()
        try:
            await coro
        except GeneratorExit:
            raise
        except asyncio.CancelledError as exc:
            if self._is_interrupted:
                self._say_interrupted()
            elif not self._loop.is_quitting():
                self._show_error(exc)
        except BaseException as exc:  # noqa: BLE001 - as in _execute().
            self._fail(exc)
        finally:
            self._task = None
            self._finish(done)

    def _fail(self, exc: BaseException) -> None:
        if isinstance(exc, SystemExit) and not self._survives_exit:
            QtCore.QCoreApplication.exit(exit_code(exc))
        elif isinstance(exc, KeyboardInterrupt):
            self._say_interrupted()
        else:
            self._show_error(exc)

    def _say_interrupted(self) -> None:
        self._is_interrupted = False
        # Standard error may be closed, or be an object of the user's that fails.
        with contextlib.suppress(Exception):
            print("\nKeyboardInterrupt", file=sys.stderr)

    def _finish(self, done: Done[None]) -> None:
        """Let the prompt go on, unless the application ends."""
        # A closed loop has ended, and with it the application.
        if not self._loop.is_closed():
            self._done, self._turns = done, TURNS
            self._timer.start()

    def _on_turn(self) -> None:
        self._turns -= 1
        if self._turns:
            self._timer.start()
        elif self._done is not None and not self._loop.is_quitting():
            self._attach_again()
            done, self._done = self._done, None
            done.set_result(None)

    # -- Ctrl-C --

    def open(self) -> None:
        """Attach the loop, and have Ctrl-C interrupt what runs, instead of ending the application."""
        # A program before the prompt may have attached it. Its tasks are suspended only for these lines.
        self._loop.detach()
        self._loop._calls.end_application = self._end_application  # type: ignore[method-assign]
        self._before = signal.getsignal(signal.SIGINT)
        self._attach()

    def _attach(self) -> None:
        if self._before == signal.SIG_IGN:
            # Of a process in the background: Ctrl-C is not for it, and Python leaves that alone, too.
            self._loop.attach()
            return
        # What is called depends on when: this one by the guest, see `Interrupts`, and the other one at once.
        signal.signal(signal.SIGINT, self._on_interrupt)
        self._loop.attach()
        self._record = signal.getsignal(signal.SIGINT)
        signal.signal(signal.SIGINT, self._on_signal)

    def _attach_again(self) -> None:
        """Attach the loop, if ``stop()`` or ``detach()`` has detached it: at the prompt, tasks go on."""
        if self._loop.state is not LoopState.STOPPED or loop_level() == 0:
            return
        # Another loop may run here, or the application may quit.
        with contextlib.suppress(RuntimeError):
            self._attach()

    def close(self) -> None:
        """Give Ctrl-C the meaning back that it had before."""
        vars(self._loop._calls).pop("end_application", None)
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _end_application(self, exc: BaseException) -> None:
        """End the application for SystemExit, but not for the KeyboardInterrupt of a task or callback that hung."""
        if isinstance(exc, KeyboardInterrupt):
            self._show_error(exc)
        else:
            type(self._loop._calls).end_application(self._loop._calls, exc)

    def _on_signal(self, signum: int, frame: FrameType | None) -> None:
        if self._may_raise(frame):
            raise KeyboardInterrupt
        # The guest has not answered the one before: something hangs. Our own code is not interrupted.
        if self._is_hanging() and loop_level() > 0 and not _is_ours(frame):
            self._unanswered_s = None
            raise KeyboardInterrupt
        # Before the application runs, and after it, there is nothing to interrupt; but a second one hurries a quit.
        if loop_level() > 0 or self._loop.is_quitting():
            if self._unanswered_s is None:
                self._unanswered_s = time.monotonic()
            self._record(signum, frame)

    def _may_raise(self, frame: FrameType | None) -> bool:
        """
        Tell whether the input itself runs Python code now, and no Qt loop inside it.

        A slot that the input's code calls by ``emit()`` counts as its code: if it hangs, it is interrupted, too.
        """
        level = self._level if self._level is not None else self._loop._slicer.callback_level
        if level != loop_level():
            return False
        inner: FrameType | None = None
        while frame is not None:
            if frame.f_code in _ENTRIES:
                return inner is not None
            if _is_ours(frame):
                return False
            inner, frame = frame, frame.f_back
        return False

    def _on_interrupt(self, *_: object) -> None:
        """Do what Ctrl-C asks for. The guest calls it in a callback of its own."""
        self._unanswered_s = None
        calls = self._loop._calls
        if self._task is not None:
            self._is_interrupted = True
            self._task.cancel()
            # If the input itself runs a dialog. Another dialog is none of its business.
            if getattr(self._task.get_coro(), "cr_running", False):
                _leave_qt_loop()
        elif self._level is None:
            self._on_idle_interrupt()
        elif calls.stack:
            # asyncslot.run() at the prompt raises KeyboardInterrupt there.
            calls.interrupt()
        else:
            self._is_interrupted = True
            _leave_qt_loop()


# The functions that call an input's code.
_ENTRIES = (Execution._execute.__code__, Execution._await.__code__)


def _is_ours(frame: FrameType | None) -> bool:
    """Tell whether *frame* is of this package: an exception there could leave it half done, or enter Qt."""
    return frame is not None and str(frame.f_globals.get("__name__")).partition(".")[0] == "asyncslot"


def _leave_qt_loop() -> None:
    """Close the dialog that waits for an answer, so that its exec() returns; or end ``app.exec()``."""
    widgets = sys.modules.get(f"{binding_name()}.QtWidgets")
    dialog: Any = None if widgets is None else widgets.QApplication.activeModalWidget()
    if dialog is not None:
        # A dialog may refuse to close, but not to be rejected.
        getattr(dialog, "reject", dialog.close)()
    else:
        end_exec()
