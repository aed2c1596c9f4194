"""Opening a source file at a line: in the editor that the environment names, else by the desktop."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Callable, Mapping

from asyncslot._qt import QtCore, import_qt

__all__ = ["editor_command", "open_line"]


def _colon(file: str, line: int) -> list[str]:
    return [f"{file}:{line}"]


def _goto(file: str, line: int) -> list[str]:
    return ["-g", f"{file}:{line}"]


def _plus(file: str, line: int) -> list[str]:
    return [f"+{line}", file]


def _dash_l(file: str, line: int) -> list[str]:
    return ["-l", str(line), file]


def _long_line(file: str, line: int) -> list[str]:
    return ["--line", str(line), file]


def _dash_n(file: str, line: int) -> list[str]:
    return [f"-n{line}", file]


# How each graphical editor is told of a line. Source: each editor's own --help or manual page.
_WAYS: dict[str, Callable[[str, int], list[str]]] = {
    **dict.fromkeys(("code", "code-insiders", "codium", "vscodium", "code-oss", "cursor"), _goto),
    **dict.fromkeys(("subl", "sublime_text", "zed", "zeditor", "qtcreator", "lite-xl"), _colon),
    **dict.fromkeys(("kate", "kwrite", "geany", "mousepad"), _dash_l),
    **dict.fromkeys(("gedit", "pluma", "xed", "gvim", "mvim", "emacs", "emacsclient"), _plus),
    **dict.fromkeys(("pycharm", "charm", "idea", "clion", "pycharm-community", "pycharm-professional"), _long_line),
    "notepad++": _dash_n,
}

# Options that make a graphical editor run in the terminal, which a window does not have.
_TERMINAL_OPTIONS = ("-t", "-nw", "-tty", "--tty", "--no-window-system")


def editor_command(
    environment: Mapping[str, str], file: str, line: int, *, is_windows: bool = False
) -> list[str] | None:
    """
    Return the command that opens *file* at *line*.

    ``$VISUAL`` comes first, then ``$EDITOR``; either may have options. An editor that needs a terminal, or is
    unknown, is passed over.

    Args:
        environment: The environment variables.
        file: The path.
        line: The number of the line, from 1 on.
        is_windows: Whether a backslash separates directories.

    Returns:
        The program and its arguments; None if neither variable names a graphical editor that is known to take a line.
    """
    for variable in ("VISUAL", "EDITOR"):
        command = _split(environment.get(variable, ""), is_windows=is_windows)
        if not command or set(command) & set(_TERMINAL_OPTIONS):
            continue
        way = _WAYS.get(_name_program(command[0]))
        # Vim's option for its window.
        if way is None and _name_program(command[0]) in ("vim", "vi") and "-g" in command:
            way = _plus
        if way is not None:
            return [*command, *way(file, line)]
    return None


def _split(text: str, *, is_windows: bool) -> list[str]:
    try:
        parts = shlex.split(text, posix=not is_windows)
    except ValueError:  # A quotation mark that is not closed.
        return []
    return [part.strip('"') for part in parts] if is_windows else parts


def _name_program(path: str) -> str:
    name = path.replace("\\", "/").rpartition("/")[2].lower()
    stem, dot, suffix = name.rpartition(".")
    return stem if dot and suffix in ("exe", "cmd", "bat", "sh") else name


def open_line(file: str, line: int) -> str:
    """
    Open *file* at *line*; without a known editor, the file.

    Returns:
        What went wrong, as a sentence; "" if nothing did.
    """
    if not Path(file).is_file():
        return f"There is no file {file}."
    command = editor_command(os.environ, file, line, is_windows=sys.platform == "win32")
    if command is not None:
        return "" if _launch(command) else f"{command[0]} could not be started."
    # On Windows, to open a Python file means to run it. So its directory is opened.
    target = str(Path(file).parent) if sys.platform == "win32" else file
    services = import_qt("QtGui").QDesktopServices
    is_open = services.openUrl(QtCore.QUrl.fromLocalFile(target))
    return "" if is_open else f"The desktop could not open {file}; set VISUAL to an editor, such as 'code' or 'kate'."


def _launch(command: list[str]) -> bool:
    started = QtCore.QProcess.startDetached(command[0], command[1:])
    # PyQt returns the process id, too.
    return bool(started[0] if isinstance(started, tuple) else started)
