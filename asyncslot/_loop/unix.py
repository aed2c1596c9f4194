"""
The platform's stock loop on Linux, macOS and the BSDs, and what differs from other platforms.

It is the selector loop, which Windows has, too: there it is the base of `AsyncSlotSelectorEventLoop`. Another stock
loop needs a module like this one: a class that derives from it and has the same members. `windows` is one.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Callable

from asyncslot._loop.interrupts import on_main_thread
from asyncslot._loop.selector import make_poller, make_watchable
from asyncslot._task.asyncio_private import begin_running

if TYPE_CHECKING:
    import selectors

    from typing_extensions import TypeVarTuple, Unpack

    from asyncslot._loop.interrupts import Interrupts
    from asyncslot._task.asyncio_private import StockLoop

    Ts = TypeVarTuple("Ts")

    class _StockUnixLoop(StockLoop, asyncio.SelectorEventLoop):
        """The stock loop, with its private attributes declared."""

else:
    _StockUnixLoop = asyncio.SelectorEventLoop

__all__ = ["PlatformEventLoop"]


class PlatformEventLoop(_StockUnixLoop):
    """
    The stock loop, with a selector that Qt can watch. It passes on the signals that arrive.

    Args:
        selector: The selector that polls for I/O; None for the platform's best.
    """

    # The class that derives from this one sets it.
    _interrupts: Interrupts

    def __init__(self, selector: selectors.BaseSelector | None = None) -> None:
        super().__init__(make_watchable(selector))
        # C code writes the number of each signal that arrives to this descriptor. add_signal_handler()
        # of the stock loop uses the same one, so the two do not get in each other's way.
        self._wakeup_fd: int = self._csock.fileno()
        # Where those bytes arrive, for _read_from_self().
        self._urgent_fd: int = self._ssock.fileno()

    def _make_poller(self) -> tuple[Callable[[], Any], Callable[[Any], object]]:
        """Return how the slicer polls, and what it does with what that reports: see `make_poller`."""
        return make_poller(self._selector, self._ready, self._process_events)

    def _is_polled(self, handle: asyncio.Handle) -> bool:
        """Tell whether *handle* is that of a reader or writer, which each poll may queue."""
        # The stock loop registers each descriptor with a pair of handles, either of which may be None.
        return any(handle is each for key in self._selector.get_map().values() for each in key.data)

    def has_signal_handlers(self) -> bool:
        """Tell whether a signal has a handler set by add_signal_handler()."""
        # Windows has no such method, and no such attribute.
        return bool(getattr(self, "_signal_handlers", None))

    def _begin_running(self) -> Callable[[], None]:
        """Make this the running loop. Return a function that undoes it."""
        return begin_running(self)

    def add_signal_handler(self, sig: int, callback: Callable[[Unpack[Ts]], object], *args: Unpack[Ts]) -> None:
        """Set a handler for a signal, as the stock loop does. It is not called for a signal that came before."""
        # Such as a Ctrl-C that has raised KeyboardInterrupt while no Qt loop ran: its number still waits to be read.
        # A pending signal is not lost: what asks for it is read as before.
        is_readable = on_main_thread() and not self.is_closed() and not self._interrupts.is_pending
        if is_readable and sig not in self._signal_handlers:
            self._read_from_self()
            # Among what was read may have been the wake-up for a handle that another thread has queued.
            self._write_to_self()
        super().add_signal_handler(sig, callback, *args)

    def remove_signal_handler(self, sig: int) -> bool:
        """Remove a handler for a signal, as the stock loop does, but keep the wakeup descriptor."""
        # The stock method sets the wakeup descriptor to -1, and the signal's handler to the default.
        removed = super().remove_signal_handler(sig)
        self._interrupts.capture()
        return removed

    def _read_from_self(self) -> None:
        """Read the loop's own socket, once. The stock loop reads on until nothing is left, which costs an exception."""
        # Bytes that are left make the next poll report the socket again.
        try:
            data = self._ssock.recv(4096)
        except (BlockingIOError, InterruptedError):
            return
        # A zero byte is a wake-up by call_soon_threadsafe(), of which there may be thousands. Other bytes are
        # signal numbers, also of signals that are not ours: `handle` passes them on.
        if self._interrupts.is_pending or data.strip(b"\0"):
            self._process_self_data(data)
            self._interrupts.handle(data)
