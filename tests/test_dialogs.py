"""Awaiting dialogs: answered by key and by pointer, cancelled, timed out, destroyed with their parent."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any, Awaitable, Callable, Iterator

import pytest
from qt import QTest, delete
from support import CEILING_S, run_coroutine, run_script

import asyncslot
from asyncslot import AsyncSlotEventLoop, SenderDestroyed, dialogs
from asyncslot._qt import QtCore, import_qt

QtWidgets = import_qt("QtWidgets")
QtGui = import_qt("QtGui")

Key = QtCore.Qt.Key
Buttons = QtWidgets.QMessageBox.StandardButton

# Qt's own file, colour and font dialogs, which tests can drive; a desktop would show its own.
NOT_NATIVE = {
    "file": QtWidgets.QFileDialog.Option.DontUseNativeDialog,
    "color": QtWidgets.QColorDialog.ColorDialogOption.DontUseNativeDialog,
    "font": QtWidgets.QFontDialog.FontDialogOption.DontUseNativeDialog,
}


@pytest.fixture
def parent(attached: AsyncSlotEventLoop) -> Iterator[Any]:
    """A visible window; at the end, no dialog is left."""
    parent = QtWidgets.QWidget()
    parent.show()
    yield parent
    QtCore.QCoreApplication.sendPostedEvents(None, 52)  # QEvent::DeferredDelete
    assert find_dialogs() == []


def find_dialogs() -> list[Any]:
    return [widget for widget in QtWidgets.QApplication.topLevelWidgets() if isinstance(widget, QtWidgets.QDialog)]


async def find_dialog() -> Any:
    """Return the dialog that is open, as soon as there is one."""
    while True:
        visible = [dialog for dialog in find_dialogs() if dialog.isVisible()]
        if visible:
            return visible[0]
        await asyncio.sleep(0.001)


def answer(asking: Awaitable[Any], act: Callable[[Any], object]) -> Any:
    """Await a dialog, which *act* answers; return what the await returns. The loop goes on meanwhile."""

    async def main() -> Any:
        task = asyncio.ensure_future(asking)
        dialog = await asyncio.wait_for(find_dialog(), CEILING_S)
        assert dialog.isModal()
        act(dialog)
        return await asyncio.wait_for(task, CEILING_S)

    return run_coroutine(main())


def press(key: Any) -> Callable[[Any], None]:
    return lambda dialog: QTest.keyClick(dialog, key)


def click(button: Any) -> Callable[[Any], None]:
    return lambda box: QTest.mouseClick(box.button(button), QtCore.Qt.MouseButton.LeftButton)


def type_in(text: str) -> Callable[[Any], None]:
    def act(dialog: Any) -> None:
        (line,) = [each for each in dialog.findChildren(QtWidgets.QLineEdit) if each.isVisible()]
        line.selectAll()
        QTest.keyClicks(line, text)
        QTest.keyClick(dialog, Key.Key_Return)

    return act


# -- message boxes --


@pytest.mark.parametrize(
    ("act", "outcome"),
    [
        (press(Key.Key_Return), Buttons.Yes),
        (click(Buttons.No), Buttons.No),
        (lambda box: box.done(0), Buttons.NoButton),
    ],
    ids=["key", "pointer", "closed"],
)
def test_question_returns_the_button(parent: Any, act: Any, outcome: Any) -> None:
    """A question is answered by key and by pointer."""
    assert answer(dialogs.question(parent, "Title", "Save?", default_button=Buttons.Yes), act) == outcome


@pytest.mark.parametrize("names", ["Yes No", "Ok Cancel", "Yes No Cancel", "Save Discard Cancel", "Ok", "Yes Save"])
@pytest.mark.parametrize("way", ["close", "accept"])
def test_question_ended_otherwise_returns_what_qts_own_does(parent: Any, names: str, way: str) -> None:
    """Closing the box by its title bar presses the button that Escape does; the program presses none."""
    buttons = Buttons.NoButton
    for name in names.split():
        buttons |= getattr(Buttons, name)

    def end(box: Any) -> None:
        getattr(box, way)()
        # A box in which Escape presses nothing cannot be closed.
        box.done(0)

    QtCore.QTimer.singleShot(0, lambda: end(QtWidgets.QApplication.activeModalWidget()))
    expected = QtWidgets.QMessageBox.question(parent, "T", "Text", buttons)
    assert answer(dialogs.question(parent, "T", "Text", buttons), end) == expected


def test_question_has_qts_parameters(parent: Any) -> None:
    """Title, text and buttons are those that were given."""

    def look(box: Any) -> None:
        seen.extend([box.windowTitle(), box.text(), box.standardButtons(), box.parent()])
        QTest.keyClick(box, Key.Key_Escape)

    seen: list[Any] = []
    asking = dialogs.question(parent, "Title", "Save?", Buttons.Save | Buttons.Cancel)
    assert answer(asking, look) == Buttons.Cancel
    assert seen == ["Title", "Save?", Buttons.Save | Buttons.Cancel, parent]


@pytest.mark.parametrize("name", ["information", "warning", "critical"])
def test_message_shows_its_icon(parent: Any, name: str) -> None:
    """The other boxes have one button, and the icon of their name."""
    icons: list[Any] = []

    def look(box: Any) -> None:
        icons.append(box.icon())
        QTest.keyClick(box, Key.Key_Return)

    assert answer(getattr(dialogs, name)(parent, "Title", "Text"), look) == Buttons.Ok
    assert icons == [getattr(QtWidgets.QMessageBox.Icon, name.title())]


# -- values --


@pytest.mark.parametrize(
    ("ask", "text", "outcome", "refused"),
    [
        (lambda parent: dialogs.get_text(parent, "T", "Name?", text="old"), "new", "new", ""),
        (lambda parent: dialogs.get_item(parent, "T", "Which?", ["a", "b"], 1), "c", "c", "b"),
        (lambda parent: dialogs.get_int(parent, "T", "How many?", 3, 0, 99), "42", 42, 3),
        (lambda parent: dialogs.get_double(parent, "T", "How far?", 1.5, 0, 99, 2), "2", 2.0, 1.5),
    ],
    ids=["text", "item", "int", "double"],
)
def test_input_returns_value_and_whether_accepted(parent: Any, ask: Any, text: str, outcome: Any, refused: Any) -> None:
    """What was typed comes with True; after Escape, what Qt's own functions return comes with False."""
    assert answer(ask(parent), type_in(text)) == (outcome, True)
    assert answer(ask(parent), press(Key.Key_Escape)) == (refused, False)


def test_get_color_returns_color(parent: Any) -> None:
    """The initial colour if it is accepted at once, an invalid one if not."""
    red = QtGui.QColor("red")
    options = NOT_NATIVE["color"]
    assert answer(dialogs.get_color(red, parent, "T", options), lambda dialog: dialog.accept()) == red
    assert not answer(dialogs.get_color(red, parent, "T", options), lambda dialog: dialog.reject()).isValid()


def test_get_font_returns_font(parent: Any) -> None:
    """The font, and whether it was accepted."""
    font = QtGui.QFont("Sans", 17)
    if QtGui.QFontInfo(font).pointSize() < 0:
        pytest.skip("this system has no fonts, so the dialog has none to offer")
    for act, is_accepted in ((lambda dialog: dialog.accept(), True), (lambda dialog: dialog.reject(), False)):
        chosen, accepted = answer(dialogs.get_font(font, parent, "T", NOT_NATIVE["font"]), act)
        assert (chosen.pointSize(), accepted) == (17, is_accepted)


# -- files --


def choose(*paths: Path) -> Callable[[Any], None]:
    def act(dialog: Any) -> None:
        names = " ".join(f'"{path}"' for path in paths) if len(paths) > 1 else str(paths[0])
        (line,) = [each for each in dialog.findChildren(QtWidgets.QLineEdit) if each.isVisible()]
        line.setText(names)
        dialog.accept()

    return act


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("get_open_file_name", lambda path: (path.as_posix(), "Texts (*.txt)")),
        ("get_open_file_names", lambda path: ([path.as_posix()], "Texts (*.txt)")),
        ("get_save_file_name", lambda path: (path.as_posix(), "Texts (*.txt)")),
    ],
)
def test_file_dialogs_return_names_and_filter(parent: Any, tmp_path: Path, name: str, outcome: Any) -> None:
    """The names, and the filter that was selected; nothing if the dialog was cancelled."""
    path = tmp_path / "a.txt"
    if name != "get_save_file_name":
        path.write_text("a")
    arguments = (parent, "T", str(tmp_path), "All (*);;Texts (*.txt)", "Texts (*.txt)", NOT_NATIVE["file"])
    assert answer(getattr(dialogs, name)(*arguments), choose(path)) == outcome(path)
    cancelled = answer(getattr(dialogs, name)(*arguments), lambda dialog: dialog.reject())
    assert cancelled == (([], "") if name.endswith("s") else ("", ""))


def test_get_existing_directory(parent: Any, tmp_path: Path) -> None:
    """The directory's name; empty if the dialog was cancelled."""
    (tmp_path / "inner").mkdir()
    option = NOT_NATIVE["file"]
    asking = dialogs.get_existing_directory(parent, "T", str(tmp_path), option)
    assert answer(asking, choose(tmp_path / "inner")) == (tmp_path / "inner").as_posix()
    asking = dialogs.get_existing_directory(parent, "T", str(tmp_path), option)
    assert answer(asking, lambda dialog: dialog.reject()) == ""


# -- any dialog --


@pytest.mark.parametrize(("act", "result"), [("accept", 1), ("reject", 0), ("close", 0)])
def test_show_dialog_returns_the_result(parent: Any, act: str, result: int) -> None:
    """A dialog of the program's own; it is not deleted, and can be shown again."""
    dialog = QtWidgets.QDialog(parent)
    for _ in range(2):
        assert answer(dialogs.show_dialog(dialog), lambda dialog: getattr(dialog, act)()) == result
    delete(dialog)


@pytest.mark.parametrize("how", ["cancel", "timeout", "owner"])
def test_show_dialog_cancelled_closes_the_dialog(parent: Any, how: str) -> None:
    """Cancelled by its task's end, a timeout or the end of the owner, the await closes the dialog."""
    dialog = QtWidgets.QDialog(parent)
    owner = QtCore.QObject()

    async def main() -> None:
        asking = dialogs.show_dialog(dialog)
        if how == "timeout":
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(asking, 0.01)
        else:
            task = asyncslot.run_task(asking, owner=owner)
            assert dialog.isVisible()
            task.cancel() if how == "cancel" else delete(owner)
            await asyncio.wait([task])
            assert task.cancelled()
        assert not dialog.isVisible()

    run_coroutine(main())
    delete(dialog)


@pytest.mark.parametrize("ask", [dialogs.question, dialogs.get_text])
def test_dialog_parent_destroyed_raises(attached: AsyncSlotEventLoop, ask: Any) -> None:
    """With its parent, the dialog is destroyed, and the await says so."""
    parent = QtWidgets.QWidget()
    parent.show()

    async def main() -> None:
        task = asyncslot.run_task(ask(parent, "T", "Text"))
        delete(parent)
        with pytest.raises(SenderDestroyed):
            await task

    run_coroutine(main())
    assert find_dialogs() == []


def test_show_dialog_refuses_what_is_no_dialog(parent: Any) -> None:
    """A widget that is no dialog has no result."""
    with pytest.raises(TypeError, match="a QDialog was expected"):
        run_coroutine(dialogs.show_dialog(parent))


@pytest.mark.parametrize("end", ["quit", "exit", "sigint"])
def test_quit_closes_the_dialog(end: str) -> None:
    """A quit cancels the task, which closes its dialog; the program ends with its code."""
    finished = run_script("quit_dialog", end)
    assert finished.errors == ""
    assert finished.lines == ["asked", "cancelled"]
    assert finished.code == {"quit": 0, "exit": 5, "sigint": 130}[end]


def test_dialogs_and_background_are_imported_when_used() -> None:
    """``import asyncslot`` makes both available, and imports neither of them, nor QtWidgets."""
    finished = run_script("dialogs_attribute", options=())
    assert finished.lines == ["set() True", "True True", "True False"]


@pytest.mark.parametrize("how", ["await", "exec", "callback", "message", "timeout", "splash"])
def test_dialog_before_the_first_window_does_not_end_the_program(how: str) -> None:
    """In blocking mode, the program goes on when its own dialog, the only window, closes; a window's end is a quit."""
    finished = run_script("log_in", how)
    assert finished.errors == ""
    assert finished.lines == ["logged in", "window shown", "cancelled", "SystemExit 0", "quits: True"]


@pytest.mark.parametrize("case", ["parented", "first", "same", "hidden"])
def test_last_window_beside_a_dialog_ends_the_program(case: str) -> None:
    """Once there was a window, its end, or that of the dialog after it, is a quit."""
    finished = run_script("last_window", case)
    assert finished.errors == ""
    assert finished.lines[-1] == "SystemExit 0"


def test_program_may_go_to_the_tray_after_its_dialog() -> None:
    """What the program sets after the dialog stays set."""
    finished = run_script("last_window", "tray")
    assert finished.errors == ""
    assert finished.lines == ["dialog over", "quits: False"]


@pytest.mark.parametrize("way", ["hide", "setVisible"])
def test_show_dialog_hidden_returns(parent: Any, way: str) -> None:
    """A dialog that is hidden without finished(), as QProgressDialog is at its end, is over, as for exec()."""
    dialog = QtWidgets.QProgressDialog("Text", "Cancel", 0, 10, parent)
    act = (lambda dialog: dialog.setValue(10)) if way == "hide" else (lambda dialog: dialog.setVisible(False))
    assert answer(dialogs.show_dialog(dialog), act) == 0
    delete(dialog)


def test_dialog_of_a_closed_loop_can_be_closed(app: Any) -> None:
    """Nobody waits any more; nothing is raised into Qt, which would abort PyQt."""
    loop = AsyncSlotEventLoop()
    dialog = QtWidgets.QDialog()
    task = loop.run_task(dialogs.show_dialog(dialog))
    loop.detach()
    loop.close()
    dialog.close()
    assert not task.done()
    task._log_destroy_pending = False  # type: ignore[attr-defined]


def test_dialog_on_another_thread_is_refused(attached: AsyncSlotEventLoop) -> None:
    """Widgets work on the application's thread only: the error says what to do."""
    errors: list[str] = []

    def ask() -> None:
        try:
            asyncio.run(dialogs.question(None, "T", "Text"))
        except RuntimeError as exc:
            errors.append(str(exc))

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join(CEILING_S)
    assert "widgets work on the application's thread only" in errors[0]


def test_dialog_without_qapplication_is_refused() -> None:
    """Qt would abort the process."""
    finished = run_script("core_dialog")
    assert finished.lines == ["a dialog needs a QApplication, but the application is"]
    assert finished.code == 0
