"""Whether a SystemExit that ends a blocking call is the application's quit, or the program's own ``sys.exit()``."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Callable

from asyncslot._qt import QtCore, is_alive, on_widget_thread

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["QuitWatch"]


class QuitWatch:
    """
    Notes, in a ``with`` block, whether the application quits.

    Args:
        on_quit: Called when it does, before the loop hears of it; None for nothing.

    Attributes:
        has_quit: Whether the application has quit.
    """

    def __init__(self, on_quit: Callable[[], object] | None = None) -> None:
        self.has_quit = False
        self._on_quit = on_quit
        # On another thread, the application's quit is none of the loop's.
        self._application: Any = QtCore.QCoreApplication.instance() if on_widget_thread() else None

    def __enter__(self) -> Self:
        # Without an application, the loop raises the error that says so.
        if self._application is not None:
            self._application.aboutToQuit.connect(self._on_about_to_quit)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if is_alive(self._application):
            self._application.aboutToQuit.disconnect(self._on_about_to_quit)

    def has_ended(self, main: asyncio.Future[Any]) -> bool:
        """Tell whether the application has quit, but *main* has ended by itself, by a result or an error."""
        return self.has_quit and main.done() and not main.cancelled()

    def _on_about_to_quit(self) -> None:
        self.has_quit = True
        if self._on_quit is not None:
            self._on_quit()
