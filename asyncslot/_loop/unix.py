"""
The platform's stock loop on Linux, macOS and the BSDs: what differs from other platforms.

A second platform is a module like this one: a class over that platform's stock loop with the
same few members, and `make_selector`.
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

from asyncslot._loop.selector import make_probe, make_watchable

if TYPE_CHECKING:
    import selectors

    from asyncslot._loop.interrupts import Interrupts
    from asyncslot._task.asyncio_private import StockLoop

    class _StockUnixLoop(StockLoop, asyncio.SelectorEventLoop):
        """The stock loop, with its private attributes declared."""

else:
    _StockUnixLoop = asyncio.SelectorEventLoop

__all__ = ["PlatformEventLoop"]


class PlatformEventLoop(_StockUnixLoop):
    """
    The stock loop, with a selector that Qt can watch, and told of the signals that arrive.

    Args:
        selector: What polls for I/O; None for the platform's best.
    """

    # The loop that derives from this one has them.
    _interrupts: Interrupts

    def __init__(self, selector: selectors.BaseSelector | None = None) -> None:
        super().__init__(make_watchable(selector))
        # Tells, fast, whether select() may have something to report.
        self._is_io_ready = make_probe(self._selector)
        # What the arrival of a signal writes to.
        self._wakeup_fd: int = self._csock.fileno()

    def has_signal_handlers(self) -> bool:
        """Tell whether add_signal_handler() was called for a signal and not taken back."""
        return bool(self._signal_handlers)

    def remove_signal_handler(self, sig: int) -> bool:
        """Remove a handler for a signal, as the stock loop does, without giving up the wakeup descriptor."""
        removed = super().remove_signal_handler(sig)
        self._interrupts.capture()
        return removed

    def _process_self_data(self, data: bytes) -> None:
        super()._process_self_data(data)
        # Zero bytes are asyncio's own wake-ups, which come by the thousand.
        if self._interrupts.is_pending or data.strip(b"\0"):
            self._interrupts.handle(data)

    if sys.version_info >= (3, 15):

        def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:
            """
            Run a function in an executor, as the stock loop does.

            asyncio looks ``concurrent.futures.ThreadPoolExecutor`` up where Python 3.15
            imports it lazily, and PySide6 6.12.0 keeps such names from being resolved:
            the stock loop cannot make its default executor.
            """
            if executor is None and self._default_executor is None and not self._executor_shutdown_called:
                from concurrent.futures.thread import ThreadPoolExecutor  # noqa: PLC0415 - not before it is needed.

                self._default_executor = ThreadPoolExecutor(thread_name_prefix="asyncio")
            return super().run_in_executor(executor, func, *args)
