"""Blocking calls: how the stack of them ends, with fakes; how each kind of call ends, with Qt's own loops."""

from __future__ import annotations

import asyncio
from typing import Any, Callable, Iterator

import pytest

from asyncslot import AsyncSlotEventLoop
from asyncslot._loop.blocking_calls import ApplicationCall, BlockingCall, BlockingCalls, NestedCall, QuittingCall
from asyncslot._loop.dialog_hold import DialogHold
from asyncslot._qt import QtCore, loop_level


class FakeCall(BlockingCall):
    """A call that notes how it is ended; `is_hidden` stands for a Qt loop above its own."""

    def __init__(self, name: str = "", future: Any = None, ended: list[str] | None = None) -> None:
        super().__init__(future)
        self.name = name
        self.ended = [] if ended is None else ended
        self.is_hidden = False

    def is_innermost(self) -> bool:
        return not self.is_hidden

    def end(self) -> None:
        self.is_ended = True
        self.ended.append(self.name)


class FakeApplicationCall(ApplicationCall):
    """A call in ``exec()`` that counts how often it was unwound."""

    unwound = 0

    def unwind(self) -> None:
        self.unwound += 1


class Stack:
    """Three nested calls, each with a future, and which of them were ended, in this order."""

    def __init__(self, loop: AsyncSlotEventLoop) -> None:
        self.calls = BlockingCalls()
        self.ended: list[str] = []
        self.outer, self.middle, self.inner = self.all = [
            FakeCall(name, loop.create_future(), self.ended) for name in ("outer", "middle", "inner")
        ]
        for call in self.all:
            self.calls.push(call)


@pytest.fixture
def stack(loop: AsyncSlotEventLoop) -> Stack:
    return Stack(loop)


# -- the stack --


def test_calls_push_and_remove(stack: Stack) -> None:
    """The first call is the outermost; one may be removed from the middle."""
    calls = stack.calls
    assert calls.stack
    assert calls.outermost is stack.outer
    assert calls.futures == [call.future for call in stack.all]
    calls.remove(stack.middle)
    assert calls.futures == [stack.outer.future, stack.inner.future]
    calls.remove(stack.outer)
    assert calls.outermost is stack.inner
    calls.remove(stack.inner)
    assert not calls.stack


def test_calls_futures_only_of_those_that_wait(stack: Stack) -> None:
    """A call that runs until it is stopped has no future."""
    stack.calls.push(FakeCall("forever"))
    assert stack.calls.futures == [call.future for call in stack.all]


def test_calls_end_stopped_ends_innermost(stack: Stack) -> None:
    """If no call was to end, the innermost ends, and only that."""
    stack.calls.end_stopped()
    assert stack.ended == ["inner"]


def test_calls_end_stopped_without_call_is_no_op() -> None:
    """With no call on the stack, nothing ends, now or later."""
    calls = BlockingCalls()
    calls.end_innermost_later()
    calls.end_stopped()
    call = FakeCall()
    calls.push(call)
    assert not call.is_ended


def test_calls_end_later_ends_that_call_with_the_iteration(stack: Stack) -> None:
    """A call that is to end later ends with the iteration, wherever it is; no other does."""
    stack.calls.end_later(stack.middle)
    assert stack.ended == []
    stack.calls.end_stopped()
    assert stack.ended == ["middle"]


def test_calls_end_innermost_later_means_that_of_the_moment(stack: Stack) -> None:
    """The call that is to end is the innermost when it is asked for, not the one pushed before the iteration ends."""
    stack.calls.end_innermost_later()
    stack.calls.push(FakeCall("pushed later", ended=stack.ended))
    stack.calls.end_stopped()
    assert stack.ended == ["inner"]


def test_calls_end_later_several_end_together_and_once(stack: Stack) -> None:
    """All that are to end do so with the same iteration, as they were asked for; the next one ends none of them."""
    stack.calls.end_later(stack.outer)
    stack.calls.end_innermost_later()
    stack.calls.end_stopped()
    assert stack.ended == ["outer", "inner"]
    stack.calls.remove(stack.inner)
    stack.calls.end_stopped()
    assert stack.ended == ["outer", "inner", "middle"]


def test_calls_end_later_removed_before_is_forgotten(stack: Stack) -> None:
    """A call that has left the stack meanwhile is not ended."""
    stack.calls.end_later(stack.outer)
    stack.calls.end_later(stack.inner)
    stack.calls.remove(stack.inner)
    stack.calls.end_stopped()
    assert stack.ended == ["outer"]


def test_calls_is_leaving_when_innermost_has_ended(stack: Stack) -> None:
    """The innermost call is about to return if it has ended and no Qt loop hides it."""
    assert not BlockingCalls().is_leaving()
    assert not stack.calls.is_leaving()
    stack.outer.end()
    assert not stack.calls.is_leaving()
    stack.inner.end()
    assert stack.calls.is_leaving()
    stack.inner.is_hidden = True  # A dialog has opened before it could return.
    assert not stack.calls.is_leaving()


# -- a quit --


def test_calls_mark_quit_notes_who_has_a_result(stack: Stack) -> None:
    """All calls on the stack are quit; those whose future has ended them have a result that the quit does not take."""
    forever = FakeCall("forever")
    stack.calls.push(forever)
    stack.middle.future.set_result(1)
    stack.middle.is_ended = True
    stack.calls.mark_quit()
    assert all(call.is_quit for call in [*stack.all, forever])
    assert [call.has_result for call in [*stack.all, forever]] == [False, True, False, False]
    assert stack.ended == []


def test_calls_end_stopped_leaves_those_that_quit_to_qt(stack: Stack) -> None:
    """A call that Qt ends by the quit is not ended a second time; one that is made during the quit is."""
    stack.calls.mark_quit()
    during_quit = FakeCall("made during the quit", ended=stack.ended)
    stack.calls.push(during_quit)
    stack.calls.end_later(stack.inner)
    stack.calls.end_later(during_quit)
    stack.calls.end_stopped()
    assert stack.ended == ["made during the quit"]


# -- errors and interrupts --


def test_calls_abort_innermost_raises_it(stack: Stack) -> None:
    """What escapes from a callback ends the innermost call, which raises it."""
    exc = SystemExit(3)
    stack.calls.abort(exc)
    assert stack.ended == ["inner"]
    assert [call.error for call in stack.all] == [None, None, exc]


def test_calls_abort_by_keyboard_interrupt_ends_all(stack: Stack) -> None:
    """KeyboardInterrupt ends all calls, the innermost first: the outermost raises it, the others are cancelled."""
    exc = KeyboardInterrupt()
    stack.calls.abort(exc)
    assert stack.ended == ["inner", "middle", "outer"]
    assert stack.outer.error is exc
    assert [type(call.error) for call in stack.all[1:]] == [asyncio.CancelledError] * 2


def test_calls_abort_during_quit_ends_none_that_qt_ends(stack: Stack) -> None:
    """A call that quits raises the error, too, but Qt ends it."""
    exc = SystemExit(3)
    stack.calls.mark_quit()
    stack.calls.abort(exc)
    assert stack.ended == []
    assert stack.inner.error is exc


def test_calls_interrupt_cancels_outermost_future(stack: Stack) -> None:
    """The first Ctrl-C cancels what the outermost call waits for, and what those above it do, which hide it."""
    assert stack.calls.interrupt()
    assert [call.is_interrupted for call in stack.all] == [True, False, False]
    assert all(call.future.cancelled() for call in stack.all)
    assert stack.ended == []  # They end when their futures are done.


def test_calls_interrupt_twice_is_no_way(loop: AsyncSlotEventLoop) -> None:
    """A second Ctrl-C does not cancel what swallows its cancellation once more."""

    class StubbornFuture(asyncio.Future):  # type: ignore[type-arg]
        cancellations = 0

        def cancel(self, *args: Any) -> bool:
            self.cancellations += 1
            return True

    future = StubbornFuture(loop=loop)
    calls = BlockingCalls()
    calls.push(FakeCall(future=future))
    assert [calls.interrupt(), calls.interrupt()] == [True, False]
    assert future.cancellations == 1


def test_calls_interrupt_nothing_to_cancel_is_no_way(loop: AsyncSlotEventLoop) -> None:
    """If the outermost call waits for nothing, or for what is done, Ctrl-C cancels nothing at all."""
    done = loop.create_future()
    done.set_result(None)
    for future in (None, done):
        calls, inner = BlockingCalls(), FakeCall(future=loop.create_future())
        outer = FakeCall(future=future)
        calls.push(outer)
        calls.push(inner)
        assert not calls.interrupt()
        assert not outer.is_interrupted
        assert not inner.future.done()


def test_calls_unwind_spares_outermost_future(loop: AsyncSlotEventLoop) -> None:
    """Unwinding cancels what the nested calls wait for, if anything, and has Qt's loops above exec() return."""
    calls = BlockingCalls()
    outer = FakeApplicationCall(loop.create_future(), bool, DialogHold())
    inner = FakeCall(future=loop.create_future())
    for call in (outer, FakeCall("forever"), inner):
        calls.push(call)
    calls.unwind()
    assert not outer.future.done()
    assert inner.future.cancelled()
    assert outer.unwound == 1


def test_calls_unwind_under_other_outermost_cancels_only(stack: Stack) -> None:
    """If the outermost call is not the application's, there is no Qt loop to unwind."""
    stack.calls.unwind()
    assert [call.future.cancelled() for call in stack.all] == [False, True, True]


# -- calls with Qt loops of their own --


@pytest.fixture
def quits(app: Any) -> Iterator[list[str]]:
    """How often the application said that it is about to quit."""
    heard: list[str] = []

    def hear() -> None:
        heard.append("aboutToQuit")

    app.aboutToQuit.connect(hear)
    yield heard
    app.aboutToQuit.disconnect(hear)


def in_qt(function: Callable[[], object]) -> None:
    """Have the Qt loop that is about to run call *function*."""
    QtCore.QTimer.singleShot(0, function)


def open_dialog(order: list[str], on_open: Callable[[Any], object]) -> None:
    """Run a Qt loop above that of the call, as a dialog does, and call *on_open* in it."""
    dialog = QtCore.QEventLoop()
    in_qt(lambda: on_open(dialog))
    dialog.exec()
    order.append("dialog returned")


def accept_later(order: list[str], dialog: Any) -> None:
    def accept() -> None:
        order.append("accepting")
        dialog.quit()

    QtCore.QTimer.singleShot(20, accept)


both_kinds = pytest.mark.parametrize(
    "kind",
    [NestedCall, lambda future: ApplicationCall(future, bool, DialogHold())],
    ids=["NestedCall", "ApplicationCall"],
)


@both_kinds
def test_call_end_returns(quits: list[str], kind: Any) -> None:
    """end() has exec() return, which is no quit; the application's signals are as before."""
    call = kind(None)
    levels = []
    in_qt(lambda: (levels.append((loop_level(), call.is_innermost())), call.end()))
    call.exec()
    assert call.is_ended
    assert levels == [(1, True)]
    assert quits == []
    assert not QtCore.QCoreApplication.instance().signalsBlocked()


@both_kinds
def test_call_end_under_dialog_waits_for_it(quits: list[str], kind: Any) -> None:
    """A call that is ended while a dialog is open above returns when that has returned, and does not close it."""
    call = kind(None)
    order: list[str] = []

    def on_open(dialog: Any) -> None:
        assert not call.is_innermost()
        call.end()
        call.end()  # Twice is once.
        accept_later(order, dialog)

    in_qt(lambda: open_dialog(order, on_open))
    call.exec()
    assert order == ["accepting", "dialog returned"]
    assert quits == []


@both_kinds
def test_call_abort_ends_it(quits: list[str], kind: Any) -> None:
    """abort() ends a call as end() does, if nothing is above."""
    call = kind(None)
    in_qt(call.abort)
    call.exec()
    assert call.is_ended
    assert quits == []


def test_application_call_abort_under_dialog_closes_it(quits: list[str]) -> None:
    """abort() makes exec() and the dialogs above it return."""
    call = ApplicationCall(None, bool, DialogHold())
    order: list[str] = []
    in_qt(lambda: open_dialog(order, lambda _: (order.append("aborting"), call.abort())))
    call.exec()
    assert order == ["aborting", "dialog returned"]
    assert call.is_ended
    assert quits == []


def test_application_call_ended_under_dialog_leaves_later_calls_alone(quits: list[str]) -> None:
    """A call that has waited for a dialog, and has returned, does not end the next one when Qt is about to block."""
    first, second = ApplicationCall(None, bool, DialogHold()), ApplicationCall(None, bool, DialogHold())
    in_qt(lambda: open_dialog([], lambda dialog: (first.end(), accept_later([], dialog))))
    first.exec()
    QtCore.QTimer.singleShot(20, second.end)
    second.exec()
    assert second.is_ended


def test_application_call_unwind_closes_dialogs_and_goes_on(quits: list[str]) -> None:
    """unwind() makes the dialogs above return, and the call runs on until it is ended."""
    call = ApplicationCall(None, bool, DialogHold())
    order: list[str] = []

    def end() -> None:
        order.append("ending")
        assert not call.is_ended
        call.end()

    def on_open(_: Any) -> None:
        call.unwind()
        QtCore.QTimer.singleShot(20, end)

    in_qt(lambda: open_dialog(order, on_open))
    call.exec()
    assert order == ["dialog returned", "ending"]
    assert quits == []


def test_application_call_unwind_without_dialog_is_no_op(quits: list[str]) -> None:
    """With no dialog above, unwind() does nothing: a quit that follows it is a quit."""
    call = ApplicationCall(None, bool, DialogHold())
    in_qt(lambda: (call.unwind(), QtCore.QCoreApplication.exit(4)))
    assert call.exec() == 4
    assert not call.is_ended
    assert quits == ["aboutToQuit"]


def test_application_call_quit_after_unwind_is_a_quit(quits: list[str]) -> None:
    """An application that quits when the dialogs have been unwound ends the call, with its exit code."""
    call = ApplicationCall(None, bool, DialogHold())
    order: list[str] = []

    def on_open(_: Any) -> None:
        call.unwind()
        QtCore.QTimer.singleShot(20, lambda: QtCore.QCoreApplication.exit(4))

    in_qt(lambda: open_dialog(order, on_open))
    assert call.exec() == 4
    assert order == ["dialog returned"]
    assert not call.is_ended
    assert quits == ["aboutToQuit"]


# -- calls made while the application quits --


class FakePump:
    """Records, where events would be processed, whether the call is over before and after it is ended."""

    def __init__(self) -> None:
        self.seen: list[bool] = []
        self.call: Any = None

    def __call__(self, is_over: Callable[[], bool]) -> None:
        self.seen.append(is_over())
        self.call.end()
        self.seen.append(is_over())


def test_quitting_call_processes_events_until_ended(app: Any) -> None:
    """A call made during a quit processes events until it is ended, with no Qt loop of its own."""
    pump = FakePump()
    pump.call = call = QuittingCall(None, pump)
    assert call.exec() == 0
    assert pump.seen == [False, True]
    assert call.is_ended


def test_quitting_call_quit_over_is_not_ended(app: Any) -> None:
    """When the quit is over first, the call returns without having been ended."""
    call = QuittingCall(None, lambda _: None)
    assert call.exec() == 0
    assert not call.is_ended


def test_quitting_call_innermost_unless_dialog_above(app: Any) -> None:
    """It runs at the level of the code that makes it, and a Qt loop above hides it."""
    call = QuittingCall(None, FakePump())
    seen = [call.is_innermost()]
    nested = NestedCall(None)
    in_qt(lambda: (seen.append(call.is_innermost()), nested.end()))
    nested.exec()
    assert seen == [True, False]
