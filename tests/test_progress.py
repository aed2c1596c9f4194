"""Progress: what was reported, in widgets. The work is a fake; real work is in test_background."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import process_functions as functions
import pytest
from qt import QTest, delete
from support import CEILING_S

from asyncslot import AsyncSlotEventLoop, Progress, run_in_thread
from asyncslot._background.reporter import Report
from asyncslot._qt import QtCore, import_qt

QtWidgets = import_qt("QtWidgets")


class Widgets:
    """A bar, a label and a button, bound to a Progress; and how often the work was asked to end."""

    def __init__(self) -> None:
        self.bar = QtWidgets.QProgressBar()
        self.label = QtWidgets.QLabel("before")
        self.button = QtWidgets.QPushButton("Cancel")
        self.progress = Progress().bind(self.bar, self.label, self.button)
        self.cancelled = 0

    def begin(self) -> None:
        self.progress._begin(self.cancel)

    def cancel(self) -> None:
        self.cancelled += 1

    @property
    def range(self) -> tuple[int, int, int]:
        return self.bar.minimum(), self.bar.maximum(), self.bar.value()


@pytest.fixture
def widgets(app: Any) -> Widgets:
    return Widgets()


def test_progress_shows_reports(widgets: Widgets) -> None:
    """Busy until a total is known; then how much is done. At the end, the bar stays."""
    assert not widgets.button.isEnabled()
    widgets.begin()
    assert widgets.range[:2] == (0, 0)
    assert widgets.button.isEnabled()
    widgets.progress._take(Report(1, None, "looking"))
    assert widgets.range[:2] == (0, 0)
    widgets.progress._take(Report(3, 4, "copying"))
    assert widgets.range == (0, 4, 3)
    assert widgets.label.text() == "copying"
    widgets.progress._end(has_succeeded=True)
    assert widgets.range == (0, 4, 3)
    assert not widgets.button.isEnabled()
    assert not widgets.progress.is_running


@pytest.mark.parametrize(
    ("done", "total", "shown"),
    [
        (5, 10, (10, 5)),
        (0.25, 1, (10_000, 2_500)),
        (3 * 2**40, 4 * 2**40, (10_000, 7_500)),
        (12, 10, (10, 10)),
        (-1, 10, (10, 0)),
        (0, 0, (1, 1)),
        (5e307, 1e308, (10_000, 5_000)),
        (10**400, 2 * 10**400, (10_000, 5_000)),
    ],
)
def test_progress_scales_to_what_a_bar_can_hold(widgets: Widgets, done: float, total: float, shown: Any) -> None:
    """Bytes and fractions, too; more than all is all."""
    widgets.begin()
    widgets.progress._take(Report(done, total, None))
    assert widgets.range == (0, *shown)
    widgets.progress._end(has_succeeded=True)


@pytest.mark.parametrize(("has_succeeded", "value"), [(True, 1), (False, -1)])
def test_progress_without_total_ends_the_busy_bar(widgets: Widgets, has_succeeded: bool, value: int) -> None:
    """It is full if the work has succeeded, else empty."""
    widgets.begin()
    widgets.progress._take(Report(7, None, None))
    widgets.progress._end(has_succeeded=has_succeeded)
    assert widgets.range == (0, 1, value)


def test_progress_button_cancels_once(widgets: Widgets) -> None:
    """A click asks the work to end, and there is nothing more to cancel; after the end, a click does nothing."""
    widgets.begin()
    QTest.mouseClick(widgets.button, QtCore.Qt.MouseButton.LeftButton)
    assert widgets.cancelled == 1
    assert not widgets.button.isEnabled()
    widgets.progress._end(has_succeeded=False)
    widgets.button.setEnabled(True)
    widgets.button.click()
    widgets.progress.cancel()
    assert widgets.cancelled == 1


def test_progresses_may_share_a_button(widgets: Widgets) -> None:
    """It is enabled as long as it can cancel anything, and cancels all that runs."""
    other: list[int] = []
    second = Progress().bind(None, cancel_button=widgets.button)
    widgets.begin()
    second._begin(lambda: other.append(1))
    widgets.progress._end(has_succeeded=True)
    assert widgets.button.isEnabled()
    widgets.begin()
    second.cancel()
    assert widgets.button.isEnabled()
    widgets.button.click()
    assert not widgets.button.isEnabled()
    assert (widgets.cancelled, other) == (1, [1])
    second._end(has_succeeded=False)
    widgets.progress._end(has_succeeded=False)
    assert not widgets.button.isEnabled()


def test_progress_is_used_by_one_call_at_a_time(widgets: Widgets) -> None:
    """A second call is refused, and the first one goes on; afterwards, the next one begins anew."""
    widgets.begin()
    widgets.progress._take(Report(3, 4, "old"))
    with pytest.raises(RuntimeError, match="make a Progress for each of the calls"):
        widgets.begin()
    assert widgets.progress.is_running
    widgets.progress._end(has_succeeded=True)
    widgets.begin()
    assert (widgets.progress.done, widgets.progress.total, widgets.progress.text) == (0, None, None)
    assert widgets.range[:2] == (0, 0)
    widgets.progress._end(has_succeeded=True)


def test_progress_bound_while_work_runs_shows_it(app: Any) -> None:
    """What was reported before is shown at once."""
    progress = Progress()
    progress._begin(int)
    progress._take(Report(1, 2, "x"))
    bar, label, button = QtWidgets.QProgressBar(), QtWidgets.QLabel(), QtWidgets.QPushButton()
    progress.bind(bar, label, button)
    assert (bar.maximum(), bar.value(), label.text(), button.isEnabled()) == (2, 1, "x", True)
    progress._end(has_succeeded=True)
    assert not button.isEnabled()


@pytest.mark.parametrize("name", ["bar", "label", "button"])
def test_progress_widget_may_be_destroyed(widgets: Widgets, name: str) -> None:
    """What is left is used on."""
    widgets.begin()
    delete(getattr(widgets, name))
    widgets.progress._take(Report(1, 2, "x"))
    if name != "label":
        assert widgets.label.text() == "x"
    if name != "bar":
        assert widgets.bar.value() == 1
    widgets.progress.cancel()
    widgets.progress._end(has_succeeded=False)
    widgets.begin()
    widgets.progress._end(has_succeeded=True)


def click_cancel(dialog: Any) -> None:
    QTest.mouseClick(dialog.findChild(QtWidgets.QPushButton), QtCore.Qt.MouseButton.LeftButton)


def press_escape(dialog: Any) -> None:
    QTest.keyClick(dialog, QtCore.Qt.Key.Key_Escape)


@pytest.mark.parametrize("act", [None, click_cancel, press_escape, lambda dialog: dialog.close()])
def test_progress_dialog_shows_and_cancels(attached: AsyncSlotEventLoop, act: Any) -> None:
    """A QProgressDialog has its label and its button, and is hidden at the end."""
    cancelled: list[int] = []
    dialog = QtWidgets.QProgressDialog()
    dialog.setMinimumDuration(0)
    progress = Progress().bind(dialog)
    for _ in range(2):
        progress._begin(lambda: cancelled.append(1))
        progress._take(Report(2, 4, "copying"))
        assert dialog.isVisible()
        assert (dialog.maximum(), dialog.value(), dialog.labelText()) == (4, 2, "copying")
        if act is not None:
            act(dialog)
        progress._end(has_succeeded=act is None)
        assert not dialog.isVisible()
    assert cancelled == ([] if act is None else [1, 1])
    delete(dialog)


def test_progress_dialog_tells_whether_it_was_cancelled(attached: AsyncSlotEventLoop) -> None:
    """As it does without asyncslot; a program may also keep it open, and it shows that all is done."""
    dialog = QtWidgets.QProgressDialog()
    dialog.setMinimumDuration(0)
    progress = Progress().bind(dialog)
    progress._begin(int)
    progress._take(Report(2, 4, None))
    click_cancel(dialog)
    progress._end(has_succeeded=False)
    assert dialog.wasCanceled()
    dialog.setAutoReset(False)
    dialog.setAutoClose(False)
    progress._begin(int)
    progress._take(Report(4, 4, None))
    progress._end(has_succeeded=True)
    assert not dialog.wasCanceled()
    assert dialog.isVisible()
    assert dialog.value() == 4
    delete(dialog)


def test_progress_whose_bar_fails_at_the_beginning_ends(loop: AsyncSlotEventLoop) -> None:
    """The work begins, and the Progress can be used for the next call."""
    reports: list[str] = []
    loop.set_exception_handler(lambda _, context: reports.append(context["message"]))

    class Bar(QtWidgets.QProgressBar):
        def setRange(self, minimum: int, maximum: int) -> None:
            raise ValueError(maximum)

    async def main() -> None:
        bar = Bar()
        progress = Progress().bind(bar)
        for number in (3, 4):
            assert await run_in_thread(functions.count, number, progress=progress) == number

    loop.run_until_complete(main())
    assert set(reports) == {"A Progress could not be shown"}


def test_progress_that_cannot_be_shown_is_reported(loop: AsyncSlotEventLoop) -> None:
    """And ends all the same: the widget may be the program's own."""
    reports: list[str] = []
    loop.set_exception_handler(lambda _, context: reports.append(context["message"]))

    class Label(QtWidgets.QLabel):
        def setText(self, text: str) -> None:
            raise ValueError(text)

    async def main() -> None:
        bar = QtWidgets.QProgressBar()
        progress = Progress().bind(bar, Label())
        for _ in range(2):
            progress._begin(int)
            progress._take(Report(1, 2, "x"))
            progress._end(has_succeeded=True)
            assert not progress.is_running

    loop.run_until_complete(main())
    assert reports == ["A Progress could not be shown"] * 2


def test_progress_whose_call_ends_while_it_is_shown_shows_no_more(app: Any) -> None:
    """A modal dialog processes events, in which the work may end: nothing is shown of it afterwards."""
    seen: list[str] = []

    class Bar(QtWidgets.QProgressBar):
        def setValue(self, value: int) -> None:
            super().setValue(value)
            if value == 2:
                progress._end(has_succeeded=True)

    progress = Progress(lambda _: seen.append("on_report"))
    first, second = Bar(), QtWidgets.QProgressBar()
    progress.bind(first)
    progress.bind(second)
    progress._begin(int)
    progress._take(Report(1, 4, None))
    progress._take(Report(2, 4, None))
    assert (first.value(), second.value(), seen) == (2, 1, ["on_report"])


@pytest.mark.parametrize("error", [ValueError, asyncio.CancelledError])
def test_progress_on_report_that_fails_is_reported(loop: AsyncSlotEventLoop, error: Any) -> None:
    """A CancelledError, too: it cancels nothing."""
    reports: list[Any] = []
    loop.set_exception_handler(lambda _, context: reports.append(type(context["exception"])))

    def fail(_: object) -> None:
        raise error

    async def main() -> None:
        progress = Progress(fail)
        progress._begin(int)
        progress._take(Report(1, 2, None))
        progress._end(has_succeeded=True)

    loop.run_until_complete(main())
    assert reports == [error]


def test_progress_leaves_no_connection(widgets: Widgets) -> None:
    """Between two calls, the button knows nothing of the work."""
    for _ in range(3):
        widgets.begin()
        widgets.progress._end(has_succeeded=True)
    signal = QtCore.SIGNAL("clicked(bool)") if hasattr(QtCore, "SIGNAL") else widgets.button.clicked
    assert widgets.button.receivers(signal) == 0


def test_progress_on_report_is_called_with_it(app: Any) -> None:
    """For what no bar can show."""
    seen: list[Any] = []
    progress = Progress(lambda progress: seen.append((progress, progress.done, progress.total)))
    progress._begin(int)
    progress._take(Report(1, 2, None))
    progress._end(has_succeeded=True)
    assert seen == [(progress, 1, 2)]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((3,), "bar must be a widget with setRange, setValue, reset, got 3"),
        ((None, 3), "label must be a widget with setText, got 3"),
        ((None, QtWidgets.QPushButton), "pass it as cancel_button="),
        ((None, None, 3), "cancel_button must be a widget with setEnabled, clicked, got 3"),
    ],
)
def test_progress_bind_bad_input(app: Any, arguments: Any, text: str) -> None:
    """The error says what was expected."""
    arguments = [each() if isinstance(each, type) else each for each in arguments]
    with pytest.raises(TypeError, match=text):
        Progress().bind(*arguments)
    with pytest.raises(TypeError, match="on_report must be a function of the Progress, got 3"):
        Progress(3)  # type: ignore[arg-type]


def test_progress_of_widgets_is_refused_on_another_thread(widgets: Widgets) -> None:
    """Widgets work on the application's thread only."""
    errors: list[BaseException] = []

    def begin() -> None:
        try:
            widgets.begin()
        except RuntimeError as exc:
            errors.append(exc)

    thread = threading.Thread(target=begin, name="worker")
    thread.start()
    thread.join(CEILING_S)
    assert "a Progress that is bound to widgets was used on thread 'worker'" in str(errors[0])
    assert not widgets.progress.is_running
