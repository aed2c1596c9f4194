"""
Is interrupted by SIGINT again and again: interrupted.py stock|ours long|short <way> <seed>.

It prints "ready" when a signal may come, and one word on what came of each: "interrupted", "cancelled" if the
CancelledError itself came out, "lost", "unclosable". What it does not survive, its exit code tells.
``long`` ends with the signal; ``short`` goes on until its standard input is closed.
"""

import asyncio
import contextlib
import os
import random
import select
import sys
import time

if sys.platform == "win32":
    import _winapi
    import msvcrt

    import qt  # noqa: F401 - raises the signals: see `support.SignalSender`.

kind, length, way, seed = sys.argv[1:]
chance = random.Random(int(seed))

# Seconds after which a signal that did nothing is taken for lost. Arbitrary, generous.
LOST_S = 20

if kind == "ours":
    from qt import QApplication, QDialog, QTimer

    import asyncslot
    from asyncslot import AsyncSlot, AsyncSlotEventLoop, run_task

    make_loop = AsyncSlotEventLoop
    app = QApplication([])
    app.setQuitOnLastWindowClosed(False)
else:
    make_loop = asyncio.ProactorEventLoop if sys.platform == "win32" else asyncio.SelectorEventLoop


def say(word):
    print(word, flush=True)


# -- a program that runs until it is interrupted --


async def work():
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(chance.choice([0, 0, 0.001, 0.003]))
        if chance.random() < 0.02:
            await loop.run_in_executor(None, time.sleep, 0.001)


def open_dialog(depth):
    dialog = QDialog()
    QTimer.singleShot(chance.randrange(1, 30), dialog.accept)
    if depth:
        QTimer.singleShot(0, lambda: open_dialog(depth - 1))
    dialog.exec()
    dialog.deleteLater()


async def open_dialogs():
    while True:
        await asyncio.sleep(0.005)
        open_dialog(chance.randrange(4))


async def step_at_once():
    await asyncio.sleep(0.001)


def busy_qt():
    """Emit slots and start tasks from foreign code, at a timer's pace."""

    @AsyncSlot()
    async def slot():
        await asyncio.sleep(0.002)

    timer = QTimer(app)
    timer.timeout.connect(slot)
    timer.timeout.connect(lambda: run_task(step_at_once()) and None)
    timer.start(3)


async def main():
    tasks = [asyncio.ensure_future(work()) for _ in range(10)]
    if kind == "ours":
        tasks.append(asyncio.ensure_future(open_dialogs()))
        busy_qt()
    asyncio.get_running_loop().call_soon(say, "ready")
    try:
        await asyncio.wait(tasks, timeout=LOST_S)
        say("lost")
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def run_long():
    if way == "attached":
        task = run_task(main())
        code = app.exec()
        say("interrupted" if code == 130 and task.cancelled() else f"code {code}")
        return
    try:
        run(main())
    except KeyboardInterrupt:
        say("interrupted")


def run(coro):
    if way == "runner":
        with asyncio.Runner(loop_factory=make_loop) as runner:
            return runner.run(coro)
    if way == "asyncio.run":
        return asyncio.run(coro, loop_factory=make_loop)
    if way == "asyncslot.run":
        return asyncslot.run(coro)
    with contextlib.closing(make_loop()) as loop:
        try:
            return loop.run_until_complete(coro)
        finally:
            left = asyncio.all_tasks(loop)
            for task in left:
                task.cancel()
            if left:
                loop.run_until_complete(asyncio.wait(left))


# -- short blocking calls, back to back --


async def short():
    if chance.random() < 0.3:
        await asyncio.sleep(chance.choice([0, 0.0005]))


class OneLoop:
    """Calls of one loop's run_until_complete."""

    def __init__(self):
        self.loop = make_loop()

    def run(self):
        self.loop.run_until_complete(short())

    def close(self):
        self.loop.close()


class Fresh:
    """Calls that each make a loop of their own."""

    def run(self):
        run(short())

    def close(self):
        pass


def has_input():
    if sys.platform == "win32":  # It can select sockets only.
        try:
            return _winapi.PeekNamedPipe(msvcrt.get_osfhandle(0), 0)[0] > 0
        except BrokenPipeError:  # The other end is closed: a read tells.
            return True
    return bool(select.select([0], [], [], 0)[0])


def run_short():
    calls = OneLoop() if way == "one-loop" else Fresh()
    calls.run()  # What is made once in a process is made before the first signal.
    while True:
        is_told = False
        try:
            say("ready")
            end_s = time.monotonic() + LOST_S
            while time.monotonic() < end_s:
                calls.run()
                # The parent writes a byte after the signal, and closes its end instead of sending one more.
                if not is_told and has_input():
                    if not os.read(0, 1):
                        calls.close()
                        return
                    # The signal has arrived by now. Some more calls, for it to come out of one.
                    is_told, end_s = True, time.monotonic() + 0.5
            say("lost")
        except KeyboardInterrupt:
            say("interrupted")
        except asyncio.CancelledError:
            say("cancelled")
        except RuntimeError as exc:
            say("unclosable" if "Cannot close" in str(exc) else repr(exc))
            return
        if not is_told:
            os.read(0, 1)


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        run_long() if length == "long" else run_short()
