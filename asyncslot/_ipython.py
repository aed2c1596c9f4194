"""
The IPython extension: ``%load_ext asyncslot``, and ``--ext=asyncslot`` for a Jupyter kernel.

In the terminal, IPython's prompt and its cells run in one loop of ours, which is attached all the time. So Qt lives
while the prompt waits and while a cell awaits, and a cell may start tasks without awaiting anything.

In a kernel, the loop that serves its messages must be ours. It cannot be replaced while it runs. So the extension is
loaded before it runs, by the kernel's command line.

What was tried and does not work
- ``%gui qt``: IPython runs its prompt in a loop of its own, and asyncio refuses it while ours is attached. In a
  kernel, a cell that awaits hangs until the next message, because Qt's loop runs inside a callback of asyncio's.
- ``ASYNCSLOT_POLICY=qt`` for a kernel: its other threads run their loops before there is an application.
"""

from __future__ import annotations

import asyncio
import atexit
import importlib
import os
import sys
from typing import Any, Callable

from asyncslot._loop.interrupts import on_main_thread
from asyncslot._qt import QtCore, make_application
from asyncslot._slot.start import ensure_loop, make_loop
from asyncslot._task.asyncio_private import get_running_loop
from asyncslot.loop import GuestEventLoop, LoopState, thread_loop

__all__ = ["load", "unload"]

# What IPython calls its integration in which the prompt runs in the loop of the cells.
GUI = "asyncio"

# The oldest ipykernel that has no main loop yet when the extensions of its command line are loaded.
KERNEL_VERSION = 7

HOW_TO_START_KERNEL = (
    "asyncslot must be loaded before the kernel's event loop runs: add '--ext=asyncslot' to \"argv\" in the "
    "kernel.json that 'jupyter kernelspec list' finds, and restart the kernel"
)

HOW_TO_START_OLD_KERNEL = (
    f"asyncslot as an extension of a kernel needs ipykernel {KERNEL_VERSION} or later; for older ones, "
    "docs/interactive.md has a command line"
)

# The session that was loaded; None if none is.
_session: TerminalSession | KernelSession | None = None


def load(shell: Any) -> None:
    """
    Let *shell*, its windows and its ``await`` live in one loop.

    Args:
        shell: The InteractiveShell of IPython's.

    Raises:
        RuntimeError: If another loop runs there already. The message says what to do instead.
    """
    global _session  # noqa: PLW0603 - a process has one application, and so one session.
    if not on_main_thread():
        msg = "asyncslot was loaded on another thread than Python's main one, on which IPython and Qt must run"
        raise RuntimeError(msg)
    session = KernelSession(shell) if getattr(shell, "kernel", None) is not None else TerminalSession(shell)
    session.begin()
    _session = session


def unload() -> None:
    """
    Undo what `load` has done. The application stays, because windows of the user's may need it.

    Raises:
        RuntimeError: If the cell that calls it awaits something, too.
    """
    global _session  # noqa: PLW0603 - as in load().
    if _session is not None:
        _session.end()
        _session = None


class _Surroundings:
    """What a session changes around the loop: of the application, and how exceptions in slots are shown."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._application: Any = None
        self._quits_on_last_window: bool | None = None
        self._previous_hook: Any = None

    def change(self) -> None:
        _check_display()
        self._application = make_application()
        # A QCoreApplication has no windows.
        if hasattr(self._application, "setQuitOnLastWindowClosed"):
            self._quits_on_last_window = self._application.quitOnLastWindowClosed()
            # The prompt, or the kernel, would end with it.
            self._application.setQuitOnLastWindowClosed(False)
        # As %gui does: otherwise IPython shows an exception in a slot as a fault of its own.
        self._previous_hook = sys.excepthook
        self._after_cell(self._set_hook)

    def restore(self) -> None:
        if self._quits_on_last_window is not None:
            self._application.setQuitOnLastWindowClosed(self._quits_on_last_window)
        self._after_cell(self._restore_hook)

    def _set_hook(self) -> None:
        sys.excepthook = self._shell.excepthook

    def _restore_hook(self) -> None:
        # One that was set meanwhile stays. Compared by value: each look makes another bound method.
        if sys.excepthook == self._shell.excepthook:
            sys.excepthook = self._previous_hook

    def _after_cell(self, function: Callable[[], None]) -> None:
        """Call a function now, and once more after the present cell, when IPython puts its own hook back."""

        def call(*_: object) -> None:
            self._shell.events.unregister("post_run_cell", call)
            function()

        function()
        self._shell.events.register("post_run_cell", call)


class TerminalSession:
    """
    IPython in a terminal.

    Args:
        shell: The TerminalInteractiveShell.
    """

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._surroundings = _Surroundings(shell)
        self._loop: GuestEventLoop | None = None
        # The loop was attached by the program, so it stays so.
        self._was_attached = False
        # The integration that %gui had switched on.
        self._gui: str | None = None

    def begin(self) -> None:
        running = get_running_loop()
        if running is not None and not isinstance(running, GuestEventLoop):
            msg = (
                f"asyncslot was loaded while {running!r} runs: load it in a cell of its own, without 'await', "
                "'%load_ext asyncslot'"
            )
            raise RuntimeError(msg)
        if self._shell.simple_prompt:
            msg = (
                "asyncslot needs IPython's own prompt, which '--simple-prompt', or input that is no terminal, switches "
                "off: Qt would stand still while input() waits"
            )
            raise RuntimeError(msg)
        self._surroundings.change()
        try:
            self._was_attached = running is not None or _is_attached(thread_loop())
            loop = ensure_loop()
        except BaseException:  # Undo it, whatever was raised.
            self._surroundings.restore()
            raise
        assert isinstance(loop, GuestEventLoop)
        self._loop = loop
        self._gui = self._shell.active_eventloop
        self._switch_gui(GUI)
        self._shell.events.register("post_run_cell", self._after_cell)
        # Before the loop's own function, which would abandon the tasks: the last registered is called first.
        atexit.register(self.end)

    def end(self) -> None:
        loop, self._loop = self._loop, None
        if loop is None:
            return
        if not loop.is_closed() and not self._was_attached:
            try:
                loop.shutdown()
            except RuntimeError as exc:  # Most likely it was called in a coroutine. Nothing was undone yet.
                self._loop = loop
                msg = "asyncslot cannot be unloaded here: do it in a cell of its own, without 'await', by %unload_ext"
                raise RuntimeError(msg) from exc
        atexit.unregister(self.end)
        self._shell.events.unregister("post_run_cell", self._after_cell)
        self._switch_gui(self._gui)
        self._surroundings.restore()

    def _switch_gui(self, gui: str | None) -> None:
        """Switch IPython's integration of event loops. It refuses one while another one is on."""
        if self._shell.active_eventloop is not None:
            self._shell.enable_gui(None)
        if gui is not None:
            self._shell.enable_gui(gui)

    def _after_cell(self, _: object = None) -> None:
        """Keep what the prompt needs: a loop, and our integration."""
        if self._loop is not None and self._loop.is_closed():
            # A cell has run the application, or awaited something, and the application has quit meanwhile.
            print("asyncslot: the application has quit, and its tasks were cancelled; IPython goes on", file=sys.stderr)  # noqa: T201
            loop = ensure_loop()
            self._loop = loop if isinstance(loop, GuestEventLoop) else None
        self._keep_gui()

    def _keep_gui(self) -> None:
        """Switch our integration on again after ``%gui``: without it, IPython's prompt could not run."""
        if self._shell.active_eventloop != GUI:
            print("asyncslot runs the prompt; '%unload_ext asyncslot' ends that", file=sys.stderr)  # noqa: T201
            self._switch_gui(GUI)


class KernelSession:
    """
    A Jupyter kernel.

    Args:
        shell: The ZMQInteractiveShell.
    """

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._surroundings = _Surroundings(shell)
        # What ipykernel does for %gui qt and %matplotlib qt, by the names that these take.
        self._integrations: dict[str, Any] = {}

    def begin(self) -> None:
        serving = get_running_loop() or self._find_loop()
        if serving is not None and not isinstance(serving, GuestEventLoop):
            raise RuntimeError(HOW_TO_START_KERNEL if get_running_loop() else HOW_TO_START_OLD_KERNEL)
        self._surroundings.change()
        if serving is None:
            # The kernel takes this thread's loop when it begins to serve.
            asyncio.set_event_loop(make_loop())
        # Qt lives already. One more Qt loop, inside a callback, would keep the kernel from its messages.
        integrations = importlib.import_module("ipykernel.eventloops").loop_map
        self._integrations = {name: integrations[name] for name in integrations if str(name).startswith("qt")}
        integrations.update(dict.fromkeys(self._integrations))

    def _find_loop(self) -> asyncio.AbstractEventLoop | None:
        """Return the loop in which the kernel will run its cells; None if it has chosen none yet."""
        version = str(sys.modules["ipykernel"].__version__)
        if int(version.partition(".")[0]) >= KERNEL_VERSION:
            return None
        loop: asyncio.AbstractEventLoop = self._shell.kernel.shell_stream.io_loop.asyncio_loop
        return loop

    def end(self) -> None:
        """Undo all but the loop, in which the kernel runs to its end."""
        importlib.import_module("ipykernel.eventloops").loop_map.update(self._integrations)
        self._surroundings.restore()


def _check_display() -> None:
    """Refuse to make an application that would abort the process."""
    variables = ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY")
    if sys.platform != "linux" or QtCore.QCoreApplication.instance() is not None or any(map(os.environ.get, variables)):
        return
    msg = (
        "there is no display for Qt's windows: DISPLAY and WAYLAND_DISPLAY are not set; without windows to see, set "
        "QT_QPA_PLATFORM=offscreen"
    )
    raise RuntimeError(msg)


def _is_attached(loop: GuestEventLoop | None) -> bool:
    return loop is not None and loop.state is LoopState.ATTACHED
