"""Helpers that tests import: running Qt until something happens, running scripts in a process of their own."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Coroutine, Sequence

import pytest
import qt  # noqa: F401 - gives PySide2's classes an exec().

from asyncslot import run_task
from asyncslot._qt import QtCore, platform_plugin

IS_WINDOWS = sys.platform == "win32"
# The exit code of a program that SIGINT has ended. Windows: STATUS_CONTROL_C_EXIT.
INTERRUPTED_CODE = 0xC000013A if IS_WINDOWS else -signal.SIGINT

# The selectors that need a thread.
WITHOUT_DESCRIPTOR = [name for name in ("PollSelector", "SelectSelector") if hasattr(selectors, name)]

has_fork = pytest.mark.skipif(IS_WINDOWS, reason="Windows has no fork")
has_signals = pytest.mark.skipif(IS_WINDOWS, reason="Windows has no add_signal_handler(), and no SIGUSR1")
has_readers = pytest.mark.skipif(IS_WINDOWS, reason="Windows' stock loop has no add_reader()")
only_windows = pytest.mark.skipif(not IS_WINDOWS, reason="about what only Windows has")

IS_QT_5 = QtCore.qVersion().startswith("5.")

# What Qt 5 cannot do, and so neither asyncslot on it; docs/bindings.md has the table.
quit_closes_windows = pytest.mark.skipif(IS_QT_5, reason="Qt 5's quit() closes no windows, so it asks nobody")
exit_is_heard = pytest.mark.skipif(IS_QT_5, reason="Qt 5 tells nobody of an exit() after exec() has returned")

# Seconds after which something that should have happened is taken never to. Arbitrary, generous; Wine is slow.
CEILING_S = 60 if IS_WINDOWS else 20

# The highest handle that `list_descriptors` finds on Windows. Arbitrary: ten times what the tests open at once.
MAX_HANDLE = 40_000

# The right to wait for a process. Source: Windows, "Process Security and Access Rights".
SYNCHRONIZE = 0x00100000

SCRIPTS = Path(__file__).parent / "scripts"


def run_qt(in_slot: Callable[[Callable[[], None]], object], timeout_s: float = CEILING_S) -> None:
    """
    Run a Qt loop of the application's own, which knows nothing of asyncio.

    No timer runs meanwhile that could wake a guest that has not been woken, but for
    one that fires when the time is over.

    Args:
        in_slot: Called by Qt, as a slot is, with the function that ends the Qt loop.
        timeout_s: After how many seconds to fail.
    """
    qt_loop = QtCore.QEventLoop()
    errors: list[BaseException] = []

    def slot() -> None:
        try:
            in_slot(qt_loop.quit)
        except BaseException as exc:  # A slot must not raise: the test does.
            errors.append(exc)
            qt_loop.quit()

    watchdog = QtCore.QTimer()
    watchdog.setSingleShot(True)
    watchdog.timeout.connect(lambda: (errors.append(TimeoutError("nothing ended the Qt loop")), qt_loop.quit()))
    watchdog.start(int(timeout_s * 1000))
    QtCore.QTimer.singleShot(0, slot)
    qt_loop.exec()
    watchdog.stop()
    if errors:
        raise errors[0]


def run_coroutine(coro: Coroutine[Any, Any, Any], timeout_s: float = CEILING_S) -> Any:
    """
    Run a coroutine in a Qt loop of the application's own.

    Args:
        coro: The coroutine; what it waits for is waited for.
        timeout_s: After how many seconds to fail.

    Returns:
        Its result.
    """
    tasks: list[asyncio.Task[Any]] = []

    def slot(quit_qt: Callable[[], None]) -> None:
        tasks.append(run_task(coro))
        tasks[0].add_done_callback(lambda _: quit_qt())

    run_qt(slot, timeout_s)
    return tasks[0].result()


@dataclass
class Finished:
    """How a script ended."""

    code: int
    lines: list[str]
    errors: str


def run_script(
    name: str,
    *arguments: str,
    signals: Sequence[tuple[str, int]] = (),
    options: Sequence[str] = ("-X", "dev", "-W", "error"),
) -> Finished:
    """
    Run a script of tests/scripts in a process of its own.

    Args:
        name: The script, without ".py".
        arguments: Its arguments.
        signals: After which printed line to send which signal, in this order.
        options: Python's own options.
    """
    command = [sys.executable, *options, str(SCRIPTS / f"{name}.py"), *arguments]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    sender = SignalSender(environment, pipes)
    process = subprocess.Popen(command, env=environment, **pipes)
    watchdog = threading.Timer(CEILING_S, process.kill)
    watchdog.start()
    errors: list[str] = []
    reader = threading.Thread(target=lambda: errors.append(process.stderr.read()))
    reader.start()
    pending = list(signals)
    lines = []
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if pending and pending[0][0] == lines[-1]:
            sender.send(process, pending.pop(0)[1])
    code = process.wait()
    watchdog.cancel()
    reader.join()
    sender.close()
    process.stdout.close()
    process.stderr.close()
    return Finished(code, lines, "".join(line for line in errors[0].splitlines(keepends=True) if not is_noise(line)))


class SignalSender:
    """
    Sends signals to a script.

    On Windows no process can send another one a signal: `qt`, which the script imports, raises them. It is asked by a
    socket. By standard input, the script's processes would have it, too, and on Windows none can even start while
    another one reads it.

    Args:
        environment: The environment of the script, to which is added where to connect.
        options: The other options of `subprocess.Popen`. On Windows the script gets a console of its own, without a
            window: a Ctrl-C there comes to the script and to its processes, and not to us.
    """

    def __init__(self, environment: dict[str, str], options: dict[str, Any]) -> None:
        self._listener: socket.socket | None = None
        self._connection: socket.socket | None = None
        if IS_WINDOWS:
            self._listener = socket.create_server(("127.0.0.1", 0))
            self._listener.settimeout(CEILING_S)
            environment["ASYNCSLOT_TEST_SIGNALS"] = str(self._listener.getsockname()[1])
            options.setdefault("stdin", subprocess.DEVNULL)
            options["creationflags"] = subprocess.CREATE_NO_WINDOW

    def send(self, process: subprocess.Popen[str], signum: int) -> None:
        if self._listener is None:
            process.send_signal(signum)
            return
        if self._connection is None:
            self._connection, _ = self._listener.accept()
        with contextlib.suppress(ConnectionError):  # The script has ended.
            self._connection.sendall(b"%d\n" % signum)

    def close(self) -> None:
        for each in (self._listener, self._connection):
            if each is not None:
                each.close()


def is_process(pid: int) -> bool:
    """Tell whether a process runs; one that has ended, and that nobody has waited for, does not."""
    if IS_WINDOWS:
        kernel32 = ctypes.WinDLL("kernel32")
        kernel32.OpenProcess.restype = ctypes.c_void_p
        handle = ctypes.c_void_p(kernel32.OpenProcess(SYNCHRONIZE, False, pid))
        if not handle:
            return False
        # 0: the handle is signalled, which means that the process has ended.
        is_running = kernel32.WaitForSingleObject(handle, 0) != 0
        kernel32.CloseHandle(handle)
        return is_running
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def raise_together(*signums: int) -> None:
    """Have several signals arrive on this thread, which is not the main one, before the main thread does anything."""
    if IS_WINDOWS:
        # By a function of C's that keeps the interpreter's lock, which signal.raise_signal() does not.
        raise_signal = getattr(ctypes.PyDLL("ucrtbase"), "raise")
        for signum in signums:
            raise_signal(int(signum))
    else:
        for signum in signums:
            os.kill(os.getpid(), signum)


def is_noise(line: str) -> bool:
    """Tell whether Qt says this without a display or a session, or asyncio on a busy machine, whatever runs."""
    is_slow = line.startswith("Executing <") and line.endswith(" seconds\n")
    return is_slow or line.startswith(("This plugin does not support", "QStandardPaths: XDG_RUNTIME_DIR not set"))


def break_plugin(folder: Path) -> dict[str, str]:
    """
    Make a platform plugin of Qt's that needs a library which nobody has, ``libx.so.6``.

    Args:
        folder: Where to.

    Returns:
        The environment variables with which Qt would take it: this process's own, and two more.
    """
    [plugin] = platform_plugin._find_plugins("offscreen")
    # As in the wheel, because the plugin finds Qt's own libraries by their place relative to it.
    broken = folder / "Qt" / "plugins" / "platforms" / "libqbroken.so"
    broken.parent.mkdir(parents=True)
    (folder / "Qt" / "lib").symlink_to(plugin.parents[2] / "lib")
    # A name of the same length, so that nothing else in the file moves.
    broken.write_bytes(plugin.read_bytes().replace(b"libm.so.6\0", b"libx.so.6\0"))
    return {**os.environ, "QT_QPA_PLATFORM": "broken", "QT_QPA_PLATFORM_PLUGIN_PATH": str(broken.parent)}


def list_descriptors() -> list[str]:
    """Return this process's open descriptors, or handles on Windows; [] if the system does not tell."""
    if IS_WINDOWS:
        # Wine answers 0 if it is asked for their number. They are numbered in steps of 4.
        get_information = ctypes.WinDLL("kernel32").GetHandleInformation
        flags = ctypes.c_ulong()
        handles = range(4, MAX_HANDLE, 4)
        return [str(each) for each in handles if get_information(ctypes.c_void_p(each), ctypes.byref(flags))]
    return sorted(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").is_dir() else []
