"""The half of the loop that differs by platform, for those with selectors: Linux, macOS, the BSDs."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

from asyncslot._selector import make_watchable
from asyncslot._stdlib import StockLoop

if TYPE_CHECKING:
    import selectors

__all__ = ["PlatformEventLoop"]


class PlatformEventLoop(StockLoop, asyncio.SelectorEventLoop):
    """
    The stock loop, whose selector Qt can watch and whose signals the guest can see.

    Args:
        selector: What polls for I/O; None for the platform's best.
    """

    def __init__(self, selector: selectors.BaseSelector | None = None) -> None:
        super().__init__(make_watchable(selector))

    if sys.version_info >= (3, 15):

        def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:
            """
            Run a function in an executor, as the stock loop does.

            asyncio looks ``concurrent.futures.ThreadPoolExecutor`` up where Python 3.15
            imports it lazily, and PySide6 6.12.0 keeps such names from being resolved:
            the stock loop cannot make its default executor.
            """
            if executor is None and self._default_executor is None and not self._executor_shutdown_called:  # type: ignore[attr-defined]
                from concurrent.futures.thread import ThreadPoolExecutor  # noqa: PLC0415 - not before it is needed.

                self._default_executor = ThreadPoolExecutor(thread_name_prefix="asyncio")
            return super().run_in_executor(executor, func, *args)

    def remove_signal_handler(self, sig: int) -> bool:
        """Remove a handler for a signal, as the stock loop does, without giving up the wakeup descriptor."""
        removed = super().remove_signal_handler(sig)
        self._recapture_signals()
        return removed

    def _has_signal_handlers(self) -> bool:
        return bool(self._signal_handlers)  # type: ignore[attr-defined]

    def _process_self_data(self, data: bytes) -> None:
        super()._process_self_data(data)  # type: ignore[misc]
        self._on_signal_bytes(data)

    def _recapture_signals(self) -> None:
        raise NotImplementedError

    def _on_signal_bytes(self, data: bytes) -> None:
        raise NotImplementedError
