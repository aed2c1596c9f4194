"""asyncslot.compat.QtAsyncio: what QtAsyncio's documentation promises for each name."""

from __future__ import annotations

import asyncio
import signal
from typing import Any, Iterator

import pytest
from compat_support import find_different, find_missing, import_peer
from support import INTERRUPTED_CODE, run_qt, run_script

import asyncslot
from asyncslot._qt import QtCore
from asyncslot.compat import QtAsyncio
from asyncslot.compat._policy import HAS_POLICIES
from asyncslot.compat.QtAsyncio import QAsyncioEventLoop

# What the module has, but does not offer.
LEFT_OUT: dict[str, str] = {}

# asyncio's own classes take other arguments where nobody makes one by hand.
DIFFERENT = {
    "QAsyncioFuture": ["context"],
    "QAsyncioHandle": ["is_threadsafe"],
    "QAsyncioTimerHandle": ["is_threadsafe"],
}


@pytest.fixture
def q_loop(app: Any) -> Iterator[QAsyncioEventLoop]:
    """A stopped loop, which does not quit the application; it is closed at the end."""
    loop = QAsyncioEventLoop(app, quit_qapp=False)
    yield loop
    loop.close()


def test_names_are_those_of_qtasyncio() -> None:
    """There is each public name of the installed module, with its parameters."""
    peer = import_peer("PySide6.QtAsyncio")
    assert find_missing(QtAsyncio, peer, LEFT_OUT) == set()
    assert find_different(QtAsyncio, peer) == DIFFERENT
    assert set(QtAsyncio.__all__) == set(peer.__all__)


def test_futures_tasks_and_handles_are_asyncios(q_loop: QAsyncioEventLoop) -> None:
    """isinstance() of what the loop makes holds."""

    async def main() -> None:
        assert isinstance(asyncio.current_task(), QtAsyncio.QAsyncioTask)
        assert isinstance(q_loop.create_future(), QtAsyncio.QAsyncioFuture)
        assert isinstance(QtAsyncio.QAsyncioFuture(loop=q_loop), asyncio.Future)
        handle, timer = q_loop.call_soon(int), q_loop.call_later(3600, int)
        assert isinstance(handle, QtAsyncio.QAsyncioHandle)
        assert isinstance(timer, QtAsyncio.QAsyncioTimerHandle)
        timer.cancel()
        assert await QtAsyncio.QAsyncioTask(asyncio.sleep(0, 5), loop=q_loop, name="named") == 5

    q_loop.run_until_complete(main())


def test_loop_has_the_documented_interface(q_loop: QAsyncioEventLoop) -> None:
    """Each method that the documentation lists is there, and does what asyncio's does."""
    journal: list[Any] = []

    def make_task(loop: Any, coro: Any, **options: Any) -> Any:
        journal.append("factory")
        return asyncio.Task(coro, loop=q_loop, **options)

    async def main() -> Any:
        assert q_loop.is_running()
        q_loop.call_soon(journal.append, "soon")
        q_loop.call_soon_threadsafe(journal.append, "threadsafe")
        q_loop.call_later(0, journal.append, "later")
        q_loop.call_at(q_loop.time() + 0.001, journal.append, "at")
        q_loop.set_task_factory(make_task)
        assert q_loop.get_task_factory() is make_task
        await q_loop.create_task(asyncio.sleep(0.01))
        q_loop.set_task_factory(None)
        return await q_loop.run_in_executor(None, pow, 2, 5)

    assert q_loop.run_until_complete(main()) == 32
    assert sorted(journal) == ["at", "factory", "later", "soon", "threadsafe"]
    q_loop.call_soon(q_loop.stop)
    q_loop.run_forever()
    q_loop.run_until_complete(q_loop.shutdown_asyncgens())
    if hasattr(q_loop, "shutdown_default_executor"):
        q_loop.run_until_complete(q_loop.shutdown_default_executor())
    q_loop.close()
    assert q_loop.is_closed()
    assert not q_loop.is_running()


@pytest.mark.skipif(not HAS_POLICIES, reason="this Python has no policies")
def test_policy_gives_one_loop_until_another_is_set(app: Any) -> None:
    """get_event_loop() makes a loop if there is none; new_event_loop() makes one each time."""
    policy = QtAsyncio.QAsyncioEventLoopPolicy(quit_qapp=False, handle_sigint=False)
    loops = [policy.get_event_loop(), policy.new_event_loop()]
    assert loops[0] is policy.get_event_loop()
    assert all(type(loop) is QAsyncioEventLoop for loop in loops)
    policy.set_event_loop(loops[1])
    assert policy.get_event_loop() is loops[1]
    policy.set_event_loop(None)
    for loop in loops:
        loop.close()


def test_run_without_a_coroutine_must_keep_running(app: Any) -> None:
    """Or there is nothing to run."""
    with pytest.raises(RuntimeError, match="needs a coroutine"):
        QtAsyncio.run(keep_running=False)


def test_run_raises_what_the_coroutine_raises(app: Any) -> None:
    """As asyncio.run. The program's own SystemExit is no quit."""

    async def fail(error: BaseException) -> None:
        await asyncio.sleep(0)
        raise error

    with pytest.raises(KeyError):
        QtAsyncio.run(fail(KeyError("k")), keep_running=False, quit_qapp=False)
    with pytest.raises(SystemExit, match="3"):
        QtAsyncio.run(fail(SystemExit(3)), quit_qapp=False)


@pytest.mark.parametrize("keep_running", [False, True])
def test_run_closes_what_it_cannot_run(keep_running: bool, app: Any) -> None:
    """Under another loop, the error is asyncio's, and Python warns of no coroutine."""

    async def main() -> None:
        with pytest.raises(RuntimeError, match="another"):
            QtAsyncio.run(asyncio.sleep(0), keep_running=keep_running)

    loop = asyncio.SelectorEventLoop()
    loop.run_until_complete(main())
    loop.close()


def test_run_nests_in_a_slot(attached: Any) -> None:
    """In a slot of an application that runs already, it waits for the coroutine."""
    results: list[int] = []

    def in_slot(quit_qt: Any) -> None:
        results.append(QtAsyncio.run(asyncio.sleep(0, 3), keep_running=False, quit_qapp=False))
        quit_qt()

    run_qt(in_slot)
    assert results == [3]


def test_run_in_debug_mode(app: Any) -> None:
    """debug is the loop's."""

    async def main() -> bool:
        return asyncio.get_running_loop().get_debug()

    async def keep() -> None:
        seen.append(await main())
        asyncio.get_running_loop().stop()

    seen: list[bool] = []
    assert QtAsyncio.run(main(), keep_running=False, quit_qapp=False, debug=True) is True
    QtAsyncio.run(keep(), quit_qapp=False, debug=True)
    assert seen == [True]


def test_loop_stop_quits_the_application_if_it_is_to(q_loop: QAsyncioEventLoop) -> None:
    """With quit_qapp=False it does not: aboutToQuit is not emitted."""
    quits: list[None] = []
    application = QtCore.QCoreApplication.instance()

    def note() -> None:
        quits.append(None)

    application.aboutToQuit.connect(note)
    q_loop.call_soon(q_loop.stop)
    q_loop.run_forever()
    assert quits == []
    application.aboutToQuit.disconnect(note)
    assert issubclass(QAsyncioEventLoop, asyncslot.AsyncSlotEventLoop)


PROGRAMS = {
    "minimal": ["What do you get if you multiply six by nine?", "aboutToQuit", "None"],
    "eratosthenes": ["2 3 5 7 11 13 17 19 23 29 31 37 41 43 47", "after run, application: True"],
    "dining": ["[3, 3, 3, 3, 3]", "QCoreApplication"],
    "falsy": ["0", "aboutToQuit", "0", "aboutToQuit", "0"],
    "network": ["over TCP", "of a process"],
    "quit_cleans_up": ["cleaned up", "None", "after"],
    "stop": ["None", "aboutToQuit", "None"],
}


@pytest.mark.parametrize("case", PROGRAMS)
def test_program_runs(case: str) -> None:
    """The programs of the documentation run; a quit ends them clean."""
    finished = run_script("compat_qtasyncio", case)
    assert finished.errors == ""
    assert finished.lines == PROGRAMS[case]
    assert finished.code == 0


def test_program_ends_at_ctrl_c() -> None:
    """The loop ends, its tasks clean up, and the program ends as by SIGINT."""
    finished = run_script("compat_qtasyncio", "interrupted", signals=[("ready", signal.SIGINT)])
    assert finished.lines == ["ready", "cleaned up"]
    assert finished.errors.endswith("KeyboardInterrupt\n")
    assert finished.code == INTERRUPTED_CODE
