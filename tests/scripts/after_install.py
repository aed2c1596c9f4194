"""
What a program may do after install(): after_install.py policy|factory <what>.

"factory" takes asyncio's policies away first. Each function is one thing to do; it prints the loops that it met.
WHAT has, for each, what it prints.
"""

import asyncio
import os
import sys
import threading
import time
import unittest
from pathlib import Path

if sys.argv[1] == "factory":
    import without_policies  # noqa: F401

import asyncslot
import asyncslot_policy
from asyncslot import AsyncSlot, AsyncSlotEventLoop, run_task
from asyncslot._qt import QtCore
from asyncslot_policy import _registry


def name_of(loop):
    return type(loop).__name__


async def main():
    await asyncio.sleep(0.001)
    return name_of(asyncio.get_running_loop())


def run_in_thread(work):
    """
    Run *work* on another thread, until the system's thread has ended, too.

    Python's join() returns earlier. If the process ends meanwhile, PySide6 6.6 on Python 3.8, which wants to free
    its QThread, aborts it ("terminate called without an active exception"); it does so without asyncslot as well.
    """
    thread = threading.Thread(target=work, name="worker")
    thread.start()
    thread.join()
    while Path(f"/proc/self/task/{thread.native_id}").exists():
        time.sleep(0.001)


def run_twice():
    print(asyncio.run(main()))
    print(asyncio.run(main()))


def runner():
    with asyncio.Runner() as runner:
        print(runner.run(main()))
        print(runner.run(main()))


def test_case():
    class Case(unittest.IsolatedAsyncioTestCase):
        async def asyncSetUp(self):
            print(name_of(asyncio.get_running_loop()))

        async def test(self):
            print(await main())

    case = Case("test")
    result = case.run()
    assert result.wasSuccessful(), [*result.errors, *result.failures]


def get_event_loop():
    loop = asyncio.get_event_loop()
    print(name_of(loop))
    print(asyncio.get_event_loop() is loop)
    print(loop.run_until_complete(main()))
    loop.close()


def subprocess():
    async def run():
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", "print('child')", stdout=asyncio.subprocess.PIPE
        )
        out, _ = await process.communicate()
        print(name_of(asyncio.get_running_loop()), out.decode().strip(), process.returncode)

    asyncio.run(run())


def worker_thread():
    run_in_thread(lambda: print(asyncio.run(main())))


def qthread_get_event_loop():
    """A thread that Qt serves has a loop of its own, which ends with the thread."""

    class Worker(QtCore.QObject):
        def work(self):
            loop = asyncio.get_event_loop()
            print(type(loop).__name__, loop is not main_loop)
            loop.close()
            thread.quit()

    main_loop = asyncio.get_event_loop()
    worker = Worker()
    thread = QtCore.QThread()
    worker.moveToThread(thread)
    thread.started.connect(worker.work)
    thread.start()
    print(thread.wait(10_000))
    main_loop.close()


def worker_thread_get_event_loop():
    """A thread that Qt does not serve has none, as with stock asyncio."""

    def work():
        try:
            asyncio.get_event_loop()
        except RuntimeError as exc:
            print(type(exc).__name__)

    asyncio.get_event_loop().close()
    run_in_thread(work)


def run_task_takes_the_set_one():
    loop = asyncio.get_event_loop()
    task = run_task(main())
    print(task.get_loop() is loop)
    loop.run_until_complete(task)
    loop.shutdown()


def run_task_first():
    task = run_task(main())
    loop = task.get_loop()
    print(asyncio.get_event_loop() is loop)
    loop.run_until_complete(task)
    loop.detach()
    print(asyncio.get_event_loop() is loop)
    loop.shutdown()
    again = asyncio.get_event_loop()
    print(again is not loop, again.is_closed())
    again.close()


def set_event_loop():
    loop, stock = AsyncSlotEventLoop(), asyncio.SelectorEventLoop()
    asyncio.set_event_loop(loop)
    print(asyncio.get_event_loop() is loop)
    asyncio.set_event_loop(stock)
    print(asyncio.get_event_loop() is stock)
    task = run_task(main())
    print(task.get_loop() is not loop, name_of(task.get_loop()))
    task.get_loop().shutdown()
    asyncio.set_event_loop(None)
    made = asyncio.get_event_loop()
    print(made not in (loop, stock), name_of(made))
    for each in (loop, stock, made):
        each.close()


def fork():
    loop = asyncio.get_event_loop()
    pid = os.fork()
    if pid == 0:
        child_loop = asyncio.get_event_loop()
        os._exit(7 if child_loop is not loop and name_of(child_loop) == name_of(loop) else 8)
    print(os.WEXITSTATUS(os.waitpid(pid, 0)[1]))
    print(asyncio.get_event_loop() is loop)
    loop.close()


def uninstall():
    asyncslot_policy.uninstall()
    asyncslot_policy.uninstall()
    loop = asyncio.new_event_loop()
    print(name_of(loop))
    loop.close()


def install_again():
    asyncslot_policy.install()
    asyncslot_policy.install("asyncio:SelectorEventLoop")
    print(asyncio.run(main()))
    asyncslot_policy.install("1")
    print(asyncio.run(main()))
    asyncslot_policy.install("off")
    print(asyncio.run(main()))


class Chosen(AsyncSlotEventLoop):
    """Another loop of ours, as AsyncSlotSelectorEventLoop is on Windows."""


def make_chosen():
    return Chosen()


def choice_reaches_slots():
    """`asyncslot.run`, a slot and `run_task` have the loop that asyncio has, if that is one of ours."""
    _registry.BUILT_IN["qt-selector"] = "__main__:Chosen"
    slot = AsyncSlot(main)
    for name in ("qt-selector", "__main__:make_chosen", "asyncio:SelectorEventLoop", "qt", "off"):
        asyncslot_policy.install(name)
        made = [asyncslot.run(main())]
        for start in (slot, lambda: run_task(main())):
            task = start()
            loop = task.get_loop()
            loop.run_until_complete(task)
            loop.shutdown()
            made.append(task.result())
        print(*made)


def choice_reaches_slots_of_qthread():
    class Worker(QtCore.QObject):
        def work(self):
            print(name_of(run_task(main()).get_loop()))
            thread.quit()

    asyncslot_policy.install("__main__:Chosen")
    worker = Worker()
    thread = QtCore.QThread()
    worker.moveToThread(thread)
    thread.started.connect(worker.work)
    thread.start()
    print(thread.wait(10_000))


app = QtCore.QCoreApplication([])
asyncslot_policy.install()
globals()[sys.argv[2]]()
