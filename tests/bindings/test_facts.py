"""
What the bindings do, as far as asyncslot leans on it. Nothing here uses asyncslot.

A release of a binding, or of Qt, that changes one of these facts fails here first, and this says which one.
"""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref
from typing import Any, Callable

import pytest
from qt import BINDING, IS_PYQT, QtCore, QtGui, QtWidgets, Signal, Slot, delete

IS_QT_5 = QtCore.qVersion().startswith("5.")
EXIT_TELLS_AT_ONCE = tuple(map(int, QtCore.qVersion().split(".")[:2])) >= (6, 5)

pytestmark = pytest.mark.usefixtures("app")


class Source(QtCore.QObject):
    """Has one signal of each kind."""

    plain = Signal()
    pair = Signal(int, str)


def run_program(text: str) -> subprocess.CompletedProcess[str]:
    """Run a program with Qt in a process of its own; it ends by itself."""
    start = f"import sys\nfrom {BINDING}.QtCore import *\nfrom {BINDING}.QtWidgets import *\n"
    if BINDING == "PySide2":
        start += "QCoreApplication.exec = QCoreApplication.exec_\nQEventLoop.exec = QEventLoop.exec_\n"
    command = [sys.executable, "-c", start + text]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=30)


# -- signals and slots --


def test_connected_function_gets_as_many_arguments_as_it_has_parameters() -> None:
    """A function or method that declares nothing gets the first of a signal's arguments."""
    seen: list[tuple[object, ...]] = []
    source = Source()
    source.pair.connect(lambda: seen.append(()))
    source.pair.connect(lambda one: seen.append((one,)))
    source.pair.connect(lambda one, two: seen.append((one, two)))
    source.pair.emit(1, "a")
    assert seen == [(), (1,), (1, "a")]


def test_slot_declared_without_types_gets_no_argument_on_pyqt() -> None:
    """PyQt passes what is declared; PySide what there are parameters for."""
    seen: list[object] = []

    class Receiver(QtCore.QObject):
        @Slot()
        def slot(self, value: object = "default") -> None:
            seen.append(value)

    source, receiver = Source(), Receiver()
    source.pair.connect(receiver.slot)
    source.pair.emit(1, "a")
    assert seen == (["default"] if IS_PYQT else [1])


def test_connection_to_bound_method_is_weak() -> None:
    """A connected method does not keep its receiver alive."""

    class Receiver(QtCore.QObject):
        def slot(self) -> None: ...

    source, receiver = Source(), Receiver()
    source.plain.connect(receiver.slot)
    reference = weakref.ref(receiver)
    del receiver
    gc.collect()
    assert reference() is None


def test_sender_is_known_in_a_method_and_nowhere_else() -> None:
    """sender() tells the emitter inside a slot of the receiver."""
    seen: list[object] = []

    class Receiver(QtCore.QObject):
        def slot(self) -> None:
            seen.append(self.sender())

    source, receiver = Source(), Receiver()
    source.plain.connect(receiver.slot)
    source.plain.emit()
    assert seen == [source]
    assert receiver.sender() is None


def test_exception_in_slot_aborts_on_pyqt() -> None:
    """PySide prints what leaves a slot, and goes on; PyQt ends the process."""
    finished = run_program("""
app = QCoreApplication([])
QTimer.singleShot(0, lambda: 1 / 0)
QTimer.singleShot(50, app.quit)
app.exec()
print("goes on")
""")
    assert "ZeroDivisionError" in finished.stderr
    assert ("goes on" in finished.stdout) != IS_PYQT


def test_result_of_void_override_is_an_error_on_pyqt(monkeypatch: pytest.MonkeyPatch) -> None:
    """An override of a C++ void method may return anything on PySide, on PyQt only None."""

    class Window(QtWidgets.QWidget):
        def closeEvent(self, event: Any) -> Any:
            return 5

    errors: list[object] = []
    monkeypatch.setattr(sys, "excepthook", lambda _type, error, _traceback: errors.append(error))
    Window().close()
    assert [type(error) for error in errors] == [TypeError] * IS_PYQT


# -- the life of objects --


@pytest.mark.parametrize("how", ["collected", "deleteLater", "deleted", "with parent"])
def test_destroyed_reaches_a_closure(how: str) -> None:
    """However an object goes, a function connected directly to destroyed is called."""
    seen: list[int] = []
    parent = QtCore.QObject()
    qobject = QtCore.QObject(parent) if how == "with parent" else QtCore.QObject()
    qobject.destroyed.connect(lambda *_: seen.append(1), QtCore.Qt.ConnectionType.DirectConnection)
    if how == "collected":
        del qobject
        gc.collect()
    elif how == "deleteLater":
        qobject.deleteLater()
        QtCore.QCoreApplication.sendPostedEvents(None, 52)  # QEvent::DeferredDelete
    else:
        delete(qobject if how == "deleted" else parent)
    assert seen == [1]


def test_destroyed_object_raises_runtime_error_with_the_bindings_text() -> None:
    """The text is all that tells this RuntimeError from others."""
    qobject = QtCore.QObject()
    delete(qobject)
    with pytest.raises(RuntimeError, match="has been deleted$" if IS_PYQT else r"already deleted\.$"):
        qobject.objectName()


# -- events and loops --


def test_event_set_on_the_application_object_overrides_the_method(app: Any) -> None:
    """A function in the instance's dictionary is found where C++ calls a virtual method."""
    seen: list[object] = []
    kind = QtCore.QEvent.Type(QtCore.QEvent.registerEventType())

    def event(event: Any) -> bool:
        seen.append(event.type())
        return bool(type(app).event(app, event))

    app.event = event
    try:
        QtCore.QCoreApplication.sendEvent(app, QtCore.QEvent(kind))
    finally:
        del app.event
    assert seen == [kind]


def test_loop_level_does_not_count_process_events() -> None:
    """QThread.loopLevel() counts event loops only."""
    levels: list[int] = []

    def note() -> None:
        levels.append(QtCore.QThread.currentThread().loopLevel())

    QtCore.QTimer.singleShot(0, note)
    while not levels:
        QtCore.QCoreApplication.processEvents()
    qt_loop = QtCore.QEventLoop()
    QtCore.QTimer.singleShot(0, lambda: (note(), qt_loop.quit()))
    qt_loop.exec()
    assert levels == [0, 1]


def test_timer_fires_inside_its_own_timeout_only_if_restarted() -> None:
    """In a loop nested in a timer's slot, that timer rests, unless the slot has started it again."""

    def count(restart: bool) -> int:
        fired: list[int] = []
        timer = QtCore.QTimer()

        def on_timeout() -> None:
            fired.append(1)
            if len(fired) == 1:
                if restart:
                    timer.start(0)
                qt_loop = QtCore.QEventLoop()
                QtCore.QTimer.singleShot(20, qt_loop.quit)
                qt_loop.exec()
                outer.quit()

        outer = QtCore.QEventLoop()
        timer.timeout.connect(on_timeout)
        timer.start(0)
        outer.exec()
        timer.stop()
        return len(fired)

    assert count(restart=False) == 1
    assert count(restart=True) > 1


def test_exit_ends_every_event_loop_until_exec_returns() -> None:
    """After QCoreApplication.exit() a QEventLoop returns -1 at once, until exec() has returned."""
    finished = run_program("""
app = QCoreApplication([])
QTimer.singleShot(0, lambda: (app.exit(3), print(QEventLoop().exec())))
print(app.exec())
qt_loop = QEventLoop()
QTimer.singleShot(0, lambda: qt_loop.exit(5))
print(qt_loop.exec())
""")
    assert finished.stdout.split() == ["-1", "3", "5"]


def test_about_to_quit_is_emitted_in_exit_from_qt_6_5_on() -> None:
    """Before, exec() emits it when it returns."""
    finished = run_program("""
app = QCoreApplication([])
app.aboutToQuit.connect(lambda: print("aboutToQuit"))
QTimer.singleShot(0, lambda: (app.exit(3), print("exit returned")))
app.exec()
""")
    expected = ["exit returned", "aboutToQuit"]
    assert finished.stdout.splitlines() == (expected[::-1] if EXIT_TELLS_AT_ONCE else expected)


def test_quit_closes_the_windows_from_qt_6_on() -> None:
    """QApplication.quit() asks the windows, and stays if one refuses; Qt 5's does not."""
    finished = run_program("""
class Window(QWidget):
    def closeEvent(self, event):
        print("closing")
        event.ignore()
        QTimer.singleShot(50, lambda: app.exit(3))

app = QApplication([])
window = Window()
window.show()
QTimer.singleShot(0, app.quit)
print(app.exec())
""")
    assert finished.stdout.split() == (["0"] if IS_QT_5 else ["closing", "3"])


def test_names_of_enumerations_are_scoped() -> None:
    """The names that asyncslot uses exist in Qt 5's bindings, too."""
    assert QtCore.Qt.ConnectionType.DirectConnection is not None
    assert QtCore.Qt.TimerType.PreciseTimer is not None
    assert QtCore.QSocketNotifier.Type.Read is not None
    assert QtCore.QEventLoop.ProcessEventsFlag.WaitForMoreEvents is not None
    assert QtGui.QContextMenuEvent.Reason.Mouse is not None


def test_equal_threads_are_equal_objects(app: Any) -> None:
    """Two looks at one thread compare equal."""
    assert QtCore.QThread.currentThread() == app.thread()


def test_quit_event_is_number_20() -> None:
    """PyQt5 has no name for it."""
    kind: Callable[..., Any] | None = getattr(QtCore.QEvent.Type, "Quit", None)
    assert kind is None or int(getattr(kind, "value", kind)) == 20


# -- QML --


PYQT_NAMES = f"from {BINDING}.QtCore import pyqtSlot as Slot, pyqtSignal as Signal, pyqtProperty as Property\n"
QML_PROGRAM = f"""
import gc
from {BINDING} import QtQml
{PYQT_NAMES if IS_PYQT else ""}
app = QCoreApplication(["program"])
class Own(QObject):
    told = Signal(str)
class Backend(QObject):
    changed = Signal()
    def make(self):
        own, parent = Own(), QObject()
        own.setParent(parent)
        kept.append((own, parent))
        return own
    @Slot(result="QObject*")
    def load(self):
        return self.make()
    @Property(QObject, notify=changed)
    def one(self):
        return one
kept = []
backend = Backend()
one = backend.make()
engine = QtQml.QQmlEngine()
engine.rootContext().setContextProperty("backend", backend)
component = QtQml.QQmlComponent(engine)
component.setData(b"import QtQml 2.15; QtObject {{ Component.onCompleted: {{ %s }} }}", QUrl())
root = component.create()
def collect():
    for _ in range(3):
        engine.collectGarbage()
        app.processEvents()
        app.sendPostedEvents(None, 52)
        gc.collect()
def is_given(own):
    kinds = getattr(QtQml.QQmlEngine, "ObjectOwnership", QtQml.QQmlEngine)
    return QtQml.QQmlEngine.objectOwnership(own) == kinds.JavaScriptOwnership
ended = []
"""


def run_qml(script: str, text: str) -> list[str]:
    finished = run_program(QML_PROGRAM.replace("%s", script) + text)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.splitlines()


def test_object_that_a_slot_returns_to_qml_belongs_to_javascript() -> None:
    """One that QML reads as a property does not."""
    told = run_qml("backend.load(); backend.one", "print(is_given(kept[0][0]), is_given(kept[1][0]))")
    assert told == ["False True"]


def test_object_with_parent_is_left_alone_by_javascript() -> None:
    """Once it has none, the collector deletes it."""
    text = """
own = kept[1][0]
own.destroyed.connect(lambda *_: ended.append(1))
collect()
print(ended)
own.setParent(None)
collect()
print(ended)
del root, component, engine
"""
    assert run_qml("backend.load()", text) == ["[]", "[1]"]


def test_receivers_of_a_signal_include_qml() -> None:
    """Functions that JavaScript has connected count."""
    of = "own.told" if IS_PYQT else "SIGNAL('told(QString)')"
    text = f"for own, _ in kept: print(own.receivers({of}))"
    assert run_qml("backend.load().told.connect(text => 1)", text) == ["0", "1"]


def test_signal_connected_to_slot_with_result_crashes_old_pyside() -> None:
    """PySide before 6.10 writes the result to nowhere."""
    finished = run_program(
        (PYQT_NAMES if IS_PYQT else "")
        + """
class Source(QObject):
    sent = Signal(str)
    @Slot(str, result="QObject*")
    def slot(self, text):
        return self
source = Source()
source.sent.connect(source.slot)
source.sent.emit("a")
print("goes on")
"""
    )
    version = tuple(map(int, QtCore.qVersion().split(".")[:2]))
    is_old = not IS_PYQT and version < (6, 10)
    assert (finished.stdout.strip() == "goes on") != is_old
