"""AsyncClose: a window that asks a coroutine before it closes; and the quits that this holds up."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Callable

import pytest
from support import quit_closes_windows, run_coroutine, run_qt, run_script

from asyncslot import AsyncClose, AsyncSlotEventLoop, CancelReason, cancel_reason, scope
from asyncslot._qt import QtCore, import_qt

QtGui = import_qt("QtGui")
QtWidgets = import_qt("QtWidgets")

EDITOR = Path(__file__).parent.parent / "examples/editor.py"


class Window(QtWidgets.QWidget):
    """Asks what its test tells it to, and counts."""

    def __init__(self, ask: Callable[[], Any]) -> None:
        super().__init__()
        self.ask = ask
        self.asked = 0

    @AsyncClose
    async def closeEvent(self, event: Any) -> Any:
        self.asked += 1
        return await self.ask()


def close(window: Any) -> None:
    """Close a window, and wait until what this has started is over."""

    def start(quit_qt: Callable[[], None]) -> None:
        window.show()
        window.close()
        wait(window, quit_qt)

    run_qt(start)


def wait(window: Any, quit_qt: Callable[[], None]) -> None:
    tasks = scope(window).tasks
    if not tasks:
        quit_qt()
        return
    over = asyncio.gather(*tasks, return_exceptions=True)
    over.add_done_callback(lambda _: over.get_loop().call_soon(quit_qt))


def answer(value: Any, *, suspended: bool = True) -> Callable[[], Any]:
    async def ask() -> Any:
        if suspended:
            await asyncio.sleep(0.01)
        return value

    return ask


@pytest.mark.parametrize("suspended", [True, False])
@pytest.mark.parametrize(("value", "closes"), [(None, True), (True, True), (1, True), (False, False), (0, False)])
def test_close_as_the_coroutine_says(
    attached: AsyncSlotEventLoop, suspended: bool, value: object, closes: bool
) -> None:
    """True and None close the window, whatever is false leaves it open, at once or later; it can be asked again."""
    window = Window(answer(value, suspended=suspended))
    close(window)
    assert window.isVisible() != closes
    close(window)
    assert window.asked == 2


def test_close_twice_asks_once(attached: AsyncSlotEventLoop) -> None:
    """While it is being asked, a window that is closed again stays open, and is not asked again."""
    window = Window(answer(True))

    def start(quit_qt: Callable[[], None]) -> None:
        window.show()
        assert [window.close() for _ in range(3)] == [False] * 3
        assert window.isVisible()
        wait(window, quit_qt)

    run_qt(start)
    assert window.asked == 1
    assert not window.isVisible()


def test_close_first_step_may_look_at_event(attached: AsyncSlotEventLoop) -> None:
    """The event is there until the first suspension; accepting it there closes nothing."""
    seen = []

    class Accepting(QtWidgets.QWidget):
        @AsyncClose
        async def closeEvent(self, event: Any) -> bool:
            seen.append(event.type())
            event.accept()
            await asyncio.sleep(0)
            return False

    window = Accepting()
    close(window)
    assert seen == [QtCore.QEvent.Type.Close]
    assert window.isVisible()


@pytest.mark.parametrize("suspended", [True, False])
def test_close_failure_reported_once_window_stays(loop: AsyncSlotEventLoop, suspended: bool) -> None:
    """A coroutine that fails leaves the window open; the failure is reported with slot and owner."""
    reports: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: reports.append(context))
    loop.attach()

    async def ask() -> None:
        if suspended:
            await asyncio.sleep(0)
        raise OSError("disk full")

    window = Window(ask)

    def start(quit_qt: Callable[[], None]) -> None:
        window.show()
        window.close()
        loop.call_later(0.05, quit_qt)

    run_qt(start)
    assert window.isVisible()
    (report,) = reports
    assert str(report["exception"]) == "disk full"
    assert report["message"] == "Exception in slot Window.closeEvent()"
    assert report["owner"] is window


def test_close_cancelled_stays_open(attached: AsyncSlotEventLoop) -> None:
    """Cancelling the task, by the window's scope, leaves the window open."""
    window = Window(answer(True))

    def start(quit_qt: Callable[[], None]) -> None:
        window.show()
        window.close()
        wait(window, quit_qt)
        scope(window).cancel()

    run_qt(start)
    assert window.isVisible()


def test_close_window_deleted_meanwhile_cancels(attached: AsyncSlotEventLoop) -> None:
    """A window deleted while it is asked is no window to close: the task is cancelled, nothing is reported."""
    reasons = []

    async def ask() -> None:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError as exc:
            reasons.append(cancel_reason(exc))
            raise

    window = Window(ask)

    def start(quit_qt: Callable[[], None]) -> None:
        window.show()
        window.close()
        wait(window, quit_qt)
        window.deleteLater()

    run_qt(start)
    assert reasons == [CancelReason.OWNER_DESTROYED]


def test_close_with_delete_on_close_deletes(attached: AsyncSlotEventLoop) -> None:
    """WA_DeleteOnClose takes effect when the window closes for good."""
    window = Window(answer(True))
    window.setAttribute(QtCore.Qt.WidgetAttribute.WA_DeleteOnClose)

    def start(quit_qt: Callable[[], None]) -> None:
        window.destroyed.connect(lambda *_: quit_qt())
        window.show()
        window.close()
        assert window.isVisible()

    run_qt(start)


def test_close_calls_the_next_class(attached: AsyncSlotEventLoop) -> None:
    """Closing for good does what the base class does: a dialog is rejected, a plain override is called."""
    calls = []

    class Base(QtWidgets.QDialog):
        def closeEvent(self, event: Any) -> None:
            calls.append("base")
            super().closeEvent(event)

    class Asking:
        @AsyncClose
        async def closeEvent(self, event: Any) -> None:
            calls.append("asked")
            await asyncio.sleep(0)

    class Dialog(Asking, Base):
        pass

    dialog = Dialog()
    dialog.rejected.connect(lambda: calls.append("rejected"))
    close(dialog)
    assert calls == ["asked", "base", "rejected"]
    assert not dialog.isVisible()


def test_close_subclass_awaits_super(attached: AsyncSlotEventLoop) -> None:
    """A subclass's coroutine may await the base class's, which closes nothing by itself."""
    calls = []

    class Sub(Window):
        @AsyncClose
        async def closeEvent(self, event: Any) -> bool:
            calls.append(await super().closeEvent(event))
            calls.append(self.isVisible())
            await asyncio.sleep(0.01)
            calls.append(self.isVisible())
            return False

    window = Sub(answer("base"))
    close(window)
    assert calls == ["base", True, True]
    assert window.isVisible()
    assert window.asked == 1


def test_close_subclass_plain_override_may_call_super(attached: AsyncSlotEventLoop) -> None:
    """An ordinary override in a subclass may call the decorated one, as Qt would."""
    calls = []

    class Sub(Window):
        def closeEvent(self, event: Any) -> None:
            super().closeEvent(event)
            calls.append(event.isAccepted())

    window = Sub(answer(True))
    close(window)
    assert calls == [False, True]
    assert not window.isVisible()


def test_close_qwindow_without_widgets(attached: AsyncSlotEventLoop) -> None:
    """A QWindow, as Qt Quick has, can be asked, too."""

    class Plain(QtGui.QWindow):
        @AsyncClose
        async def closeEvent(self, event: Any) -> bool:
            await asyncio.sleep(0.01)
            return True

    window = Plain()
    close(window)
    assert not window.isVisible()


@pytest.mark.parametrize("make", [QtGui.QWindow, QtWidgets.QDialog, QtWidgets.QWidget, QtWidgets.QMainWindow])
def test_close_decided_at_once_is_as_without_a_coroutine(attached: AsyncSlotEventLoop, make: Any) -> None:
    """Where a coroutine says yes without suspending, close() returns true, whatever the base class does."""

    class Deciding(make):  # type: ignore[misc]
        @AsyncClose
        async def closeEvent(self, event: Any) -> bool:
            return True

    window = Deciding()
    window.show()
    assert window.close()
    assert not window.isVisible()


def test_close_in_mdi_area_closes_the_frame(attached: AsyncSlotEventLoop) -> None:
    """A widget in a QMdiSubWindow, which is asked when that is closed, takes it along."""
    area = QtWidgets.QMdiArea()
    window = Window(answer(True))
    frame = area.addSubWindow(window)
    area.show()

    def start(quit_qt: Callable[[], None]) -> None:
        window.show()
        assert not frame.close()
        wait(window, quit_qt)

    run_qt(start)
    assert not frame.isVisible()
    assert window.asked == 1


def test_close_assigned_after_the_class(attached: AsyncSlotEventLoop) -> None:
    """The decorated function may be assigned to a class that exists."""

    class Late(QtWidgets.QWidget):
        pass

    async def closeEvent(self: Any, event: Any) -> None:
        await asyncio.sleep(0)

    Late.closeEvent = AsyncClose(closeEvent)
    window = Late()
    close(window)
    assert not window.isVisible()


def test_close_two_windows_of_a_class_are_independent(attached: AsyncSlotEventLoop) -> None:
    """Each window is asked for itself."""
    first, second = Window(answer(True)), Window(answer(False))

    def start(quit_qt: Callable[[], None]) -> None:
        for window in (first, second):
            window.show()
            window.close()
        wait(second, quit_qt)

    run_qt(start)
    assert [first.asked, second.asked] == [1, 1]
    assert [first.isVisible(), second.isVisible()] == [False, True]


def test_close_keeps_the_classes_own_init(attached: AsyncSlotEventLoop) -> None:
    """The class's ``__init__`` is called with its arguments, and looks like itself."""

    class Named(QtWidgets.QWidget):
        def __init__(self, name: str, *, title: str) -> None:
            """Of mine."""
            super().__init__()
            self.setObjectName(name)
            self.setWindowTitle(title)

        @AsyncClose
        async def closeEvent(self, event: Any) -> None:
            """Mine, too."""

    window = Named("n", title="t")
    assert (window.objectName(), window.windowTitle()) == ("n", "t")
    assert Named.__init__.__doc__ == "Of mine."
    assert Named.closeEvent.__doc__ == "Mine, too."


@pytest.mark.parametrize("bad", [lambda self, event: None, 3, "closeEvent"])
def test_close_refuses_what_is_no_coroutine_function(bad: Any) -> None:
    """Anything but a coroutine function is a TypeError at decoration."""
    with pytest.raises(TypeError, match="AsyncClose decorates a coroutine function"):
        AsyncClose(bad)


def test_close_refuses_another_name() -> None:
    """A method that Qt would never call for a close is refused."""

    async def on_close(self: Any, event: Any) -> None: ...

    with pytest.raises(TypeError, match="for a slot use AsyncSlot"):
        AsyncClose(on_close)


@pytest.mark.parametrize(
    ("case", "lines", "code"),
    [
        # The window closes, and the application, which stays without windows, goes on.
        ("close", ["asked", "answered", "open: False", "aboutToQuit"], 4),
        pytest.param("quit", ["asked", "answered", "aboutToQuit"], 0, marks=quit_closes_windows),
        pytest.param("blocking", ["asked", "answered", "aboutToQuit"], 0, marks=quit_closes_windows),
        pytest.param("during", ["asked", "answered", "aboutToQuit"], 0, marks=quit_closes_windows),
        pytest.param("two", ["asked", "answered", "asked", "answered", "aboutToQuit"], 0, marks=quit_closes_windows),
        pytest.param("refused", ["asked", "answered", "open: True", "aboutToQuit"], 4, marks=quit_closes_windows),
        ("exit", ["asked", "aboutToQuit", "CancelReason.QUIT"], 7),
        ("clean", ["asked", "aboutToQuit", "CancelReason.QUIT", "open: False"], 7),
        pytest.param("deleted", ["asked", "CancelReason.OWNER_DESTROYED", "aboutToQuit"], 0, marks=quit_closes_windows),
    ],
)
def test_quit_held_up_by_a_question(case: str, lines: list[str], code: int) -> None:
    """A quit that found a window being asked comes when it has closed; exit() asks and waits for nobody."""
    finished = run_script("async_close", case)
    assert finished.lines == lines
    assert finished.code == code
    assert finished.errors == ""


@quit_closes_windows
def test_quit_held_up_closes_other_windows() -> None:
    """The quit that is issued again closes whatever else is open."""
    finished = run_script("async_close", "others")
    assert sorted(finished.lines) == ["aboutToQuit", "answered", "asked", "plain closed"]
    assert (finished.code, finished.errors) == (0, "")


@pytest.mark.parametrize(
    ("choice", "end", "lines", "text"),
    [
        ("Save", "close", ["written"], "changed ✓ text"),
        pytest.param("Save", "quit", ["written"], "changed ✓ text", marks=quit_closes_windows),
        ("Discard", "close", [], "text"),
        ("Cancel", "close", ["open: True"], "text"),
        pytest.param("Cancel", "quit", ["open: True"], "text", marks=quit_closes_windows),
        ("Save", "fail", ["error: RuntimeError: disk full | open: True True"], "text"),
        # Quit from elsewhere while the box is open: it stays open, and the quit waits for the answer.
        ("Save", "quit-in-box", ["written"], "changed ✓ text"),
        pytest.param("Cancel", "quit-in-box", ["open: True"], "text", marks=quit_closes_windows),
    ],
)
def test_editor_example_asks_saves_and_closes(
    tmp_path: Path, choice: str, end: str, lines: list[str], text: str
) -> None:
    """
    The example asks in a modal box, saves once, closes; it stays open if it is told to, or cannot save.

    It writes UTF-8 wherever it runs. The file has the old text or the new one, and nothing is left beside it.
    """
    file = tmp_path / "notes.txt"
    file.write_text("text")
    # From Python 3.10 on, to leave the encoding to the system is an error with this option.
    options = ("-X", "warn_default_encoding", "-W", "error")
    finished = run_script("close_editor", str(EDITOR), str(file), choice, end, options=options)
    assert finished.lines == lines
    assert finished.code == 0
    assert file.read_text(encoding="utf-8") == text
    assert list(tmp_path.iterdir()) == [file]
    assert ("disk full" in finished.errors) == (end == "fail")
    assert end == "fail" or finished.errors == ""


def test_editor_example_refuses_a_file_that_it_cannot_read(tmp_path: Path) -> None:
    """A file in another encoding is not opened, and so not overwritten."""
    file = tmp_path / "notes.txt"
    file.write_bytes("caf\u00e9".encode("cp1252"))
    finished = run_script("close_editor", str(EDITOR), str(file), "Save", "close", options=("-W", "error"))
    assert finished.code == 1
    assert "notes.txt cannot be opened: 'utf-8' codec can't decode" in finished.errors
    assert file.read_bytes() == b"caf\xe9"


# -- whose close event it is --


class Base(Window):
    """Agrees at once."""

    @AsyncClose
    async def closeEvent(self, event: Any) -> Any:
        self.order = [*getattr(self, "order", []), "base"]
        return True


class Middle(Base):
    @AsyncClose
    async def closeEvent(self, event: Any) -> Any:
        self.order = [*getattr(self, "order", []), "middle"]
        await asyncio.sleep(0.001)
        return await super().closeEvent(event)


class Derived(Middle):
    @AsyncClose
    async def closeEvent(self, event: Any) -> Any:
        self.order = [*getattr(self, "order", []), "derived"]
        await asyncio.sleep(0.001)
        return await asyncio.wait_for(self.ask_base(event), 20)

    async def ask_base(self, event: Any) -> Any:
        return await super().closeEvent(event)


def close_and_wait(window: Any) -> None:
    """Close a window in a task, and wait until it is closed."""

    async def main() -> None:
        window.show()
        window.close()
        while window.isVisible():
            await asyncio.sleep(0.001)

    run_coroutine(asyncio.wait_for(main(), 20))


def test_close_super_in_each_class_after_suspensions_and_in_other_tasks(attached: AsyncSlotEventLoop) -> None:
    """Each coroutine may await super()'s, after a suspension, and in a task of its own: the outermost one decides."""
    window = Derived(lambda: None)
    close_and_wait(window)
    assert window.order == ["derived", "middle", "base"]


def test_close_inside_its_own_coroutine_is_a_no_op(attached: AsyncSlotEventLoop) -> None:
    """close() called by the coroutine that is being asked does not ask it again."""

    class Impatient(Window):
        @AsyncClose
        async def closeEvent(self, event: Any) -> Any:
            self.asked += 1
            await asyncio.sleep(0.001)
            assert not self.close()
            return True

    window = Impatient(lambda: None)
    close_and_wait(window)
    assert window.asked == 1


def test_close_of_window_with_an_attribute_named_parent(attached: AsyncSlotEventLoop) -> None:
    """Programs often keep their parent under that name, which hides Qt's method."""
    window = Base(lambda: None)
    window.parent = None
    close_and_wait(window)
    assert window.order == ["base"]


def test_close_event_with_wrong_parameters_is_reported(loop: AsyncSlotEventLoop) -> None:
    """The TypeError is the task's, and reported; the window stays open."""
    reports: list[str] = []
    loop.set_exception_handler(lambda _, context: reports.append(str(context["exception"])))

    class Wrong(QtWidgets.QWidget):
        @AsyncClose
        async def closeEvent(self) -> Any: ...

    async def main() -> None:
        window = Wrong()
        window.show()
        assert not window.close()
        await asyncio.sleep(0.001)
        assert window.isVisible()

    loop.run_until_complete(main())
    assert len(reports) == 1
    assert "closeEvent() takes 1 positional argument but 2 were given" in reports[0]
    loop.set_exception_handler(None)
