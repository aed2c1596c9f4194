"""The half of the loop that differs by platform, for those with selectors: Linux, macOS, the BSDs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

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
