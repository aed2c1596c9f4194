"""AsyncSlotEventLoop: its states, its non-blocking mode, and how it ends."""

from __future__ import annotations

import asyncio
import atexit
import functools
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any, Callable, Coroutine, TypeVar

from asyncslot._blocking import BlockingEventLoop
from asyncslot._interrupt import Interrupts, on_main_thread
from asyncslot._keeper import TaskRecord
from asyncslot._owner import find_owned
from asyncslot._qt import QtCore, make_types, require_application, warn_about_fault
from asyncslot._stdlib import begin_running, logger, mute
from asyncslot._thread import hold_thread_state, is_foreign_thread
from asyncslot.lifetime import cancel_all, describe_task, is_finishing
from asyncslot.tasks import check_coroutine, create_caught, dispose

if TYPE_CHECKING:
    import contextvars
    import selectors
    import weakref

    from asyncslot._keeper import FailureHandler

__all__ = ["AsyncSlotEventLoop", "set_thread_loop", "thread_loop"]

T = TypeVar("T")

# What a shell reports for a program that SIGINT has ended: 128 + 2.
EXIT_CODE_SIGINT = 130

_this_thread = threading.local()


def thread_loop() -> AsyncSlotEventLoop | None:
    """Return the loop last attached or set on this thread, or None if there is none or it is closed."""
    loop: AsyncSlotEventLoop | None = getattr(_this_thread, "loop", None)
    return None if loop is None or loop.is_closed() else loop


def set_thread_loop(loop: AsyncSlotEventLoop | None) -> None:
    """Make *loop* this thread's, as attaching it would; None forgets which one is."""
    _register_fork_hook()
    _this_thread.loop = loop


class AsyncSlotEventLoop(BlockingEventLoop):
    """
    An asyncio event loop, the guest, that Qt's event loop, the host, carries.

    It is the platform's stock loop but for scheduling: when callbacks run, and
    how Qt and asyncio wait for each other. The table says what a call does in each
    state; `run_until_complete` is as `run_forever`.

    ========  =============  ============  =========  ============  ============
    state     run_forever()  attach()      detach()   call_soon()   close()
    ========  =============  ============  =========  ============  ============
    STOPPED   BLOCKING       ATTACHED      no effect  queued        CLOSED
    BLOCKING  nests          ATTACHED      no effect  called        RuntimeError
    ATTACHED  nests          no effect     STOPPED    called        RuntimeError
    CLOSED    RuntimeError   RuntimeError  no effect  RuntimeError  no effect
    ========  =============  ============  =========  ============  ============

    "Nests" holds in foreign code, which Qt runs while the guest waits; inside a
    callback or coroutine of the guest's it is a RuntimeError, as is `detach`.

    Args:
        selector: What polls for I/O; None for the platform's best. One without a
            ``fileno()``, such as ``SelectSelector``, costs a thread.
    """

    def __init__(self, selector: selectors.BaseSelector | None = None) -> None:
        warn_about_fault()
        make_types()
        super().__init__(selector)
        self._interrupts: Interrupts | None = None
        self._end_running: Callable[[], None] | None = None
        self._release_thread_state: Callable[[], None] | None = None
        # Attached on a QThread that has an event loop.
        self._ends_with_thread = False
        # Attached, and stop() was called.
        self._is_detaching = False

    # -- non-blocking mode --

    def attach(self) -> None:
        """
        Let the application's own Qt loop carry the guest from now on.

        The guest is this thread's running loop, in foreign code too, until
        `detach`. Attaching twice is nothing.

        Raises:
            RuntimeError: If there is no QCoreApplication, or the loop is closed or
                runs on another thread, or another loop runs on this one.
        """
        self._check_closed()
        self._check_own_thread("attach()")
        if self._is_attached:
            return
        if not self.is_running():
            self._open()
        self._is_attached = True
        _this_thread.loop = self
        if self._is_on_application_thread():
            atexit.register(self._on_exit)
        elif is_foreign_thread():
            self._ends_with_thread = True
            self._thread.finished.connect(self._on_thread_finished, QtCore.Qt.ConnectionType.DirectConnection)

    def detach(self) -> None:
        """
        Take the guest off the application's Qt loop; tasks stay suspended until the next `attach`.

        Raises:
            RuntimeError: If the caller is a callback or coroutine, or on another thread,
                or, on an attached loop, inside a blocking call.
        """
        if not self._is_attached:
            return
        self._check_own_thread("detach()")
        if self._frames or self._levels:
            msg = "detach() was called inside a callback, a coroutine or a blocking call; stop() detaches afterwards"
            raise RuntimeError(msg)
        self._detach(later=False)

    def shutdown(self, timeout_s: float | None = None) -> None:
        """
        Cancel all tasks, let them and the async generators clean up, then detach and close the loop.

        Args:
            timeout_s: How long they may take, in seconds; None for `shutdown_timeout_s`.
                What has not ended by then is reported and abandoned.

        Raises:
            RuntimeError: If the caller is a callback or coroutine, or inside a blocking
                call, or on another thread, or another loop runs on this one.
        """
        if self.is_closed():
            return
        self._check_own_thread("shutdown()")
        if self._frames or self._levels:
            msg = "shutdown() was called inside a callback, a coroutine or a blocking call; call stop() there"
            raise RuntimeError(msg)
        if asyncio.all_tasks(self) or self._asyncgens:
            self.attach()
            cancel_all(asyncio.all_tasks(self))
            self._quit.drain(self.shutdown_timeout_s if timeout_s is None else timeout_s)
        self._detach(later=False)
        self.close()

    def close(self) -> None:
        """
        Close the loop, as the stock loop does. Closing twice is nothing.

        Raises:
            RuntimeError: If it is running.
        """
        super().close()
        self._keeper.disown_all()
        if self._release_thread_state is not None:
            self._release_thread_state()
            self._release_thread_state = None

    def run_task(
        self,
        coro: Coroutine[Any, Any, T],
        *,
        name: str | None = None,
        context: contextvars.Context | None = None,
        owner: Any = None,
    ) -> asyncio.Task[T]:
        """
        Run a coroutine up to its first suspension now, and the rest as a task.

        A stopped loop is attached first. The task is strongly held until it is done.

        Args:
            coro: The coroutine; it is closed if it cannot be run.
            name: The task's name; None for asyncio's default.
            context: The context that it runs in; None for a copy of the caller's.
            owner: The QObject to whose life the task is bound: when its C++ object is
                destroyed, the task is cancelled. None for none.

        Returns:
            The task. It may be done already.

        Raises:
            TypeError: If *coro* is no coroutine, or *owner* no QObject.
            RuntimeError: If the loop is closed or runs on another thread, if there
                is no QCoreApplication, or if *context* is entered already.
            SystemExit: What the first step raises before any Qt loop runs that it could end.
        """
        check_coroutine(coro)
        return self._start_task(coro, name=name, context=context, owner=owner)

    def _start_task(
        self,
        coro: Coroutine[Any, Any, T],
        *,
        name: str | None = None,
        context: contextvars.Context | None = None,
        owner: Any = None,
        sender: weakref.ref[Any] | None = None,
        on_created: Callable[[asyncio.Task[T]], object] | None = None,
        on_failure: FailureHandler | None = None,
    ) -> asyncio.Task[T]:
        """
        Do as `run_task`, for a coroutine that is one.

        *sender* is who emitted the signal that the task begins with. *on_created* is called with the
        task before its first step, *on_failure* if it fails, on the next turn of the loop at the earliest.
        """
        try:
            owned = None if owner is None else find_owned(owner)
            self._check_closed()
            self._check_own_thread("run_task()")
            if not self.is_running():
                self.attach()
        except BaseException:  # Whatever it is, the coroutine was handed over.
            dispose(coro)
            raise
        is_late = self._quit.has_begun and self._is_foreign()
        task, first_step = create_caught(self, coro, name, context)
        self._keeper.keep(task, TaskRecord(owned, sender, on_failure))
        try:
            if on_created is not None:
                on_created(task)
            if first_step is not None:
                self._run_nested(first_step)
        finally:
            self._keeper.release_when_done(task)
        if is_late and not task.done() and not is_finishing(task):
            self._quit.add_latecomer(task)
        return task

    def _check_own_thread(self, caller: str) -> None:
        if self._thread_id not in (None, threading.get_ident()):
            msg = (
                f"{caller} was called on thread {threading.current_thread().name!r}, but the loop runs on another; "
                "use asyncio.run_coroutine_threadsafe() or call_soon_threadsafe()"
            )
            raise RuntimeError(msg)

    def _detach(self, *, later: bool) -> None:
        if not self._is_attached:
            return
        self._is_attached = False
        self._is_detaching = False
        atexit.unregister(self._on_exit)
        if self._ends_with_thread:
            self._ends_with_thread = False
            self._thread.finished.disconnect(self._on_thread_finished)
        self._close_running(later=later)

    # -- from STOPPED to running and back --

    def _open(self) -> None:
        application = require_application(type(self).application_factory)
        self._end_running = begin_running(self)
        if self._release_thread_state is None:
            self._release_thread_state = hold_thread_state()
        try:
            self._open_host()
            if on_main_thread():
                self._interrupts = Interrupts(self._csock.fileno(), self._may_interrupt)
            if self._is_on_application_thread():
                application.aboutToQuit.connect(self._on_about_to_quit)
        except BaseException:  # Whatever it is, Ctrl-C too: what was set up by then is taken back.
            self._close_running(later=False)
            raise
        _this_thread.running = self
        _register_fork_hook()

    def _close_running(self, *, later: bool) -> None:
        _this_thread.running = None
        application = QtCore.QCoreApplication.instance()
        if application is not None and self._is_on_application_thread():
            application.aboutToQuit.disconnect(self._on_about_to_quit)
        self._close_host(later=later)
        if self._interrupts is not None:
            self._interrupts.restore(keep_wakeup_fd=self._has_signal_handlers())
            self._interrupts = None
        if self._end_running is not None:
            self._end_running()
            self._end_running = None

    def _on_idle_stop(self) -> None:
        self._is_detaching = True

    def _settle(self) -> None:
        """Do what had to wait until nothing of the guest's is on the stack."""
        if self._frames or self._levels or self._quit.is_draining:
            return
        if not self._is_attached:
            self._close_running(later=False)
        elif self._quit.has_begun:
            self._complete_quit()
        elif self._is_detaching:
            self._detach(later=True)

    # -- quitting --

    def _on_about_to_quit(self) -> None:
        if self._quit.is_draining:
            self._quit.abandon()
            return
        self._begin_quit()
        if not self._frames and not self._levels:
            self._complete_quit()

    def _complete_quit(self) -> None:
        """End an attached guest whose application quits. Called by Qt; nothing leaves it."""
        try:
            self._quit.drain(self.shutdown_timeout_s)
        except BaseException as exc:  # noqa: BLE001 - what leaves a slot crashes Qt.
            self.call_exception_handler({"message": "Error while the application quit", "exception": exc})
        self._quit.end()
        self._detach(later=True)
        self.close()

    def _on_exit(self) -> None:
        """Leave nothing for Qt to call while the interpreter ends."""
        for task in asyncio.all_tasks(self):
            mute(task)
            logger.error("Task was abandoned: the program has ended without a quit: %s", describe_task(task))
        self._detach(later=False)
        self.close()

    def _forget(self) -> None:
        """In a forked child: neither carry the guest nor touch the Qt objects, which are the parent's."""
        self._host = None
        self._thread_id = None
        self._is_attached = False
        atexit.unregister(self._on_exit)
        if self._interrupts is not None:
            self._interrupts.restore(keep_wakeup_fd=False)

    def _on_thread_finished(self) -> None:
        self._begin_quit()
        self._complete_quit()

    # -- what may not leave a callback --

    def _on_escape(self, exc: BaseException) -> None:
        if self._levels:
            self._abort_levels(exc)
        elif isinstance(exc, KeyboardInterrupt):
            QtCore.QCoreApplication.exit(EXIT_CODE_SIGINT)
        elif isinstance(exc, SystemExit):
            QtCore.QCoreApplication.exit(_exit_code(exc))
        else:
            self.call_exception_handler({"message": "Error in the event loop", "exception": exc})

    def _may_raise(self) -> bool:
        return not self._levels and self._loop_level() == 0

    # -- signals --

    def _may_interrupt(self, waiting: int) -> bool:
        """
        Tell a signal handler whether it may raise where it is.

        Before any Qt loop runs, it is the program's own code. A second signal that
        finds the first one not handled yet has a callback to break that hangs; a third
        one, foreign code. There Qt may crash of it, but the program is to end.

        Args:
            waiting: How many signals have not been handled yet.
        """
        if self._loop_level() == 0:
            return not self._levels and not self._quit.is_draining
        return waiting >= (1 if self._callback_level == self._loop_level() else 2)

    def _recapture_signals(self) -> None:
        if self._interrupts is not None:
            self._interrupts.capture()

    def _on_signal_bytes(self, data: bytes) -> None:
        if self._interrupts is None:
            return
        self._interrupts.chain(data)
        for signum, original in self._interrupts.take_pending():
            if self._quit.is_draining:
                self._quit.abandon()
            elif original is signal.default_int_handler:
                self._on_ctrl_c()
            else:
                original(signum, sys._getframe())
                self._follow_cancellation()

    def _on_ctrl_c(self) -> None:
        """Do what Ctrl-C does by default: cancel the outermost blocking call, or quit."""
        if self._is_attached:
            QtCore.QCoreApplication.exit(EXIT_CODE_SIGINT)
            return
        main = self._levels[0]
        if main.is_interrupted or main.future is None or not main.future.cancel():
            raise KeyboardInterrupt
        main.is_interrupted = True
        self._unwind()

    def _follow_cancellation(self) -> None:
        """If a signal handler, such as asyncio.Runner's, has cancelled the outermost call, make way for it."""
        main = self._levels[0].future if self._levels else None
        if isinstance(main, asyncio.Task) and sys.version_info >= (3, 11) and main.cancelling():
            self._unwind()


def _exit_code(exc: SystemExit) -> int:
    """Return the exit code that Python would end with, after printing what it would print."""
    if exc.code is None or isinstance(exc.code, int):
        return exc.code or 0
    print(exc.code, file=sys.stderr)  # noqa: T201 - as the interpreter does.
    return 1


@functools.lru_cache(maxsize=None)
def _register_fork_hook() -> None:
    """Once there is a loop that a child process must not see, have ``os.fork`` hide it."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_forget_loop)


def _forget_loop() -> None:
    running, _this_thread.running = getattr(_this_thread, "running", None), None
    _this_thread.loop = None
    if running is not None:
        running._forget()
