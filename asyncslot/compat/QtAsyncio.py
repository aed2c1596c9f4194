# ruff: noqa: N999 - the module's name is that of the module in the place of which it stands.
"""
The names of PySide6.QtAsyncio over asyncslot: ``from asyncslot.compat import QtAsyncio``. They work with each binding.

Futures, tasks and handles are asyncio's own classes, so ``QAsyncioFuture`` takes no *context*, and a handle that a
program makes itself schedules nothing.
"""

from __future__ import annotations

import asyncio
from typing import Any, Coroutine

import asyncslot
from asyncslot import AsyncSlotEventLoop
from asyncslot._loop.first_step import dispose
from asyncslot._qt import QtCore, make_application
from asyncslot.compat._policy import LoopPolicy
from asyncslot.compat._quit import QuitWatch

__all__ = [
    "QAsyncioEventLoop",
    "QAsyncioEventLoopPolicy",
    "QAsyncioFuture",
    "QAsyncioHandle",
    "QAsyncioTask",
    "QAsyncioTimerHandle",
]

QAsyncioFuture = asyncio.Future
QAsyncioTask = asyncio.Task
QAsyncioHandle = asyncio.Handle
QAsyncioTimerHandle = asyncio.TimerHandle


class QAsyncioEventLoop(AsyncSlotEventLoop):
    """
    An `AsyncSlotEventLoop` with QtAsyncio's parameters. Networking, subprocesses, pipes and signals work, too.

    Args:
        application: Has no effect: there is one application, and the loop finds it.
        quit_qapp: Whether `stop` quits the application, too.
    """

    def __init__(self, application: Any = None, quit_qapp: bool = True) -> None:  # noqa: FBT001, FBT002 - QtAsyncio's.
        del application
        super().__init__()
        self._quit_qapp = quit_qapp

    def stop(self) -> None:
        """End the innermost blocking call, and quit the application, if the loop is to."""
        super().stop()
        if self._quit_qapp and self.is_running():
            QtCore.QCoreApplication.quit()


class QAsyncioEventLoopPolicy(LoopPolicy):
    """
    The policy whose loops are `QAsyncioEventLoop`. A QCoreApplication is made if there is none.

    Args:
        quit_qapp: As for the loop.
        handle_sigint: Has no effect: the loops end at Ctrl-C in any case, unless the program handles it.
    """

    def __init__(self, quit_qapp: bool = True, handle_sigint: bool = False) -> None:  # noqa: FBT001, FBT002 - QtAsyncio's.
        del handle_sigint
        super().__init__()
        make_application("core")
        self._quit_qapp = quit_qapp
        self._loop: asyncio.AbstractEventLoop | None = None

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        """Make a loop."""
        return QAsyncioEventLoop(quit_qapp=self._quit_qapp)

    def get_event_loop(self) -> asyncio.AbstractEventLoop:
        """Return the loop that was set; if there is none, a new one, which is then set."""
        if self._loop is None:
            self.set_event_loop(self.new_event_loop())
        assert self._loop is not None
        return self._loop

    def set_event_loop(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """Set the loop that `get_event_loop` returns."""
        super().set_event_loop(loop)
        self._loop = loop


def run(
    coro: Coroutine[Any, Any, Any] | None = None,
    keep_running: bool = True,  # noqa: FBT001, FBT002 - QtAsyncio's.
    quit_qapp: bool = True,  # noqa: FBT001, FBT002 - QtAsyncio's.
    *,
    handle_sigint: bool = False,
    debug: bool | None = None,
) -> Any:
    """
    Run Qt and asyncio. A QCoreApplication is made if there is none.

    At a quit the tasks are cancelled, and clean up, before this returns.

    Args:
        coro: The coroutine; None for none, if *keep_running*.
        keep_running: Whether to go on until the application quits or the loop is stopped; else until *coro* is done.
        quit_qapp: Whether the application quits when asyncio stops: ``aboutToQuit`` is emitted, and windows are closed.
        handle_sigint: Has no effect: Ctrl-C ends this in any case, unless the program handles it, by KeyboardInterrupt.
        debug: asyncio's debug mode; None for asyncio's default.

    Returns:
        The result of *coro*; None if *keep_running*. A quit's exit code is lost, as with QtAsyncio.

    Raises:
        RuntimeError: If there is no *coro*, and it is not to keep running.
        SystemExit: If the application quits before *coro* is done, and it is not to keep running.
        KeyboardInterrupt: If Ctrl-C has ended it.
    """
    del handle_sigint
    if coro is None and not keep_running:
        msg = "QtAsyncio.run(keep_running=False) needs a coroutine to run"
        raise RuntimeError(msg)
    make_application("core")
    try:
        if coro is not None and not keep_running:
            return _run_until_done(coro, quit_qapp=quit_qapp, debug=debug)
        _run_forever(coro, quit_qapp=quit_qapp, debug=debug)
    finally:  # If it could not be run, Python would warn that it was never awaited.
        dispose(coro)
    return None


def _run_until_done(coro: Coroutine[Any, Any, Any], *, quit_qapp: bool, debug: bool | None) -> Any:
    mains: list[asyncio.Task[Any]] = []

    async def main() -> Any:
        task = asyncio.current_task()
        assert task is not None
        mains.append(task)
        if quit_qapp:
            # When it is done: the quit cancels what is not.
            task.add_done_callback(lambda _: QtCore.QCoreApplication.quit())
        return await coro

    with QuitWatch() as watch:
        try:
            return asyncslot.run(main(), debug=debug)
        except SystemExit:
            # With Qt before 6.5, our own quit() comes before the end of the task.
            if mains and watch.has_ended(mains[0]):
                return mains[0].result()
            raise


def _run_forever(coro: Coroutine[Any, Any, Any] | None, *, quit_qapp: bool, debug: bool | None) -> None:
    with QAsyncioEventLoop(quit_qapp=quit_qapp) as loop, QuitWatch() as watch:
        if debug is not None:
            loop.set_debug(debug)
        if coro is not None:
            # Not by run_task() here: that would attach the loop.
            loop.call_soon(loop.run_task, coro)
        try:
            loop.run_forever()
        except SystemExit:
            if not watch.has_quit:
                raise
