"""Random programs: in the stock loop's order where it can run them, and by the rules where only ours can."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import socket
import threading
from time import monotonic
from typing import Any, Callable, Iterator

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from stress_support import CEILING_S, FACTOR, SEED, Ledger, settle
from support import has_readers

from asyncslot import AsyncSlot, AsyncSlotEventLoop, LoopState, run_task
from asyncslot._qt import QtCore, import_qt

QtWidgets = import_qt("QtWidgets")

VARIABLE: contextvars.ContextVar[int] = contextvars.ContextVar("VARIABLE", default=0)

# How many contexts, futures and socket pairs a program has. Few, so that its parts meet.
COUNT = 3

# How many iterations without an event mean that nothing but timers and futures is left to wait for. A byte written
# to a socket needs two.
QUIET = 4

# Qt loops in a program's callbacks and slots: no deeper than this. Arbitrary.
MAX_DEPTH = 6


class Error(Exception):
    """What a program raises."""


class World:
    """
    A loop and a program that runs in it. A program consists of actions: a name and what it needs.

    Args:
        loop: The loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.ledger = Ledger(loop)
        self.trace: list[Any] = []
        self.iteration = 0
        self.tasks: list[asyncio.Task[Any]] = []
        self.unfinished: set[asyncio.Task[Any]] = set()
        self.futures = [loop.create_future() for _ in range(COUNT)]
        self.contexts = [contextvars.copy_context() for _ in range(COUNT)]
        self.pairs = [socket.socketpair() for _ in range(COUNT)]
        for pair in self.pairs:
            for each in pair:
                each.setblocking(False)
        loop.set_exception_handler(self._on_error)

    def close(self) -> None:
        for ours, theirs in self.pairs:
            self.loop.remove_reader(ours)
            ours.close()
            theirs.close()
        self.loop.close()

    def note(self, *event: Any) -> None:
        self.trace.append((self.iteration, VARIABLE.get(), *event))

    def _on_error(self, _: object, context: dict[str, Any]) -> None:
        self.note("error", type(context.get("exception")).__name__)

    def is_over(self) -> bool:
        return not self.ledger.pending() and not self.unfinished

    # -- actions --

    def do(self, action: tuple[Any, ...]) -> None:
        getattr(self, f"do_{action[0]}")(*action[1:])

    def make_callback(self, actions: list[Any], lane: object = None, when: float | None = None) -> tuple[Any, Any]:
        """Return what the ledger knows of a callback, and the callback."""
        asked = self.ledger.ask(lane, when)

        def callback() -> None:
            self.ledger.begin(asked)
            self.note("begin", asked.number)
            for action in actions:
                self.do(action)
            self.note("end", asked.number)

        return asked, callback

    def do_soon(self, actions: list[Any]) -> None:
        asked, callback = self.make_callback(actions, "soon")
        asked.handle = self.loop.call_soon(callback)

    def do_in_context(self, index: int, actions: list[Any]) -> None:
        # In no lane: it waits while its context is entered.
        asked, callback = self.make_callback(actions)
        asked.handle = self.loop.call_soon(callback, context=self.contexts[index])

    def do_later(self, delay: int, actions: list[Any]) -> None:
        asked, callback = self.make_callback(actions, when=self.loop.time() + delay / 1000)
        asked.handle = self.loop.call_later(delay / 1000, callback)

    def do_at(self, delay: int, actions: list[Any]) -> None:
        when = self.loop.time() + delay / 1000
        asked, callback = self.make_callback(actions, when=when)
        asked.handle = self.loop.call_at(when, callback)

    def do_threadsafe(self, actions: list[Any]) -> None:
        asked, callback = self.make_callback(actions, "soon")

        def work() -> None:
            asked.handle = self.loop.call_soon_threadsafe(callback)

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()

    def do_cancel(self, index: int) -> None:
        if self.ledger.asked:
            self.ledger.cancel(self.ledger.asked[index % len(self.ledger.asked)])

    def do_set(self, value: int) -> None:
        VARIABLE.set(value)

    def do_raise(self) -> None:
        raise Error

    def do_stop(self) -> None:
        self.note("stop")
        self.loop.stop()

    def do_watch(self, index: int) -> None:
        ours = self.pairs[index][0]

        def on_readable() -> None:
            self.note("readable", index, len(ours.recv(100)))

        self.loop.add_reader(ours, on_readable)

    def do_unwatch(self, index: int) -> None:
        self.note("unwatched", self.loop.remove_reader(self.pairs[index][0]))

    def do_write(self, index: int) -> None:
        with contextlib.suppress(BlockingIOError):
            self.pairs[index][1].send(b"x")

    # -- tasks --

    def do_task(self, steps: list[Any]) -> None:
        self.follow(self.loop.create_task(self.body(len(self.tasks), steps)))

    def follow(self, task: asyncio.Task[Any]) -> None:
        self.tasks.append(task)
        self.unfinished.add(task)
        number = len(self.tasks) - 1

        def on_done(_: object) -> None:
            self.unfinished.discard(task)
            self.note("done", number, "cancelled" if task.cancelled() else repr(task.exception()))

        task.add_done_callback(on_done)

    async def body(self, number: int, steps: list[Any]) -> None:
        self.note("step", number)
        for name, *rest in steps:
            if hasattr(self, f"await_{name}"):
                with self.ledger.restored(VARIABLE):
                    await getattr(self, f"await_{name}")(*rest)
            else:
                self.do((name, *rest))
            self.note("step", number, name)

    async def await_turn(self) -> None:
        await asyncio.sleep(0)

    async def await_time(self, delay: int) -> None:
        end_s = self.loop.time() + delay / 1000
        await asyncio.sleep(delay / 1000)
        if self.loop.time() + self.ledger._clock_resolution_s < end_s:
            self.ledger.faults.append("a sleep ended early")

    async def await_future(self, index: int) -> None:
        await asyncio.wait([self.futures[index]])

    async def await_other(self, index: int) -> None:
        # Only an earlier one: two that wait for each other would never end.
        current = asyncio.current_task()
        before = self.tasks[: self.tasks.index(current)] if current in self.tasks else []
        if before:
            await asyncio.gather(before[index % len(before)], return_exceptions=True)

    async def await_swallowing(self) -> None:
        try:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            self.note("swallowed")

    def do_cancel_task(self, index: int) -> None:
        if self.tasks:
            self.note("cancel", self.tasks[index % len(self.tasks)].cancel())

    def do_resolve(self, index: int) -> None:
        if not self.futures[index].done():
            self.futures[index].set_result(None)


INDEX = st.integers(0, COUNT - 1)
ANY_INDEX = st.integers(0, 50)
# In milliseconds. Negative: due before it was asked for.
DELAY = st.integers(-2, 4)

LEAVES = [
    st.tuples(st.just("cancel"), ANY_INDEX),
    st.tuples(st.just("cancel_task"), ANY_INDEX),
    st.tuples(st.just("set"), st.integers(1, 5)),
    st.just(("raise",)),
    st.just(("stop",)),
    st.tuples(st.sampled_from(["watch", "unwatch", "write", "resolve"]), INDEX),
]
AWAITS = [
    st.just(("turn",)),
    st.just(("swallowing",)),
    st.tuples(st.just("time"), DELAY),
    st.tuples(st.just("future"), INDEX),
    st.tuples(st.just("other"), ANY_INDEX),
]


def actions_of(leaves: list[Any], branches: Callable[[Any, Any], list[Any]]) -> Any:
    """Return a strategy for actions, which contain others: *branches* makes them of lists of actions and of steps."""

    def extend(inner: Any) -> Any:
        actions = st.lists(inner, max_size=4)
        steps = st.lists(st.one_of(inner, *AWAITS), max_size=5)
        return st.one_of(
            st.tuples(st.sampled_from(["soon", "threadsafe"]), actions),
            st.tuples(st.sampled_from(["later", "at"]), DELAY, actions),
            st.tuples(st.just("in_context"), INDEX, actions),
            st.tuples(st.just("task"), steps),
            *branches(actions, steps),
        )

    return st.recursive(st.one_of(*leaves), extend, max_leaves=12)


# -- beside the stock loop --


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now_s = 1000.0


class VirtualTime:
    """For loops: time by a `Clock`."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        super().__init__()

    def time(self) -> float:
        return self.clock.now_s


class StockVirtualLoop(VirtualTime, asyncio.SelectorEventLoop):
    """The stock loop, in time that stands still."""


class OurVirtualLoop(VirtualTime, AsyncSlotEventLoop):
    """Our loop, in time that stands still."""


class VirtualWorld(World):
    """
    A world in which nothing depends on real time, so that two loops must do exactly the same.

    A callback that queues itself counts the iterations. When nothing else happens, it sets the clock to the next
    timer, then resolves the futures, and stops the loop in the end.
    """

    def __init__(self, loop: Any) -> None:
        super().__init__(loop)
        self._is_counting = False
        self._quiet_since = 0
        self._seen = 0

    def run(self) -> None:
        self._begin_counting()
        self.loop.run_forever()
        self.note("returned")

    def run_until_complete(self, steps: list[Any]) -> None:
        self._begin_counting()
        self.do_task(steps)
        try:
            self.note("result", self.loop.run_until_complete(self.tasks[-1]))
        except (Error, RuntimeError, asyncio.CancelledError) as exc:
            self.note("raised", repr(exc))
        # If stop() was called in the iteration in which the task ended, this is left in the stock loop's queue,
        # and would end the next run. On ours no call ends another one.
        for handle in self.loop._ready:  # type: ignore[attr-defined]
            if handle._callback is asyncio.base_events._run_until_complete_cb:
                handle.cancel()

    def finish(self) -> None:
        while not self.is_over():
            self.run()

    def _begin_counting(self) -> None:
        self._quiet_since = self.iteration
        if not self._is_counting:
            self._is_counting = True
            self.loop.call_soon(self._count, context=contextvars.Context())

    def _count(self) -> None:
        self.iteration += 1
        self.loop.call_soon(self._count, context=contextvars.Context())
        if len(self.trace) != self._seen:
            self._seen, self._quiet_since = len(self.trace), self.iteration
        elif self.iteration - self._quiet_since >= QUIET:
            self._quiet_since = self.iteration
            self._go_on()

    def _go_on(self) -> None:
        # The handles of asyncio's own, such as those of sleep(), are in no ledger.
        timers = [timer._when for timer in self.loop._scheduled if not timer._cancelled]  # type: ignore[attr-defined]
        if timers:
            self.loop.clock.now_s = max(self.loop.time(), min(timers))  # type: ignore[attr-defined]
        elif self.unfinished and not all(future.done() for future in self.futures):
            for future in self.futures:
                future.done() or future.set_result(None)
        else:
            self.loop.stop()


STOCK_ACTIONS = actions_of(LEAVES, lambda actions, steps: [])
STOCK_STEPS = st.lists(st.one_of(STOCK_ACTIONS, *AWAITS), max_size=6)


class BesideStock(RuleBasedStateMachine):
    """The same program on the stock loop and on ours."""

    def __init__(self) -> None:
        super().__init__()
        self.worlds = [VirtualWorld(kind(Clock())) for kind in (StockVirtualLoop, OurVirtualLoop)]

    @initialize(is_debugged=st.booleans(), time_slice_s=st.sampled_from([0, 0.005]))
    def configure(self, is_debugged: bool, time_slice_s: float) -> None:
        for world in self.worlds:
            world.loop.set_debug(is_debugged)
        # 0: a slice for each callback, so that each batch takes many.
        self.worlds[1].loop.time_slice_s = time_slice_s  # type: ignore[attr-defined]

    @rule(action=STOCK_ACTIONS.filter(lambda action: action[0] != "raise"))
    def do(self, action: Any) -> None:
        """Do it while the loop is stopped."""
        for world in self.worlds:
            contextvars.copy_context().run(world.do, action)

    @rule()
    def run(self) -> None:
        for world in self.worlds:
            world.run()

    @rule(steps=STOCK_STEPS)
    def run_until_complete(self, steps: Any) -> None:
        for world in self.worlds:
            world.run_until_complete(steps)

    @invariant()
    def order_is_the_same(self) -> None:
        stock, ours = self.worlds
        assert ours.trace == stock.trace

    def teardown(self) -> None:
        try:
            for world in self.worlds:
                world.finish()
                assert world.ledger.faults == []
                assert world.ledger.pending() == []
            self.order_is_the_same()
        finally:
            for world in self.worlds:
                world.close()


# -- what only ours can do --


class HostedWorld(World):
    """A world in real time, in Qt: with nested loops, foreign code, blocking calls, attach() and detach()."""

    loop: AsyncSlotEventLoop

    def __init__(self, loop: AsyncSlotEventLoop) -> None:
        super().__init__(loop)
        self.depth = 0
        # What foreign code is still to do, and what was wrong there: a slot must not raise.
        self.slots = 0

    def is_over(self) -> bool:
        return super().is_over() and not self.slots

    @contextlib.contextmanager
    def nested(self) -> Iterator[bool]:
        """Count a Qt loop of the program's; yields whether it may run."""
        self.depth += 1
        try:
            with self.ledger.restored(VARIABLE):
                yield self.depth <= MAX_DEPTH
        finally:
            self.depth -= 1

    def do_exec(self, delay_ms: int) -> None:
        with self.nested() as may_run:
            if may_run:
                qt_loop = QtCore.QEventLoop()
                QtCore.QTimer.singleShot(max(delay_ms, 0), qt_loop.quit)
                qt_loop.exec()

    def do_exec_until_called(self) -> None:
        """Run a Qt loop that a callback of the guest ends: it hangs if the guest stands still meanwhile."""
        with self.nested() as may_run:
            if may_run:
                qt_loop = QtCore.QEventLoop()
                self.loop.call_soon(qt_loop.quit, context=contextvars.Context())
                self._exec_watched(qt_loop.exec, qt_loop.quit)

    def do_dialog(self, delay_ms: int) -> None:
        with self.nested() as may_run:
            if may_run:
                dialog = QtWidgets.QDialog()
                self.loop.call_later(max(delay_ms, 0) / 1000, dialog.accept, context=contextvars.Context())
                self._exec_watched(dialog.exec, dialog.accept)
                dialog.deleteLater()

    def _exec_watched(self, execute: Callable[[], object], end: Callable[[], object]) -> None:
        """Run a Qt loop that the guest is to end; end it, too, when stop() has detached the guest."""
        end_s = monotonic() + CEILING_S / 4
        # A timer of Qt's, which does not wake the guest.
        timer = QtCore.QTimer()

        def look() -> None:
            if self.loop.state is LoopState.STOPPED:
                end()
            elif monotonic() > end_s:
                self.ledger.faults.append("the guest stood still under a nested loop")
                end()

        timer.timeout.connect(look)
        timer.start(2)
        execute()
        timer.stop()
        timer.timeout.disconnect()  # As in wait_qt().

    def do_process(self) -> None:
        with self.nested() as may_run:
            if may_run:
                QtCore.QCoreApplication.processEvents()

    def do_foreign(self, actions: list[Any]) -> None:
        """Have Qt call a slot that does all this."""
        self.slots += 1

        def slot() -> None:
            try:
                # In a context of its own: Qt calls it in the context of whoever opened the nested loop.
                for action in actions:
                    contextvars.copy_context().run(self.do, action)
            except Error:
                self.note("raised in a slot")
            except BaseException as exc:
                self.ledger.faults.append(f"a slot raised {exc!r}")
            finally:
                self.slots -= 1

        QtCore.QTimer.singleShot(0, slot)

    def do_run_task(self, steps: list[Any]) -> None:
        """Run the first step at once."""
        with self.ledger.restored(VARIABLE):
            if self.loop.is_running():
                self.follow(run_task(self.body(-1, steps)))

    def do_call_slot(self, steps: list[Any]) -> None:
        with self.ledger.restored(VARIABLE):
            if self.loop.is_running():
                task = call_slot(self, steps)
                # A failed slot is reported unless somebody asks first.
                self.follow(task)

    def do_thread(self, actions: list[Any]) -> None:
        """As ``threadsafe``, at some moment later."""
        _, callback = self.make_callback(actions)
        self.slots += 1

        def work() -> None:
            self.loop.call_soon_threadsafe(callback)
            self.slots -= 1

        threading.Thread(target=work).start()

    def do_block(self, steps: list[Any]) -> None:
        """Have Qt call a slot that runs the loop, nested."""
        self.slots += 1

        def slot() -> None:
            try:
                with self.nested() as may_run:
                    if may_run and not self._is_called_by_guest():
                        task = self.loop.create_task(self.body(-1, steps))
                        self.follow(task)
                        self.loop.run_until_complete(task)
            except (Error, RuntimeError, asyncio.CancelledError) as exc:
                self.note("raised", repr(exc))
                if isinstance(exc, RuntimeError) and "stopped before" not in str(exc):
                    self.ledger.faults.append(repr(exc))
            finally:
                self.slots -= 1

        QtCore.QTimer.singleShot(0, slot)

    def _is_called_by_guest(self) -> bool:
        """Tell whether no Qt loop runs above the guest's callback, so that a blocking call is refused."""
        return not self.loop._slicer.is_foreign()

    # Not for ever: what they wait for may be further down the stack, and go on only when they have ended.
    async def await_future(self, index: int) -> None:
        await asyncio.wait([self.futures[index]], timeout=0.01)

    async def await_other(self, index: int) -> None:
        await asyncio.wait([self.tasks[index % len(self.tasks)]], timeout=0.01)


@AsyncSlot()
async def call_slot(world: HostedWorld, steps: list[Any]) -> None:
    await world.body(-1, steps)


def branch_out(actions: Any, steps: Any) -> list[Any]:
    return [
        st.tuples(st.sampled_from(["foreign", "thread"]), actions),
        st.tuples(st.sampled_from(["run_task", "call_slot", "block"]), steps),
    ]


HOSTED_LEAVES = [
    *LEAVES,
    st.tuples(st.sampled_from(["exec", "dialog"]), DELAY),
    st.just(("exec_until_called",)),
    st.just(("process",)),
]
HOSTED_ACTIONS = actions_of(HOSTED_LEAVES, branch_out)
HOSTED_STEPS = st.lists(st.one_of(HOSTED_ACTIONS, *AWAITS), max_size=6)


class Hosted(RuleBasedStateMachine):
    """A program on our loop, attached, detached and in blocking calls."""

    def __init__(self) -> None:
        super().__init__()
        self.world = HostedWorld(AsyncSlotEventLoop())

    @initialize(is_debugged=st.booleans(), time_slice_s=st.sampled_from([0, 0.005]))
    def configure(self, is_debugged: bool, time_slice_s: float) -> None:
        self.world.loop.set_debug(is_debugged)
        self.world.loop.time_slice_s = time_slice_s

    @rule(action=HOSTED_ACTIONS)
    def do(self, action: Any) -> None:
        """Do it while no Qt loop runs; the loop may be attached."""
        with contextlib.suppress(Error):
            contextvars.copy_context().run(self.world.do, action)

    @rule()
    def attach(self) -> None:
        self.world.loop.attach()

    @rule()
    def detach(self) -> None:
        self.world.loop.detach()
        assert self.world.loop.state is LoopState.STOPPED

    @rule(delay_ms=st.integers(0, 3))
    def run_qt(self, delay_ms: int) -> None:
        """Run the application's Qt loop for a while."""
        self.world.do_exec(delay_ms)

    @rule(steps=HOSTED_STEPS)
    def run_until_complete(self, steps: Any) -> None:
        self.world.do(("block", steps))
        settle(self.world.loop, self.world.is_over)

    @rule()
    def settle(self) -> None:
        settle(self.world.loop, self.world.is_over)

    @invariant()
    def rules_are_kept(self) -> None:
        assert self.world.ledger.faults == []

    def teardown(self) -> None:
        try:
            self.settle()
            assert self.world.ledger.pending() == []
            self.rules_are_kept()
        finally:
            self.world.loop.detach()
            self.world.close()


# -- the tests --


def run_machine(machine: type[RuleBasedStateMachine], examples: int) -> None:
    run_state_machine_as_test(
        seed(SEED)(machine),
        settings=settings(
            max_examples=examples * FACTOR,
            stateful_step_count=20,
            deadline=None,
            database=None,
            # Explaining a failure would run it a few hundred times more.
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )


@has_readers
def test_programs_run_as_on_the_stock_loop(app: Any) -> None:
    """Callbacks, timers, tasks, readers, contexts and errors come in the stock loop's iterations and order."""
    run_machine(BesideStock, 300)


@has_readers
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
def test_programs_nested_keep_the_rules(app: Any) -> None:
    """With nested Qt loops, slots and threads, nothing is lost, twice, early, out of order or in another task."""
    run_machine(Hosted, 150)
