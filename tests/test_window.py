"""The inspector in a window of its own. The keys, dialogs and quits are in test_launch."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import qt
from support import run_script

from asyncslot import inspector
from asyncslot._inspector import window as module
from asyncslot._loop.dialog_hold import DialogHold
from asyncslot._qt import QtCore


def test_second_call_raises_the_same_window(app: Any) -> None:
    """Also when it was closed or minimized in between."""
    window = inspector.show()
    assert window.isVisible()
    assert inspector.show() is window
    window.showMinimized()
    assert not inspector.show().isMinimized()
    window.close()
    assert inspector.show() is window
    assert window.isVisible()
    window.close()


def test_destroyed_window_is_made_again(app: Any) -> None:
    """As when the application was."""
    window = inspector.show()
    qt.delete(window)
    other = inspector.show()
    assert other is not window
    assert other.isVisible()
    other.close()


def test_window_does_not_count_as_the_programs(app: Any) -> None:
    """A log-in dialog may still come before the program's first window: its closing is no quit."""
    window = inspector.show()
    assert not window.testAttribute(QtCore.Qt.WidgetAttribute.WA_QuitOnClose)
    others = [each for each in qt.QApplication.topLevelWidgets() if each is not window]
    for other in others:
        other.deleteLater()
    qt.QApplication.sendPostedEvents(None, 52)  # QEvent::DeferredDelete.
    assert DialogHold().is_closed(runs_qt_loop=True)
    window.close()


def test_other_thread_is_an_error(app: Any) -> None:
    """With the way out."""
    errors: list[RuntimeError] = []

    def run() -> None:
        try:
            inspector.show()
        except RuntimeError as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert "on the application's thread" in str(errors[0])


def test_application_without_widgets_is_an_error(monkeypatch: pytest.MonkeyPatch, app: Any) -> None:
    """Or none at all."""

    class Core:
        @staticmethod
        def instance() -> None:
            return None

    monkeypatch.setattr(module, "QtCore", type("QtCore", (), {"QCoreApplication": Core}))
    with pytest.raises(RuntimeError, match="needs a QApplication, but there is no application"):
        inspector.show()


@pytest.mark.parametrize("how", ["blocking", "attached"])
def test_open_inspector_while_the_program_quits(how: str) -> None:
    """The program ends with its own code, and says nothing."""
    finished = run_script("inspector_quit", how)
    assert finished.lines == ["cleaning up", "cleaned up"]
    assert (finished.code, finished.errors) == (3, "")
