"""Ctrl-C and other signals, each in a process of its own, and the wakeup descriptor."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
import threading
from typing import Any

import pytest
from support import CEILING_S, has_signals, only_windows, raise_together, run_script

from asyncslot import AsyncSlotEventLoop, AsyncSlotSelectorEventLoop, LoopState

READY = ("ready", signal.SIGINT)
AGAIN = ("again", signal.SIGINT)
BUSY = ("busy", signal.SIGINT)

needs_runner = pytest.mark.skipif(sys.version_info < (3, 11), reason="asyncio.Runner came with Python 3.11")
BLOCKING_MODES = ["blocking", pytest.param("runner", marks=needs_runner)]


@pytest.mark.parametrize("mode", BLOCKING_MODES)
def test_ctrl_c_blocking_cleans_up_and_raises(mode: str) -> None:
    """The first Ctrl-C cancels the coroutine, whose clean-up may wait, and ends in KeyboardInterrupt."""
    finished = run_script("ctrl_c", mode, "patient", signals=[READY])
    assert finished.lines == ["ready", "cancelled", "cleaning up", "clean", "KeyboardInterrupt"]
    assert finished.code == 3


@pytest.mark.parametrize("mode", BLOCKING_MODES)
def test_ctrl_c_twice_blocking_raises_at_once(mode: str) -> None:
    """The second Ctrl-C does not wait for a coroutine that goes on after the first."""
    finished = run_script("ctrl_c", mode, "stubborn", signals=[READY, AGAIN])
    assert finished.lines[:3] == ["ready", "cancelled", "again"]
    assert "KeyboardInterrupt" in finished.lines
    assert finished.code == 3


@pytest.mark.parametrize("mode", BLOCKING_MODES)
def test_ctrl_c_blocking_swallowed_result_returned(mode: str) -> None:
    """A coroutine that catches its cancellation and returns ends normally, as under asyncio.Runner."""
    finished = run_script("ctrl_c", mode, "swallow", signals=[READY])
    assert finished.lines[-1] == "result swallowed"
    assert finished.code == 0


@pytest.mark.parametrize("mode", BLOCKING_MODES)
def test_ctrl_c_blocking_dialog_unwound(mode: str) -> None:
    """An open dialog returns, so that the coroutine that opened it can be cancelled."""
    finished = run_script("ctrl_c", mode, "dialog", signals=[READY])
    assert finished.lines == ["ready", "dialog returned", "cancelled", "cleaning up", "clean", "KeyboardInterrupt"]
    assert finished.code == 3


@pytest.mark.parametrize("options", [(), ("-X", "dev")])
def test_ctrl_c_once_hanging_coroutine_broken(options: tuple[str, ...]) -> None:
    """A coroutine that hangs in Python code of its own is broken at once, as on the stock loop; clean-up runs."""
    finished = run_script("ctrl_c", "blocking", "asleep", signals=[("asleep", signal.SIGINT)], options=options)
    # "ready" is said by a Qt timer, whenever Qt has its turn.
    assert [line for line in finished.lines if line != "ready"] == [
        "asleep",
        "cleaning up",
        "clean",
        "KeyboardInterrupt",
    ]
    assert finished.code == 3


@pytest.mark.parametrize("manner", ["asleep-after-run_task", "asleep-after-processEvents"])
def test_ctrl_c_once_hanging_coroutine_broken_after_a_nested_step(manner: str) -> None:
    """What the coroutine has called before it hangs makes no difference."""
    finished = run_script("ctrl_c", "blocking", manner, signals=[("asleep", signal.SIGINT)])
    assert finished.lines[-1] == "KeyboardInterrupt"
    assert finished.code == 3


def test_ctrl_c_in_slot_that_a_callback_has_emitted_enters_no_qt() -> None:
    """A callback may be Qt's emit(): the slot below it is called by Qt, so the guest waits with the exception."""
    finished = run_script("ctrl_c", "blocking", "emitted", signals=[("asleep", signal.SIGINT)])
    assert "Traceback" not in finished.errors
    assert finished.lines[-1] == "KeyboardInterrupt"
    assert finished.code == 3


@pytest.mark.parametrize("load", ["idle", "busy"])
@pytest.mark.parametrize("way", ["wait", "loop"])
def test_ctrl_c_while_the_program_processes_events_is_raised_there(way: str, load: str) -> None:
    """No Qt loop runs that Ctrl-C could end: it comes when QTest.qWait() or processEvents() has returned."""
    finished = run_script("ctrl_c_processing", way, load)
    assert "Traceback" not in finished.errors
    assert finished.lines == ["KeyboardInterrupt"]


def test_ctrl_c_at_the_limit_of_depth_unwinds_all_dialogs() -> None:
    """Although asyncio goes on no further, it heeds signals."""
    finished = run_script("ctrl_c_deep")
    assert finished.lines == ["KeyboardInterrupt"]


@pytest.mark.parametrize("mode", BLOCKING_MODES)
def test_ctrl_c_twice_endless_callback_broken(mode: str) -> None:
    """A coroutine that never yields is broken by Ctrl-C pressed again, though the loop handles none."""
    finished = run_script("ctrl_c", mode, "busy", signals=[BUSY] * 4)
    assert "KeyboardInterrupt" in finished.lines
    assert finished.code == 3


@pytest.mark.parametrize("mode", ["blocking", "attached"])
def test_ctrl_c_twice_endless_clean_up_broken(mode: str) -> None:
    """Clean-up that hangs while the application quits is broken by Ctrl-C pressed again."""
    finished = run_script("ctrl_c", mode, "busy-cleanup", signals=[BUSY] * 4)
    assert finished.lines[-1].startswith(("KeyboardInterrupt", "exec returned"))
    assert finished.code >= 0


def test_ctrl_c_again_and_again_endless_slot_broken() -> None:
    """A plain slot that never returns is broken by the third Ctrl-C, wherever it is."""
    finished = run_script("ctrl_c", "attached", "busy-slot", signals=[BUSY] * 4, options=())
    assert "KeyboardInterrupt" in finished.errors
    assert finished.code != -9


def test_ctrl_c_run_forever_raises() -> None:
    """run_forever() has nothing to cancel: KeyboardInterrupt leaves it."""
    finished = run_script("ctrl_c", "forever", "patient", signals=[READY])
    assert finished.lines == ["ready", "cancelled", "cleaning up", "clean", "KeyboardInterrupt"]
    assert finished.code == 3


@pytest.mark.parametrize("manner", ["patient", "dialog"])
def test_ctrl_c_attached_quits(manner: str) -> None:
    """Attached, Ctrl-C quits the application with code 130, after clean-up."""
    finished = run_script("ctrl_c", "attached", manner, signals=[READY])
    assert finished.lines[-3:] == ["cleaning up", "clean", "exec returned 130"]
    assert finished.code == 130


def test_ctrl_c_twice_attached_quits_at_once() -> None:
    """Attached, the second Ctrl-C does not wait for tasks any more."""
    finished = run_script("ctrl_c", "attached", "stubborn", signals=[READY, AGAIN])
    # Python may close the abandoned coroutine when the program ends.
    assert finished.lines[:4] == ["ready", "cancelled", "again", "exec returned 130"]
    assert finished.code == 130
    assert "Task did not end" in finished.errors


def test_signal_handler_of_program_called_in_guest() -> None:
    """A Python handler of SIGTERM runs though Qt waits, may raise, and is there again afterwards."""
    finished = run_script("sigterm", signals=[("ready", signal.SIGTERM)])
    assert finished.errors == ""
    assert finished.lines == ["ready", "handler", "ValueError from handler reported", "restored: True"]


@pytest.mark.parametrize("make_loop", [AsyncSlotEventLoop, AsyncSlotSelectorEventLoop])
def test_wakeup_fd_of_program_gets_the_numbers_and_is_put_back(app: Any, make_loop: Any) -> None:
    """What the program has set as the wakeup descriptor, a socket, gets the numbers of signals while a loop runs."""
    reader, writer = socket.socketpair()
    with reader, writer, make_loop() as loop:
        reader.settimeout(CEILING_S)
        writer.setblocking(False)
        signal.set_wakeup_fd(writer.fileno())
        before = signal.signal(signal.SIGTERM, lambda *_: loop.stop())
        try:
            loop.call_soon(signal.raise_signal, signal.SIGTERM)
            loop.run_forever()
            assert reader.recv(10) == bytes([signal.SIGTERM])
        finally:
            signal.signal(signal.SIGTERM, before)
            assert signal.set_wakeup_fd(-1) == writer.fileno()


@only_windows
def test_wakeup_fd_is_left_alone_by_making_and_closing_a_loop(app: Any) -> None:
    """The stock loop of Windows sets it when it is made and removes it when it is closed; a loop that runs has it."""
    reader, writer = socket.socketpair()
    with reader, writer:
        writer.setblocking(False)
        signal.set_wakeup_fd(writer.fileno())
        try:
            AsyncSlotEventLoop().close()
        finally:
            assert signal.set_wakeup_fd(-1) == writer.fileno()


@only_windows
def test_ctrl_break_of_program_called_in_guest(loop: AsyncSlotEventLoop) -> None:
    """A Python handler of SIGBREAK, which Ctrl-Break and the closing of the console raise, may raise safely."""
    reports: list[str] = []
    loop.set_exception_handler(lambda _, context: (reports.append(repr(context["exception"])), loop.stop()))

    def fail(*_: object) -> None:
        raise ValueError

    before = signal.signal(signal.SIGBREAK, fail)
    try:
        threading.Timer(0.05, signal.raise_signal, (signal.SIGBREAK,)).start()
        loop.run_forever()
        assert signal.getsignal(signal.SIGBREAK) is fail
    finally:
        signal.signal(signal.SIGBREAK, before)
    assert reports == ["ValueError()"]
    loop.set_exception_handler(None)


@has_signals
def test_wakeup_fd_of_program_chained_and_restored(loop: AsyncSlotEventLoop) -> None:
    """The wakeup descriptor found gets the signal numbers, too, and is put back."""
    reader, writer = socket.socketpair()
    with reader, writer:
        writer.setblocking(False)
        signal.set_wakeup_fd(writer.fileno())
        try:
            loop.add_signal_handler(signal.SIGUSR1, loop.stop)
            signal.set_wakeup_fd(writer.fileno())
            loop.call_soon(signal.raise_signal, signal.SIGUSR1)
            loop.run_forever()
            assert reader.recv(10) == bytes([signal.SIGUSR1])
        finally:
            loop.remove_signal_handler(signal.SIGUSR1)
            signal.set_wakeup_fd(-1)


@has_signals
def test_remove_signal_handler_while_running_signals_still_wake(loop: AsyncSlotEventLoop) -> None:
    """The stock remove_signal_handler() drops the wakeup descriptor; the guest keeps it, and SIGINT recorded."""
    seen: list[object] = []

    async def main() -> None:
        loop.add_signal_handler(signal.SIGINT, seen.append, 1)
        loop.remove_signal_handler(signal.SIGINT)
        seen.append(signal.getsignal(signal.SIGINT))
        fd = signal.set_wakeup_fd(-1)
        signal.set_wakeup_fd(fd)
        seen.append(fd)

    loop.run_until_complete(main())
    handler, fd = seen
    assert handler not in (signal.default_int_handler, signal.SIG_DFL)
    assert fd == loop._csock.fileno()


def test_signal_handler_raises_next_signal_is_handled(loop: AsyncSlotEventLoop) -> None:
    """Of two signals that arrive together, the second is handled though the handler of the first raises."""
    seen: list[str] = []
    reports: list[str] = []
    loop.set_exception_handler(lambda _, context: reports.append(repr(context["exception"])))
    done = loop.create_future()

    def fail(*_: object) -> None:
        seen.append("SIGINT")
        raise ValueError

    def note(*_: object) -> None:
        seen.append("SIGTERM")
        done.set_result(None)

    async def main() -> None:
        threading.Timer(0.05, raise_together, (signal.SIGTERM, signal.SIGINT)).start()
        await asyncio.wait_for(done, CEILING_S)

    before = signal.signal(signal.SIGINT, fail), signal.signal(signal.SIGTERM, note)
    try:
        loop.run_until_complete(main())
    finally:
        signal.signal(signal.SIGINT, before[0])
        signal.signal(signal.SIGTERM, before[1])
    assert seen == ["SIGINT", "SIGTERM"]
    assert reports == ["ValueError()"]
    loop.set_exception_handler(None)


def test_handler_replaced_meanwhile_is_left_alone(loop: AsyncSlotEventLoop) -> None:
    """A handler that the program sets while the guest runs stays when it ends."""

    async def replace() -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)

    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        loop.run_until_complete(replace())
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)


def test_ctrl_c_while_types_are_made_comes_afterwards(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would leave PySide's types half made, and no loop could be made any more."""
    made: list[str] = []

    def make_types() -> None:
        signal.raise_signal(signal.SIGINT)
        made.append("types")

    monkeypatch.setattr("asyncslot.loop.make_types", make_types)
    with pytest.raises(KeyboardInterrupt):
        AsyncSlotEventLoop()
    assert made == ["types"]


def test_ctrl_c_attached_before_exec_ends_the_outermost_call(attached: AsyncSlotEventLoop) -> None:
    """If a blocking call runs the application, Ctrl-C ends that call, and it is no quit: the guest stays attached."""

    async def interrupt() -> None:
        asyncio.get_running_loop().call_soon(signal.raise_signal, signal.SIGINT)
        await asyncio.get_running_loop().create_future()

    with pytest.raises(KeyboardInterrupt):
        attached.run_until_complete(interrupt())
    assert attached.state is LoopState.ATTACHED


@has_signals
def test_add_signal_handler_does_not_see_an_earlier_signal(attached: AsyncSlotEventLoop) -> None:
    """A Ctrl-C that has raised KeyboardInterrupt in the program's code does not call a handler that is set later."""
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    calls: list[str] = []

    async def handle() -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, calls.append, "called")
        # By then the number of the earlier signal would have been read, and its handler called.
        await loop.run_in_executor(None, lambda: None)
        await asyncio.sleep(0)
        assert not calls
        signal.raise_signal(signal.SIGINT)
        while not calls:
            await asyncio.sleep(0)
        loop.remove_signal_handler(signal.SIGINT)

    attached.run_until_complete(handle())
    assert calls == ["called"]
