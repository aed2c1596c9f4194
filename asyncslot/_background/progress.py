"""The loop's side of progress: what background work has reported last, and the widgets that show it."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, Callable

from asyncslot._qt import Connection, is_alive, on_widget_thread

if TYPE_CHECKING:
    from asyncslot._background.reporter import Report

__all__ = ["Progress"]

# The range of a bar whose own range, an int of C++, cannot hold the total: bytes, or fractions. Arbitrary.
FINE_RANGE = 10_000
MAX_INT = 2**31 - 1


class Progress:
    """
    How far a call of `run_in_thread` or `run_in_process` is. It is used on the loop's thread.

    It can be used for one call after the other, but not for two at once.

    ::

        state    a call begins  a report comes  cancel()                    the call ends
        idle     running        never           no-op                       never
        running  RuntimeError   shows it        the call is asked to end    idle

    Args:
        on_report: Called with this object after each report, at most about 30 times a second; None for nothing.

    Attributes:
        done: How much was done at the last report; 0 before.
        total: How much there is to do; None if it was not reported.
        text: What is being done; None if it was not reported.
        is_running: Whether a call runs.
    """

    def __init__(self, on_report: Callable[[Progress], object] | None = None) -> None:
        if on_report is not None and not callable(on_report):
            msg = f"on_report must be a function of the Progress, got {on_report!r}"
            raise TypeError(msg)
        self.done: float = 0
        self.total: float | None = None
        self.text: str | None = None
        self._on_report = on_report
        self._views: list[_View] = []
        # How many calls have ended.
        self._calls = 0
        # Asks the call that runs to end; None if none runs.
        self._cancel: Callable[[], object] | None = None
        # The call that runs was asked to end.
        self._is_cancelled = False

    @property
    def is_running(self) -> bool:
        """Whether a call runs."""
        return self._cancel is not None

    def bind(self, bar: Any, label: Any = None, cancel_button: Any = None) -> Progress:
        """
        Show the progress in widgets, as long as they exist.

        Args:
            bar: A QProgressBar, or a QProgressDialog, which has a label and a button of its own. While no total is
                known, it shows that something goes on. None for no bar.
            label: A widget with ``setText()``, which shows the texts that are reported; None for none.
            cancel_button: A button that cancels the call that runs. It is enabled only while one runs. Several
                objects of this class may share it. None for none.

        Returns:
            This object: ``progress = Progress().bind(self.bar)``.

        Raises:
            TypeError: If one of the widgets cannot do that, or *label* is a button.
        """
        _check("bar", bar, "setRange", "setValue", "reset")
        _check("label", label, "setText")
        if hasattr(label, "clicked"):
            msg = f"label shows the texts that are reported, got the button {label!r}; pass it as cancel_button="
            raise TypeError(msg)
        _check("cancel_button", cancel_button, "setEnabled", "clicked")
        view = _View(bar, label, cancel_button, self.cancel)
        self._views.append(view)
        if self.is_running:
            view.begin()
            view.show(self)
        elif cancel_button is not None:
            cancel_button.setEnabled(False)
        return self

    def cancel(self) -> None:
        """
        Ask the call that runs to end; a no-op if none runs.

        Its next report raises CancelledError, which leaves the call's ``await``, unless the function catches it.
        """
        if self._cancel is None:
            return
        # Once: a dialog may tell twice.
        cancel, self._cancel = self._cancel, _do_nothing
        self._is_cancelled = True
        cancel()
        for view in self._views:
            view.disable()

    def _begin(self, cancel: Callable[[], object]) -> None:
        """
        Note that a call begins.

        Raises:
            RuntimeError: If a call runs already, or if this is not the thread of the widgets.
        """
        if self.is_running:
            msg = "this Progress shows a call that runs; make a Progress for each of the calls that run at once"
            raise RuntimeError(msg)
        if self._views and not on_widget_thread():
            msg = (
                f"a Progress that is bound to widgets was used on thread {threading.current_thread().name!r}; widgets "
                "work on the application's thread only, so use it in a coroutine there"
            )
            raise RuntimeError(msg)
        self._cancel = cancel
        self._is_cancelled = False
        self.done, self.total, self.text = 0, None, None
        for view in self._views:
            self._try(view.begin)

    def _take(self, report: Report) -> None:
        self.done, self.total, self.text = report
        calls = self._calls
        for show in [*(view.show for view in self._views), self._on_report]:
            # A dialog may have processed events, and the call may have ended meanwhile.
            if show is not None and self._calls == calls:
                self._try(show, self)

    def _end(self, *, has_succeeded: bool) -> None:
        self._calls += 1
        self._cancel = None
        for view in self._views:
            self._try(view.end, self, has_succeeded)

    def _try(self, show: Callable[..., object], *args: object) -> None:
        """Call what shows the progress. An error there is reported, and does not concern the work."""
        try:
            show(*args)
        # CancelledError, too: nobody has cancelled the work by it.
        except (Exception, asyncio.CancelledError) as exc:  # noqa: BLE001 - of the program's own.
            context = {"message": "A Progress could not be shown", "exception": exc}
            asyncio.get_running_loop().call_exception_handler(context)


class _View:
    """The widgets of one `Progress.bind`. Any of them may be destroyed at any time."""

    def __init__(self, bar: Any, label: Any, cancel_button: Any, cancel: Callable[[], object]) -> None:
        self._bar = bar
        self._label = label
        self._button = cancel_button
        self._cancel = cancel
        # A QProgressDialog has a label and a button of its own.
        self._is_dialog = hasattr(bar, "setLabelText")
        # Only while a call runs: a connection keeps this object alive, and so the widgets.
        self._connections: list[Connection] = []
        # This view counts among those that keep the button enabled.
        self._enables = False

    def begin(self) -> None:
        """Show that work has begun. Nothing else is known yet."""
        if self._has(self._bar):
            self._bar.reset()
            self._bar.setRange(0, 0)
            # A dialog shows itself some time after this.
            self._bar.setValue(0)
        if self._has(self._button):
            self._enables = True
            self._count_enabling(1)
            self._connect(self._button.clicked)
        if self._is_dialog and self._has(self._bar):
            self._connect(self._bar.canceled)
            # Escape, where that is no shortcut of the dialog's.
            self._connect(self._bar.rejected)

    def show(self, progress: Progress) -> None:
        """Show the last report."""
        if progress.text is not None:
            if self._has(self._label):
                self._label.setText(progress.text)
            if self._is_dialog and self._has(self._bar):
                self._bar.setLabelText(progress.text)
        if progress.total is not None and self._has(self._bar):
            maximum, value = _scale(progress.done, progress.total)
            self._bar.setRange(0, maximum)
            # A modal dialog processes events here, so this comes last.
            self._bar.setValue(value)

    def disable(self) -> None:
        """Show that there is nothing to cancel any more, unless the button cancels something else, too."""
        if self._enables:
            self._enables = False
            self._count_enabling(-1)

    def _count_enabling(self, change: int) -> None:
        # In a property of the button's, which several objects of this class may have.
        if self._has(self._button):
            count = (self._button.property("_asyncslot_enabling") or 0) + change
            self._button.setProperty("_asyncslot_enabling", count)
            self._button.setEnabled(count > 0)

    def end(self, progress: Progress, has_succeeded: object) -> None:
        """Show that no work goes on."""
        for connection in self._connections:
            connection.close()
        self._connections.clear()
        self.disable()
        if not self._has(self._bar):
            return
        # A dialog that was cancelled is hidden. reset() would make it forget that.
        if self._is_dialog and self._bar.wasCanceled():
            return
        if progress.total is None:
            # Without a range, it would go on showing that something goes on.
            self._bar.setRange(0, 1)
            self._bar.setValue(1)
        # reset() hides a dialog, unless the program wants to do that.
        if not has_succeeded or (self._is_dialog and self._bar.autoClose()):
            self._bar.reset()

    def _connect(self, signal: Any) -> None:
        self._connections.append(Connection(signal, self._on_cancel, _do_nothing))

    def _on_cancel(self, _: object) -> None:
        self._cancel()

    def _has(self, widget: Any) -> bool:
        return widget is not None and is_alive(widget)


def _do_nothing() -> None:
    pass


def _check(name: str, widget: Any, *attributes: str) -> None:
    missing = [] if widget is None else [each for each in attributes if not hasattr(widget, each)]
    if missing:
        msg = f"{name} must be a widget with {', '.join(attributes)}, got {widget!r}"
        raise TypeError(msg)


def _scale(done: float, total: float) -> tuple[int, int]:
    """Return the maximum and the value of a bar."""
    if total <= 0:
        return 1, 1
    done = min(max(done, 0), total)
    if isinstance(total, int) and isinstance(done, int) and total <= MAX_INT:
        return total, done
    return FINE_RANGE, int(FINE_RANGE * (done / total))
