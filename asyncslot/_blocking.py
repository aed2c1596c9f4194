"""
Blocking mode: calls that run a Qt loop of their own until a future is done.

They nest: each is a level. This module knows nothing of attaching or of signals:
`loop` tells it, through the few hooks at the end of the class.
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, Awaitable, Callable, ClassVar, Generator, TypeVar

from asyncslot._keeper import TaskKeeper
from asyncslot._level import ApplicationLevel, Level, make_level
from asyncslot._qt import require_application
from asyncslot._quit import Quit
from asyncslot._slices import SlicedEventLoop
from asyncslot._stdlib import get_running_loop, mute
from asyncslot.tasks import dispose

if TYPE_CHECKING:
    import selectors

__all__ = ["BlockingEventLoop"]

T = TypeVar("T")


class BlockingEventLoop(SlicedEventLoop):
    """The blocking half of `AsyncSlotEventLoop`."""

    # Seconds that tasks may take to clean up when the application quits. Arbitrary:
    # what a person waits before killing a program that does not end.
    shutdown_timeout_s = 5.0

    # Makes the QCoreApplication when a loop is first run, on the main thread, without
    # one; None for a RuntimeError instead. It takes no arguments.
    application_factory: ClassVar[Callable[[], object] | None] = None

    def __init__(self, selector: selectors.BaseSelector | None = None) -> None:
        super().__init__(selector)
        # The blocking calls on the stack, the outermost first.
        self._levels: list[Level] = []
        # Those of them that end with the present iteration.
        self._ending: list[Level] = []
        self._quit = Quit(self)
        # The tasks of run_task() and slots.
        self._keeper = TaskKeeper()
        # The application's own Qt loop carries the guest, too: `loop` says so.
        self._is_attached = False

    def run_forever(self) -> None:
        """
        Run until `stop`, in a Qt loop of its own.

        Raises:
            RuntimeError: If there is no QCoreApplication, or the loop is closed, or
                the caller is a callback or coroutine, or another loop runs.
            SystemExit: If the application quits meanwhile, with its exit code.
        """
        self._check_can_block()
        self._run_level(make_level(None))

    def run_until_complete(self, future: Generator[Any, None, T] | Awaitable[T]) -> T:
        """
        Run until *future*, or the task made of a coroutine, is done.

        Ctrl-C, unless the program handles it, cancels it; a second one does not
        wait for its clean-up.

        Returns:
            Its result.

        Raises:
            RuntimeError: As `run_forever`; or if `stop` was called before it was done.
            KeyboardInterrupt: If Ctrl-C has ended it.
            SystemExit: If the application quits meanwhile, with its exit code; it has been cancelled.
            asyncio.CancelledError: If it was cancelled; also if the application
                quits and this call was nested in another.
        """
        try:
            self._check_can_block()
        except RuntimeError:
            dispose(future)
            raise
        is_ours = not asyncio.isfuture(future)
        main: asyncio.Future[T] = asyncio.ensure_future(future, loop=self)  # type: ignore[arg-type]
        if is_ours:
            mute(main)  # An error is raised below.
        level = make_level(main)

        def end_level(_: object) -> None:
            if main.cancelled() or not isinstance(main.exception(), (SystemExit, KeyboardInterrupt)):
                self._end_after_iteration(level)

        main.add_done_callback(end_level)
        try:
            self._run_level(level)
        except BaseException:  # Whatever ends the call instead of its future, such as Ctrl-C or a quit.
            if is_ours and main.done() and not main.cancelled():
                main.exception()  # Nobody else can retrieve it.
            raise
        finally:
            main.remove_done_callback(end_level)
        if not main.done():
            msg = "Event loop stopped before Future completed."
            raise RuntimeError(msg)
        if level.is_interrupted and main.cancelled():
            raise KeyboardInterrupt
        return main.result()

    def stop(self) -> None:
        """
        End the innermost blocking call after the present iteration; with none, detach.

        As in asyncio, what is ready now still runs.
        """
        self._ending.extend(self._levels[-1:])
        super().stop()

    def _check_can_block(self) -> None:
        self._check_closed()
        if self.is_running():
            if self._thread_id != threading.get_ident():
                msg = "This event loop is already running, on another thread; use asyncio.run_coroutine_threadsafe()"
                raise RuntimeError(msg)
            if not self._is_foreign():
                msg = "This event loop is already running: in a coroutine use 'await', in a callback create_task()"
                raise RuntimeError(msg)
        elif get_running_loop() is not None:
            msg = "Cannot run the event loop while another loop is running"
            raise RuntimeError(msg)
        require_application(type(self).application_factory)

    def _run_level(self, level: Level) -> None:
        if not self.is_running():
            self._open()
        callback_level, self._callback_level = self._callback_level, None
        self._levels.append(level)
        self._wake()
        try:
            exit_code = level.exec()
            if self._quit.has_begun or not level.is_ended:
                self._on_quit(level, exit_code)
        finally:
            self._levels.remove(level)
            self._ending = [other for other in self._ending if other is not level]
            self._callback_level = callback_level
            self._is_leaving = False
            self._settle()
        if level.error is not None:
            raise level.error

    def _on_quit(self, level: Level, exit_code: int) -> None:
        """Raise what a blocking call raises when the application, or its thread, quits."""
        self._begin_quit()
        if len(self._levels) == 1 and not self._is_attached:
            self._quit.drain(self.shutdown_timeout_s)
            self._quit.end()
        if level.has_result or level.error is not None:
            return
        if isinstance(level, ApplicationLevel):
            raise SystemExit(exit_code)
        msg = "the Qt event loop quit"
        raise asyncio.CancelledError(msg)

    def _begin_quit(self) -> None:
        if self._quit.has_begun:
            return
        for level in self._levels:
            level.has_result = level.future is not None and level.future.done()
        futures = [level.future for level in self._levels if level.future is not None]
        self._quit.begin([*futures, *self._keeper], holds_last_window=self._is_on_application_thread())

    def _end_after_iteration(self, level: Level) -> None:
        if not self._quit.has_begun:  # Then all levels end anyway.
            self._ending.append(level)
            super().stop()

    def _on_stop(self) -> None:
        self._stopping = False
        if self._quit.has_begun:
            return
        ending, self._ending = self._ending or self._levels[-1:], []
        for level in ending:
            level.end()
        if not ending:
            self._on_idle_stop()
        # Qt may call once more before a loop that is told to return does so.
        self._is_leaving = bool(self._levels) and self._levels[-1].is_ended and self._levels[-1].is_innermost()

    def _abort_levels(self, exc: BaseException) -> None:
        """Have the innermost blocking call raise *exc*; the outermost, if it is KeyboardInterrupt."""
        aborted = self._levels if isinstance(exc, KeyboardInterrupt) else self._levels[-1:]
        for level in reversed(aborted):
            level.error = asyncio.CancelledError()
            if not self._quit.is_draining:  # Then it has returned from its Qt loop.
                level.abort()
        aborted[0].error = exc
        self._quit.abandon()

    def _unwind(self) -> None:
        """Make the Qt loops above the outermost blocking call return: nobody is to close dialogs by hand now."""
        for level in self._levels[1:]:
            if level.future is not None:
                level.future.cancel()
        if isinstance(self._levels[0], ApplicationLevel):
            self._levels[0].unwind()

    # -- what `loop` decides --

    def _open(self) -> None:
        """Go from STOPPED to running."""
        raise NotImplementedError

    def _on_idle_stop(self) -> None:
        """Act on ``stop()`` with no blocking call on the stack."""
        raise NotImplementedError
