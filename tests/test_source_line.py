"""Opening a source file at a line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from asyncslot._inspector import source_line
from asyncslot._inspector.source_line import editor_command, open_line


@pytest.mark.parametrize(
    ("value", "command"),
    [
        ("code", ["code", "-g", "a.py:7"]),
        ("code --wait", ["code", "--wait", "-g", "a.py:7"]),
        ("'/opt/my editors/code' -n", ["/opt/my editors/code", "-n", "-g", "a.py:7"]),
        ("subl", ["subl", "a.py:7"]),
        ("kate", ["kate", "-l", "7", "a.py"]),
        ("gedit", ["gedit", "+7", "a.py"]),
        ("/usr/bin/gvim", ["/usr/bin/gvim", "+7", "a.py"]),
        ("vim -g", ["vim", "-g", "+7", "a.py"]),
        ("emacsclient -n", ["emacsclient", "-n", "+7", "a.py"]),
        ("pycharm.sh", ["pycharm.sh", "--line", "7", "a.py"]),
    ],
)
@pytest.mark.parametrize("variable", ["VISUAL", "EDITOR"])
def test_graphical_editor_is_told_the_line(variable: str, value: str, command: list[str]) -> None:
    """In its own way, after its own options."""
    assert editor_command({variable: value}, "a.py", 7) == command


@pytest.mark.parametrize("value", ["", "  ", "vim", "nano", "emacs -nw", "emacsclient -t", "my-editor", "code '"])
def test_editor_of_the_terminal_or_unknown_is_passed_over(value: str) -> None:
    """The window has no terminal for it."""
    assert editor_command({"VISUAL": value}, "a.py", 7) is None
    assert editor_command({"VISUAL": value, "EDITOR": "kate"}, "a.py", 7) == ["kate", "-l", "7", "a.py"]


def test_visual_comes_before_editor() -> None:
    """As everywhere."""
    assert editor_command({"VISUAL": "subl", "EDITOR": "kate"}, "a.py", 7) == ["subl", "a.py:7"]


def test_path_of_windows_keeps_its_backslashes() -> None:
    """And its quotation marks are no part of it."""
    command = editor_command({"EDITOR": r'"C:\Program Files\Code\code.CMD" -r'}, r"C:\a.py", 7, is_windows=True)
    assert command == [r"C:\Program Files\Code\code.CMD", "-r", "-g", r"C:\a.py:7"]


def test_open_line_starts_the_editor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Detached; and says so if it cannot."""
    started: list[Any] = []
    monkeypatch.setenv("VISUAL", "kate")
    monkeypatch.setattr(source_line, "_launch", lambda command: started.append(command) or True)
    assert open_line(__file__, 3) == ""
    assert started == [["kate", "-l", "3", __file__]]
    monkeypatch.setattr(source_line, "_launch", lambda _: False)
    assert open_line(__file__, 3) == "kate could not be started."


def test_open_line_really_starts_a_process(app: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program of that name gets the arguments."""
    written = tmp_path / "written"
    editor = tmp_path / "kate"
    editor.write_text(f'#!/bin/sh\necho "$@" > {written}.new && mv {written}.new {written}\n')
    editor.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(editor))
    assert open_line(__file__, 3) == ""
    _wait_until(written.exists)
    assert written.read_text() == f"-l 3 {__file__}\n"
    monkeypatch.setenv("VISUAL", str(tmp_path / "none" / "kate"))
    assert "could not be started" in open_line(__file__, 3)


def test_open_line_without_an_editor_asks_the_desktop(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which may fail, as here, where there is none."""
    asked: list[Any] = []

    class Services:
        @staticmethod
        def openUrl(url: Any) -> bool:
            asked.append(url.toLocalFile())
            return False

    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.delenv("EDITOR", raising=False)
    monkeypatch.setattr(source_line, "import_qt", lambda _: type("QtGui", (), {"QDesktopServices": Services}))
    monkeypatch.setattr(source_line.sys, "platform", "linux")
    assert "set VISUAL to an editor" in open_line(__file__, 3)
    assert [Path(path) for path in asked] == [Path(__file__)]


def test_open_line_of_no_file_says_so() -> None:
    """Code that was compiled from text has a name, but no file."""
    assert open_line("<string>", 3) == "There is no file <string>."


def _wait_until(condition: Any) -> None:
    from support import CEILING_S, run_qt

    from asyncslot._qt import QtCore

    timer = QtCore.QTimer()

    def slot(quit_qt: Any) -> None:
        timer.timeout.connect(lambda: quit_qt() if condition() else None)
        timer.start(5)

    run_qt(slot, CEILING_S)
    timer.stop()
