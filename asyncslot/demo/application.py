"""The application: one coroutine that opens what it needs, shows the window, and closes everything again."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ContextManager, Iterator

from asyncslot import run_task
from asyncslot._qt import exec_application, import_qt
from asyncslot.demo.download import Source, file_name, make_session
from asyncslot.demo.script import Script
from asyncslot.demo.server import serve_files, serve_files_in_thread
from asyncslot.demo.window import Window

if TYPE_CHECKING:
    from PySide6 import QtWidgets
else:
    QtWidgets = import_qt("QtWidgets")

__all__ = ["Options", "run_application"]


@dataclass(frozen=True)
class Options:
    """
    The options of the command line.

    Args:
        urls: The files to download; empty for the files of the demo's own server.
        directory: Where to save them; None for a temporary directory.
        seconds: How long the slowest file of the demo's own server takes.
        is_self_driven: Whether the demo clicks its own buttons, and ends.
        screenshot: Where it then saves a picture.
    """

    urls: list[str]
    directory: Path | None
    seconds: float
    is_self_driven: bool
    screenshot: Path


def run_application(options: Options) -> int:
    """Run the demo until its window is closed or its script has ended; return the exit code."""
    # The arguments were parsed by us, so Qt gets only a name.
    application = QtWidgets.QApplication(["asyncslot demo"])  # noqa: F841 - deleted if nothing refers to it.
    demo = _Demo(options)
    # Before exec(): this makes a loop and attaches it. The first step runs now, the rest when Qt's loop runs.
    run_task(demo.run(), name="demo").add_done_callback(_on_done)
    return exec_application()


class _Demo:
    def __init__(self, options: Options) -> None:
        self._options = options
        # Kept until Qt's loop has returned. If the last window were freed earlier, its end would quit with code 0.
        self._window: Window | None = None

    async def run(self) -> int:
        """
        Show the window, and wait for the end of the script. Without a script, wait until a quit cancels this task.

        Whatever is opened here is closed in reverse order, however this task ends.

        Returns:
            The exit code.
        """
        async with contextlib.AsyncExitStack() as stack:
            directory = stack.enter_context(_open_directory(self._options.directory))
            sources = [Source(url, file_name(url)) for url in self._options.urls]
            if self._options.is_self_driven or not sources:
                served = await stack.enter_async_context(serve_files(self._options.seconds))
                # The last one never ends: the script cancels it, also if the other files come from URLs.
                sources += served[-1:] if sources else served
            session = await stack.enter_async_context(make_session())
            window = self._window = Window(session, sources, directory, self._serve_blocking)
            # After the session, and so closed before it: the downloads end first, then session, server, directory.
            stack.push_async_callback(window.cancel_downloads)
            window.show()
            if self._options.is_self_driven:
                return 0 if await Script(window, self._options.screenshot).run() else 1
            # Never done. Closing the window quits the application, and the quit cancels this task.
            forever: asyncio.Future[int] = asyncio.get_running_loop().create_future()
            return await forever

    def _serve_blocking(self) -> ContextManager[list[Source]]:
        """Serve the files for a client that blocks this thread; those of other servers are served by these."""
        # All files take as long as the longest one by asyncio, which loads all at once: the line is as fast.
        return serve_files_in_thread(self._options.seconds)


@contextlib.contextmanager
def _open_directory(directory: Path | None) -> Iterator[Path]:
    if directory is not None:
        yield directory
        return
    with tempfile.TemporaryDirectory(prefix="asyncslot-demo-") as name:
        yield Path(name)


def _on_done(task: asyncio.Task[int]) -> None:
    # Cancelled by a quit: Qt has its exit code already.
    if task.cancelled():
        return
    error = task.exception()
    if error is not None:
        # Nobody awaits the task, so nobody else would report it before the program ends.
        context = {"message": "The demo has failed", "exception": error, "task": task}
        task.get_loop().call_exception_handler(context)
    QtWidgets.QApplication.exit(1 if error is not None else task.result())
