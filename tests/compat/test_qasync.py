"""asyncslot.compat.qasync: what qasync's documentation promises for each name."""

from __future__ import annotations

import asyncio
import sys
import threading
from concurrent.futures import Executor
from typing import Any, Iterator

import pytest
from compat_support import find_different, find_missing, import_peer
from qt import BINDING, Signal
from support import IS_WINDOWS, run_qt, run_script

import asyncslot
from asyncslot._qt import QtCore, import_qt
from asyncslot.compat import qasync
from asyncslot.compat.qasync import QEventLoop, QThreadExecutor, asyncClose, asyncSlot, asyncWrap

QtGui = import_qt("QtGui")
QtWidgets = import_qt("QtWidgets")

# What qasync's module has, but does not offer: `from qasync import X` of these is an accident.
LEFT_OUT = {
    "AllEvents": "its own constant",
    "Queue": "the standard library's",
    "logger": "its own; ours is asyncio's",
    "qtapi_env": "its own constant",
    "with_logger": "its own helper",
}


@pytest.fixture
def q_loop(app: Any) -> Iterator[QEventLoop]:
    """A stopped loop, which is closed at the end."""
    loop = QEventLoop(app)
    yield loop
    loop.close()


# -- the names --


def test_names_are_those_of_qasync() -> None:
    """There is each public name of the installed qasync, with its parameters."""
    peer = import_peer("qasync")
    assert find_missing(qasync, peer, LEFT_OUT) == set()
    assert find_different(qasync, peer) == {}
    assert sorted(qasync.__all__) == sorted(peer.__all__)


def test_names_of_qt_are_those_of_the_binding() -> None:
    """QApplication, the modules and Slot are the binding's own."""
    assert qasync.QApplication is QtWidgets.QApplication
    assert (qasync.QtCore, qasync.QtGui, qasync.QtWidgets) == (QtCore, QtGui, QtWidgets)
    assert qasync.QtModuleName == qasync.QtModule.__name__ == BINDING
    assert qasync.Slot is getattr(QtCore, "pyqtSlot" if BINDING.startswith("PyQt") else "Slot")
    assert {"QApplication", "QEventLoop"} <= set(dir(qasync))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = qasync.nothing


# -- QEventLoop --


@pytest.mark.parametrize("arguments", [(), ("app",), ("app", True), ("app", True, False)])
def test_loop_takes_the_arguments_of_qasync(arguments: tuple[Any, ...], app: Any) -> None:
    """The application may be given, or not."""
    with QEventLoop(*(app if each == "app" else each for each in arguments)) as loop:
        assert loop.run_until_complete(asyncio.sleep(0, 4)) == 4
        loop.call_soon(loop.stop)
        assert loop.run_forever() == 0
    assert loop.is_closed()


def test_loop_is_one_class_where_there_is_one_kind() -> None:
    """On Unix, QSelectorEventLoop is QEventLoop; QIOCPEventLoop is Windows'."""
    assert hasattr(qasync, "QIOCPEventLoop") == IS_WINDOWS
    assert (qasync.QSelectorEventLoop is QEventLoop) != IS_WINDOWS
    assert issubclass(QEventLoop, asyncslot.AsyncSlotEventLoop)


def test_loop_stopped_before_the_future_is_done_is_an_error(q_loop: QEventLoop) -> None:
    """As in qasync, and in asyncio."""
    q_loop.call_soon(q_loop.stop)
    future = q_loop.create_future()
    with pytest.raises(RuntimeError, match="stopped before Future completed"):
        q_loop.run_until_complete(future)


def test_loop_refuses_to_run_in_a_coroutine(q_loop: QEventLoop) -> None:
    """The error is asyncio's, and no task is left behind."""

    async def main() -> set[Any]:
        coro = asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="already running"):
            q_loop.run_until_complete(coro)
        coro.close()
        return asyncio.all_tasks() - {asyncio.current_task()}

    assert q_loop.run_until_complete(main()) == set()


def test_loop_runs_a_nested_call_in_a_slot(q_loop: QEventLoop) -> None:
    """Foreign code may block, which qasync refuses."""
    results: list[int] = []

    async def main() -> None:
        done = asyncio.Event()

        def slot() -> None:
            results.append(q_loop.run_until_complete(asyncio.sleep(0, 1)))
            done.set()

        QtCore.QTimer.singleShot(0, slot)
        await done.wait()

    q_loop.run_until_complete(main())
    assert results == [1]


@pytest.mark.parametrize("by", ["stop and close", "close"])
def test_loop_of_a_running_application_ends_by_stop_and_close(by: str, app: Any) -> None:
    """already_running=True attaches the loop; the application goes on when it is closed."""
    done: list[str] = []

    def in_slot(quit_qt: Any) -> None:
        loop = QEventLoop(app, already_running=True)

        async def main() -> None:
            await asyncio.sleep(0)
            done.append("done")
            QtCore.QTimer.singleShot(0, end)

        def end() -> None:
            assert loop.is_running()
            if by != "close":
                loop.stop()
            loop.close()
            done.append(loop.state.name)
            QtCore.QTimer.singleShot(0, quit_qt)

        loop.run_task(main())

    run_qt(in_slot)
    assert done == ["done", "CLOSED"]


def test_loop_cannot_be_attached_beside_another(attached: Any) -> None:
    """The loop that could not be attached is closed."""
    with pytest.raises(RuntimeError, match="another"):
        QEventLoop(already_running=True)


def test_loop_runs_on_another_thread(app: Any) -> None:
    """As in qasync, and the application's quit is none of its business."""
    results: list[int] = []

    class Thread(QtCore.QThread):
        def run(self) -> None:
            loop = QEventLoop(app)
            results.append(loop.run_until_complete(asyncio.sleep(0.01, 2)))
            loop.call_soon(loop.stop)
            results.append(loop.run_forever())
            loop.close()

    thread = Thread()
    thread.start()
    assert thread.wait(20_000)
    assert results == [2, 0]


# -- asyncSlot --


def test_slot_takes_fewer_arguments_than_the_signal(q_loop: QEventLoop) -> None:
    """It is called with as many as it has, runs as a task, and returns it."""

    class Receiver(QtCore.QObject):
        emitted = Signal(int, str)

        @asyncSlot()
        async def none(self) -> None:
            seen.append(())

        @asyncSlot(int, str)
        async def both(self, number: int, text: str) -> str:
            await asyncio.sleep(0)
            seen.append((number, text))
            return text

        @asyncSlot(int, name="one", result=int)
        async def one(self, number: int) -> None:
            seen.append((number,))

    async def main() -> str:
        receiver = Receiver()
        for slot in (receiver.none, receiver.both, receiver.one):
            receiver.emitted.connect(slot)
        receiver.emitted.emit(1, "a")
        return await receiver.both(2, "b")

    seen: list[tuple[Any, ...]] = []
    assert q_loop.run_until_complete(main()) == "b"
    assert seen == [(), (1,), (1, "a"), (2, "b")]


def test_slot_passes_a_failure_to_excepthook(q_loop: QEventLoop, monkeypatch: Any) -> None:
    """As in qasync; a cancellation is none."""
    hooked: list[Any] = []
    monkeypatch.setattr(sys, "excepthook", lambda *error: hooked.append(error[:2]))

    @asyncSlot()
    async def fail() -> None:
        await asyncio.sleep(0)
        raise KeyError("k")

    @asyncSlot()
    async def wait() -> None:
        await asyncio.sleep(3600)

    async def main() -> None:
        fail()
        wait().cancel()
        while not hooked:
            await asyncio.sleep(0)

    q_loop.run_until_complete(main())
    assert [(kind, str(error)) for kind, error in hooked] == [(KeyError, "'k'")]


def test_loop_logs_other_errors(q_loop: QEventLoop, caplog: Any) -> None:
    """Only slots' failures go to the hook."""
    q_loop.call_exception_handler({"message": "something else"})
    assert "something else" in caplog.text


def test_slot_refuses_what_is_no_coroutine_function() -> None:
    """At decoration, with the way out; so is an unknown option."""
    with pytest.raises(TypeError, match="use Qt's own Slot"):
        asyncSlot()(print)
    with pytest.raises(TypeError, match="no option nme"):
        asyncSlot(nme="x")


# -- asyncClose, asyncWrap --


def test_close_keeps_the_window_until_the_coroutine_has_ended(q_loop: QEventLoop) -> None:
    """The event is accepted at first, as Qt's own; ignore() keeps the window open."""

    class Window(QtWidgets.QWidget):
        @asyncClose
        async def closeEvent(self, event: Any) -> bool:
            seen.append((type(event).__name__, event.isAccepted(), self.isVisible()))
            await asyncio.sleep(0)
            if len(seen) == 1:
                event.ignore()
            decided.set()
            return False  # Without effect, as in qasync.

    async def main() -> list[bool]:
        window = Window()
        window.show()
        visible = []
        for expected in (True, False):
            decided.clear()
            window.close()
            await decided.wait()
            while window.isVisible() is not expected:
                await asyncio.sleep(0)
            visible.append(window.isVisible())
            await asyncio.sleep(0)
        return visible

    seen: list[Any] = []

    async def run() -> list[bool]:
        nonlocal decided
        decided = asyncio.Event()
        return await asyncio.wait_for(main(), 20)

    decided: Any = None
    assert q_loop.run_until_complete(run()) == [True, False]
    assert seen == [("QCloseEvent", True, True)] * 2


def test_close_of_another_function_waits_for_it(q_loop: QEventLoop) -> None:
    """In a slot, the coroutine is done when the function returns. A failure is reported, and not raised."""
    reports: list[Any] = []
    q_loop.set_exception_handler(lambda _, context: reports.append(context["exception"]))
    journal: list[str] = []

    @asyncClose
    async def clean_up(error: Any = None) -> None:
        await asyncio.sleep(0)
        journal.append("clean")
        if error is not None:
            raise error

    async def main() -> None:
        done = asyncio.Event()

        def slot() -> None:
            assert clean_up() is None
            journal.append("returned")
            clean_up(KeyError("k"))
            done.set()

        QtCore.QTimer.singleShot(0, slot)
        await done.wait()
        clean_up()  # Nobody waits here, or the loop would.
        while len(journal) < 4 or not reports:
            await asyncio.sleep(0)

    q_loop.run_until_complete(main())
    assert journal == ["clean", "returned", "clean", "clean"]
    assert [type(error) for error in reports] == [KeyError]


def test_close_refuses_what_is_no_coroutine_function() -> None:
    """At decoration."""
    with pytest.raises(TypeError, match="decorates a coroutine function"):
        asyncClose(print)


def test_wrap_lets_everything_go_on(q_loop: QEventLoop) -> None:
    """Other tasks run behind a dialog; its result, or its error, comes back."""

    async def main() -> Any:
        dialog = QtWidgets.QDialog()

        async def answer() -> None:
            while not dialog.isVisible():
                await asyncio.sleep(0)
            dialog.done(7)

        task = asyncio.ensure_future(answer())
        result = await asyncWrap(getattr(dialog, "exec", None) or dialog.exec_)
        assert task.done()
        with pytest.raises(ZeroDivisionError):
            await asyncWrap(lambda number, by: number / by, 1, by=0)
        return result

    assert q_loop.run_until_complete(main()) == 7


# -- QThreadExecutor --


def test_executor_has_the_interface_of_executor(app: Any) -> None:
    """With submit, map and shutdown, in a ``with`` statement or not; twice is safe."""
    with QThreadExecutor(5) as executor:
        assert isinstance(executor, Executor)
        assert executor.submit(lambda number: 2 + number, 2).result() == 4
        assert list(executor.map(lambda a, b: a + b, range(3), range(10, 13))) == [10, 12, 14]
        assert executor.submit(threading.get_ident).result() != threading.get_ident()
        assert executor.submit(lambda: QtCore.QThread.currentThread() == app.thread()).result() is False
    executor.shutdown()
    executor.shutdown(wait=False)
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.submit(print)


@pytest.mark.parametrize("by", ["argument", "default"])
def test_executor_serves_run_in_executor(by: str, q_loop: QEventLoop) -> None:
    """It may be passed, or be the default."""

    async def main(executor: Any) -> Any:
        if by == "default":
            q_loop.set_default_executor(executor)
            executor = None
        with pytest.raises(ZeroDivisionError):
            await q_loop.run_in_executor(executor, lambda: 1 / 0)
        return await q_loop.run_in_executor(executor, pow, 2, 3)

    with QThreadExecutor() as executor:
        assert q_loop.run_until_complete(main(executor)) == 8


def test_executor_gives_its_threads_the_stack() -> None:
    """stack_size is that of its threads, and of no others; one that is too small is refused."""
    before = threading.stack_size()
    with QThreadExecutor(1, stack_size=1 << 20) as executor:
        assert threading.stack_size() == before
        assert executor.submit(int).result() == 0
        assert threading.stack_size() == before
    with pytest.raises(ValueError, match="size not valid"):
        QThreadExecutor(1, stack_size=1)


# -- run, and the policy --


@pytest.mark.parametrize("debug", [True, False])
def test_run_runs_in_a_loop_of_its_own(debug: bool, app: Any) -> None:
    """As asyncio.run: the result comes back, tasks are cancelled, and the loop is closed."""

    async def main() -> tuple[Any, Any]:
        loop = asyncio.get_running_loop()
        assert type(loop) is QEventLoop
        assert loop.get_debug() is debug
        task = asyncio.ensure_future(asyncio.sleep(3600))
        await asyncio.sleep(0)
        return loop, task

    loop, task = qasync.run(main(), debug=debug)
    assert loop.is_closed()
    assert task.cancelled()


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="qasync has it up to Python 3.11")
def test_policy_makes_loops(app: Any) -> None:
    """asyncio.run under the policy runs in a QEventLoop."""

    async def main() -> Any:
        return type(asyncio.get_running_loop())

    before = asyncio.get_event_loop_policy()
    asyncio.set_event_loop_policy(qasync.DefaultQEventLoopPolicy())
    try:
        assert asyncio.run(main()) is QEventLoop
    finally:
        asyncio.set_event_loop_policy(before)


def test_run_leaves_the_policy_alone(app: Any) -> None:
    """A policy is asyncio's only meanwhile, if at all."""
    if sys.version_info >= (3, 14):
        pytest.skip("asking for the policy warns")
    before = asyncio.get_event_loop_policy()
    qasync.run(asyncio.sleep(0))
    assert asyncio.get_event_loop_policy() is before


# -- programs --

PROGRAMS = {
    "run_by_loop": ["hello", "goodbye, accepted: True", "returned True", "after the loop, closed: True"],
    "run_by_run": ["hello", "goodbye, accepted: True", "returned Fetcher"],
    "run_by_factory": ["hello", "goodbye, accepted: True", "returned True"],
    "progress": ["value 99"],
    "modal": ["works behind the dialog", "answered True True", "code 3"],
    "keep_open": ["ignored True", "accepted True", "code 0", "visible False"],
    "before_exec": ["same loop: True", "loaded", "code 0"],
    "already_running": ["running True", "closed True", "code 5", "done True"],
    "clean_up_at_quit": ["cleaned up", "code 2"],
    "ended_by_quit": ["cleaned up"],
    "failing_at_quit": ["raised 'unsaved'"],
    "caught": ["cleaned up", "caught StoppedByQuit 4"],
}


@pytest.mark.parametrize("case", PROGRAMS)
def test_program_runs(case: str) -> None:
    """The programs of the documentation run, and end as they do with qasync; a quit ends them clean."""
    if case == "run_by_factory" and sys.version_info < (3, 12):
        pytest.skip("asyncio.run takes no loop_factory")
    finished = run_script("compat_qasync", case)
    assert finished.errors == ""
    assert finished.lines == PROGRAMS[case]
    assert finished.code == (4 if case == "ended_by_quit" else 0)
