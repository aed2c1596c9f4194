"""
What each peer can do, found by trying: the table of features in README.

``python -m benchmarks.features [PEER ...]``; each trial is a process of its own. A trial passes if it prints ``yes``
and nothing else goes wrong: an error that is only logged is a failure, too.
"""

# ruff: noqa: T201 - it prints a table.
from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import gc
import os
import signal
import subprocess
import sys
import weakref
from importlib import import_module
from typing import Any, Callable, Coroutine

from benchmarks.peers import BLOCKING, NON_BLOCKING, PEERS, Decorator, Peer, import_qt, make_signal
from benchmarks.rounds import ROOT, base_environment

__all__ = ["TRIALS", "main", "measure"]

# Seconds after which a trial has failed: some peers hang.
CEILING_S = 20

# Seconds that a trial lets something happen, such as ticks of another task. Arbitrary, and long.
PAUSE_S = 0.2


def _make_receiver(decorate: Decorator, function: Callable[[Any], Coroutine[Any, Any, Any]]) -> Any:
    """Make a QObject whose signal `clicked` is connected to its slot `work`."""
    names = {"clicked": make_signal(), "work": decorate(function)}
    receiver = type("Receiver", (import_qt("QtCore").QObject,), names)()
    receiver.clicked.connect(receiver.work)
    return receiver


async def _tick(ticks: list[float]) -> None:
    """Note the time about every 10 ms."""
    while True:
        ticks.append(asyncio.get_running_loop().time())
        await asyncio.sleep(0.01)


def _run(peer: Peer, main: Callable[[], Coroutine[Any, Any, bool]]) -> bool:
    """Run *main* inside the application's own `exec()`; return whether it returned True and nothing was reported."""
    outcome: list[bool] = []

    async def run() -> None:
        reports: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: reports.append(context))
        try:
            outcome.append(await main() and not reports)
        except BaseException as error:  # noqa: BLE001 - NotImplementedError, for example.
            print("failed:", repr(error), file=sys.stderr)

    assert peer.run_non_blocking is not None
    peer.run(NON_BLOCKING, run)
    return outcome == [True]


def _try_bare_slot(_: Peer, decorate: Decorator) -> bool:
    """Run a slot to its end in an application that did nothing for asyncio, but for the decorator."""
    core = import_qt("QtCore")
    application = core.QCoreApplication.instance()
    ended: list[bool] = []

    async def work(_: Any) -> None:
        await asyncio.sleep(0.01)
        ended.append(True)
        core.QTimer.singleShot(0, application.quit)

    receiver = _make_receiver(decorate, work)
    core.QTimer.singleShot(0, receiver.clicked.emit)
    core.QTimer.singleShot(int(1000 * PAUSE_S * 3), application.quit)
    application.exec()
    return ended == [True]


def _try_first_step(peer: Peer, decorate: Decorator) -> bool:
    """See whether the first step has run when `emit()` returns."""
    begun: list[bool] = []

    async def work(_: Any) -> None:
        begun.append(True)
        await asyncio.sleep(0)

    async def main() -> bool:
        receiver = _make_receiver(decorate, work)
        receiver.clicked.emit()
        begun_inside = begun == [True]
        await asyncio.sleep(PAUSE_S)
        return begun_inside

    return _run(peer, main)


async def _exec_bare(dialog: Any) -> None:
    dialog.exec()


async def _exec_as_documented(peer: Peer, dialog: Any) -> None:
    """Do what the peer's documentation says of a dialog in a coroutine."""
    if peer.name == "qasync":
        await import_module("qasync").asyncWrap(dialog.exec)
    elif peer.name == "qtinter":
        await import_module("qtinter").modal(dialog.exec)()
    else:
        dialog.exec()


def _try_bare_dialog(peer: Peer, _: Decorator) -> bool:
    return _see_dialog(peer, _exec_bare)


def _try_dialog(peer: Peer, _: Decorator) -> bool:
    return _see_dialog(peer, functools.partial(_exec_as_documented, peer))


def _see_dialog(peer: Peer, show: Callable[[Any], Coroutine[Any, Any, None]]) -> bool:
    """Open a modal dialog in a coroutine; another task has to go on meanwhile."""
    widgets = import_qt("QtWidgets")

    async def main() -> bool:
        ticks: list[float] = []
        ticking = asyncio.ensure_future(_tick(ticks))
        await asyncio.sleep(0)
        dialog = widgets.QDialog()
        import_qt("QtCore").QTimer.singleShot(int(1000 * PAUSE_S), dialog.accept)
        await show(dialog)
        during = len(ticks)
        await asyncio.sleep(PAUSE_S)
        ticking.cancel()
        return during > 5 and len(ticks) > during  # noqa: PLR2004 - 30 would be all.

    return _run(peer, main)


def _try_network(peer: Peer, _: Decorator) -> bool:
    """Serve a client over TCP."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readline())
        writer.close()

    async def main() -> bool:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"hello\n")
        line = await reader.readline()
        writer.close()
        server.close()
        return line == b"hello\n"

    return _run(peer, main)


def _try_subprocess(peer: Peer, _: Decorator) -> bool:
    """Read what a child process prints."""

    async def main() -> bool:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", "print('hello')", stdout=asyncio.subprocess.PIPE
        )
        output, _ = await process.communicate()
        return output.strip() == b"hello"

    return _run(peer, main)


def _try_destroyed(peer: Peer, decorate: Decorator) -> bool:
    """Destroy the object of a slot that is suspended: its task has to be cancelled."""
    cancelled: list[bool] = []

    async def work(_: Any) -> None:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    async def main() -> bool:
        receiver = _make_receiver(decorate, work)
        receiver.clicked.emit()
        await asyncio.sleep(PAUSE_S)
        receiver.deleteLater()
        await asyncio.sleep(PAUSE_S)
        return cancelled == [True]

    return _run(peer, main)


def _try_weak_receiver(peer: Peer, decorate: Decorator) -> bool:
    """Connect a slot of an object; the connection must not keep the object alive."""

    async def work(_: Any) -> None:
        await asyncio.sleep(0)

    async def main() -> bool:
        core = import_qt("QtCore")
        timer = core.QTimer()
        receiver = _make_receiver(decorate, work)
        timer.timeout.connect(receiver.work)
        receiver.clicked.disconnect()
        reference = weakref.ref(receiver)
        del receiver
        gc.collect()
        return reference() is None

    return _run(peer, main)


def _try_quit(peer: Peer, _: Decorator) -> bool:
    return _see_clean_up(peer, NON_BLOCKING, None)  # The application quits after the coroutine.


def _try_blocking_quit(peer: Peer, _: Decorator) -> bool:
    return _see_clean_up(peer, BLOCKING, import_qt("QtCore").QCoreApplication.quit)


def _try_interrupt(peer: Peer, _: Decorator) -> bool:
    return _see_clean_up(peer, NON_BLOCKING, _press_ctrl_c)


def _try_blocking_interrupt(peer: Peer, _: Decorator) -> bool:
    return _see_clean_up(peer, BLOCKING, _press_ctrl_c)


def _press_ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def _see_clean_up(peer: Peer, mode: str, end: Callable[[], None] | None) -> bool:
    """End the program while a task is suspended: its `finally` has to run to its end, awaits and all."""
    core = import_qt("QtCore")
    cleaned: list[bool] = []

    async def work() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            await asyncio.sleep(0.05)
            cleaned.append(True)

    kept: list[Any] = []

    async def main() -> None:
        kept.append(asyncio.ensure_future(work()))
        await asyncio.sleep(0)
        if end is None:
            return
        about_to_quit = asyncio.Event()
        core.QCoreApplication.instance().aboutToQuit.connect(about_to_quit.set)
        core.QTimer.singleShot(int(1000 * PAUSE_S), end)
        await about_to_quit.wait()  # As in the example of qasync's README.

    with contextlib.suppress(KeyboardInterrupt, SystemExit):
        if mode == BLOCKING and peer.name == "qasync":
            # Its README's own way, which cancels what is left.
            import_module("qasync").run(main())
        else:
            peer.run(mode, main)
    return cleaned == [True]


def _try_nested(peer: Peer, _: Decorator) -> bool:
    """Call `run_until_complete` in a plain slot; other tasks have to go on meanwhile."""
    core = import_qt("QtCore")

    async def main() -> bool:
        loop = asyncio.get_running_loop()
        ticks: list[float] = []
        ticking = asyncio.ensure_future(_tick(ticks))
        results: list[int] = []

        def call() -> None:
            loop.run_until_complete(asyncio.sleep(PAUSE_S))
            results.append(len(ticks))

        core.QTimer.singleShot(0, call)
        await asyncio.sleep(3 * PAUSE_S)
        ticking.cancel()
        return bool(results) and results[0] > 5  # noqa: PLR2004 - 30 would be all.

    return _run(peer, main)


# What the table says, and what shows it: of several ways, one that works is enough.
TRIALS: dict[str, tuple[Callable[[Peer, Decorator], bool], ...]] = {
    "a slot needs no set-up: the decorator is all": (_try_bare_slot,),
    "the code before the first `await` runs inside the click": (_try_first_step,),
    "TCP servers and clients": (_try_network,),
    "subprocesses": (_try_subprocess,),
    "tasks go on while a coroutine has a modal dialog open": (_try_dialog,),
    "they do so with a bare `dialog.exec()` or `QMessageBox.question()`": (_try_bare_dialog,),
    "`run_until_complete` works in a plain slot": (_try_nested,),
    "a slot's task is cancelled when its object is destroyed": (_try_destroyed,),
    "a connected slot does not keep its object alive": (_try_weak_receiver,),
    "at a quit, tasks finish their clean-up": (_try_quit, _try_blocking_quit),
    "they do so at a quit of the application's own `app.exec()`": (_try_quit,),
    "at Ctrl-C, tasks finish their clean-up": (_try_interrupt, _try_blocking_interrupt),
    "they do so at Ctrl-C in the application's own `app.exec()`": (_try_interrupt,),
}


def measure(peer: str, row: str) -> bool:
    """Try one thing with one peer, each way of it in a process of its own."""
    return any(_measure_way(peer, row, way) for way in range(len(TRIALS[row])))


def _measure_way(peer: str, row: str, way: int) -> bool:
    command = [sys.executable, "-m", "benchmarks.features", "--trial", row, "--way", str(way), peer]
    try:
        run = subprocess.run(  # noqa: S603 - our own command line.
            command, capture_output=True, text=True, timeout=CEILING_S, check=False, cwd=ROOT, env=base_environment()
        )
    except subprocess.TimeoutExpired:
        return False
    return run.returncode == 0 and run.stdout.split() == ["yes"]


def _try_here(peer: Peer, row: str, way: int) -> None:
    """Try it in this process, and print the outcome."""
    application = import_qt("QtWidgets").QApplication([])
    application.setQuitOnLastWindowClosed(False)  # The end of a dialog ends no trial.
    assert peer.decorate is not None
    print("yes" if TRIALS[row][way](peer, peer.decorate) else "no", flush=True)
    os._exit(0)  # How a peer ends the interpreter is not what is tried.


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.features", description=__doc__)
    default = [name for name, peer in PEERS.items() if peer.decorate is not None]
    parser.add_argument("peers", nargs="*", default=default, help=f"of: {', '.join(default)}")
    parser.add_argument("--trial", choices=list(TRIALS), help=argparse.SUPPRESS)
    parser.add_argument("--way", type=int, default=0, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.trial is not None:
        _try_here(PEERS[arguments.peers[0]], arguments.trial, arguments.way)
    versions = [f"{name} {PEERS[name].version or ''}".strip() for name in arguments.peers]
    print("| | " + " | ".join(versions) + " |")
    print("|---" * (len(versions) + 1) + "|")
    for row in TRIALS:
        cells = ["yes" if measure(name, row) else "no" for name in arguments.peers]
        print(f"| {row} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
