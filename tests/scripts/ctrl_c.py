"""Ends by SIGINT: ctrl_c.py blocking|runner|attached|forever|nested patient|stubborn|swallow|dialog|busy|asleep..."""

import asyncio
import sys
import time

from qt import QApplication, QMessageBox, QObject, QTimer, Signal

from asyncslot import AsyncSlotEventLoop, run_task

mode, manner = sys.argv[1:]
app = QApplication([])
app.setQuitOnLastWindowClosed(False)


def announce(text: str) -> None:
    """Print from a Qt slot, so that the signal finds Qt waiting."""
    QTimer.singleShot(50, lambda: print(text))


def hang() -> None:
    while True:
        print("busy")
        time.sleep(0.1)


class Source(QObject):
    emitted = Signal()


source = Source()


def nest_once() -> None:
    if manner.endswith("run_task"):
        run_task(asyncio.sleep(0))
    if manner.endswith("processEvents"):
        app.processEvents()


def spin() -> None:
    end_s = time.monotonic() + 1
    time.sleep(0.3)
    print("asleep")
    while time.monotonic() < end_s:
        pass


async def main() -> str:
    try:
        announce("ready")
        if manner == "busy-slot":
            QTimer.singleShot(0, hang)
        if manner == "dialog":
            await asyncio.sleep(0)  # Attached, app.exec() is to run first.
            QMessageBox().exec()
            print("dialog returned")
        if manner == "busy":
            while True:
                print("busy")
                time.sleep(0.1)
        if manner.startswith("asleep"):
            nest_once()
            time.sleep(0.3)
            print("asleep")
            time.sleep(3600)
        if manner == "emitted":
            source.emitted.connect(spin)
            asyncio.get_running_loop().call_soon(source.emitted.emit)
        if manner == "busy-cleanup":
            QTimer.singleShot(10, lambda: app.exit(5))
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        print("cancelled")
        if manner == "swallow":
            return "swallowed"
        if manner == "stubborn":
            announce("again")
            await asyncio.sleep(3600)
        raise
    finally:
        print("cleaning up")
        if manner == "busy-cleanup":
            await asyncio.sleep(0)  # Now the quit drains.
            hang()
        await asyncio.sleep(0.01)
        print("clean")
    return "unreachable"


def run() -> None:
    if mode == "runner":
        with asyncio.Runner(loop_factory=AsyncSlotEventLoop) as runner:
            print("result", runner.run(main()))
        return
    loop = AsyncSlotEventLoop()
    try:
        if mode == "forever":
            task = loop.create_task(main())
            try:
                loop.run_forever()
            finally:
                task.cancel()
                loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
        else:
            print("result", loop.run_until_complete(main()))
    finally:
        loop.close()


if mode == "attached":
    task = run_task(main())
    code = app.exec()
    print("exec returned", code)
    sys.exit(code)
try:
    run()
except KeyboardInterrupt:
    print("KeyboardInterrupt")
    sys.exit(3)
