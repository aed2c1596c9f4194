"""A task in QML: what a slot with ``result=`` returns, how it ends, who owns it."""

from __future__ import annotations

import asyncio
import enum
import gc
import re
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest
from qt import BINDING, IS_PYQT, Property, Signal, Slot, delete
from support import CEILING_S, is_noise, run_coroutine, run_qt, run_script

import asyncslot
from asyncslot import AsyncSlot, AsyncSlotEventLoop, CancelReason, TaskHandle, cancel_reason
from asyncslot._qt import QtCore
from asyncslot._slot import task_handle

QtQml = pytest.importorskip(
    f"{BINDING}.QtQml", reason="needs QtQml, which this installation of the binding lacks", exc_type=ImportError
)

QT_VERSION = tuple(map(int, QtCore.qVersion().split(".")[:2]))

PAGE_OF_DOCS = Path(__file__).parent.parent / "docs" / "qml.md"

# QEvent::DeferredDelete. Source: Qt's qcoreevent.h.
DEFERRED_DELETE = 52

# What each outcome of `Backend.work` has QML hear: the last of these, and nothing else of the kind.
ENDS = {"return": 'finished {"number":1}', "fail": "failed no way", "cancel": "cancelled"}

PAGE = """
import QtQml 2.15
QtObject {
    property QtObject task: null
    property bool isBusy: task ? task.running : false
    property string error: task ? task.error : ""
    property var value: task ? task.value : undefined
    onIsBusyChanged: backend.note("busy " + isBusy)

    function watch(task) {
        task.finished.connect(value => backend.note("finished " + JSON.stringify(value)))
        task.failed.connect(message => backend.note("failed " + message))
        task.cancelled.connect(() => backend.note("cancelled"))
        return task
    }

    signal run()
    onRun: { %s }
    signal again()
    onAgain: { %s }
}
"""


class Backend(QtCore.QObject):
    """What QML calls."""

    def __init__(self) -> None:
        super().__init__()
        self.notes: list[str] = []
        self.noted = asyncio.Event()
        self.begun = 0
        # What `wait` waits for.
        self.gate = asyncio.Event()
        self.made: list[weakref.ref[Any]] = []
        self.destroyed_count = 0

    @AsyncSlot(str, int, result=TaskHandle)
    async def work(self, outcome: str, suspensions: int) -> dict[str, int]:
        """End in one of the ways of `ENDS`, after some suspensions."""
        for _ in range(suspensions):
            await asyncio.sleep(0)
        if outcome == "fail":
            raise LookupError("no way")
        if outcome == "cancel":
            raise asyncio.CancelledError
        return {"number": 1}

    @AsyncSlot(result=TaskHandle)
    async def wait(self) -> str:
        self.begun += 1
        await self.gate.wait()
        return "waited"

    @AsyncSlot(when_busy="drop", result=TaskHandle)
    async def wait_alone(self) -> None:
        await self.gate.wait()

    @AsyncSlot(when_busy="latest", result=TaskHandle)
    async def wait_latest(self) -> None:
        await self.gate.wait()

    @Slot("QVariant")
    def note(self, text: Any) -> None:
        self.notes.append(text)
        self.noted.set()

    # Calls `wait`, and counts what becomes of the handles.
    @Slot(result="QObject*")
    def wait_counted(self) -> Any:
        return self.count(self.wait())

    def count(self, handle: Any) -> Any:
        self.made.append(weakref.ref(handle))
        handle.destroyed.connect(self.on_destroyed)
        return handle

    @Slot()
    def on_destroyed(self) -> None:
        self.destroyed_count += 1

    def is_any_left(self) -> bool:
        return any(reference() is not None for reference in self.made)

    async def wait_for_end(self) -> None:
        """Wait until QML has noted an end, and one more turn, in which there could be a second one."""
        while not any(note.split()[0] in ("finished", "failed", "cancelled") for note in self.notes):
            self.noted.clear()
            await self.noted.wait()
        for _ in range(3):
            await asyncio.sleep(0)


class Page:
    """QML with two signals whose handlers are given, and the object `backend` and others."""

    def __init__(self, run: str, again: str = "", **objects: Any) -> None:
        self.backend = Backend()
        self.engine: Any = QtQml.QQmlEngine()
        # Kept: the engine does not keep them.
        self.objects = {"backend": self.backend, **objects}
        for name, each in self.objects.items():
            self.engine.rootContext().setContextProperty(name, each)
        self.component: Any = QtQml.QQmlComponent(self.engine)
        self.component.setData((PAGE % (run, again)).encode(), QtCore.QUrl())
        self.root: Any = self.component.create()
        assert self.root is not None, self.component.errorString()

    @property
    def notes(self) -> list[str]:
        return self.backend.notes

    def call(self, name: str = "run") -> None:
        QtCore.QMetaObject.invokeMethod(self.root, name, QtCore.Qt.ConnectionType.DirectConnection)

    def run(self) -> None:
        """Call, and wait for the end that QML notes."""

        async def call_and_wait() -> None:
            self.call()
            await self.backend.wait_for_end()

        run_coroutine(call_and_wait())

    def collect(self) -> None:
        """Run JavaScript's collector and Python's."""
        for _ in range(3):
            self.engine.collectGarbage()
            QtCore.QCoreApplication.processEvents()
            QtCore.QCoreApplication.sendPostedEvents(None, DEFERRED_DELETE)
            gc.collect()

    def end(self) -> None:
        """Destroy the engine."""
        self.root = self.component = self.engine = None
        gc.collect()
        QtCore.QCoreApplication.sendPostedEvents(None, DEFERRED_DELETE)


@pytest.fixture
def make_page(attached: AsyncSlotEventLoop) -> Iterator[Callable[..., Page]]:
    pages: list[Page] = []

    def make(*handlers: str, **objects: Any) -> Page:
        pages.append(Page(*handlers, **objects))
        return pages[-1]

    yield make
    for page in pages:
        page.end()


@pytest.fixture
def reports(attached: AsyncSlotEventLoop) -> list[dict[str, Any]]:
    """What the attached loop's exception handler is called with, for tests that expect it."""
    reports: list[dict[str, Any]] = []
    attached.set_exception_handler(lambda _, context: reports.append(context))
    return reports


@pytest.fixture(autouse=True)
def _nothing_is_kept(app: Any) -> Iterator[None]:
    """Fail if a handle is kept at the end that was not at the beginning."""
    before = len(task_handle._kept)
    yield
    gc.collect()
    assert len(task_handle._kept) == before


def turn() -> None:
    """Run the guest for several iterations."""

    async def take_turns() -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    run_coroutine(take_turns())


# -- the page --


def test_page_program_prints_what_it_says(tmp_path: Path) -> None:
    """The program of docs/qml.md runs, and prints what the page says."""
    program, output = re.findall(r"```(?:python)?\n(.*?)```", PAGE_OF_DOCS.read_text(encoding="utf-8"), re.DOTALL)
    path = tmp_path / "program.py"
    code = program.replace("PySide6", BINDING)
    if IS_PYQT:
        code = code.replace("QObject, Slot", "QObject, pyqtSlot as Slot")
    if BINDING == "PySide2":
        code = code.replace("app.exec()", "app.exec_()")
    path.write_text(code)
    finished = subprocess.run(
        [sys.executable, str(path)], capture_output=True, text=True, check=True, timeout=CEILING_S
    )
    report = [line for line in finished.stderr.splitlines(keepends=True) if not is_noise(line)]
    assert (finished.stdout, report) == (output, [])


def test_page_has_each_member() -> None:
    """The page's table has all that QML sees of a handle."""
    meta = TaskHandle.staticMetaObject
    own = {meta.property(number).name() for number in range(meta.propertyOffset(), meta.propertyCount())}
    for number in range(meta.methodOffset(), meta.methodCount()):
        own.add(bytes(meta.method(number).name()).decode())
    rows = re.findall(
        r"^\| (`.*`) \| ", PAGE_OF_DOCS.read_text(encoding="utf-8").split("## The handle")[1], re.MULTILINE
    )
    told = {name for row in rows for name in re.findall(r"`(\w+)", row)}
    assert own == told & own
    assert own >= {"running", "value", "error", "finished", "failed", "cancelled", "cancel"}


# -- how a task ends --


@pytest.mark.parametrize("suspensions", [0, 1, 3])
@pytest.mark.parametrize("outcome", list(ENDS))
def test_end_reaches_handlers_connected_after_call(
    make_page: Callable[..., Page], outcome: str, suspensions: int
) -> None:
    """Exactly one of the three signals comes, also if the coroutine has ended when the call returns."""
    page = make_page(f'watch(backend.work("{outcome}", {suspensions}))')
    page.run()
    assert page.notes == [ENDS[outcome]]


def test_properties_in_bindings(make_page: Callable[..., Page]) -> None:
    """Bindings to the handle's properties follow the task."""
    page = make_page("task = watch(backend.wait())")
    page.call()
    assert page.notes == ["busy true"]
    assert (page.root.property("isBusy"), page.root.property("error")) == (True, "")
    page.backend.gate.set()
    run_coroutine(page.backend.wait_for_end())
    assert page.notes == ["busy true", "busy false", 'finished "waited"']
    assert page.root.property("isBusy") is False
    assert read(page.root, "value") == "waited"


def test_error_in_bindings(make_page: Callable[..., Page], reports: list[Any]) -> None:
    """A binding to `error` shows the failure, and value stays undefined. A binding does not count as a handler."""
    page = make_page('task = backend.work("fail", 1)')
    page.call()
    turn()
    assert page.root.property("error") == "no way"
    assert read(page.root, "value") is None
    assert len(reports) == 1


def read(item: Any, name: str) -> Any:
    """Return a property of type ``var``."""
    value = item.property(name)
    return value.toVariant() if hasattr(value, "toVariant") else value


def test_error_without_text_is_its_type(attached: AsyncSlotEventLoop) -> None:
    """`error` is never empty after a failure."""

    @AsyncSlot(result=TaskHandle)
    async def fail() -> None:
        raise TimeoutError

    async def run() -> None:
        handle = fail()
        with pytest.raises(TimeoutError):
            await handle
        assert (handle.error, handle.value, handle.running) == ("TimeoutError", None, False)

    run_coroutine(run())


def test_cancel_from_qml(make_page: Callable[..., Page]) -> None:
    """`cancel()` cancels the task; once it is done, nothing happens."""
    page = make_page("task = watch(backend.wait()); task.cancel()", "task.cancel()")
    page.run()
    assert page.notes == ["busy true", "busy false", "cancelled"]
    page.call("again")
    turn()
    assert page.notes[3:] == []


@pytest.mark.parametrize("slot", ["wait_alone", "wait_latest"])
def test_dropped_call_is_cancelled(make_page: Callable[..., Page], slot: str) -> None:
    """The handle of a call that is dropped, at once or while it waits, says so."""
    page = make_page(f"backend.{slot}(); watch(backend.{slot}()); backend.{slot}()")
    page.run()
    assert page.notes == ["cancelled"]
    page.backend.gate.set()
    turn()


def test_owner_destroyed_is_cancelled(make_page: Callable[..., Page]) -> None:
    """When the owner dies, its task is cancelled, and the handle tells QML."""
    page = make_page("watch(backend.wait())")
    noted = []
    page.call()
    (handle,) = task_handle._kept
    task = handle.task
    handle.cancelled.connect(lambda: noted.append(cancel_reason(task)))
    del handle
    delete(page.backend)
    turn()
    assert noted == [CancelReason.OWNER_DESTROYED]


def test_refused_call_has_failed(attached: AsyncSlotEventLoop, reports: list[Any]) -> None:
    """A call that cannot be run, such as one with wrong arguments, fails its handle, and is reported."""

    @AsyncSlot(result=TaskHandle)
    async def work(argument: int) -> None: ...

    async def run() -> None:
        handle = work()
        failed = asyncio.get_running_loop().create_future()
        handle.errorChanged.connect(lambda: failed.set_result(handle.error))
        assert "argument" in await failed

    run_coroutine(run())
    assert len(reports) == 1


def test_no_loop_fails_on_a_turn_of_qt() -> None:
    """Without an application, the call logs an error, and `failed` comes when Qt runs on this thread."""
    finished = run_script("handle_no_application")
    assert finished.lines[0].startswith("running: False, error: there is no QCoreApplication")
    assert finished.lines[1:] == ["task: Future", "failed: there is no QCoreApplication", "kept: 0"]
    assert "could not be started" in finished.errors


@pytest.mark.parametrize("is_done", [False, True], ids=["running", "done"])
def test_loop_closed_meanwhile(app: Any, is_done: bool) -> None:
    """If the loop is closed before the task ends, it counts as cancelled. If it has ended, its end is told."""
    loop = AsyncSlotEventLoop()
    loop.set_exception_handler(lambda *_: None)  # "Task was destroyed but it is pending!"
    loop.attach()
    backend = Backend()
    seen: list[Any] = []
    handle = backend.work("return", 0) if is_done else backend.wait()
    handle.cancelled.connect(lambda: seen.append("cancelled"))
    handle.finished.connect(seen.append)
    loop.detach()
    loop.close()
    assert seen == []
    assert not handle.running
    run_qt(lambda quit_qt: QtCore.QTimer.singleShot(0, quit_qt))
    assert seen == ([{"number": 1}] if is_done else ["cancelled"])
    del handle


@pytest.mark.parametrize("end", ["quit", "exit"])
def test_quit_tells_qml(end: str) -> None:
    """A quit cancels the task, QML hears of it while the engine is there, and the process ends in order."""
    # PySide 6.6 leaves an object of its Property to the collector that it cannot collect.
    options = ("-X", "dev", "-W", "error", "-W", "ignore:gc:ResourceWarning")
    finished = run_script("handle_quit", end, options=options)
    # Without a quit, asyncslot names each task that was left.
    assert [line for line in finished.errors.splitlines() if "was abandoned" not in line] == []
    assert finished.lines == (["cancelled", "busy false"] if end == "quit" else [])
    assert finished.code == 0


# -- failures --


@pytest.mark.parametrize("suspensions", [0, 2])
@pytest.mark.parametrize(
    ("script", "count"),
    [
        ("%s.failed.connect(message => backend.note(message))", 0),
        ("task = %s", 1),
        ("%s.finished.connect(value => backend.note(value))", 1),
        ("%s", 1),
    ],
)
def test_failure_is_reported_unless_qml_handles_it(
    make_page: Callable[..., Page], reports: list[Any], script: str, count: int, suspensions: int
) -> None:
    """With a handler of `failed`, the failure is handled. Otherwise it is reported once, as any slot's."""
    page = make_page(script % f'backend.work("fail", {suspensions})')
    page.call()
    turn()
    page.collect()
    assert [type(report["exception"]) for report in reports] == [LookupError] * count
    assert ("no way" in page.notes) == (count == 0)


def test_failure_handled_by_connections(make_page: Callable[..., Page]) -> None:
    """A Connections object is a handler, too: the fixture's loop gets no report."""
    connections = "Connections { target: task; function onFailed(message) { backend.note(message) } }"
    script = f"task = backend.work('fail', 1); Qt.createQmlObject('import QtQml 2.15; {connections}', this)"
    page = make_page(script)
    page.call()
    turn()
    assert page.notes == ["busy true", "busy false", "no way"]


def test_awaited_failure_is_not_reported(attached: AsyncSlotEventLoop) -> None:
    """Who awaits the handle gets the exception, and there is no report."""

    async def run() -> None:
        backend = Backend()
        for suspensions in (0, 2):
            with pytest.raises(LookupError, match="no way"):
                await backend.work("fail", suspensions)

    run_coroutine(run())


def test_handle_of_any_task_retrieves_if_handled(attached: AsyncSlotEventLoop, reports: list[Any]) -> None:
    """A handle made of a task that is no slot's tells its end; with a handler, asyncio does not report the failure."""

    async def fail() -> None:
        raise LookupError("mine")

    async def run() -> None:
        handle = TaskHandle(asyncio.ensure_future(fail()))
        told = asyncio.get_running_loop().create_future()
        handle.failed.connect(told.set_result)
        assert await told == "mine"

    run_coroutine(run())
    gc.collect()
    assert reports == []


# -- in Python --


def test_handle_in_python(attached: AsyncSlotEventLoop) -> None:
    """From Python it can be awaited, and has the task; its properties are values."""

    async def run() -> None:
        backend = Backend()
        handle = backend.wait()
        assert isinstance(handle, TaskHandle)
        assert isinstance(handle.task, asyncio.Task)
        assert (handle.running, handle.value, handle.error) == (True, None, "")
        backend.gate.set()
        assert await handle == "waited"
        assert await asyncio.gather(handle, backend.wait()) == ["waited", "waited"]
        assert (handle.running, handle.value, handle.error) == (False, "waited", "")
        backend.gate.clear()
        handle = backend.wait()
        handle.cancel()
        with pytest.raises(asyncio.CancelledError):
            await handle
        assert (handle.running, handle.value, handle.error) == (False, None, "")

    run_coroutine(run())


@pytest.mark.skipif(
    BINDING == "PySide2" or (BINDING == "PySide6" and QT_VERSION < (6, 10)),
    reason="crashes in PySide before 6.10, with Qt's own Slot(result=...), too",
)
def test_slot_with_result_can_be_connected(attached: AsyncSlotEventLoop) -> None:
    """A signal calls such a slot as any other, with its arguments."""
    seen: list[Any] = []

    class Sender(QtCore.QObject):
        sent = Signal(str, int)

        @AsyncSlot(str, int, result=TaskHandle)
        async def on_sent(self, text: str, number: int) -> None:
            seen.append((text, number, asyncslot.sender()))

    sender = Sender()
    sender.sent.connect(sender.on_sent)
    sender.sent.emit("a", 1)
    turn()
    assert seen == [("a", 1, sender)]


def test_slot_without_result_returns_task(attached: AsyncSlotEventLoop) -> None:
    """Without ``result=``, nothing has changed: a call returns the task itself."""

    @AsyncSlot(result=None)
    async def work() -> int:
        return 1

    task = work()
    assert type(task) is asyncio.Task
    assert task.result() == 1


@pytest.mark.parametrize("result", [TaskHandle, TaskHandle[int], QtCore.QObject, "QObject*", "QVariant"])
def test_result_that_is_accepted(make_page: Callable[..., Page], result: Any) -> None:
    """Each of these gives QML the handle, which is QML's own."""

    class Other(QtCore.QObject):
        @AsyncSlot(int, result=result)
        async def double(self, number: int) -> int:
            return 2 * number

    page = make_page("task = other.double(4)", "task = null", other=Other())
    before = len(task_handle._keepers)
    page.call()
    turn()
    page.collect()
    assert read(page.root, "value") == 8
    assert len(task_handle._keepers) == before + 1
    page.call("again")
    page.collect()
    assert len(task_handle._keepers) == before


@pytest.mark.parametrize("result", [int, "int", str, object, asyncio.Task, 5, QtCore.QTimer])
def test_result_that_is_refused(result: Any) -> None:
    """Anything else is an error where it is written; the message tells the way out."""
    with pytest.raises(TypeError, match=r"returns before its coroutine ends.*write result=TaskHandle"):
        AsyncSlot(result=result)


def test_subclass_awaits_the_handle_of_super(attached: AsyncSlotEventLoop) -> None:
    """An overriding slot awaits the overridden one by super()."""

    class Special(Backend):
        @AsyncSlot(str, int, result=TaskHandle)
        async def work(self, outcome: str, suspensions: int) -> Any:
            return [await super().work(outcome, suspensions)]

    async def run() -> None:
        special = Special()
        assert await special.work("return", 1) == [{"number": 1}]

    run_coroutine(run())


def test_import_is_lazy() -> None:
    """Neither the module nor QtQml is imported before it is used."""
    program = f"""
import sys, asyncslot
lazy = ("asyncslot._slot.task_handle", "{BINDING}.QtQml")
asyncslot.AsyncSlot(int)
assert not any(name in sys.modules for name in lazy)
asyncslot.TaskHandle
assert all(name in sys.modules for name in lazy)
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


# -- values --


class Color(enum.IntEnum):
    RED = 3


OWN: list[Any] = [1]
OWN.append(OWN)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "undefined"),
        (True, "true"),
        (3, "3"),
        (-(2**62), "-4611686018427388000"),
        (2**70, "1.1805916207174113e+21"),
        (10**400, "null"),  # Infinity, which JSON has no word for.
        (1.5, "1.5"),
        ("Zoë", '"Zoë"'),
        ([1, "a", None], '[1,"a",null]'),
        ((1, (2,)), "[1,[2]]"),
        (frozenset({7}), "[7]"),
        ([], "[]"),
        ({}, "{}"),
        ({"a": [{"b": (1,)}]}, '{"a":[{"b":[1]}]}'),
        ({1: "one"}, '{"1":"one"}'),
        (Color.RED, "3"),
        (OWN, "[1,null]"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_value_in_qml(make_page: Callable[..., Page], value: Any, text: str) -> None:
    """JavaScript gets its own kinds of values, by the property and by the signal."""
    script = "task = values.get(); task.finished.connect(v => backend.note(%s(v) + ' ' + %s(task.value)))"
    page = make_page(script.replace("%s", "JSON.stringify"), values=Values(value))
    page.call()
    turn()
    assert page.notes[-1] == f"{text} {text}"


class Values(QtCore.QObject):
    """Has a slot whose coroutine returns a given object, and one that takes it back."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value
        self.taken: list[Any] = []

    @AsyncSlot(result=TaskHandle)
    async def get(self) -> Any:
        return self.value

    @Slot("QVariant")
    def take(self, value: Any) -> None:
        self.taken.append(value.toVariant() if hasattr(value, "toVariant") else value)


def test_value_that_cannot_be_converted_is_undefined(
    make_page: Callable[..., Page], caplog: pytest.LogCaptureFixture
) -> None:
    """An exception of a program's own type is logged, and the signal comes all the same."""

    class Key:
        def __str__(self) -> str:
            raise LookupError("no name")

    page = make_page("values.get().finished.connect(v => backend.note(typeof v))", values=Values({Key(): 1}))
    page.call()
    turn()
    assert page.notes == ["undefined"]
    (record,) = caplog.records
    assert "cannot be given to QML" in record.message


def test_bytes_are_an_array_buffer(make_page: Callable[..., Page]) -> None:
    """Bytes are bytes in JavaScript, too."""
    page = make_page(
        "values.get().finished.connect(v => backend.note(v.byteLength + ' ' + new Uint8Array(v)[1]))",
        values=Values(b"ab\0c"),
    )
    page.call()
    turn()
    assert page.notes == ["4 98"]


@pytest.mark.parametrize("value", [object(), QtCore.QObject()], ids=["object", "QObject"])
def test_value_passes_through_qml(make_page: Callable[..., Page], value: Any) -> None:
    """A QObject, and an object of a type that QML does not know, come back to Python as they are."""
    values = Values(value)
    page = make_page("values.get().finished.connect(v => values.take(v))", values=values)
    page.call()
    turn()
    assert values.taken == [value]


# -- who owns it --


def test_ignored_handles_are_freed(make_page: Callable[..., Page]) -> None:
    """A thousand handles that QML ignores live while their tasks run, and are freed then."""
    page = make_page("for (let i = 0; i < 1000; i++) backend.wait_counted()")
    before = len(task_handle._keepers)
    page.call()
    page.collect()
    assert page.backend.destroyed_count == 0
    assert all(reference() is not None for reference in page.backend.made)
    page.backend.gate.set()
    turn()
    page.collect()
    assert page.backend.destroyed_count == 1000
    assert not page.backend.is_any_left()
    assert len(task_handle._keepers) == before


def test_handle_lives_while_qml_refers_to_it(make_page: Callable[..., Page]) -> None:
    """Also after the end, and if Python does not refer to it; when QML lets go, it is freed."""
    page = make_page("task = backend.wait_counted()", "backend.note(task.value); task = null")
    page.call()
    page.backend.gate.set()
    turn()
    page.collect()
    assert page.backend.destroyed_count == 0
    page.notes.clear()
    page.call("again")
    assert page.notes == ["waited"]
    page.collect()
    assert page.backend.destroyed_count == 1
    assert not page.backend.is_any_left()


def test_handler_is_called_although_qml_lost_the_handle(make_page: Callable[..., Page]) -> None:
    """JavaScript's collector does not take a handle while its task runs."""
    page = make_page("watch(backend.wait_counted())")
    page.call()
    page.collect()
    page.backend.gate.set()
    run_coroutine(page.backend.wait_for_end())
    assert page.notes == ['finished "waited"']


@pytest.mark.parametrize("end", ["gate", "cancel"])
def test_handlers_do_not_keep_the_handle(make_page: Callable[..., Page], end: str) -> None:
    """Functions that refer to the handle that they are connected to, as most do, do not keep it."""
    page = make_page(
        """for (let i = 0; i < 100; i++) {
            let one = backend.wait_counted()
            one.finished.connect(value => backend.note(String(one.running)))
            one.failed.connect(message => backend.note(one.error))
            one.cancelled.connect(() => backend.note(one.error))
        }"""
    )
    page.call()
    if end == "gate":
        page.backend.gate.set()
    else:
        for reference in page.backend.made:
            reference().cancel()
    turn()
    assert page.notes == ["false" if end == "gate" else ""] * 100
    page.collect()
    # JavaScript's collector may take what was last on its stack for used still.
    assert page.backend.destroyed_count >= 98


def test_handle_of_python_alone_is_freed(attached: AsyncSlotEventLoop) -> None:
    """A handle that never was in QML goes with its last reference, once its task has ended."""

    async def run() -> None:
        backend = Backend()
        for _ in range(1000):
            backend.wait_counted()
        kept = backend.wait_counted()
        gc.collect()
        assert backend.destroyed_count == 0
        backend.gate.set()
        await kept
        for _ in range(3):
            await asyncio.sleep(0)
        gc.collect()
        assert backend.destroyed_count == 1000
        assert kept.value == "waited"
        del kept
        gc.collect()
        assert not backend.is_any_left()

    run_coroutine(run())


def test_handle_of_a_property_stays_python_own(make_page: Callable[..., Page]) -> None:
    """QML's collector does not delete a handle that QML has only read from a property."""

    class Holder(QtCore.QObject):
        changed = Signal()

        @Property(QtCore.QObject, notify=changed)
        def task(self) -> Any:
            return handle

    page = make_page("watch(holder.task)", "backend.note(holder.task.value)", holder=Holder())
    handle = page.backend.wait_counted()
    page.call()
    page.backend.gate.set()
    run_coroutine(page.backend.wait_for_end())
    page.collect()
    assert page.backend.destroyed_count == 0
    page.call("again")
    assert page.notes == ['finished "waited"', "waited"]


def test_python_uses_handle_that_qml_has_freed(make_page: Callable[..., Page]) -> None:
    """If QML owned it, its C++ object is gone with QML's last reference; its task is still there."""
    page = make_page("backend.wait_counted()")
    page.call()
    handle = page.backend.made[0]()
    page.backend.gate.set()
    turn()
    page.collect()
    assert page.backend.destroyed_count == 1
    assert handle.task.result() == "waited"
    handle.cancel()

    async def run() -> None:
        assert await handle == "waited"

    run_coroutine(run())


@pytest.mark.parametrize("destroy", ["in QML", "in Python"])
def test_destroyed_handle_tells_nothing(make_page: Callable[..., Page], destroy: str) -> None:
    """Who destroys a handle whose task runs hears nothing more; the task goes on."""
    page = make_page("task = watch(backend.wait_counted())", "task.destroy()")
    page.call()
    handle = page.backend.made[0]()
    if destroy == "in QML":
        page.call("again")
        page.collect()
    else:
        delete(handle)
    assert page.backend.destroyed_count == 1
    page.backend.gate.set()
    turn()
    assert handle.task.result() == "waited"
    assert not [note for note in page.notes if "finished" in note]


def test_destroyed_handle_of_failure_is_reported(attached: AsyncSlotEventLoop, reports: list[Any]) -> None:
    """Nobody can handle the failure any more, so it is reported."""
    handle = Backend().work("fail", 2)
    delete(handle)
    turn()
    assert len(reports) == 1
    del handle


def test_parent_given_by_program_owns_it(make_page: Callable[..., Page]) -> None:
    """A parent that the program gives stays the parent, and the handle goes with it."""
    page = make_page("watch(backend.wait_counted())")
    page.call()
    parent = QtCore.QObject()
    page.backend.made[0]().setParent(parent)
    page.backend.gate.set()
    turn()
    page.collect()
    assert page.backend.destroyed_count == 0
    assert page.backend.made[0]().parent() is parent
    delete(parent)
    page.collect()
    assert page.backend.destroyed_count == 1


@pytest.mark.skipif(BINDING == "PySide2", reason="PySide2 cannot tell that no engine has them any more: they stay")
def test_engine_destroyed_while_tasks_run(make_page: Callable[..., Page]) -> None:
    """The tasks go on, and the handles are freed at their ends."""
    page = make_page("for (let i = 0; i < 100; i++) task = watch(backend.wait_counted())")
    page.call()
    kept_before = len(task_handle._keepers)
    page.end()
    assert page.backend.begun == 100
    assert page.backend.destroyed_count == 0
    page.backend.gate.set()
    turn()
    gc.collect()
    assert page.backend.destroyed_count == 100
    assert len(task_handle._keepers) == kept_before
    assert not page.backend.is_any_left()


def test_engine_destroyed_with_handles_that_have_ended(make_page: Callable[..., Page]) -> None:
    """The engine takes its handles with it."""
    page = make_page("for (let i = 0; i < 100; i++) task = watch(backend.wait_counted())")
    page.call()
    page.backend.gate.set()
    turn()
    page.end()
    gc.collect()
    assert page.backend.destroyed_count == 100
    assert not page.backend.is_any_left()


class NamelessError(Exception):
    def __str__(self) -> str:
        raise ValueError("no text")


def test_error_without_a_text_is_told_by_its_type(attached: AsyncSlotEventLoop) -> None:
    """If the exception's own __str__() fails, the signal comes all the same."""
    told: list[str] = []

    async def fail() -> None:
        raise NamelessError

    async def main() -> None:
        handle = TaskHandle(asyncslot.run_task(fail()))
        handle.failed.connect(told.append)
        await asyncio.wait([handle.task])
        await asyncio.sleep(0)
        assert handle.error == "NamelessError"

    run_coroutine(main())
    assert told == ["NamelessError"]


def test_cancel_after_the_loop_is_closed_is_a_no_op(app: Any) -> None:
    """PyQt would end the process by what leaves a slot."""
    loop = AsyncSlotEventLoop()
    loop.attach()
    handle = TaskHandle(loop.run_task(asyncio.sleep(3600)))
    loop.detach()
    task = handle.task
    task._log_destroy_pending = False
    loop.close()
    assert not handle.running
    handle.cancel()
    assert not task.done()
    run_qt(lambda quit_qt: QtCore.QTimer.singleShot(0, quit_qt))


def test_handler_of_any_handle_of_a_task_counts(attached: AsyncSlotEventLoop) -> None:
    """A failure that one of a task's handles has told is not reported."""
    reports: list[Any] = []
    attached.set_exception_handler(lambda *_: reports.append(_))
    told: list[str] = []

    async def main() -> None:
        backend = Backend()
        first = backend.work("fail", 1)
        second = TaskHandle(first.task)
        first.failed.connect(told.append)
        await asyncio.wait([second.task])
        for _ in range(3):
            await asyncio.sleep(0)

    run_coroutine(main())
    assert (told, reports) == (["no way"], [])


def test_handle_of_a_coroutine_is_an_error() -> None:
    """It names the way out."""
    coro = asyncio.sleep(0)
    with pytest.raises(TypeError, match=r"asyncslot\.run_task\(\)"):
        TaskHandle(coro)
    coro.close()


def test_handler_that_tries_again_does_not_hold_up_a_quit(app: Any, caplog: pytest.LogCaptureFixture) -> None:
    """What it starts while the loop shuts down is cancelled, and nobody waits for it."""
    loop = AsyncSlotEventLoop()
    loop.attach()
    backend = Backend()
    again: list[Any] = []
    handle = backend.wait()
    handle.cancelled.connect(lambda: again.append(backend.wait()))
    loop.shutdown(CEILING_S)
    assert "did not end within" not in caplog.text
    run_qt(lambda quit_qt: QtCore.QTimer.singleShot(0, quit_qt))
