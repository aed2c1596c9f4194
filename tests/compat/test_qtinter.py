"""asyncslot.compat.qtinter: what qtinter's documentation promises for each name."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import gc
import sys
import threading
import weakref
from typing import Any, Iterator

import pytest
from compat_support import find_different, find_missing, import_peer
from qt import BINDING, Signal, Slot, delete
from support import IS_WINDOWS, run_coroutine, run_script

import asyncslot as native
from asyncslot._qt import QtCore, binding_version, import_qt
from asyncslot.compat import qtinter
from asyncslot.compat._policy import HAS_POLICIES
from asyncslot.compat.qtinter import QiLoopMode, asyncsignal, asyncsignalstream, asyncslot, modal, multisignal

QtWidgets = import_qt("QtWidgets")

IS_OLD_PYSIDE = BINDING == "PySide2" or (BINDING == "PySide6" and binding_version().startswith("6.6"))

needs_policies = pytest.mark.skipif(not HAS_POLICIES, reason="this Python has no policies")


class Source(QtCore.QObject):
    plain = Signal()
    number = Signal(int)
    pair = Signal(int, str)


class Receiver(QtCore.QObject):
    """Notes what its methods are called with, and how they end."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Any] = []

    async def none(self) -> None:
        self.seen.append(())

    async def one(self, number: int) -> None:
        self.seen.append(number)

    @Slot(int)
    async def declared(self, number: int) -> None:
        self.seen.append(number)

    async def any_number(self, *args: Any) -> None:
        self.seen.append(args)

    async def wait(self) -> None:
        self.seen.append("begin")
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            self.seen.append("cancelled")
            raise

    async def fail(self) -> None:
        raise KeyError("k")


class Plain:
    """No QObject."""

    def __init__(self, seen: list[Any]) -> None:
        self.seen = seen

    async def one(self, number: int) -> None:
        self.seen.append(number)


# -- the names --


def test_names_are_those_of_qtinter() -> None:
    """There is each public name of the installed qtinter, with its parameters."""
    peer = import_peer("qtinter")
    assert find_missing(qtinter, peer, {}) == set()
    assert find_different(qtinter, peer) == {}
    assert sorted(qtinter.__all__) == sorted(peer.__all__)


# -- the context managers --


@pytest.mark.parametrize("factory", [None, native.AsyncSlotEventLoop])
def test_asyncio_from_qt_runs_a_loop_in_the_block(factory: Any, app: Any) -> None:
    """In it, the loop runs, and is asyncio's; at its end, tasks are cancelled, and async generators closed."""
    closed: list[str] = []

    async def generate() -> Any:
        try:
            yield 1
        finally:
            closed.append("generator")

    async def work() -> None:
        async for _ in generator:
            await asyncio.sleep(3600)

    generator = generate()
    with qtinter.using_asyncio_from_qt(debug=True, loop_factory=factory):
        loop = asyncio.get_running_loop()
        assert loop.get_debug()
        assert isinstance(loop, factory or qtinter.QiDefaultEventLoop)
        task = native.run_task(work())
    assert task.cancelled()
    assert loop.is_closed()
    assert closed == ["generator"]


def test_asyncio_from_qt_ends_by_an_error(app: Any) -> None:
    """What is raised in the block leaves it, and the loop is closed."""
    loops: list[Any] = []

    def fail() -> None:
        with qtinter.using_asyncio_from_qt():
            loops.append(asyncio.get_running_loop())
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert loops[0].is_closed()


@needs_policies
def test_qt_from_asyncio_carries_asyncio_run(app: Any) -> None:
    """In the block, asyncio.run runs in Qt's loop; afterwards not any more."""

    async def main() -> Any:
        timer = QtCore.QTimer()
        timer.start(0)
        await native.wait_signal(timer.timeout)
        return type(asyncio.get_running_loop())

    async def plain() -> Any:
        return type(asyncio.get_running_loop())

    with qtinter.using_qt_from_asyncio():
        assert asyncio.run(main()) is qtinter.QiDefaultEventLoop
    assert asyncio.run(plain()) is not qtinter.QiDefaultEventLoop


@needs_policies
def test_policies_make_their_loops(app: Any) -> None:
    """There is a policy for each loop."""
    kinds = {"QiSelectorEventLoop", "QiDefaultEventLoop"} | ({"QiProactorEventLoop"} if IS_WINDOWS else set())
    for kind in kinds:
        loop = getattr(qtinter, f"{kind}Policy")().new_event_loop()
        assert type(loop) is getattr(qtinter, kind)
        loop.close()


# -- the loops --


@pytest.fixture
def qi_loop(app: Any) -> Iterator[Any]:
    """A loop of new_event_loop(), which is closed at the end."""
    loop = qtinter.new_event_loop()
    yield loop
    loop.shutdown()


def test_loop_has_modes(qi_loop: Any) -> None:
    """start() is for GUEST, and returns with a loop that runs; set_mode() is for a loop that does not."""
    assert isinstance(qi_loop, qtinter.QiBaseEventLoop)
    assert isinstance(qi_loop, qtinter.QiBaseProactorEventLoop) is IS_WINDOWS
    with pytest.raises(RuntimeError, match="GUEST"):
        qi_loop.start()
    qi_loop.set_mode(QiLoopMode.GUEST)
    qi_loop.start()
    assert asyncio.get_running_loop() is qi_loop
    with pytest.raises(RuntimeError, match="already running"):
        qi_loop.start()
    with pytest.raises(RuntimeError, match="neither running nor closed"):
        qi_loop.set_mode(QiLoopMode.OWNER)
    qi_loop.detach()
    qi_loop.set_mode(QiLoopMode.NATIVE)
    assert qi_loop.run_until_complete(asyncio.sleep(0, 3)) == 3
    assert [mode.name for mode in QiLoopMode] == ["OWNER", "GUEST", "NATIVE"]


def test_loop_goes_on_when_the_last_window_closes(qi_loop: Any, app: Any) -> None:
    """As qtinter's; afterwards the application's property is as before."""

    async def main() -> str:
        window = QtWidgets.QWidget()
        window.show()
        window.close()
        await asyncio.sleep(0.01)
        qi_loop.call_soon(qi_loop.stop)
        return "went on"

    app.setQuitOnLastWindowClosed(True)
    try:
        task = qi_loop.create_task(main())
        qi_loop.run_forever()
        assert task.result() == "went on"
        assert qi_loop.run_until_complete(main()) == "went on"
        assert app.quitOnLastWindowClosed()
    finally:
        app.setQuitOnLastWindowClosed(False)


def test_exec_modal_calls_after_the_callback(qi_loop: Any) -> None:
    """The function may run a nested Qt loop."""

    async def main() -> list[str]:
        def run_dialog() -> None:
            QtCore.QTimer.singleShot(0, qt_loop.quit)
            journal.append("begin")
            qt_loop.exec()
            journal.append("end")
            done.set()

        journal: list[str] = []
        done = asyncio.Event()
        qt_loop = QtCore.QEventLoop()
        qi_loop.exec_modal(run_dialog)
        journal.append("scheduled")
        await done.wait()
        return journal

    assert qi_loop.run_until_complete(main()) == ["scheduled", "begin", "end"]


# -- run_task --


def test_run_task_takes_the_first_step(attached: Any) -> None:
    """It is taken before the call returns; name and context are the task's."""
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")
    context = contextvars.copy_context()
    context.run(variable.set, "given")

    async def work() -> str:
        begun.append(variable.get())
        await asyncio.sleep(0)
        return "done"

    async def main() -> str:
        task = qtinter.run_task(work(), name="mine", context=context)
        assert (begun, task.get_name()) == (["given"], "mine")
        with pytest.raises(RuntimeError, match="by a running task"):
            qtinter.run_task(work(), allow_task_nesting=False)
        return await task

    begun: list[str] = []
    assert run_coroutine(main()) == "done"


# -- asyncslot --


@pytest.mark.parametrize(
    ("method", "expected"),
    [("none", [()]), ("one", [4]), ("declared", [4]), ("any_number", [(4, "a")])],
)
def test_slot_of_a_method_gets_as_many_arguments_as_it_takes(method: str, expected: Any, attached: Any) -> None:
    """Its first step runs in the emission."""
    source, receiver = Source(), Receiver()
    source.pair.connect(asyncslot(getattr(receiver, method)))
    source.pair.emit(4, "a")
    if method == "any_number" and BINDING.startswith("PySide"):
        pytest.skip("what PySide passes to *args depends on its version")
    assert receiver.seen == expected


@pytest.mark.parametrize("kind", ["function", "partial", "lambda", "method of no QObject"])
def test_slot_of_other_callables(kind: str, attached: Any) -> None:
    """Functions that return a coroutine are slots, too."""

    async def note(number: int) -> None:
        seen.append(number)

    async def note_twice(times: int, number: int) -> None:
        seen.append(number // times)

    seen: list[int] = []
    plain = Plain(seen)
    callables: dict[str, Any] = {
        "function": note,
        "partial": functools.partial(note_twice, 1),
        "lambda": lambda number: note_twice(1, number),
        "method of no QObject": plain.one,
    }
    source = Source()
    source.number.connect(asyncslot(callables[kind]))
    source.number.emit(3)
    assert seen == [3]


def test_slot_returns_its_task(attached: Any) -> None:
    """A wrapper may be called, and awaited; it keeps its receiver alive."""

    async def main() -> list[Any]:
        slot = asyncslot(Receiver().one)
        gc.collect()
        await slot(5)
        return list(slot.__self__.seen)

    assert run_coroutine(main()) == [5]


@pytest.mark.parametrize("kind", [Receiver, Plain])
def test_slot_does_not_keep_its_receiver_alive(kind: Any, attached: Any) -> None:
    """The connection ends with the receiver."""
    seen: list[Any] = []
    source = Source()
    receiver = kind() if kind is Receiver else kind(seen)
    source.number.connect(asyncslot(receiver.one))
    reference = weakref.ref(receiver)
    del receiver
    gc.collect()
    assert reference() is None
    source.number.emit(1)
    assert seen == []


def test_slot_can_be_disconnected_by_equality(attached: Any) -> None:
    """asyncslot() of the same method is equal each time."""
    source, receiver = Source(), Receiver()
    source.number.connect(asyncslot(receiver.one))
    assert asyncslot(receiver.one) == asyncslot(receiver.one)
    source.number.disconnect(asyncslot(receiver.one))
    source.number.emit(1)
    assert receiver.seen == []


def test_slot_is_cancelled_with_its_receiver(attached: Any) -> None:
    """What qtinter's is not."""
    source, receiver = Source(), Receiver()
    source.plain.connect(asyncslot(receiver.wait))
    source.plain.emit()

    async def end() -> None:
        (info,) = native.tasks(receiver)
        delete(receiver)
        await asyncio.wait([info.task])

    run_coroutine(end())
    assert receiver.seen == ["begin", "cancelled"]


def test_slot_reports_its_failure(attached: Any) -> None:
    """Nothing is raised into Qt: neither an error in the first step, nor wrong arguments."""
    reports: list[Any] = []
    attached.set_exception_handler(lambda _, context: reports.append(context["exception"]))
    receiver, source = Receiver(), Source()
    source.plain.connect(asyncslot(receiver.fail))
    source.plain.connect(asyncslot(receiver.one))
    source.plain.emit()

    async def wait() -> None:
        while len(reports) < 2:
            await asyncio.sleep(0)

    run_coroutine(wait())
    assert [type(error) for error in reports] == [KeyError, TypeError]
    attached.set_exception_handler(None)


@pytest.mark.parametrize("bound", [False, True])
def test_slot_runs_by_the_given_runner(bound: bool, attached: Any) -> None:
    """The runner is called in the emission, with the coroutine, and what it returns is waited for."""
    ran: list[Any] = []

    async def note(number: int) -> None:
        ran.append(asyncio.current_task().get_name())  # type: ignore[union-attr]

    def run(coro: Any) -> Any:
        ran.append("runner")
        return qtinter.run_task(coro, name="named")

    source, receiver = Source(), Receiver()
    source.number.connect(asyncslot(receiver.one if bound else note, task_runner=run))
    source.number.emit(6)
    assert ran == (["runner"] if bound else ["runner", "named"])
    assert receiver.seen == ([6] if bound else [])

    async def wait() -> None:
        while native.tasks():
            await asyncio.sleep(0)
            if len(native.tasks()) == 1:
                return

    run_coroutine(wait())


def test_slot_decorates_methods(attached: Any) -> None:
    """In a class, too."""

    class Decorated(Receiver):
        @asyncslot
        async def slot(self) -> None:
            self.seen.append("slot")

    source, receiver = Source(), Decorated()
    source.number.connect(receiver.slot)
    source.number.emit(1)
    assert receiver.seen == ["slot"]


def test_slot_refuses_what_no_signal_can_call() -> None:
    """At connection."""

    async def keyword(*, word: str) -> None:
        del word

    with pytest.raises(TypeError, match="expects a coroutine function"):
        asyncslot(1)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="'word'"):
        asyncslot(keyword)


# -- asyncsignal, asyncsignalstream, multisignal --


def emitting(act: Any) -> None:
    asyncio.get_running_loop().call_soon(act)


@pytest.mark.parametrize(("name", "arguments"), [("plain", ()), ("number", (4,)), ("pair", (4, "a"))])
def test_signal_returns_its_arguments(name: str, arguments: tuple[Any, ...], attached: Any) -> None:
    """As a tuple, however many there are."""

    async def main() -> Any:
        source = Source()
        emitting(lambda: getattr(source, name).emit(*arguments))
        received = await asyncsignal(getattr(source, name))
        assert type(received) is tuple
        return received

    assert run_coroutine(main()) == arguments


def test_signal_of_default_arguments_and_of_the_end(attached: Any) -> None:
    """clicked() has its argument, and ``destroyed`` can be awaited."""

    async def main() -> Any:
        button, ending = QtWidgets.QPushButton(), QtCore.QObject()
        emitting(button.click)
        received = await asyncsignal(button.clicked)
        emitting(ending.deleteLater)
        await asyncsignal(ending.destroyed)
        return received

    assert run_coroutine(main()) == (() if IS_OLD_PYSIDE else (False,))


def test_signal_of_an_object_like_a_signal(attached: Any) -> None:
    """Its ``connect()`` is enough."""

    class Like:
        def connect(self, slot: Any) -> None:
            emitting(lambda: (slot(1, 2), slot(3)))

    async def main() -> Any:
        return await asyncsignal(Like())

    assert run_coroutine(main()) == (1, 2)


@pytest.mark.skipif(BINDING != "PySide6" or IS_OLD_PYSIDE, reason="this binding does not tell of the sender's end")
def test_signal_of_a_destroyed_sender_is_an_error(attached: Any) -> None:
    """Where qtinter waits for ever."""

    async def main() -> None:
        source = Source()
        emitting(lambda: delete(source))
        with pytest.raises(native.SenderDestroyed):
            await asyncsignal(source.plain)

    run_coroutine(main())


def test_stream_yields_what_came_since_it_was_made(attached: Any) -> None:
    """It is connected at once, and its buffer has no limit."""

    async def main() -> list[Any]:
        source = Source()
        stream = asyncsignalstream(source.number)
        for number in range(100):
            source.number.emit(number)
        seen = []
        async for arguments in stream:
            assert type(arguments) is tuple
            seen.append(arguments[0])
            if len(seen) == 100:
                return seen
        return seen

    assert run_coroutine(main()) == list(range(100))


def test_stream_is_disconnected_when_it_is_collected(attached: Any) -> None:
    """Nothing keeps it alive."""

    async def main() -> Any:
        source = Source()
        stream = asyncsignalstream(source.number)
        reference = weakref.ref(stream)
        del stream
        source.number.emit(1)
        return reference()

    assert run_coroutine(main()) is None


def test_stream_refuses_what_is_no_signal(attached: Any) -> None:
    """And needs a loop."""

    async def main() -> None:
        with pytest.raises(TypeError, match="a signal of an object"):
            asyncsignalstream("clicked")

    run_coroutine(main())


def test_stream_needs_a_loop(app: Any) -> None:
    """The error is asyncio's."""
    source = Source()
    with pytest.raises(RuntimeError, match="no running event loop"):
        asyncsignalstream(source.plain)


def test_multisignal_emits_the_value_and_the_arguments(attached: Any) -> None:
    """Awaited, iterated over, or connected."""

    async def main() -> Any:
        first, second = Source(), Source()
        either = multisignal({first.number: "first", second.pair: "second"})
        stream = asyncsignalstream(either)
        either.connect(lambda value, arguments: connected.append((value, arguments)))
        emitting(lambda: second.pair.emit(1, "a"))
        awaited = await asyncsignal(either)
        first.number.emit(2)
        return awaited, [await stream.__anext__(), await stream.__anext__()]

    connected: list[Any] = []
    both = [("second", (1, "a")), ("first", (2,))]
    assert run_coroutine(main()) == (both[0], both)
    assert connected == both


def test_multisignal_does_not_keep_a_receiver_alive(app: Any) -> None:
    """It is held weakly, as by a signal."""

    class Noting:
        def note(self, value: str, arguments: tuple[Any, ...]) -> None:
            seen.append((value, arguments))

    seen: list[Any] = []
    source, receiver = Source(), Noting()
    multisignal({source.plain: "plain"}).connect(receiver.note)
    source.plain.emit()
    reference = weakref.ref(receiver)
    del receiver
    gc.collect()
    source.plain.emit()
    assert reference() is None
    assert seen == [("plain", ())]


def test_multisignal_calls_on_the_thread_of_connect(attached: Any) -> None:
    """Whichever thread emits."""

    async def main() -> Any:
        source = Source()
        called: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        multisignal({source.number: "n"}).connect(lambda *call: called.set_result((call, threading.get_ident())))
        await native.run_in_thread(source.number.emit, 5)
        return await called

    assert run_coroutine(main()) == (("n", (5,)), threading.get_ident())


# -- modal --


def test_modal_lets_everything_go_on(attached: Any) -> None:
    """Other tasks run behind a dialog; its result, or its error, comes back."""

    async def main() -> Any:
        dialog = QtWidgets.QDialog()

        async def answer() -> None:
            while not dialog.isVisible():
                await asyncio.sleep(0)
            dialog.done(7)

        task = asyncio.ensure_future(answer())
        result = await modal(getattr(dialog, "exec", None) or dialog.exec_)()
        assert task.done()
        with pytest.raises(ZeroDivisionError):
            await modal(lambda number, by: number / by)(1, by=0)
        return result

    assert run_coroutine(main()) == 7


def test_modal_refuses_another_loop() -> None:
    """In which the dialog would block everything."""
    loop = asyncio.SelectorEventLoop()
    with contextlib.closing(loop), pytest.raises(RuntimeError, match="a loop that Qt carries"):
        loop.run_until_complete(modal(int)())


# -- programs --

PROGRAMS = {
    "clock": ["ticks 8", "code 0", "cancelled True"],
    "color": ["color #ffffff", "after asyncio.run; quits again with the last window: True"],
    "color_by_signal": ["color #ffffff", "after asyncio.run; quits again with the last window: True"],
    "hit": ["hit 10"],
    "stopwatch": ["started at once: True", "stopped after some ticks: True", "code 0"],
    "stopwatch_decorated": ["started at once: True", "stopped after some ticks: True", "code 0"],
    "runner": ["ticks 6"],
}


@pytest.mark.parametrize("case", PROGRAMS)
def test_program_runs(case: str) -> None:
    """The programs of the documentation run."""
    if not HAS_POLICIES and case in ("color", "color_by_signal", "hit"):
        pytest.skip("this Python has no policies")
    finished = run_script("compat_qtinter", case)
    assert finished.errors == ""
    assert finished.lines == PROGRAMS[case]
    assert finished.code == 0


def test_policy_is_refused_where_there_are_none(monkeypatch: Any) -> None:
    """From Python 3.16 on, the error names the way out."""
    monkeypatch.setattr(sys.modules["asyncslot.compat._policy"], "HAS_POLICIES", False)
    with pytest.raises(RuntimeError, match="loop_factory"), qtinter.using_qt_from_asyncio():
        pass
