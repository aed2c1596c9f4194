"""
The peers: how each of them runs a coroutine, in each of its modes, and makes a slot.

Each is used as its own documentation says. This module knows nothing of what is measured.
"""

from __future__ import annotations

import asyncio
import functools
import os
import sys
from dataclasses import dataclass
from importlib import import_module, metadata
from importlib.util import find_spec
from types import ModuleType
from typing import Any, Callable, Coroutine, Optional

__all__ = [
    "BASE",
    "BLOCKING",
    "MODES",
    "NON_BLOCKING",
    "PEERS",
    "Decorator",
    "MainFactory",
    "Peer",
    "find_binding",
    "import_qt",
    "make_signal",
]

# asyncio runs the program; a Qt loop, if there is one at all, ends with the coroutine.
BLOCKING = "blocking"

# The application runs its own ``app.exec()``; asyncio is a guest in it.
NON_BLOCKING = "non-blocking"

MODES = (BLOCKING, NON_BLOCKING)

# The peer that all others are compared with.
BASE = "stdlib"

# Makes the coroutine to run. It does not raise: it keeps what went wrong.
MainFactory = Callable[[], Coroutine[Any, Any, None]]

# Makes a coroutine method a Qt slot.
Decorator = Callable[[Callable[..., Coroutine[Any, Any, None]]], Callable[..., Any]]


# The bindings, in the order in which asyncslot looks for them. Not all peers run on each.
_BINDINGS = ("PySide6", "PyQt6", "PyQt5", "PySide2")


def find_binding() -> str:
    """Return the name of the binding that is installed; of the first, if there are several."""
    return next((name for name in _BINDINGS if find_spec(name) is not None), _BINDINGS[0])


def import_qt(name: str) -> ModuleType:
    """
    Import a module of the binding's, such as ``"QtCore"``.

    Raises:
        ImportError: If it is not installed.
    """
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    os.environ["QT_API"] = find_binding().lower()  # For qasync.
    return import_module(f"{find_binding()}.{name}")


def make_signal(*types: type) -> Any:
    """Make a signal, for the body of a QObject's class."""
    core = import_qt("QtCore")
    return getattr(core, "Signal" if hasattr(core, "Signal") else "pyqtSignal")(*types)


def _quit_after(main: MainFactory) -> MainFactory:
    """Return *main*, but have the application quit after it."""
    core = import_qt("QtCore")

    async def run() -> None:
        try:
            await main()
        finally:
            # Have Qt call it, after the task has ended: a quit may cancel running tasks.
            core.QTimer.singleShot(0, core.QCoreApplication.quit)

    return run


def _run_loop(factory: Callable[[], asyncio.AbstractEventLoop], main: MainFactory) -> None:
    loop = factory()
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(main())
        if sys.version_info >= (3, 9):
            loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def _block_stdlib(main: MainFactory) -> None:
    _run_loop(asyncio.SelectorEventLoop, main)


def _block_uvloop(main: MainFactory) -> None:
    _run_loop(import_module("uvloop").new_event_loop, main)


def _block_asyncslot(main: MainFactory) -> None:
    _run_loop(import_module("asyncslot").AsyncSlotEventLoop, main)


def _attach_asyncslot(main: MainFactory) -> None:
    core = import_qt("QtCore")
    run_task, run = import_module("asyncslot").run_task, _quit_after(main)
    core.QTimer.singleShot(0, lambda: run_task(run()))
    import_module("asyncslot._qt").exec_application()


def _decorate_asyncslot(function: Callable[..., Any]) -> Callable[..., Any]:
    decorated: Callable[..., Any] = import_module("asyncslot").AsyncSlot()(function)
    return decorated


def _block_qasync(main: MainFactory) -> None:
    application = import_qt("QtCore").QCoreApplication.instance()
    loop = import_module("qasync").QEventLoop(application)
    asyncio.set_event_loop(loop)
    with loop:
        loop.run_until_complete(main())


def _attach_qasync(main: MainFactory) -> None:
    """Use ``already_running``, which the class's documentation gives for this very case."""
    core = import_qt("QtCore")
    application = core.QCoreApplication.instance()
    run, kept = _quit_after(main), []

    def start() -> None:
        loop = import_module("qasync").QEventLoop(application, already_running=True)
        asyncio.set_event_loop(loop)
        kept.extend([loop, loop.create_task(run())])

    core.QTimer.singleShot(0, start)
    application.exec()
    with kept[0]:  # "The user is responsible for loop cleanup with stop() and close()."
        pass


def _decorate_qasync(function: Callable[..., Any]) -> Callable[..., Any]:
    decorated: Callable[..., Any] = import_module("qasync").asyncSlot()(function)
    return decorated


def _block_qtinter(main: MainFactory) -> None:
    with import_module("qtinter").using_qt_from_asyncio():
        asyncio.run(main())


def _attach_qtinter(main: MainFactory) -> None:
    core, qtinter, run = import_qt("QtCore"), import_module("qtinter"), _quit_after(main)
    kept = []
    core.QTimer.singleShot(0, lambda: kept.append(qtinter.run_task(run())))
    with qtinter.using_asyncio_from_qt():
        core.QCoreApplication.instance().exec()


def _decorate_qtinter(function: Callable[..., Any]) -> Callable[..., Any]:
    decorated: Callable[..., Any] = import_module("qtinter").asyncslot(function)
    return decorated


def _block_qtasyncio(main: MainFactory) -> None:
    import_qt("QtAsyncio").run(main(), keep_running=False)


def _attach_qtasyncio(main: MainFactory) -> None:
    """Let QtAsyncio call ``app.exec()``, which ends when the application quits: QtAsyncio lets nobody else call it."""
    import_qt("QtAsyncio").run(_quit_after(main)(), keep_running=True)


def _decorate_qtasyncio(function: Callable[..., Any]) -> Callable[..., Any]:
    """Do as QtAsyncio's examples do: it has no decorator of its own."""

    @functools.wraps(function)  # PySide looks for the slot by its name.
    def slot(receiver: Any) -> None:
        asyncio.ensure_future(function(receiver))  # noqa: RUF006 - as in the examples; QtAsyncio's timers hold it.

    return slot


@dataclass(frozen=True)
class Peer:
    """
    One way to run asyncio.

    Attributes:
        name: What tables call it.
        module: The module that must be importable.
        distribution: The distribution whose version is reported; None for Python's.
        run_blocking: Runs a coroutine in blocking mode and returns when it is done.
        run_non_blocking: Does so inside the application's own ``exec()``; None if it has no Qt loop.
        decorate: Makes a coroutine method a Qt slot; None if it has no Qt loop.
    """

    name: str
    module: str
    distribution: Optional[str]
    run_blocking: Callable[[MainFactory], None]
    run_non_blocking: Optional[Callable[[MainFactory], None]] = None
    decorate: Optional[Decorator] = None

    @property
    def modes(self) -> tuple[str, ...]:
        """The modes that it has."""
        return (BLOCKING,) if self.run_non_blocking is None else MODES

    @property
    def version(self) -> Optional[str]:
        """The installed version; None if it is not installed, or comes with Python."""
        try:
            return None if self.distribution is None else metadata.version(self.distribution)
        except metadata.PackageNotFoundError:
            return None

    def run(self, mode: str, main: MainFactory) -> None:
        """Run a coroutine until it is done, under an application that exists."""
        run = self.run_blocking if mode == BLOCKING else self.run_non_blocking
        assert run is not None, f"{self.name} has no mode {mode!r}"
        run(main)


PEERS = {
    peer.name: peer
    for peer in (
        Peer(BASE, "asyncio", None, _block_stdlib),
        Peer("asyncslot", "asyncslot", "asyncslot-policy", _block_asyncslot, _attach_asyncslot, _decorate_asyncslot),
        Peer("uvloop", "uvloop", "uvloop", _block_uvloop),
        Peer("qasync", "qasync", "qasync", _block_qasync, _attach_qasync, _decorate_qasync),
        Peer("qtinter", "qtinter", "qtinter", _block_qtinter, _attach_qtinter, _decorate_qtinter),
        Peer(
            "QtAsyncio",
            "PySide6.QtAsyncio",
            "PySide6-Addons",
            _block_qtasyncio,
            _attach_qtasyncio,
            _decorate_qtasyncio,
        ),
    )
}
