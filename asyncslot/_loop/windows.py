"""
The platform's stock loop on Windows, and what differs from other platforms.

It is the proactor loop: the system performs the operations, and reports each of them when it has ended.
"""

from __future__ import annotations

import sys

# A type checker for another platform stops reading here.
assert sys.platform == "win32", "this module is for Windows"

import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING, Any, Callable, Iterator, NoReturn

from asyncslot._loop.port import WatchedPort
from asyncslot._task.asyncio_private import PortPackets, begin_running, begin_self_reading, get_running_loop

if TYPE_CHECKING:
    from asyncslot._loop.interrupts import Interrupts
    from asyncslot._task.asyncio_private import StockProactorLoop

    class _StockWindowsLoop(StockProactorLoop, asyncio.ProactorEventLoop):
        """The stock loop, with its private attributes declared."""

else:
    _StockWindowsLoop = asyncio.ProactorEventLoop

__all__ = ["PlatformEventLoop"]


class PlatformEventLoop(_StockWindowsLoop):
    """
    The stock loop, with a completion port that Qt can watch. It passes on the signals that arrive.

    Args:
        selector: None. The parameter is that of other platforms.

    Raises:
        TypeError: If *selector* is given.
    """

    # The class that derives from this one sets it.
    _interrupts: Interrupts

    # Signals arrive by the completion port, like all else.
    _urgent_fd = None

    def __init__(self, selector: None = None) -> None:
        if selector is not None:
            msg = (
                f"AsyncSlotEventLoop takes no argument on Windows, got {selector!r}; it makes its completion port, and "
                "finds the application, by itself. If it was to be a selector, AsyncSlotSelectorEventLoop takes one"
            )
            raise TypeError(msg)
        with _keeping_wakeup_fd():
            super().__init__()
        self._selector: Any = WatchedPort(self._proactor, PortPackets(self._proactor))
        # C code writes the number of each signal that arrives to this socket.
        self._wakeup_fd: int = self._csock.fileno()

    def close(self) -> None:
        """Close the loop, as the stock loop does, but keep the wakeup descriptor of others."""
        port = self._selector
        with _keeping_wakeup_fd(except_for=self._wakeup_fd):
            super().close()
        if port is not None:
            port.close()

    def add_reader(self, *_: Any, **__: Any) -> NoReturn:  # type: ignore[override]
        """Refuse, as the stock loop does, and name the loop that has it."""
        self._refuse_descriptor("add_reader()")

    def add_writer(self, *_: Any, **__: Any) -> NoReturn:  # type: ignore[override]
        """Refuse, as the stock loop does, and name the loop that has it."""
        self._refuse_descriptor("add_writer()")

    def remove_reader(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse, as the stock loop does, and name the loop that has it."""
        self._refuse_descriptor("remove_reader()")

    def remove_writer(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse, as the stock loop does, and name the loop that has it."""
        self._refuse_descriptor("remove_writer()")

    def _refuse_descriptor(self, method: str) -> NoReturn:
        msg = (
            f"{method} is not available on Windows' proactor loop, from which AsyncSlotEventLoop derives; use "
            "AsyncSlotSelectorEventLoop: asyncio.run(main(), loop_factory=AsyncSlotSelectorEventLoop), or "
            "AsyncSlotSelectorEventLoop().attach() before app.exec(), or asyncslot_policy.install('qt-selector')"
        )
        raise NotImplementedError(msg)

    def _make_poller(self) -> tuple[Callable[[], Any], Callable[[Any], object]]:
        """Return how the slicer polls, and what it does when it may."""
        # The stock proactor returns no events: it completes futures.
        return self._selector.is_guests_turn, lambda _: self._process_events(self._selector.select(0))

    @staticmethod
    def _is_polled(handle: asyncio.Handle) -> bool:
        """Tell whether *handle* is one that each poll may queue: none is, as each operation is reported once."""
        del handle
        return False

    @staticmethod
    def has_signal_handlers() -> bool:
        """Tell whether a signal has a handler set by add_signal_handler(), which there is not on Windows."""
        return False

    def _begin_running(self) -> Callable[[], None]:
        """Make this the running loop. Return a function that undoes it."""
        if sys.version_info >= (3, 13):
            return begin_running(self)
        with contextlib.ExitStack() as stack:
            stack.callback(begin_running(self))
            stack.callback(begin_self_reading(self))
            return stack.pop_all().close

    def _loop_self_reading(self, f: Any = None) -> None:
        """Read the loop's own socket again, as the stock loop does, and act on the signals that have arrived."""
        is_read = f is not None and f is self._self_reading_future and not f.cancelled() and f.exception() is None
        super()._loop_self_reading(f)
        if not is_read:
            return
        data = f.result()
        # A zero byte is a wake-up by call_soon_threadsafe(), of which there may be thousands. Other bytes
        # are signal numbers, also of signals that are not ours: `handle` passes them on.
        if self._interrupts.is_pending or data.strip(b"\0"):
            self._interrupts.handle(data)

    def _read_from_self(self) -> None:
        """Act on the signals that have arrived, while callbacks must not run."""
        port = self._selector
        if port.is_guests_turn():
            # This completes futures and queues their callbacks, which run later.
            port.select(0)
        port.watch()
        reading = self._self_reading_future
        if reading is not None and reading.done():
            # The same call is queued. It finds another reading under way, and returns.
            self._loop_self_reading(reading)


@contextlib.contextmanager
def _keeping_wakeup_fd(except_for: int = -1) -> Iterator[None]:
    """Put the wakeup descriptor back, which the stock loop sets when it is made, and removes when it is closed."""
    try:
        before = signal.set_wakeup_fd(-1)
    except ValueError:  # Not the main thread, where the stock loop does not touch it.
        yield
        return
    try:
        yield
    finally:
        with contextlib.suppress(OSError, ValueError):  # The program has closed it meanwhile.
            signal.set_wakeup_fd(-1 if before == except_for else before)
        # A loop of ours that runs here, of either class. A signal that came in between has woken nobody.
        running: Any = get_running_loop()
        interrupts: Interrupts | None = getattr(running, "_interrupts", None)
        if interrupts is not None:
            interrupts.capture()
            if interrupts.is_pending:
                running._write_to_self()
