"""What type checkers must make of the public API. Never run: read by mypy and pyright."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Callable

from PySide6.QtWidgets import QWidget

from asyncslot import (
    AsyncClose,
    AsyncSlot,
    AsyncSlotEventLoop,
    Progress,
    ProgressReporter,
    TaskHandle,
    run_in_process,
    run_in_qt_thread,
    run_in_thread,
    run_task,
    scope,
    wait_signal,
)
from asyncslot.compat import QtAsyncio, qasync, qtinter

if TYPE_CHECKING:
    from PySide6.QtGui import QCloseEvent
    from typing_extensions import assert_type  # noqa: TC004 - this file is never run.


@AsyncSlot
async def bare(text: str) -> int:
    return len(text)


@AsyncSlot(str, name="other")
async def typed(text: str, *, times: int = 1) -> str:
    return text * times


class Receiver:
    @AsyncSlot()
    async def on_click(self, checked: bool = False) -> bool:
        return checked


class Backend(Receiver):
    @AsyncSlot(str, result=TaskHandle, when_busy="drop")
    async def load(self, name: str) -> list[str]:
        return [name]

    @AsyncSlot(result="QObject*")
    async def count(self) -> int:
        return 1


class Window(QWidget):
    @AsyncClose
    async def closeEvent(self, event: QCloseEvent) -> bool:
        return event.spontaneous()


class SubWindow(Window):
    @AsyncClose
    async def closeEvent(self, event: QCloseEvent) -> bool:
        return bool(await super().closeEvent(event))


async def use() -> None:
    assert_type(bare("x"), "asyncio.Task[int]")
    assert_type(await bare("x"), int)
    assert_type(await typed("x", times=2), str)
    assert_type(await Receiver().on_click(True), bool)
    assert_type(await run_task(asyncio.sleep(1, "x")), str)
    handle = Backend().load("x")
    assert_type(handle, TaskHandle[list[str]])
    assert_type(await handle, list[str])
    assert_type(handle.task, "asyncio.Future[list[str]]")
    assert_type(handle.running, bool)
    assert_type(handle.error, str)
    assert_type(await Backend().count(), int)
    handle.cancel()
    Backend().load(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    bare(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    typed("x", count=2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def count(number: int, progress: ProgressReporter) -> int:
    for each in progress.track(range(number)):
        assert_type(each, int)
    progress.report(0.5, 1, text="half")
    return number


async def use_background(window: Window) -> None:
    progress = Progress(lambda progress: print(progress.done)).bind(window)
    assert_type(progress, Progress)
    assert_type(await run_in_thread(count, 3, progress=progress), int)
    assert_type(await run_in_process(count, 3), int)
    assert_type(await run_in_qt_thread(window.thread(), asyncio.sleep(1, "x")), str)
    assert_type(scope(window, slot=Window.closeEvent).is_running, bool)
    print((await wait_signal(window.windowTitleChanged, timeout_s=1)).signal)


def use_loop() -> None:
    loop = AsyncSlotEventLoop()
    factory: Callable[[], asyncio.AbstractEventLoop] = AsyncSlotEventLoop
    assert_type(loop.run_until_complete(asyncio.sleep(1, "x")), str)
    assert_type(loop.run_task(asyncio.sleep(1, 2)), "asyncio.Task[int]")
    loop.attach()
    loop.shutdown(timeout_s=1)
    factory().close()


@qasync.asyncSlot(int)
async def compat_slot(number: int) -> str:
    return str(number)


@qtinter.asyncslot
async def other_compat_slot(number: int) -> str:
    return str(number)


async def use_compat(window: Window) -> None:
    assert_type(await compat_slot(1), str)
    assert_type(await other_compat_slot(1), str)
    assert_type(await qtinter.modal(len)("x"), int)
    assert_type(await qasync.asyncWrap(len, "x"), int)
    assert_type(await qtinter.asyncsignal(window.windowTitleChanged), tuple[Any, ...])
    compat_slot("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with qasync.QEventLoop(window) as loop:
        assert_type(loop, qasync.QEventLoop)
    QtAsyncio.run(asyncio.sleep(1), keep_running=False)
