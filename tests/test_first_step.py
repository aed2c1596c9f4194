"""run_task: the first step runs at once, in the right context, whatever makes the task; no callback is lost."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import inspect
import itertools
import sys
import threading
import weakref
from typing import Any, Callable, ClassVar, Iterator

import pytest
from qt import delete
from support import CEILING_S, run_coroutine, run_qt

import asyncslot
from asyncslot import AsyncSlotEventLoop
from asyncslot._loop.first_step import InContext
from asyncslot._qt import QtCore

variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")


class OwnTask(asyncio.Task):  # type: ignore[type-arg]
    """A task of the application's own class."""


def make_own_task(loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> asyncio.Task[Any]:
    return OwnTask(coro, loop=loop, **options)


def make_python_task(loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> Any:
    return asyncio.tasks._PyTask(coro, loop=loop, **options)  # type: ignore[attr-defined]


# From 3.14 on asyncio.current_task() is None inside a task of the pure Python class, on the stock loop, too.
SEES_PYTHON_TASKS = sys.version_info < (3, 14)

FACTORIES: dict[str, Any] = {"stock": None, "own": make_own_task}
if SEES_PYTHON_TASKS:
    FACTORIES["pure Python"] = make_python_task
if sys.version_info >= (3, 12):
    FACTORIES["eager"] = asyncio.eager_task_factory
    if SEES_PYTHON_TASKS:
        FACTORIES["eager pure Python"] = asyncio.create_eager_task_factory(asyncio.tasks._PyTask)
every_factory = pytest.mark.parametrize("factory", FACTORIES)


async def work() -> str:
    return "worked"


def is_closed(coro: Any) -> bool:
    return inspect.getcoroutinestate(coro) == inspect.CORO_CLOSED


def run_turns(loop: AsyncSlotEventLoop) -> None:
    """Run the guest for several iterations: what is ready now has run then, and what that made ready, too."""

    async def take_turns() -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    loop.run_until_complete(take_turns())


# -- the first step --


def call_in_foreign_code(_: AsyncSlotEventLoop, function: Callable[[], None]) -> None:
    function()


def call_in_slot(_: AsyncSlotEventLoop, function: Callable[[], None]) -> None:
    run_qt(lambda quit_qt: (function(), quit_qt()))


def call_in_callback(loop: AsyncSlotEventLoop, function: Callable[[], None]) -> None:
    loop.call_soon(function)
    run_turns(loop)


def call_in_coroutine(loop: AsyncSlotEventLoop, function: Callable[[], None]) -> None:
    async def main() -> None:
        await asyncio.sleep(0)
        function()

    loop.run_until_complete(main())


def call_in_first_step(loop: AsyncSlotEventLoop, function: Callable[[], None]) -> None:
    async def main() -> None:
        function()

    loop.run_task(main()).result()


PLACES = [call_in_foreign_code, call_in_slot, call_in_callback, call_in_coroutine, call_in_first_step]


@every_factory
@pytest.mark.parametrize("place", PLACES)
def test_run_task_anywhere_first_step_has_run(loop: AsyncSlotEventLoop, place: Any, factory: str) -> None:
    """Wherever it is called, the body has run to its first suspension, as a task of its own; the caller's is back."""
    loop.set_task_factory(FACTORIES[factory])
    gate = loop.create_future()
    inside: list[Any] = []
    outside: list[Any] = []

    async def body() -> None:
        inside.append(asyncio.current_task())
        await gate
        inside.append(asyncio.current_task())

    def start() -> None:
        caller = asyncio.current_task(loop)
        task = loop.run_task(body())
        outside.extend([task, list(inside), asyncio.current_task(loop) is caller])

    place(loop, start)
    task, inside_at_return, is_caller_current = outside
    assert inside_at_return == [task]
    assert is_caller_current
    assert not task.done()
    gate.set_result(None)
    loop.run_until_complete(task)
    assert inside == [task, task]


@every_factory
def test_run_task_no_suspension_done_at_return(attached: AsyncSlotEventLoop, factory: str) -> None:
    """A coroutine that never suspends is over when run_task() returns."""
    attached.set_task_factory(FACTORIES[factory])
    task = attached.run_task(work())
    assert task.done()
    assert task.result() == "worked"


@every_factory
def test_run_task_body_yields_second_step_waits_its_turn(attached: AsyncSlotEventLoop, factory: str) -> None:
    """Only the first step runs at once: after sleep(0) the body goes on behind what is ready."""
    attached.set_task_factory(FACTORIES[factory])
    order: list[str] = []

    async def body() -> None:
        order.append("first step")
        await asyncio.sleep(0)
        order.append("second step")

    attached.call_soon(order.append, "ready before")
    attached.run_task(body())
    assert order == ["first step"]
    run_turns(attached)
    assert order == ["first step", "ready before", "second step"]


@every_factory
def test_run_task_nested_steps_in_order(attached: AsyncSlotEventLoop, factory: str) -> None:
    """A first step may run a task whose first step runs a third; each is its own current task throughout."""
    attached.set_task_factory(FACTORIES[factory])
    order: list[str] = []

    async def step(depth: int) -> None:
        me = asyncio.current_task()
        order.append(f"{depth} begins")
        if depth < 3:
            attached.run_task(step(depth + 1))
        assert asyncio.current_task() is me
        order.append(f"{depth} ends")

    attached.run_task(step(1)).result()
    assert order == ["1 begins", "2 begins", "3 begins", "3 ends", "2 ends", "1 ends"]


@every_factory
@pytest.mark.parametrize("place", PLACES)
def test_run_task_first_step_fails_exception_is_the_tasks(loop: AsyncSlotEventLoop, place: Any, factory: str) -> None:
    """What the first step raises is the task's exception; run_task() returns."""
    loop.set_task_factory(FACTORIES[factory])
    tasks: list[asyncio.Task[None]] = []

    async def body() -> None:
        raise LookupError("mine")

    place(loop, lambda: tasks.append(loop.run_task(body())))
    assert tasks[0].done()
    with pytest.raises(LookupError, match="mine"):
        tasks[0].result()


@every_factory
def test_run_task_first_step_cancels_itself_task_cancelled(attached: AsyncSlotEventLoop, factory: str) -> None:
    """CancelledError raised by the first step makes the task cancelled."""
    attached.set_task_factory(FACTORIES[factory])

    async def body() -> None:
        raise asyncio.CancelledError

    assert attached.run_task(body()).cancelled()


@every_factory
def test_run_task_body_calls_soon_order_kept(attached: AsyncSlotEventLoop, factory: str) -> None:
    """Callbacks queued before, in, between and after first steps run first in, first out."""
    attached.set_task_factory(FACTORIES[factory])
    order: list[int] = []

    async def inner() -> None:
        attached.call_soon(order.append, 2)

    async def body() -> None:
        attached.call_soon(order.append, 1)
        attached.run_task(inner())
        attached.call_soon(order.append, 3)

    attached.call_soon(order.append, 0)
    attached.run_task(body()).result()
    attached.call_soon(order.append, 4)
    run_turns(attached)
    assert order == [0, 1, 2, 3, 4]


@every_factory
def test_run_task_name_given_is_the_tasks(attached: AsyncSlotEventLoop, factory: str) -> None:
    """``name`` is the task's name."""
    attached.set_task_factory(FACTORIES[factory])
    assert attached.run_task(work(), name="the one").get_name() == "the one"


@every_factory
def test_run_task_unreferenced_task_survives_collection(attached: AsyncSlotEventLoop, factory: str) -> None:
    """A task that only a future of its own refers to is held until it ends, and no longer."""
    attached.set_task_factory(FACTORIES[factory])

    async def wait_alone() -> None:
        await asyncio.get_running_loop().create_future()

    reference = weakref.ref(attached.run_task(wait_alone()))
    gc.collect()
    assert reference() is not None
    reference().cancel()
    run_turns(attached)
    gc.collect()
    assert reference() is None


# -- the context --


@every_factory
def test_run_task_context_default_is_copy(attached: AsyncSlotEventLoop, factory: str) -> None:
    """Without ``context`` the body sees the caller's variables, and what it sets is its own."""
    attached.set_task_factory(FACTORIES[factory])
    gate = attached.create_future()
    seen: list[str] = []

    async def body() -> None:
        seen.append(variable.get())
        variable.set("body's")
        await gate
        seen.append(variable.get())

    def start() -> asyncio.Task[None]:
        variable.set("caller's")
        task = attached.run_task(body())
        seen.append(variable.get())
        return task

    task = contextvars.copy_context().run(start)
    gate.set_result(None)
    attached.run_until_complete(task)
    assert seen == ["caller's", "caller's", "body's"]


@every_factory
def test_run_task_context_given_is_the_very_one(attached: AsyncSlotEventLoop, factory: str) -> None:
    """The body runs in ``context`` itself: what it sets, in any step, is seen there and nowhere else."""
    attached.set_task_factory(FACTORIES[factory])
    context = contextvars.copy_context()
    context.run(variable.set, "given")
    gate = attached.create_future()
    seen: list[str] = []

    async def body() -> None:
        seen.append(variable.get())
        variable.set("first step")
        try:
            await gate
        except LookupError:
            seen.append(variable.get())
            variable.set("exception thrown in")
        await asyncio.sleep(0)
        seen.append(variable.get())
        variable.set("end")

    task = attached.run_task(body(), context=context)
    assert context[variable] == "first step"
    gate.set_exception(LookupError())
    attached.run_until_complete(task)
    assert seen == ["given", "first step", "exception thrown in"]
    assert context[variable] == "end"
    assert variable.get() == "unset"


@every_factory
def test_run_task_context_given_is_what_children_copy(attached: AsyncSlotEventLoop, factory: str) -> None:
    """Tasks that the body starts see the variables of the context given."""
    attached.set_task_factory(FACTORIES[factory])
    context = contextvars.copy_context()
    context.run(variable.set, "given")

    async def read() -> str:
        return variable.get()

    async def body() -> list[str]:
        eager = attached.run_task(read())
        return [await eager, await asyncio.ensure_future(read())]

    assert attached.run_until_complete(attached.run_task(body(), context=context)) == ["given", "given"]


@every_factory
def test_run_task_context_entered_refused(attached: AsyncSlotEventLoop, factory: str) -> None:
    """A context that is entered already is a RuntimeError; the coroutine is closed, and there is no task."""
    attached.set_task_factory(FACTORIES[factory])
    context = contextvars.copy_context()
    coro = work()
    with pytest.raises(RuntimeError, match="cannot enter context"):
        context.run(lambda: attached.run_task(coro, context=context))
    assert is_closed(coro)
    assert not asyncio.all_tasks(attached)
    assert attached.run_task(work(), context=context).result() == "worked"


def test_run_task_context_given_repr_and_stack_show_body(attached: AsyncSlotEventLoop) -> None:
    """A task in a given context shows in its repr() and stack where its body is, on every Python."""

    async def body_to_show() -> None:
        await attached.create_future()

    task = attached.run_task(body_to_show(), context=contextvars.copy_context())
    assert "body_to_show" in repr(task)
    assert [frame.f_code.co_name for frame in task.get_stack()] == ["body_to_show"]
    task.cancel()
    run_turns(attached)


def test_in_context_close_runs_clean_up_in_context() -> None:
    """Closing a coroutine that runs in a given context runs its ``finally`` there."""
    context = contextvars.copy_context()

    async def body() -> None:
        try:
            await asyncio.sleep(0)
        finally:
            variable.set("closed")

    coro = body()
    stepper = InContext(coro, context)
    stepper.send(None)
    stepper.close()
    assert is_closed(coro)
    assert context[variable] == "closed"
    assert variable.get() == "unset"


# -- what is refused --


async def generate() -> Any:
    yield 1


class Awaitable:
    """Can be awaited, but is no coroutine."""

    def __await__(self) -> Iterator[None]:
        yield


@pytest.mark.parametrize(
    ("make", "hint"),
    [
        (lambda _: 5, "pass what calling an 'async def' function returns"),
        (lambda _: None, "pass what calling an 'async def' function returns"),
        (lambda _: Awaitable(), "pass what calling an 'async def' function returns"),
        (lambda _: work, "call the coroutine function"),
        (lambda _: generate, "call the coroutine function"),
        (lambda _: generate(), "async for"),
        (lambda loop: loop.create_future(), "await it inside a coroutine"),
        (lambda loop: loop.run_task(work()), "await it inside a coroutine"),
    ],
    ids=[
        "number",
        "None",
        "awaitable",
        "coroutine function",
        "async generator function",
        "async generator",
        "future",
        "task",
    ],
)
def test_run_task_no_coroutine_refused(attached: AsyncSlotEventLoop, make: Any, hint: str) -> None:
    """Anything but a coroutine is a TypeError that shows it and says what to pass."""
    given = make(attached)
    with pytest.raises(TypeError) as caught:
        attached.run_task(given)
    assert repr(given) in str(caught.value)
    assert hint in str(caught.value)
    assert not asyncio.all_tasks(attached)


def test_run_task_closed_loop_refused(loop: AsyncSlotEventLoop) -> None:
    """A closed loop is a RuntimeError that says so; the coroutine is closed."""
    loop.close()
    coro = work()
    with pytest.raises(RuntimeError, match="closed"):
        loop.run_task(coro)
    assert is_closed(coro)


def test_run_task_wrong_thread_refused(attached: AsyncSlotEventLoop) -> None:
    """On another thread than the loop's it is a RuntimeError that says what to use; the coroutine is closed."""
    coro = work()
    errors: list[str] = []

    def misuse() -> None:
        try:
            attached.run_task(coro)
        except RuntimeError as exc:
            errors.append(str(exc))

    thread = threading.Thread(target=misuse)
    thread.start()
    thread.join(CEILING_S)
    assert "run_coroutine_threadsafe" in errors[0]
    assert is_closed(coro)
    assert not asyncio.all_tasks(attached)


# -- task factories --


def test_run_task_factory_given_makes_the_task(attached: AsyncSlotEventLoop) -> None:
    """The loop's task factory makes the task, once, of the very coroutine that was given."""
    made: list[Any] = []

    def factory(loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> asyncio.Task[Any]:
        made.append(coro)
        return OwnTask(coro, loop=loop, **options)

    attached.set_task_factory(factory)
    coro = work()
    task = attached.run_task(coro)
    assert type(task) is OwnTask
    assert made == [coro]
    assert task.result() == "worked"


def test_run_task_factory_raises_coroutine_closed(attached: AsyncSlotEventLoop) -> None:
    """What the factory raises is raised, with the coroutine closed; what it had queued is not lost."""
    order: list[int] = []

    def fail(loop: asyncio.AbstractEventLoop, _: Any, **__: Any) -> Any:
        loop.call_soon(order.append, 1)
        loop.call_soon(order.append, 2)
        raise LookupError("no task today")

    attached.call_soon(order.append, 0)
    attached.set_task_factory(fail)
    coro = work()
    with pytest.raises(LookupError, match="no task today"):
        attached.run_task(coro)
    attached.set_task_factory(None)
    attached.call_soon(order.append, 3)
    assert is_closed(coro)
    assert not asyncio.all_tasks(attached)
    run_turns(attached)
    assert order == [0, 1, 2, 3]


def test_run_task_factory_raises_after_creation_no_task_left(attached: AsyncSlotEventLoop) -> None:
    """A factory that raises when it has made the task leaves none that would run a closed coroutine."""

    def fail(loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> Any:
        OwnTask(coro, loop=loop, **options)
        raise LookupError("no task today")

    reports: list[str] = []
    attached.set_exception_handler(lambda _, context: reports.append(context["message"]))
    attached.set_task_factory(fail)
    coro = work()
    with pytest.raises(LookupError, match="no task today"):
        attached.run_task(coro)
    attached.set_task_factory(None)
    assert is_closed(coro)
    run_turns(attached)
    gc.collect()  # Now asyncio would report a task that failed unnoticed.
    assert not asyncio.all_tasks(attached)
    assert reports == []


def test_run_task_inside_task_factory_raises_after_creation_no_task_left(attached: AsyncSlotEventLoop) -> None:
    """The same inside a task, which is set aside while the new one ends."""

    def make_and_fail(loop: AsyncSlotEventLoop, coro: Any, **options: Any) -> Any:
        asyncio.Task(coro, loop=loop, **options)
        raise ZeroDivisionError

    async def main() -> None:
        attached.set_task_factory(make_and_fail)
        try:
            with pytest.raises(ZeroDivisionError):
                attached.run_task(work())
        finally:
            attached.set_task_factory(None)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run_coroutine(main())


def test_run_task_factory_makes_more_tasks_only_own_is_eager(attached: AsyncSlotEventLoop) -> None:
    """Another task that the factory makes runs in its turn, not at once."""
    order: list[str] = []

    async def note(what: str) -> None:
        order.append(what)

    others: list[asyncio.Task[None]] = []

    def factory(loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> asyncio.Task[Any]:
        others.append(OwnTask(note("other"), loop=loop))
        return OwnTask(coro, loop=loop, **options)

    attached.set_task_factory(factory)
    attached.run_task(note("own"))
    attached.set_task_factory(None)
    assert order == ["own"]
    run_turns(attached)
    assert order == ["own", "other"]
    assert others[0].done()


# -- what may come between the creation of a task and its first step --


class DisturbedLoop(AsyncSlotEventLoop):
    """A loop in which something happens while a task is made, when asyncio asks for the debug mode."""

    # On the class, because asyncio asks before the loop has any attribute.
    disturbances: ClassVar[list[Callable[[], object]]] = []

    def get_debug(self) -> bool:
        if self.disturbances:
            self.disturbances.pop(0)()
        return super().get_debug()


def interrupt() -> None:
    raise KeyboardInterrupt


@pytest.fixture
def disturbed(app: Any) -> Iterator[DisturbedLoop]:
    loop = DisturbedLoop()
    loop.attach()
    yield loop
    DisturbedLoop.disturbances = []
    loop.shutdown(timeout_s=1)


def test_run_task_interrupted_before_the_first_step_nothing_left(disturbed: DisturbedLoop) -> None:
    """A signal handler raises while the task is made: the coroutine is closed, and no task stays behind."""
    DisturbedLoop.disturbances = [interrupt]
    coro = work()
    with pytest.raises(KeyboardInterrupt):
        disturbed.run_task(coro)
    assert is_closed(coro)
    assert asyncslot.tasks() == []
    assert asyncio.all_tasks(disturbed) == set()
    run_turns(disturbed)


def test_run_task_tasks_asked_for_before_the_first_step(disturbed: DisturbedLoop) -> None:
    """Other code asks for the tasks while one is made: that one is not listed half-made."""
    seen: list[Any] = []
    DisturbedLoop.disturbances = [lambda: seen.append(asyncslot.tasks())]
    assert disturbed.run_task(work()).result() == "worked"
    assert seen == [[]]
    assert asyncslot.tasks() == []


def test_run_task_owner_destroyed_before_the_first_step_task_ends(disturbed: DisturbedLoop) -> None:
    """The owner is destroyed while its task is made: the task does not go on."""
    owner = QtCore.QObject()
    DisturbedLoop.disturbances = [lambda: delete(owner)]
    task = disturbed.run_task(asyncio.sleep(CEILING_S), owner=owner)
    assert DisturbedLoop.disturbances == []
    run_turns(disturbed)
    assert task.cancelled()


# -- callbacks that come in between --


class Finalized:
    """Garbage in a cycle, whose finalizer calls a function and leaves such garbage again, so many times."""

    def __init__(self, function: Callable[[], object], again: int = 0) -> None:
        self.cycle = self
        self.function = function
        self.again = again

    def __del__(self) -> None:
        self.function()
        if self.again:
            Finalized(self.function, self.again - 1)


@pytest.fixture
def thresholds() -> Iterator[None]:
    """Restore when the garbage collector runs."""
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


def test_run_task_finalizer_runs_during_creation_order_kept(attached: AsyncSlotEventLoop) -> None:
    """What finalizers queue while the task is made runs in its turn, after the first step."""
    order: list[object] = []
    numbers = itertools.count(1)

    def collect() -> None:
        Finalized(lambda: attached.call_soon(order.append, next(numbers)))
        gc.collect()

    def factory(loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> asyncio.Task[Any]:
        collect()
        task = OwnTask(coro, loop=loop, **options)
        collect()
        return task

    async def body() -> None:
        order.append("body")

    attached.call_soon(order.append, 0)
    attached.set_task_factory(factory)
    attached.run_task(body())
    attached.set_task_factory(None)
    assert order == ["body"]
    attached.call_soon(order.append, 3)
    run_turns(attached)
    assert order == ["body", 0, 1, 2, 3]


def run_tasks_among_finalizers(loop: AsyncSlotEventLoop) -> tuple[list[int], int]:
    """
    Run tasks while the collector runs as often as it can, and finalizers call ``call_soon`` with numbers.

    Returns:
        The numbers in the order in which the guest ran the callbacks, and how many
        there were, counted from 0.
    """
    order: list[int] = []
    numbers = itertools.count()

    def queue_number() -> None:
        loop.call_soon(order.append, next(numbers))

    for threshold in range(1, 21):
        gc.set_threshold(threshold)
        for _ in range(20):
            Finalized(queue_number, again=30)
            assert loop.run_task(work()).done()
    gc.set_threshold(0)
    while gc.collect():
        pass
    run_turns(loop)
    return order, next(numbers)


@pytest.mark.usefixtures("thresholds")
def test_run_task_finalizers_at_any_moment_no_callback_lost(attached: AsyncSlotEventLoop) -> None:
    """Whenever finalizers call call_soon(), each callback runs once, and each first step has run at return."""
    order, count = run_tasks_among_finalizers(attached)
    assert count > 10_000
    assert sorted(order) == list(range(count))


@pytest.mark.usefixtures("thresholds")
def test_run_task_finalizers_at_any_moment_order_kept(attached: AsyncSlotEventLoop) -> None:
    """Whenever finalizers call call_soon(), their callbacks run first in, first out."""
    order, _ = run_tasks_among_finalizers(attached)
    assert order == sorted(order)


def test_run_task_finalizer_runs_task_first_steps_have_run(attached: AsyncSlotEventLoop) -> None:
    """When a finalizer runs a task while another is made, both first steps have run at return; the order is kept."""
    order: list[str] = []

    async def note(what: str) -> None:
        order.append(what)

    def finalize() -> None:
        attached.call_soon(order.append, "queued before")
        attached.run_task(note("finalizer's"))
        attached.call_soon(order.append, "queued after")

    def factory(loop: AsyncSlotEventLoop, coro: Any, **options: Any) -> asyncio.Task[Any]:
        loop.set_task_factory(None)
        Finalized(finalize)
        gc.collect()
        return OwnTask(coro, loop=loop, **options)

    attached.set_task_factory(factory)
    task = attached.run_task(note("own"))
    assert order == ["finalizer's", "own"]
    assert task.done()
    run_turns(attached)
    assert order == ["finalizer's", "own", "queued before", "queued after"]


def test_run_task_against_threads_no_callback_lost(attached: AsyncSlotEventLoop) -> None:
    """Of what 4 threads queue while tasks are run, 5,000 callbacks each, all run once, in their thread's order."""
    received: dict[int, list[int]] = {number: [] for number in range(4)}

    def call_from_thread(thread: int) -> None:
        for number in range(5000):
            attached.call_soon_threadsafe(received[thread].append, number)

    threads = [threading.Thread(target=call_from_thread, args=(number,)) for number in received]
    interval_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        runs = 0
        while any(thread.is_alive() for thread in threads):
            assert attached.run_task(work()).done()
            runs += 1
    finally:
        sys.setswitchinterval(interval_s)
        for thread in threads:
            thread.join(CEILING_S)
    assert runs > 1
    run_turns(attached)
    for numbers in received.values():
        assert numbers == list(range(5000))
