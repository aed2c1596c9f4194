"""
One blocking call on the stack: the Qt loop that it runs, and how that loop ends.

This module knows nothing of the guest's callbacks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asyncslot._qt import QtCore, loop_level, require_application

if TYPE_CHECKING:
    import asyncio

__all__ = ["ApplicationLevel", "Level", "NestedLevel", "make_level"]


def make_level(future: asyncio.Future[Any] | None) -> Level:
    """
    Return the level that a blocking call made here and now needs.

    Only inside ``QCoreApplication.exec()`` does an application quit as its users
    expect, so the outermost level on its thread runs that.

    Args:
        future: What the call waits for; None if it runs until it is stopped.
    """
    application = require_application()
    if loop_level() == 0 and application.thread() == QtCore.QThread.currentThread():
        return ApplicationLevel(future)
    return NestedLevel(future)


class Level:
    """What the two kinds have in common."""

    def __init__(self, future: asyncio.Future[Any] | None) -> None:
        self.future = future
        # It returns as soon as the Qt loops above its own have.
        self.is_ended = False
        # What escaped from a callback, for the call to raise.
        self.error: BaseException | None = None
        # Ctrl-C has cancelled the future.
        self.is_interrupted = False
        # The future was done before the application quit.
        self.has_result = False
        self._qt_level = loop_level() + 1

    def is_innermost(self) -> bool:
        """Tell whether no other Qt loop runs above this level's."""
        return loop_level() <= self._qt_level

    def exec(self) -> int:
        """
        Run Qt until the level ends, or until the application or the thread quits.

        Returns:
            The exit code of a quit; meaningless if `is_ended`.
        """
        raise NotImplementedError

    def end(self) -> None:
        """Have `exec` return once the Qt loops above have; end none of them."""
        raise NotImplementedError

    def abort(self) -> None:
        """Have `exec` return as soon as it can, with no regard to the Qt loops above."""
        raise NotImplementedError


class NestedLevel(Level):
    """A blocking call inside another Qt loop, or on another thread than the application's."""

    def __init__(self, future: asyncio.Future[Any] | None) -> None:
        super().__init__(future)
        self._qt_loop = QtCore.QEventLoop()

    def exec(self) -> int:
        """Run a QEventLoop."""
        exit_code: int = self._qt_loop.exec()
        return exit_code

    def end(self) -> None:
        """Have the QEventLoop return; it does so after those above."""
        self.is_ended = True
        self._qt_loop.exit()

    def abort(self) -> None:
        """Do as `end`: nothing but a quit makes the Qt loops above return."""
        self.end()


class ApplicationLevel(Level):
    """The outermost blocking call on the application's thread."""

    def __init__(self, future: asyncio.Future[Any] | None) -> None:
        super().__init__(future)
        self._is_unwinding = False
        self._blocked_before: bool | None = None
        self._dispatcher: Any = None

    def exec(self) -> int:
        """Run ``QCoreApplication.exec()``, again and again while it returns for no other reason than `unwind`."""
        while True:
            self._is_unwinding = False
            exit_code: int = QtCore.QCoreApplication.exec()
            self._restore()
            if self.is_ended or not self._is_unwinding:
                return exit_code

    def end(self) -> None:
        """
        Have ``exec()`` return: now, or when the Qt loops above have.

        ``exit()`` would make those return, too, such as a dialog's. They may
        return while nothing of the guest's runs, so it is the dispatcher that is
        asked to tell: it is about to block in this level's loop again.
        """
        self.is_ended = True
        if self.is_innermost():
            self._exit()
        elif self._dispatcher is None:
            self._dispatcher = QtCore.QAbstractEventDispatcher.instance()
            self._dispatcher.aboutToBlock.connect(self._on_about_to_block)

    def unwind(self) -> None:
        """Have every Qt loop above this level's return, dialogs included; this level goes on."""
        if not self.is_innermost():
            self._is_unwinding = True
            self._exit()

    def abort(self) -> None:
        """End the level now, and with it every Qt loop above, dialogs included."""
        self.is_ended = True
        self._exit()

    def _exit(self) -> None:
        # This is no quit: nobody is to hear aboutToQuit, which Qt emits inside
        # exit() from 6.5 on, and on exec()'s return before.
        if self._blocked_before is None:
            self._blocked_before = require_application().blockSignals(True)
        QtCore.QCoreApplication.exit(0)

    def _restore(self) -> None:
        if self._blocked_before is not None:
            require_application().blockSignals(self._blocked_before)
            self._blocked_before = None
        if self._dispatcher is not None:
            self._dispatcher.aboutToBlock.disconnect(self._on_about_to_block)
            self._dispatcher = None

    def _on_about_to_block(self) -> None:
        if self.is_innermost():
            self._exit()
