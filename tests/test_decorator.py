"""AsyncSlot: a coroutine function that Qt calls as it calls any slot, and that Python awaits as if it were bare."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import inspect
import sys
import threading
import types
import weakref
from typing import Any, Callable, Iterator

import pytest
from qt import BINDING, IS_PYQT, QTest, Signal, Slot
from support import CEILING_S, IS_WINDOWS, run_qt, run_script

from asyncslot import AsyncSlot, AsyncSlotEventLoop, scope
from asyncslot._qt import QtCore, import_qt
from asyncslot.loop import thread_loop

QtWidgets = import_qt("QtWidgets")

Connection = QtCore.Qt.ConnectionType


class Source(QtCore.QObject):
    """Emits signals with any arguments."""

    plain = Signal()
    number = Signal(int)
    pair = Signal(int, str)
    overloaded = Signal((int,), (str,))


@pytest.fixture
def source(app: Any) -> Source:
    return Source()


@pytest.fixture
def reports(attached: AsyncSlotEventLoop) -> list[dict[str, Any]]:
    """What the attached loop's exception handler is called with, for tests that expect it."""
    reports: list[dict[str, Any]] = []
    attached.set_exception_handler(lambda _, context: reports.append(context))
    return reports


@pytest.fixture
def escaped(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """The exceptions that left a slot: PySide hands them to ``sys.excepthook``."""
    escaped: list[BaseException] = []
    monkeypatch.setattr(sys, "excepthook", lambda _, exc, __: escaped.append(exc))
    return escaped


def run_turns(loop: AsyncSlotEventLoop) -> None:
    """Run the guest for several iterations: what is ready now has run then, and what that made ready, too."""

    async def take_turns() -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    loop.run_until_complete(take_turns())


def declared_methods(receiver: Any) -> list[str]:
    """Return the signatures that the metaobject of *receiver*'s own class has, sorted."""
    meta = receiver.metaObject()
    return sorted(
        bytes(meta.method(index).methodSignature()).decode() for index in range(meta.methodOffset(), meta.methodCount())
    )


# -- the first step --


def test_slot_clicked_first_part_has_run_at_return(attached: AsyncSlotEventLoop) -> None:
    """The code before the first suspension runs inside click(): the button is disabled, a second click does nothing."""
    order: list[str] = []
    gate = attached.create_future()

    class Window(QtCore.QObject):
        def __init__(self) -> None:
            super().__init__()
            self.button = QtWidgets.QPushButton()
            self.button.clicked.connect(self.on_clicked)

        @AsyncSlot()
        async def on_clicked(self) -> None:
            self.button.setEnabled(False)
            order.append("first part")
            await gate
            order.append("rest")
            self.button.setEnabled(True)

    window = Window()
    window.button.click()
    assert order == ["first part"]
    assert not window.button.isEnabled()
    window.button.click()
    run_turns(attached)
    assert order == ["first part"]
    gate.set_result(None)
    run_turns(attached)
    assert order == ["first part", "rest"]
    assert window.button.isEnabled()


def test_slot_emitted_first_part_has_run_at_return(attached: AsyncSlotEventLoop, source: Source) -> None:
    """The code before the first suspension runs inside emit(), as a plain slot does, in the order of connection."""
    order: list[str] = []

    @AsyncSlot()
    async def on_plain() -> None:
        order.append("first part")
        await asyncio.sleep(0)
        order.append("rest")

    source.plain.connect(lambda: order.append("plain slot before"))
    source.plain.connect(on_plain)
    source.plain.connect(lambda: order.append("plain slot after"))
    source.plain.emit()
    order.append("emit() returned")
    run_turns(attached)
    assert order == ["plain slot before", "first part", "plain slot after", "emit() returned", "rest"]


def test_slot_called_in_coroutine_first_part_has_run_at_return(attached: AsyncSlotEventLoop, source: Source) -> None:
    """A coroutine that emits a signal has the slot's first part run as the slot's own task, then goes on as its own."""
    tasks: list[Any] = []

    @AsyncSlot()
    async def on_plain() -> None:
        tasks.append(asyncio.current_task())
        await asyncio.sleep(0)
        tasks.append(asyncio.current_task())

    async def main() -> None:
        me = asyncio.current_task()
        source.plain.emit()
        assert len(tasks) == 1
        assert tasks[0] is not me
        assert asyncio.current_task() is me

    source.plain.connect(on_plain)
    attached.run_until_complete(main())
    run_turns(attached)
    assert tasks[0] is tasks[1]


def test_slot_called_by_zero_timer_others_go_on(attached: AsyncSlotEventLoop) -> None:
    """A timer without interval that calls a slot each time does not keep tasks from going on."""
    steps: list[int] = []
    steps_at_call: list[int] = []

    async def step_on() -> None:
        while True:
            steps.append(1)
            await asyncio.sleep(0)

    @AsyncSlot()
    async def on_timeout() -> None:
        steps_at_call.append(len(steps))

    task = attached.run_task(step_on())
    timer = QtCore.QTimer()

    def call_often(quit_qt: Callable[[], None]) -> None:
        def stop_in_time() -> None:
            if len(steps_at_call) == 100:
                timer.stop()
                quit_qt()

        timer.timeout.connect(on_timeout)
        timer.timeout.connect(stop_in_time)
        timer.start(0)

    run_qt(call_often)
    task.cancel()
    run_turns(attached)
    # In the steady state, too: half of the calls are enough to come to it.
    assert steps_at_call[99] > steps_at_call[50]


# -- decorating --


@pytest.mark.parametrize(
    ("decorate", "signature"),
    [
        (AsyncSlot, "method()"),
        (AsyncSlot(), "method()"),
        (AsyncSlot(int), "method(int)"),
        (AsyncSlot("int", "QString"), "method(int,QString)"),
        (AsyncSlot(str, name="other"), "other(QString)"),
        (AsyncSlot(name="other"), "other()"),
    ],
    ids=["bare", "()", "(int)", '("int", "QString")', '(str, name="other")', '(name="other")'],
)
def test_decorator_each_form_makes_slot(attached: AsyncSlotEventLoop, decorate: Any, signature: str) -> None:
    """However it is written, the metaobject has one slot, of the types and the name given."""

    class Receiver(QtCore.QObject):
        async def method(self, *arguments: object) -> tuple[object, ...]:
            return arguments

        method = decorate(method)

    receiver = Receiver()
    if IS_PYQT and signature == "method()":
        # PyQt would pass no argument to a slot that is declared without types, so such a slot is not declared.
        assert declared_methods(receiver) == []
        return
    assert declared_methods(receiver) == [signature]
    assert receiver.metaObject().indexOfMethod(signature) == receiver.metaObject().indexOfSlot(signature) > 0
    assert receiver.method(1, "a").result() == (1, "a")


def plain() -> None:
    pass


async def generate() -> Any:
    yield 1


class NoFunction:
    pass


async def coroutine_function() -> None:
    pass


REFUSED = {
    "function": (plain, "Qt's own Slot"),
    "builtin": (len, "Qt's own Slot"),
    "partial": (functools.partial(plain), "Qt's own Slot"),
    "class": (NoFunction, "Qt's own Slot"),
    "AsyncSlot": (AsyncSlot(coroutine_function), "Qt's own Slot"),
    "staticmethod": (staticmethod(plain), "Qt's own Slot"),
    "async generator function": (generate, "an async generator cannot be a slot"),
    "number": (5, "write it above an 'async def'"),
    "None": (None, "write it above an 'async def'"),
    "property": (property(coroutine_function), "write it above an 'async def'"),
}
FORMS = {"bare": AsyncSlot, "()": AsyncSlot(), "(int)": AsyncSlot(int)}


@pytest.mark.parametrize(
    ("form", "kind"),
    # Bare, a class cannot be told from the type of an argument.
    [(form, kind) for form in FORMS for kind in REFUSED if (form, kind) != ("bare", "class")],
)
def test_decorator_no_coroutine_function_refused(form: str, kind: str) -> None:
    """Anything but a coroutine function is a TypeError at decoration, which shows it and says what to do."""
    given, hint = REFUSED[kind]
    with pytest.raises(TypeError) as caught:
        FORMS[form](given)
    shown = given.__func__ if isinstance(given, staticmethod) else given
    assert repr(shown) in str(caught.value)
    assert hint in str(caught.value)


def test_decorator_more_types_than_parameters_refused() -> None:
    """More types than the function has positional parameters are a TypeError at decoration that counts both."""

    async def take_one_argument(value: int) -> None:
        pass

    with pytest.raises(TypeError, match=r"declares 2 arguments, but .*take_one_argument.* takes only 1"):
        AsyncSlot(int, str)(take_one_argument)


def test_decorated_is_plain_function() -> None:
    """What the decorator returns is a plain function with the name, documentation and parameters of the original."""

    async def original(self: object, value: int = 5) -> None:
        """Do it."""

    decorated = AsyncSlot(int)(original)
    assert isinstance(decorated, types.FunctionType)
    assert not inspect.iscoroutinefunction(decorated)
    assert (decorated.__name__, decorated.__doc__) == ("original", "Do it.")
    assert decorated.__qualname__ == original.__qualname__
    assert decorated.__wrapped__ is original
    assert inspect.signature(decorated) == inspect.signature(original)


# -- the task --


class Calculator(QtCore.QObject):
    """Has a slot that is also of use to coroutines."""

    @AsyncSlot(int)
    async def double(self, value: int) -> int:
        await asyncio.sleep(0)
        if value < 0:
            raise ValueError(value)
        return value * 2


class PlainCalculator:
    """The same, but no QObject. PyQt connects no declared slot of such a class, so there are no types."""

    double = AsyncSlot(Calculator.double.__wrapped__) if IS_PYQT else Calculator.double


def test_task_awaited_gives_result_and_exception(attached: AsyncSlotEventLoop) -> None:
    """A call returns a task, which can be awaited as if the function were not decorated."""
    calculator = Calculator()

    async def main() -> None:
        task = calculator.double(4)
        assert isinstance(task, asyncio.Task)
        assert await task == 8
        assert await calculator.double(value=5) == 10
        with pytest.raises(ValueError, match="-1"):
            await calculator.double(-1)

    attached.run_until_complete(main())


def test_task_without_suspension_is_done_at_return(attached: AsyncSlotEventLoop) -> None:
    """A slot that never suspends is over when its call returns."""

    @AsyncSlot
    async def slot() -> str:
        return "done"

    assert slot().result() == "done"


def test_task_cancelled_ends_body(attached: AsyncSlotEventLoop) -> None:
    """Cancelling the returned task raises CancelledError where the slot waits; nothing is reported."""
    order: list[str] = []

    @AsyncSlot
    async def slot() -> None:
        try:
            await attached.create_future()
        finally:
            order.append("cleaned up")

    task = slot()
    task.cancel()
    run_turns(attached)
    assert task.cancelled()
    assert order == ["cleaned up"]


def cancel_by_raising() -> None:
    raise asyncio.CancelledError


def cancel_current_task() -> None:
    asyncio.current_task().cancel()


@pytest.mark.parametrize("suspensions", [0, 2])
@pytest.mark.parametrize("cancel", [cancel_by_raising, cancel_current_task])
def test_task_cancels_itself_quietly(
    reports: list[Any], attached: AsyncSlotEventLoop, cancel: Any, suspensions: int
) -> None:
    """CancelledError raised inside, or the cancellation of the current task, cancels the task; nothing is reported."""

    @AsyncSlot
    async def slot() -> None:
        for _ in range(suspensions):
            await asyncio.sleep(0)
        cancel()
        await asyncio.sleep(0)

    task = slot()
    run_turns(attached)
    assert task.cancelled()
    del task
    gc.collect()
    run_turns(attached)
    assert reports == []


def test_task_unreferenced_survives_collection(attached: AsyncSlotEventLoop) -> None:
    """A slot that waits for a future that nothing else refers to is held until it ends, and no longer."""

    @AsyncSlot
    async def wait_alone() -> None:
        await asyncio.get_running_loop().create_future()

    reference = weakref.ref(wait_alone())
    gc.collect()
    assert reference() is not None
    reference().cancel()
    run_turns(attached)
    gc.collect()
    assert reference() is None


def test_task_after_many_calls_no_memory_kept() -> None:
    """20,000 calls, however they end, leave no more objects and memory than 3,000 did."""
    # Wine takes minutes for the tracebacks of debug mode.
    finished = run_script("slot_memory", options=("-W", "error") if IS_WINDOWS else ("-X", "dev", "-W", "error"))
    assert finished.errors == ""
    assert finished.lines[0] == "23000 calls, 9200 failures reported"
    objects, blocks = (int(text) for text in finished.lines[1].split())
    # What grows with the calls would be 20,000 or more; caches make up for some hundreds of blocks.
    assert objects < 100
    assert blocks < 2000


# -- methods of all kinds --


def test_slot_overridden_is_called_and_awaits_super(attached: AsyncSlotEventLoop, source: Source) -> None:
    """A connection made by the base class calls the override, which can await the base's slot by super()."""
    order: list[str] = []

    class Base(QtCore.QObject):
        def __init__(self) -> None:
            super().__init__()
            source.number.connect(self.on_number)

        @AsyncSlot(int)
        async def on_number(self, value: int) -> int:
            await asyncio.sleep(0)
            order.append(f"base {value}")
            return value * 2

    class Derived(Base):
        @AsyncSlot(int)
        async def on_number(self, value: int) -> int:
            order.append(f"override {value}")
            result = await super().on_number(value)
            order.append(f"override got {result}")
            return result

    derived = Derived()
    source.number.emit(4)
    run_turns(attached)
    assert order == ["override 4", "base 4", "override got 8"]
    if not hasattr(QtCore, "Q_ARG"):
        return  # PySide2 has no typed arguments.
    QtCore.QMetaObject.invokeMethod(derived, "on_number", Connection.DirectConnection, QtCore.Q_ARG(int, 5))
    run_turns(attached)
    assert order[3:] == ["override 5", "base 5", "override got 10"]


def test_slot_inherited_is_called(attached: AsyncSlotEventLoop, source: Source) -> None:
    """A slot that a subclass does not override is connected as its own."""
    seen: list[object] = []

    class Base(QtCore.QObject):
        @AsyncSlot(int)
        async def on_number(self, value: int) -> None:
            seen.append((self, value))

    class Derived(Base):
        pass

    derived = Derived()
    source.number.connect(derived.on_number)
    source.number.emit(4)
    assert seen == [(derived, 4)]


@pytest.mark.parametrize("bases", [("mixin", "qobject"), ("qobject", "mixin")])
def test_slot_of_plain_mixin_is_called(attached: AsyncSlotEventLoop, source: Source, bases: tuple[str, str]) -> None:
    """A slot from a mixin that is no QObject works in a QObject that derives from it."""
    seen: list[object] = []

    class Mixin:
        @AsyncSlot(int)
        async def on_number(self, value: int) -> None:
            await asyncio.sleep(0)
            seen.append((self, value))

    kinds = {"mixin": Mixin, "qobject": QtCore.QObject}
    receiver_class = type("Receiver", tuple(kinds[base] for base in bases), {})
    receiver = receiver_class()
    source.number.connect(receiver.on_number)
    source.number.emit(4)
    run_turns(attached)
    assert seen == [(receiver, 4)]
    source.number.disconnect(receiver.on_number)
    source.number.emit(5)
    assert len(seen) == 1


def test_slot_of_plain_object_is_called(attached: AsyncSlotEventLoop, source: Source) -> None:
    """A receiver need not be a QObject."""
    seen: list[object] = []

    class Receiver:
        @AsyncSlot()
        async def on_number(self, value: int) -> None:
            seen.append((self, value))

    receiver = Receiver()
    source.number.connect(receiver.on_number)
    source.number.emit(4)
    assert seen == [(receiver, 4)]


class WithStaticAndClassMethods(QtCore.QObject):
    """Has slots that are static and class methods, in both orders of the decorators."""

    @AsyncSlot()
    @staticmethod
    async def static_inside(*arguments: object) -> tuple[object, ...]:
        seen_by_methods.append(arguments)
        return arguments

    @staticmethod
    @AsyncSlot()
    async def static_outside(*arguments: object) -> tuple[object, ...]:
        seen_by_methods.append(arguments)
        return arguments

    @AsyncSlot()
    @classmethod
    async def class_inside(cls, *arguments: object) -> tuple[object, ...]:
        seen_by_methods.append(arguments)
        return (cls, *arguments)

    @classmethod
    @AsyncSlot()
    async def class_outside(cls, *arguments: object) -> tuple[object, ...]:
        seen_by_methods.append(arguments)
        return (cls, *arguments)


seen_by_methods: list[tuple[object, ...]] = []


@pytest.mark.parametrize("name", ["static_inside", "static_outside", "class_inside", "class_outside"])
def test_slot_as_static_or_class_method(attached: AsyncSlotEventLoop, source: Source, name: str) -> None:
    """Static and class methods can be called on class and instance, and connected, in both orders of the decorators."""
    receiver = WithStaticAndClassMethods()
    head = (WithStaticAndClassMethods,) if name.startswith("class") else ()
    assert getattr(WithStaticAndClassMethods, name)(1).result() == (*head, 1)
    assert getattr(receiver, name)(2).result() == (*head, 2)
    seen_by_methods.clear()
    source.number.connect(getattr(receiver, name))
    source.number.emit(3)
    run_turns(attached)
    assert seen_by_methods == [(3,)]


def test_slot_as_plain_function_is_called(attached: AsyncSlotEventLoop, source: Source) -> None:
    """A function of a module can be connected as it is, and disconnected."""
    seen: list[object] = []

    @AsyncSlot(int)
    async def on_number(value: int) -> None:
        await asyncio.sleep(0)
        seen.append(value)

    source.number.connect(on_number)
    source.number.emit(4)
    run_turns(attached)
    source.number.disconnect(on_number)
    source.number.emit(5)
    run_turns(attached)
    assert seen == [4]


def test_slot_of_partial_is_called(attached: AsyncSlotEventLoop) -> None:
    """A partial of a coroutine function is a coroutine function, too."""

    async def add(one: int, other: int) -> int:
        return one + other

    assert AsyncSlot(functools.partial(add, 1))(2).result() == 3


# -- arguments --

seen_arguments: list[tuple[object, ...]] = []


def note(*arguments: object) -> None:
    seen_arguments.append(arguments)


async def take_none(self: object) -> None:
    note()


async def take_one(self: object, value: int) -> None:
    note(value)


async def take_one_with_default(self: object, value: int = 9) -> None:
    note(value)


async def take_two(self: object, value: int, text: str) -> None:
    note(value, text)


async def take_more_with_defaults(self: object, value: int, text: str = "default", rest: str = "rest") -> None:
    note(value, text, rest)


async def take_all(self: object, *values: object) -> None:
    note(*values)


async def take_first_and_all(self: object, first: int, *values: object) -> None:
    note(first, values)


async def take_keyword_only(self: object, *, flag: str = "untouched") -> None:
    note(flag)


async def take_one_and_keyword_only(self: object, value: int, *, flag: str = "untouched") -> None:
    note(value, flag)


async def take_keywords(self: object, **options: object) -> None:
    note(options)


async def take_positional_only(self: object, value: int, /, text: str = "default") -> None:
    note(value, text)


@pytest.mark.parametrize(
    ("function", "seen"),
    [
        (take_none, ()),
        (take_one, (4,)),
        (take_one_with_default, (4,)),
        (take_two, (4, "a")),
        (take_more_with_defaults, (4, "a", "rest")),
        (take_all, (4, "a")),
        (take_first_and_all, (4, ("a",))),
        (take_keyword_only, ("untouched",)),
        (take_one_and_keyword_only, (4, "untouched")),
        (take_keywords, ({},)),
        (take_positional_only, (4, "a")),
    ],
)
def test_arguments_surplus_dropped(
    attached: AsyncSlotEventLoop, source: Source, function: Any, seen: tuple[object, ...]
) -> None:
    """A slot gets as many of the signal's arguments as it takes positionally, no more."""
    seen_arguments.clear()
    name = function.__name__
    receiver = type("Receiver", (QtCore.QObject,), {name: AsyncSlot()(function)})()
    source.pair.connect(getattr(receiver, name))
    source.pair.emit(4, "a")
    assert seen_arguments == [seen]


@pytest.mark.parametrize("decorate", [AsyncSlot, AsyncSlot(), AsyncSlot(bool)], ids=["bare", "()", "(bool)"])
@pytest.mark.parametrize(
    ("function", "seen"),
    [
        (take_none, ()),
        (take_one, (True,)),
        (take_one_with_default, (True,)),
        (take_one_and_keyword_only, (True, "untouched")),
    ],
)
def test_arguments_checked_of_clicked(
    attached: AsyncSlotEventLoop, function: Any, seen: tuple[object, ...], decorate: Any
) -> None:
    """``checked`` of clicked(bool) is passed to the slots that take it, and dropped for the others."""
    seen_arguments.clear()
    name = function.__name__
    receiver = type("Receiver", (QtCore.QObject,), {name: decorate(function)})()
    button = QtWidgets.QPushButton()
    button.setCheckable(True)
    button.clicked.connect(getattr(receiver, name))
    button.click()
    assert seen_arguments == [seen]


@pytest.mark.parametrize(
    "call",
    [
        lambda receiver: receiver.take_one(),
        lambda receiver: receiver.take_one(1, unknown=2),
        lambda receiver: receiver.take_one(1, value=2),
        lambda receiver: receiver.take_keyword_only(),
    ],
    ids=["missing", "unknown keyword", "given twice", "keyword missing"],
)
def test_arguments_wrong_make_failed_task(attached: AsyncSlotEventLoop, call: Any) -> None:
    """Wrong arguments are no exception of the call, but a task failed with the TypeError that Python raises."""

    class Receiver(QtCore.QObject):
        @AsyncSlot()
        async def take_one(self, value: int) -> None:
            pass

        @AsyncSlot()
        async def take_keyword_only(self, *, needed: int) -> None:
            pass

    task = call(Receiver())
    assert isinstance(task, asyncio.Task)
    assert task.done()
    with pytest.raises(TypeError, match="argument"):
        task.result()


# -- Qt --


def invoke_method(*arguments: Any) -> bool:
    """Call QMetaObject.invokeMethod(), which on PyQt returns the method's result, and raises if there is no method."""
    return QtCore.QMetaObject.invokeMethod(*arguments) is not False


@pytest.mark.skipif(not hasattr(QtCore, "Q_ARG"), reason="PySide2 has no Q_ARG, so no typed arguments")
def test_invoke_method_finds_slot(attached: AsyncSlotEventLoop) -> None:
    """QMetaObject.invokeMethod() calls slots by name, with typed arguments, at once or queued."""
    seen: list[object] = []

    class Receiver(QtCore.QObject):
        @AsyncSlot()
        async def on_click(self) -> None:
            seen.append("on_click")

        @AsyncSlot(int, str)
        async def on_value(self, value: int, text: str) -> None:
            seen.append((value, text))

        @AsyncSlot(str, name="other")
        async def on_text(self, text: str) -> None:
            seen.append(text)

        other = on_text  # PySide looks the name up as an attribute, and crashes without it.

    receiver = Receiver()
    invoke = invoke_method
    assert invoke(receiver, "on_click", Connection.DirectConnection)
    assert invoke(receiver, "on_value", Connection.DirectConnection, QtCore.Q_ARG(int, 4), QtCore.Q_ARG("QString", "a"))
    assert invoke(receiver, "other", Connection.DirectConnection, QtCore.Q_ARG("QString", "text"))
    assert seen == ["on_click", (4, "a"), "text"]
    assert invoke(receiver, "on_click", Connection.QueuedConnection)
    assert len(seen) == 3
    run_qt(lambda quit_qt: QtCore.QTimer.singleShot(0, quit_qt))
    assert seen[3:] == ["on_click"]


@pytest.mark.parametrize("typed", [False, True])
def test_connect_slots_by_name_finds_slot(attached: AsyncSlotEventLoop, typed: bool) -> None:
    """connectSlotsByName() connects a slot that is named after a child and its signal, once."""
    seen: list[object] = []

    class Window(QtWidgets.QWidget):
        def __init__(self) -> None:
            super().__init__()
            self.button = QtWidgets.QPushButton(self)
            self.button.setObjectName("button")
            QtCore.QMetaObject.connectSlotsByName(self)

    class Untyped(Window):
        @AsyncSlot()
        async def on_button_clicked(self) -> None:
            seen.append(())

    class Typed(Window):
        @AsyncSlot(bool)
        async def on_button_clicked(self, checked: bool) -> None:
            seen.append((checked,))

    window = Typed() if typed else Untyped()
    window.button.click()
    assert seen == [(False,) if typed else ()]


def test_queued_connection_calls_slot_later(attached: AsyncSlotEventLoop, source: Source) -> None:
    """With a queued connection the slot is called by the Qt loop, with the arguments."""
    seen: list[object] = []

    class Receiver(QtCore.QObject):
        @AsyncSlot(int, str)
        async def on_pair(self, value: int, text: str) -> None:
            await asyncio.sleep(0)
            seen.append((value, text))
            self.quit_qt()

    receiver = Receiver()
    source.pair.connect(receiver.on_pair, Connection.QueuedConnection)

    def emit(quit_qt: Callable[[], None]) -> None:
        receiver.quit_qt = quit_qt
        source.pair.emit(4, "a")
        assert seen == []

    run_qt(emit)
    assert seen == [(4, "a")]


@pytest.mark.parametrize("connection", [Connection.AutoConnection, Connection.QueuedConnection])
def test_receiver_on_qt_thread_slot_runs_there(attached: AsyncSlotEventLoop, source: Source, connection: Any) -> None:
    """The slot of a receiver that lives on a QThread runs there, to its end, on a loop of that thread's own."""
    seen: list[Any] = []

    class Receiver(QtCore.QObject):
        done = Signal()

        @AsyncSlot(int)
        async def on_number(self, value: int) -> None:
            for _ in range(2):
                seen.append((value, QtCore.QThread.currentThread() == thread, asyncio.get_running_loop()))
                await asyncio.sleep(0)
            self.done.emit()

    thread = QtCore.QThread()
    receiver = Receiver()
    receiver.moveToThread(thread)
    source.number.connect(receiver.on_number, connection)
    thread.start()

    def emit(quit_qt: Callable[[], None]) -> None:
        receiver.done.connect(quit_qt)
        source.number.emit(4)

    try:
        run_qt(emit)
        run_qt(emit)
    finally:
        thread.quit()
        assert thread.wait(CEILING_S * 1000)
    assert [(value, is_there) for value, is_there, _ in seen] == [(4, True)] * 4
    (loop,) = {loop for _, _, loop in seen}
    assert loop is not attached
    assert loop.is_closed()


@pytest.mark.parametrize("receiver_class", [Calculator, PlainCalculator])
def test_connection_does_not_keep_receiver_alive(
    attached: AsyncSlotEventLoop, source: Source, receiver_class: Any
) -> None:
    """A connected receiver that nothing else refers to is freed, and not called any more."""
    receiver = receiver_class()
    source.number.connect(receiver.double)
    source.number.emit(1)
    run_turns(attached)
    reference = weakref.ref(receiver)
    del receiver
    gc.collect()
    assert reference() is None
    source.number.emit(2)
    run_turns(attached)


def test_disconnect_by_bound_method(attached: AsyncSlotEventLoop) -> None:
    """A bound method, looked up anew, disconnects what an equal one has connected, and only that."""
    seen: list[object] = []

    class Receiver(QtCore.QObject):
        @AsyncSlot()
        async def on_clicked(self) -> None:
            seen.append(self)

    one, other = Receiver(), Receiver()
    button = QtWidgets.QPushButton()
    button.clicked.connect(one.on_clicked)
    button.clicked.connect(other.on_clicked)
    button.clicked.disconnect(one.on_clicked)
    button.click()
    assert seen == [other]


def test_sender_in_first_step_is_sender(attached: AsyncSlotEventLoop) -> None:
    """sender() tells in a decorated method, before its first suspension, what it tells in a plain slot."""
    seen: list[object] = []

    class Receiver(QtCore.QObject):
        @AsyncSlot()
        async def on_clicked(self) -> None:
            seen.append(self.sender())
            await asyncio.sleep(0)

    receiver = Receiver()
    buttons = [QtWidgets.QPushButton(), QtWidgets.QPushButton()]
    for button in buttons:
        button.clicked.connect(receiver.on_clicked)
    for button in buttons:
        button.click()
    assert seen == buttons
    run_turns(attached)


def test_slot_stacked_with_qt_slot_overloads_are_called(attached: AsyncSlotEventLoop, source: Source) -> None:
    """Qt's own Slot, above or below, adds overloads, each of which is called once with its argument."""
    seen: list[object] = []

    class Receiver(QtCore.QObject):
        @Slot(int)
        @AsyncSlot(str)
        async def above(self, value: object) -> None:
            seen.append(("above", value))

        @AsyncSlot(str)
        @Slot(int)
        async def below(self, value: object) -> None:
            seen.append(("below", value))

        @Slot(float)
        @AsyncSlot()
        @Slot(int)
        @Slot(str)
        async def around(self, value: object) -> None:
            seen.append(("around", value))

    receiver = Receiver()
    assert declared_methods(receiver) == [
        "above(QString)",
        "above(int)",
        "around(QString)",
        "around(double)",
        "around(int)",
        "below(QString)",
        "below(int)",
    ]
    for slot in (receiver.above, receiver.below, receiver.around):
        source.overloaded[int].connect(slot)
        source.overloaded[str].connect(slot)
    source.overloaded[int].emit(4)
    assert seen == [("above", 4), ("below", 4), ("around", 4)]
    seen.clear()
    source.overloaded[str].emit("a")
    assert seen == [("above", "a"), ("below", "a"), ("around", "a")]


def test_slot_stacked_below_connects_by_name_once(attached: AsyncSlotEventLoop) -> None:
    """With Qt's own Slot below and no types of its own, the decorator adds no second slot to connect by name."""
    seen: list[object] = []

    class Window(QtWidgets.QWidget):
        def __init__(self) -> None:
            super().__init__()
            self.button = QtWidgets.QPushButton(self)
            self.button.setObjectName("button")
            QtCore.QMetaObject.connectSlotsByName(self)

        @AsyncSlot()
        @Slot(bool)
        async def on_button_clicked(self, checked: bool) -> None:
            seen.append(checked)

    window = Window()
    assert declared_methods(window) == ["on_button_clicked(bool)"]
    window.button.click()
    assert seen == [False]


def test_slot_stacked_name_is_heeded(attached: AsyncSlotEventLoop) -> None:
    """``name`` names a slot also where Qt's own Slot stands below."""

    class Receiver(QtCore.QObject):
        @AsyncSlot(name="other")
        @Slot(int)
        async def method(self) -> None:
            pass

    assert "other()" in declared_methods(Receiver())


@pytest.mark.parametrize(
    ("needed", "text"),
    [
        ("QtQml", b"import QtQml 2.15\nQtObject { signal clicked(); onClicked: %s }"),
        ("QtQuickControls2", b"import QtQuick.Controls 2.15\nButton { onClicked: %s }"),
    ],
    ids=["signal", "Button"],
)
def test_qml_handler_calls_slot(attached: AsyncSlotEventLoop, needed: str, text: bytes) -> None:
    """A QML signal handler, such as a Button's, calls slots of an object that it is given, with arguments."""
    reason = f"needs {needed}, which this installation of the binding lacks"
    qml = pytest.importorskip(f"{BINDING}.QtQml", reason=reason, exc_type=ImportError)
    pytest.importorskip(f"{BINDING}.{needed}", reason=reason, exc_type=ImportError)
    seen: list[object] = []

    class Receiver(QtCore.QObject):
        @AsyncSlot()
        async def on_click(self) -> None:
            seen.append("first part")
            await asyncio.sleep(0)
            seen.append("rest")

        @AsyncSlot(int, str)
        async def on_value(self, value: int, text: str) -> None:
            seen.append((value, text))

    receiver = Receiver()
    engine = qml.QQmlEngine()
    engine.rootContext().setContextProperty("receiver", receiver)
    component = qml.QQmlComponent(engine)
    component.setData(text % b'{ receiver.on_click(); receiver.on_value(4, "a") }', QtCore.QUrl())
    item = component.create()
    assert item is not None, component.errorString()
    assert invoke_method(item, "clicked", Connection.DirectConnection)
    assert seen == ["first part", (4, "a")]
    run_turns(attached)
    assert seen == ["first part", (4, "a"), "rest"]


# -- failures --


def make_failing_slot(suspensions: int) -> Any:
    @AsyncSlot
    async def fail() -> None:
        for _ in range(suspensions):
            await asyncio.sleep(0)
        raise LookupError("mine")

    return fail


stages = pytest.mark.parametrize("suspensions", [0, 1, 3])


@stages
def test_failure_reported_once(reports: list[Any], attached: AsyncSlotEventLoop, suspensions: int) -> None:
    """A failure that nobody asks for is reported once, with what failed, and not again when the task is freed."""
    slot = make_failing_slot(suspensions)
    task = slot()
    run_turns(attached)
    (report,) = reports
    assert set(report) == {"message", "exception", "task", "slot", "owner"}
    assert slot.__qualname__ in report["message"]
    assert isinstance(report["exception"], LookupError)
    assert report["task"] is task
    assert report["slot"] is slot
    reference = weakref.ref(task)
    del report, task
    del reports[0]
    gc.collect()
    assert reference() is None
    run_turns(attached)
    assert reports == []


@stages
def test_failure_reported_on_next_turn(reports: list[Any], attached: AsyncSlotEventLoop, suspensions: int) -> None:
    """The report comes in the iteration after the one in which the slot failed, not before."""
    slot = make_failing_slot(suspensions)
    counts: list[tuple[bool, int]] = []
    task = slot()

    def note() -> None:
        counts.append((task.done(), len(reports)))

    async def note_each_turn() -> None:
        for _ in range(suspensions + 2):
            note()
            await asyncio.sleep(0)

    note()
    attached.run_until_complete(note_each_turn())
    # The note of each turn comes after the slot's step of that turn.
    expected = [(turn >= suspensions, int(turn > suspensions)) for turn in range(suspensions + 3)]
    assert counts == expected


def test_failure_of_method_names_class(reports: list[Any], attached: AsyncSlotEventLoop) -> None:
    """The report of a method's failure has its qualified name, and the function as the class has it."""
    task = Calculator().double(-1)
    run_turns(attached)
    assert "Calculator.double" in reports[0]["message"]
    assert reports[0]["slot"] is Calculator.double
    assert reports[0]["task"] is task


def test_failure_by_wrong_arguments_reported(
    reports: list[Any], escaped: list[Any], attached: AsyncSlotEventLoop, source: Source
) -> None:
    """That a signal has too few arguments for a slot is reported; emit() returns."""

    class Receiver(QtCore.QObject):
        @AsyncSlot()
        async def on_plain(self, value: int) -> None:
            pass

    receiver = Receiver()
    source.plain.connect(receiver.on_plain)
    source.plain.emit()
    run_turns(attached)
    (report,) = reports
    assert "Receiver.on_plain" in report["message"]
    assert isinstance(report["exception"], TypeError)
    assert escaped == []


async def wait_by_await(task: asyncio.Task[Any]) -> None:
    await task


async def wait_by_gather(task: asyncio.Task[Any]) -> None:
    await asyncio.gather(task, asyncio.sleep(0))


async def wait_by_wait(task: asyncio.Task[Any]) -> None:
    await asyncio.wait([task])
    await asyncio.sleep(0)
    task.result()


async def wait_by_wait_for(task: asyncio.Task[Any]) -> None:
    await asyncio.wait_for(task, CEILING_S)


async def wait_by_shield(task: asyncio.Task[Any]) -> None:
    await asyncio.shield(task)


async def wait_by_as_completed(task: asyncio.Task[Any]) -> None:
    for first in asyncio.as_completed([task]):
        await first


async def wait_in_other_task(task: asyncio.Task[Any]) -> None:
    await asyncio.ensure_future(wait_by_await(task))


WAITERS = [wait_by_await, wait_by_gather, wait_by_wait, wait_by_wait_for, wait_by_shield, wait_by_as_completed]


@stages
@pytest.mark.parametrize("wait", WAITERS)
def test_failure_awaited_not_reported(
    reports: list[Any], attached: AsyncSlotEventLoop, wait: Any, suspensions: int
) -> None:
    """A failure that something waits for is that one's to handle, also if the slot failed in its first step."""
    slot = make_failing_slot(suspensions)

    async def main() -> None:
        task = slot()
        with pytest.raises(LookupError, match="mine"):
            await wait(task)

    attached.run_until_complete(main())
    run_turns(attached)
    gc.collect()
    assert reports == []


def test_failure_awaited_by_another_task_not_reported(reports: list[Any], attached: AsyncSlotEventLoop) -> None:
    """It does not matter which task waits, nor that it began to after the call."""
    slot = make_failing_slot(3)

    async def main() -> None:
        with pytest.raises(LookupError, match="mine"):
            await wait_in_other_task(slot())

    attached.run_until_complete(main())
    run_turns(attached)
    assert reports == []


def test_failure_awaited_by_two_not_reported(reports: list[Any], attached: AsyncSlotEventLoop) -> None:
    """Two tasks that wait for one slot both get its failure, and there is no report."""
    slot = make_failing_slot(3)

    async def main() -> None:
        task = slot()
        results = await asyncio.gather(wait_by_await(task), wait_by_await(task), return_exceptions=True)
        assert [type(result) for result in results] == [LookupError, LookupError]

    attached.run_until_complete(main())
    run_turns(attached)
    assert reports == []


def test_failure_retrieved_before_not_reported(reports: list[Any], attached: AsyncSlotEventLoop) -> None:
    """If the exception was asked for by the next turn, there is no report."""
    task = make_failing_slot(0)()
    assert isinstance(task.exception(), LookupError)
    run_turns(attached)
    assert reports == []


def test_failure_retrieved_by_done_callback_not_reported(reports: list[Any], attached: AsyncSlotEventLoop) -> None:
    """A done callback that asks for the exception handles it."""
    seen: list[object] = []
    make_failing_slot(1)().add_done_callback(lambda task: seen.append(task.exception()))
    run_turns(attached)
    assert len(seen) == 1
    assert reports == []


def test_failures_of_several_calls_reported_each(reports: list[Any], attached: AsyncSlotEventLoop) -> None:
    """Each failed call is reported, in the order of failure."""
    slot = make_failing_slot(1)
    tasks = [slot() for _ in range(3)]
    run_turns(attached)
    assert [report["task"] for report in reports] == tasks


class OwnError(BaseException):
    """Derives from BaseException, as what programs should not catch."""


@pytest.mark.parametrize("suspensions", [0, 1])
@pytest.mark.parametrize("error", [LookupError, OwnError, StopIteration, GeneratorExit, asyncio.TimeoutError])
def test_failure_of_any_kind_does_not_leave_slot(
    reports: list[Any],
    escaped: list[Any],
    attached: AsyncSlotEventLoop,
    error: type[BaseException],
    suspensions: int,
) -> None:
    """Whatever a slot raises, emit() returns, Qt sees no exception, and it is reported."""

    class Receiver(QtCore.QObject):
        @AsyncSlot()
        async def on_plain(self) -> None:
            for _ in range(suspensions):
                await asyncio.sleep(0)
            raise error

    receiver = Receiver()
    source = Source()
    source.plain.connect(receiver.on_plain)
    source.plain.emit()
    run_turns(attached)
    (report,) = reports
    # A coroutine that raises StopIteration fails with RuntimeError.
    assert isinstance(report["exception"], (error, RuntimeError))
    assert escaped == []


FACTORIES: dict[str, Any] = {"stock": None}
if sys.version_info >= (3, 12):
    FACTORIES["eager"] = asyncio.eager_task_factory


@pytest.mark.parametrize("factory", FACTORIES)
@pytest.mark.parametrize("suspensions", [0, 1])
@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
def test_exit_in_slot_leaves_blocking_call_not_slot(
    loop: AsyncSlotEventLoop, error: type[BaseException], suspensions: int, factory: str
) -> None:
    """SystemExit and KeyboardInterrupt in a slot leave the blocking call; the slot's caller, maybe Qt, gets a task."""
    loop.set_task_factory(FACTORIES[factory])
    if factory == "eager":
        # It raises and hands nobody the task, so asyncio reports that as never retrieved.
        loop.set_exception_handler(lambda *_: None)
    tasks: list[asyncio.Task[None]] = []

    @AsyncSlot()
    async def leave() -> None:
        for _ in range(suspensions):
            await asyncio.sleep(0)
        raise error(3)

    async def main() -> None:
        tasks.append(leave())
        await loop.create_future()

    main_task = loop.create_task(main())
    with pytest.raises(error):
        loop.run_until_complete(main_task)
    main_task.cancel()
    with contextlib.suppress(asyncio.CancelledError, error):
        loop.run_until_complete(main_task)
    assert [type(task.exception()) for task in tasks] == [error]


def test_task_factory_raises_slot_does_not(
    reports: list[Any], escaped: list[Any], attached: AsyncSlotEventLoop, source: Source
) -> None:
    """What the loop's task factory raises does not leave the slot, either; it is reported."""
    ran: list[int] = []

    class Receiver(QtCore.QObject):
        @AsyncSlot()
        async def on_plain(self) -> None:
            ran.append(1)

    def fail(*_: Any, **__: Any) -> Any:
        raise LookupError("no task today")

    receiver = Receiver()
    source.plain.connect(receiver.on_plain)
    attached.set_task_factory(fail)
    source.plain.emit()
    attached.set_task_factory(None)
    run_turns(attached)
    assert escaped == []
    assert [type(report["exception"]) for report in reports] == [LookupError]
    assert ran == []


# -- receivers that cannot be weakly referenced --


class Slotted:
    """Cannot be weakly referenced."""

    __slots__ = ("ran",)

    @AsyncSlot()
    async def method(self) -> None:
        self.ran = True


class SlottedReferable(Slotted):
    """Can be."""

    __slots__ = ("__weakref__",)


def test_receiver_without_weak_reference_refused(attached: AsyncSlotEventLoop) -> None:
    """For a receiver that cannot be weakly referenced the task fails with a TypeError that says what to add."""
    receiver = Slotted()
    task = receiver.method()
    with pytest.raises(TypeError, match="'__weakref__' to the __slots__ of Slotted"):
        task.result()
    assert not hasattr(receiver, "ran")


def test_receiver_with_weak_reference_in_slots_accepted(attached: AsyncSlotEventLoop) -> None:
    """A class with __slots__ that has __weakref__ among them is a receiver like any other."""
    receiver = SlottedReferable()
    receiver.method().result()
    assert receiver.ran


def test_argument_without_weak_reference_accepted(attached: AsyncSlotEventLoop) -> None:
    """What is no receiver but the first argument of a function need not be weakly referenced."""

    @AsyncSlot()
    async def take(value: object) -> object:
        return value

    assert take(5).result() == 5
    receiver = Slotted()
    assert take(receiver).result() is receiver


# -- under a loop that is not ours --


@pytest.fixture
def stock(app: Any) -> Iterator[asyncio.AbstractEventLoop]:
    """A stock loop of asyncio's. At the end no loop of ours was made."""
    assert thread_loop() is None
    loop = asyncio.SelectorEventLoop()
    yield loop
    assert not asyncio.all_tasks(loop)
    loop.close()
    assert thread_loop() is None


def test_slot_under_other_loop_creates_task_in_it(stock: asyncio.AbstractEventLoop, source: Source) -> None:
    """Under a running loop that is not ours, a call just creates a task in it."""
    order: list[str] = []

    class Receiver(QtCore.QObject):
        @AsyncSlot()
        async def on_number(self, value: int) -> int:
            order.append(f"body {value}")
            await asyncio.sleep(0)
            return value * 2

    async def main() -> None:
        receiver = Receiver()
        source.number.connect(receiver.on_number)
        source.number.emit(4)
        order.append("emit() returned")
        task = receiver.on_number(5)
        assert task.get_loop() is stock
        assert await task == 10

    stock.run_until_complete(main())
    assert order == ["emit() returned", "body 4", "body 5"]


def test_slot_under_other_loop_failure_reported_once(stock: asyncio.AbstractEventLoop) -> None:
    """There, too, a failure is reported once, by that loop's exception handler, unless it is awaited."""
    reports: list[dict[str, Any]] = []
    stock.set_exception_handler(lambda _, context: reports.append(context))
    slot = make_failing_slot(1)

    async def main() -> None:
        with pytest.raises(LookupError, match="mine"):
            await slot()
        slot()
        for _ in range(5):
            await asyncio.sleep(0)

    stock.run_until_complete(main())
    gc.collect()
    (report,) = reports
    assert slot.__qualname__ in report["message"]
    assert report["slot"] is slot


@stages
def test_failure_with_a_callback_that_does_not_ask_is_reported(
    reports: list[Any], attached: AsyncSlotEventLoop, suspensions: int
) -> None:
    """A done callback that only takes note, such as a set's discard, is nobody who knows of the failure."""
    slot = make_failing_slot(suspensions)
    task = slot()
    background = {task}
    task.add_done_callback(background.discard)
    task.add_done_callback(lambda _: None)
    run_turns(attached)
    assert [report["task"] for report in reports] == [task]


@stages
def test_failure_that_a_callback_asks_for_is_not_reported(
    reports: list[Any], attached: AsyncSlotEventLoop, suspensions: int
) -> None:
    """A done callback that retrieves the exception knows."""
    task = make_failing_slot(suspensions)()
    task.add_done_callback(lambda task: task.exception())
    run_turns(attached)
    assert reports == []


@pytest.mark.skipif(sys.version_info < (3, 12), reason="there are no eager tasks")
def test_eager_task_factory_slot_is_known_in_its_first_step(attached: AsyncSlotEventLoop) -> None:
    """With asyncio's eager factory, too, a first step finds its task, and what it queues runs in its dialogs."""
    attached.set_task_factory(asyncio.eager_task_factory)
    seen: list[Any] = []

    class Receiver(QtCore.QObject):
        @AsyncSlot()
        async def work(self) -> None:
            seen.append(scope(self).tasks == [asyncio.current_task()])
            nested = QtCore.QEventLoop()
            attached.call_soon(nested.quit)
            QtCore.QTimer.singleShot(10_000, lambda: nested.exit(1))
            seen.append(nested.exec())

    receiver = Receiver()
    task = receiver.work()
    assert task.done()
    assert seen == [True, 0]


# -- overrides of C++ methods --


@AsyncSlot()
async def hide(dialog: Any) -> None:
    """Is no method, though QDialog has one of that name."""


class Asking(QtWidgets.QDialog):
    """Overrides virtual methods of C++ by slots."""

    def __init__(self) -> None:
        super().__init__()
        self.ran: list[str] = []

    @AsyncSlot()
    async def reject(self) -> None:
        self.ran.append("reject")
        await asyncio.sleep(0)
        super().reject()

    @AsyncSlot()
    async def mousePressEvent(self, event: Any) -> None:
        self.ran.append("press")
        await asyncio.sleep(0)
        self.ran.append("pressed")


def test_slot_overrides_virtual_method_cpp_may_call_it(
    attached: AsyncSlotEventLoop, escaped: list[BaseException]
) -> None:
    """C++ calls the override, whose task goes on afterwards; PyQt would abort if the task were its result."""
    dialog = Asking()
    dialog.show()
    QTest.mouseClick(dialog, QtCore.Qt.MouseButton.LeftButton)
    assert dialog.ran == ["press"]
    QTest.keyClick(dialog, QtCore.Qt.Key.Key_Escape)
    assert dialog.ran == ["press", "reject"]
    run_turns(attached)
    assert dialog.ran == ["press", "reject", "pressed"]
    assert not dialog.isVisible()
    assert escaped == []


def test_slot_overrides_virtual_method_direct_call_returns_task(attached: AsyncSlotEventLoop) -> None:
    """Called by Python, such a slot returns its task; None on PyQt, which cannot tell Python from C++."""
    task = Asking().reject()
    run_turns(attached)
    assert task is None if IS_PYQT else task.done()
    assert hide(Asking()).done()


def test_slot_overrides_virtual_method_under_another_name(
    attached: AsyncSlotEventLoop, escaped: list[BaseException]
) -> None:
    """What counts is the name in the class, not the function's own."""

    class Pressed(QtWidgets.QLabel):
        @AsyncSlot()
        async def on_press(self, event: Any) -> None:
            pressed.append(event)

        mousePressEvent = on_press  # noqa: N815 - Qt's name.

    pressed: list[Any] = []
    label = Pressed()
    label.show()
    QTest.mouseClick(label, QtCore.Qt.MouseButton.LeftButton)
    assert len(pressed) == 1
    assert escaped == []


def test_slot_without_qt_loop_on_its_thread_logs_and_fails(
    app: Any, escaped: list[BaseException], source: Source, caplog: pytest.LogCaptureFixture
) -> None:
    """Emitted on a Python thread, the signal calls a slot that no loop can run: nothing leaves it into Qt."""
    futures: list[Any] = []

    @AsyncSlot()
    async def work() -> None:
        raise AssertionError

    source.plain.connect(lambda: futures.append(work()), Connection.DirectConnection)
    thread = threading.Thread(target=source.plain.emit)
    thread.start()
    thread.join()
    assert escaped == []
    assert "could not be started" in caplog.text
    with pytest.raises(RuntimeError, match="no Qt event loop runs on this thread"):
        futures[0].result()


def test_first_slots_on_several_threads_at_once_run() -> None:
    """PySide makes its types when they are first looked up, which two threads must not do at once."""
    finished = run_script("threads_first_slot")
    assert (finished.lines, finished.errors, finished.code) == (["4"], "", 0)
