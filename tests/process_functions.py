"""Functions that other processes call. They stand here because a process imports them by name."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any


def double(number: int) -> int:
    return number * 2


def count(number: int, progress: Any) -> int:
    for done in range(number):
        progress.report(done, number, f"item {done}")
    return number


def report_once_and_wait(path: str, progress: Any) -> None:
    """Report twice within one interval, then wait until there is a file."""
    progress.report(1, 10)
    progress.report(2, 10, "waits")
    while not Path(path).exists():
        time.sleep(0.01)


def run_until_cancelled(progress: Any) -> None:
    done = 0
    while True:
        progress.report(done)
        done += 1
        time.sleep(0.001)


def write_when_cancelled(path: str, begun: str, progress: Any) -> None:
    try:
        Path(begun).touch()
        run_until_cancelled(progress)
    finally:
        Path(path).write_text("cleaned up")


def fail_after(number: int, progress: Any) -> None:
    for done in range(number + 1):
        progress.report(done, text=f"item {done}")
    raise ValueError(f"after {number}")


def write(path: str) -> None:
    Path(path).write_text("ran")


def fail_when_cancelled(progress: Any) -> None:
    try:
        run_until_cancelled(progress)
    finally:
        raise ValueError("clean-up failed")


def wait_until_asked(begun: str, progress: Any) -> str:
    Path(begun).touch()
    while not progress.is_cancelled:
        time.sleep(0.001)
    return "ended by itself"


def sleep_long(path: str) -> None:
    """Listen to nothing, for longer than any test; write the process's number first."""
    Path(path).write_text(str(os.getpid()))
    time.sleep(3600)


def stop_iteration() -> None:
    next(iter([]))


def raise_error(text: str) -> None:
    raise ValueError(text)


def die() -> None:
    # Windows has no such signal; os.kill() ends a process there, whichever it is given.
    os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))


def ignores_sigint() -> bool:
    return signal.getsignal(signal.SIGINT) is signal.SIG_IGN


class OddError(Exception):
    """It cannot be made again from what it passes on."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(code)
        self.text = text


def raise_odd_error() -> None:
    raise OddError(404, "not found")


def return_lock() -> Any:
    return threading.Lock()


class Unmakeable:
    """It can be sent, and not be made on the other side."""

    def __reduce__(self) -> Any:
        return (raise_error, ("no way back",))


def return_unmakeable() -> Any:
    return Unmakeable()


def run_loop() -> str:
    """Run a loop of ours in this process."""
    from qt import QCoreApplication

    import asyncslot

    application = QCoreApplication([])

    async def work() -> str:
        return "ran"

    result = asyncslot.run(work())
    del application
    return result
