"""
Dialogs that a coroutine awaits, without a nested Qt loop.

This module imports QtWidgets only when the first dialog is shown. The functions have the parameters of Qt's own static
functions, in the same order, under Python's names; they return what Qt's return.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import Any, Iterator, Sequence

from asyncslot._qt import QtCore, Signal, check_alive, import_qt, is_alive, on_widget_thread
from asyncslot._slot.error_box import error_handler
from asyncslot.loop import GuestEventLoop
from asyncslot.signals import expect_signal

__all__ = [
    "critical",
    "error_handler",
    "get_color",
    "get_double",
    "get_existing_directory",
    "get_font",
    "get_int",
    "get_item",
    "get_open_file_name",
    "get_open_file_names",
    "get_save_file_name",
    "get_text",
    "information",
    "question",
    "show_dialog",
    "warning",
]

# The range of Qt's own QInputDialog.getInt() and getDouble().
_MAX_INT = 2**31 - 1


async def show_dialog(dialog: Any) -> int:
    """
    Show a dialog by ``open()``, and wait until it is finished.

    If the task is cancelled meanwhile, by a timeout, the end of its owner or a quit, the dialog is closed.
    The dialog is not deleted: its widgets can be read afterwards.

    Args:
        dialog: A QDialog. With a parent, it blocks the parent's window.

    Returns:
        Its result, such as ``QDialog.Accepted``, as a number.

    Raises:
        TypeError: If *dialog* is no QDialog.
        SenderDestroyed: If it is destroyed meanwhile, as with its parent.
    """
    widgets = _import_widgets()
    if not isinstance(dialog, widgets.QDialog):
        msg = f"a QDialog was expected, got {dialog!r}"
        raise TypeError(msg)
    check_alive(dialog)
    loop = asyncio.get_running_loop()
    watcher = _HideWatcher(loop)
    dialog.installEventFilter(watcher)
    # In blocking mode, the end of a dialog that a coroutine awaits does not end the program.
    hold = loop._hold_last_window(dialog) if isinstance(loop, GuestEventLoop) else contextlib.nullcontext()
    with hold:
        try:
            async with expect_signal(dialog.finished, watcher.hidden, owner=dialog) as received:
                dialog.open()
        finally:
            if is_alive(dialog):
                dialog.removeEventFilter(watcher)
                # Not close(), which a closeEvent() may refuse. Of QDialog itself: the program may override it.
                if dialog.isVisible():
                    widgets.QDialog.done(dialog, 0)
    # Not what finished() has told: a message box that is closed tells 0, and gets its real result, which exec()
    # returns, too, afterwards. hide() tells nothing.
    if not is_alive(dialog) and received.arguments:
        return int(received.arguments[0])
    result: int = dialog.result()
    return result


class _HideWatcher(QtCore.QObject):
    """Tells when a dialog was hidden, by whatever way; after ``finished``, if that is emitted."""

    hidden = Signal()

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._loop = loop

    def eventFilter(self, dialog: Any, event: Any) -> bool:  # noqa: N802 - Qt's name.
        """Look at each event of the dialog; keep none from it."""
        del dialog
        # A window that is minimized is hidden spontaneously.
        if event.type() == QtCore.QEvent.Type.Hide and not event.spontaneous():
            # The loop may be closed while a dialog is awaited, and then nobody waits. What is raised here enters Qt.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon(self._tell)
        return False

    def _tell(self) -> None:
        if is_alive(self):
            self.hidden.emit()


def _import_widgets() -> Any:
    """
    Import QtWidgets, to make a widget.

    Raises:
        RuntimeError: If there is no QApplication, or this is not its thread. Qt would end the process.
    """
    application = QtCore.QCoreApplication.instance()
    if application is None or not application.inherits("QApplication"):
        msg = f"a dialog needs a QApplication, but the application is {application!r}"
        raise RuntimeError(msg)
    if not on_widget_thread():
        msg = (
            f"a dialog was asked for on thread {threading.current_thread().name!r}, but widgets work on the "
            "application's thread only; use asyncio.run_coroutine_threadsafe() with the loop of that thread"
        )
        raise RuntimeError(msg)
    return import_qt("QtWidgets")


async def _show_once(dialog: Any) -> bool:
    """Show a dialog of ours, and tell whether it was accepted."""
    return await show_dialog(dialog) != 0


@contextlib.contextmanager
def _deleting(dialog: Any) -> Iterator[Any]:
    """Have a dialog of ours deleted after the block."""
    try:
        yield dialog
    finally:
        # Its parent may have been destroyed, and the dialog with it.
        if is_alive(dialog):
            dialog.deleteLater()


# -- message boxes --


async def information(parent: Any, title: str, text: str, buttons: Any = None, default_button: Any = None) -> Any:
    """Show a message; see `question`. The default button is Ok."""
    return await _show_message("Information", parent, title, text, buttons, default_button)


async def question(parent: Any, title: str, text: str, buttons: Any = None, default_button: Any = None) -> Any:
    """
    Ask a question in a message box.

    Args:
        parent: The widget whose window the box blocks; None for none.
        title: The box's title.
        text: What it says.
        buttons: Its ``QMessageBox.StandardButton`` flags; None for Qt's own default, here Yes and No.
        default_button: The button that the Return key presses; None to let Qt choose.

    Returns:
        The ``QMessageBox.StandardButton`` that was pressed. Escape, and closing the box, press one, too: Cancel, No, or
        the only one. NoButton if the program has closed the box.

    Raises:
        SenderDestroyed: If the parent is destroyed meanwhile.
    """
    return await _show_message("Question", parent, title, text, buttons, default_button)


async def warning(parent: Any, title: str, text: str, buttons: Any = None, default_button: Any = None) -> Any:
    """Show a warning; see `question`. The default button is Ok."""
    return await _show_message("Warning", parent, title, text, buttons, default_button)


async def critical(parent: Any, title: str, text: str, buttons: Any = None, default_button: Any = None) -> Any:
    """Show an error; see `question`. The default button is Ok."""
    return await _show_message("Critical", parent, title, text, buttons, default_button)


async def _show_message(icon: str, parent: Any, title: str, text: str, buttons: Any, default_button: Any) -> Any:
    message_box = _import_widgets().QMessageBox
    known = message_box.StandardButton
    if buttons is None:
        buttons = known.Yes | known.No if icon == "Question" else known.Ok
    with _deleting(message_box(getattr(message_box.Icon, icon), title, text, buttons, parent)) as box:
        if default_button is not None:
            box.setDefaultButton(default_button)
        await show_dialog(box)
        button = box.clickedButton()
        return known.NoButton if button is None else box.standardButton(button)


# -- files --


async def get_open_file_name(
    parent: Any = None,
    caption: str = "",
    dir: str = "",
    filter: str = "",
    selected_filter: str = "",
    options: Any = None,
) -> tuple[str, str]:
    """
    Ask for the name of a file that exists.

    Args:
        parent: The widget whose window the dialog blocks; None for none.
        caption: The dialog's title; empty for Qt's own.
        dir: The directory, or the file, to begin with; empty for the working directory.
        filter: Which files are shown, such as ``"Images (*.png *.jpg);;All files (*)"``.
        selected_filter: The part of *filter* to begin with.
        options: ``QFileDialog.Option`` flags; None for none.

    Returns:
        The file's name and the filter that was selected; two empty strings if the dialog was cancelled.
    """
    names, chosen = await _get_files("ExistingFile", parent, caption, dir, filter, selected_filter, options)
    return (names[0] if names else "", chosen)


async def get_open_file_names(
    parent: Any = None,
    caption: str = "",
    dir: str = "",
    filter: str = "",
    selected_filter: str = "",
    options: Any = None,
) -> tuple[list[str], str]:
    """Ask for the names of files that exist; see `get_open_file_name`. The names are a list."""
    return await _get_files("ExistingFiles", parent, caption, dir, filter, selected_filter, options)


async def get_save_file_name(
    parent: Any = None,
    caption: str = "",
    dir: str = "",
    filter: str = "",
    selected_filter: str = "",
    options: Any = None,
) -> tuple[str, str]:
    """Ask for the name of a file to write, which may not exist; see `get_open_file_name`."""
    names, chosen = await _get_files("AnyFile", parent, caption, dir, filter, selected_filter, options)
    return (names[0] if names else "", chosen)


async def get_existing_directory(parent: Any = None, caption: str = "", dir: str = "", options: Any = None) -> str:
    """Ask for a directory; see `get_open_file_name`. An empty string if the dialog was cancelled."""
    if options is None:
        options = _import_widgets().QFileDialog.Option.ShowDirsOnly
    names, _ = await _get_files("Directory", parent, caption, dir, "", "", options)
    return names[0] if names else ""


async def _get_files(
    mode: str, parent: Any, caption: str, dir: str, filter: str, selected_filter: str, options: Any
) -> tuple[list[str], str]:
    file_dialog = _import_widgets().QFileDialog
    with _deleting(file_dialog(parent, caption, dir, filter)) as dialog:
        # First: the other settings are for the dialog that the options choose.
        if options is not None:
            dialog.setOptions(options)
        dialog.setFileMode(getattr(file_dialog.FileMode, mode))
        if mode == "AnyFile":
            dialog.setAcceptMode(file_dialog.AcceptMode.AcceptSave)
        if selected_filter:
            dialog.selectNameFilter(selected_filter)
        if not await _show_once(dialog):
            return [], ""
        return list(dialog.selectedFiles()), dialog.selectedNameFilter()


# -- values --


async def get_text(parent: Any, title: str, label: str, echo: Any = None, text: str = "") -> tuple[str, bool]:
    """
    Ask for a line of text.

    Args:
        parent: The widget whose window the dialog blocks; None for none.
        title: The dialog's title.
        label: What it asks for.
        echo: The ``QLineEdit.EchoMode``; None for Normal.
        text: The text to begin with.

    Returns:
        The text, and whether it was accepted; an empty text if it was not.
    """
    with _deleting(_make_input(parent, title, label)) as dialog:
        if echo is not None:
            dialog.setTextEchoMode(echo)
        dialog.setTextValue(text)
        is_accepted = await _show_once(dialog)
        return (dialog.textValue() if is_accepted else "", is_accepted)


async def get_item(
    parent: Any, title: str, label: str, items: Sequence[str], current: int = 0, *, editable: bool = True
) -> tuple[str, bool]:
    """
    Ask for one of some texts.

    Args:
        parent: As for `get_text`.
        title: As for `get_text`.
        label: As for `get_text`.
        items: The texts.
        current: The number of the one to begin with.
        editable: Whether another text can be entered.

    Returns:
        The text, and whether it was accepted; the text to begin with if it was not.
    """
    with _deleting(_make_input(parent, title, label)) as dialog:
        before = items[current] if 0 <= current < len(items) else ""
        dialog.setComboBoxItems(list(items))
        dialog.setComboBoxEditable(editable)
        dialog.setTextValue(before)
        is_accepted = await _show_once(dialog)
        return (dialog.textValue() if is_accepted else before, is_accepted)


async def get_int(
    parent: Any,
    title: str,
    label: str,
    value: int = 0,
    min_value: int = -_MAX_INT,
    max_value: int = _MAX_INT,
    step: int = 1,
) -> tuple[int, bool]:
    """Ask for a whole number; see `get_text`. *value* if it was not accepted."""
    with _deleting(_make_input(parent, title, label)) as dialog:
        dialog.setInputMode(dialog.InputMode.IntInput)
        dialog.setIntRange(min_value, max_value)
        dialog.setIntValue(value)
        dialog.setIntStep(step)
        is_accepted = await _show_once(dialog)
        return (dialog.intValue() if is_accepted else value, is_accepted)


async def get_double(
    parent: Any,
    title: str,
    label: str,
    value: float = 0.0,
    min_value: float = -_MAX_INT,
    max_value: float = _MAX_INT,
    decimals: int = 1,
    step: float = 1.0,
) -> tuple[float, bool]:
    """Ask for a number; see `get_text`. *decimals* is how many digits may follow the point."""
    with _deleting(_make_input(parent, title, label)) as dialog:
        dialog.setInputMode(dialog.InputMode.DoubleInput)
        # Before the value, which is rounded to it.
        dialog.setDoubleDecimals(decimals)
        dialog.setDoubleRange(min_value, max_value)
        dialog.setDoubleValue(value)
        dialog.setDoubleStep(step)
        is_accepted = await _show_once(dialog)
        return (dialog.doubleValue() if is_accepted else value, is_accepted)


def _make_input(parent: Any, title: str, label: str) -> Any:
    dialog = _import_widgets().QInputDialog(parent)
    dialog.setWindowTitle(title)
    dialog.setLabelText(label)
    return dialog


async def get_color(initial: Any = None, parent: Any = None, title: str = "", options: Any = None) -> Any:
    """
    Ask for a colour.

    Args:
        initial: The QColor to begin with; None for white.
        parent: The widget whose window the dialog blocks; None for none.
        title: The dialog's title; empty for Qt's own.
        options: ``QColorDialog.ColorDialogOption`` flags; None for none.

    Returns:
        The QColor; an invalid one if the dialog was cancelled.
    """
    color = import_qt("QtGui").QColor
    with _deleting(_import_widgets().QColorDialog(color("white") if initial is None else initial, parent)) as dialog:
        _prepare(dialog, title, options)
        return dialog.selectedColor() if await _show_once(dialog) else color()


async def get_font(initial: Any = None, parent: Any = None, title: str = "", options: Any = None) -> tuple[Any, bool]:
    """
    Ask for a font.

    Args:
        initial: The QFont to begin with; None for the application's.
        parent: The widget whose window the dialog blocks; None for none.
        title: The dialog's title; empty for Qt's own.
        options: ``QFontDialog.FontDialogOption`` flags; None for none.

    Returns:
        The QFont, and whether it was accepted; *initial* if it was not.
    """
    font = import_qt("QtGui").QFont() if initial is None else initial
    with _deleting(_import_widgets().QFontDialog(font, parent)) as dialog:
        _prepare(dialog, title, options)
        is_accepted = await _show_once(dialog)
        return (dialog.selectedFont() if is_accepted else font, is_accepted)


def _prepare(dialog: Any, title: str, options: Any) -> None:
    if title:
        dialog.setWindowTitle(title)
    if options is not None:
        dialog.setOptions(options)
