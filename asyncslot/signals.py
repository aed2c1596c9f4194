"""Awaiting and iterating Qt signals."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, Callable, Tuple

from asyncslot._qt import Connection, check_alive, check_signal
from asyncslot._task.owner import find_owned

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Literal, Self

__all__ = ["ExpectedSignal", "SenderDestroyed", "SignalArguments", "SignalStream"]
__all__ += ["expect_signal", "signal_stream", "wait_signal"]

# What to do with a signal that finds the buffer of a stream full: see `signal_stream`.
OVERFLOWS = ("drop_oldest", "drop_newest", "latest", "error")


class SenderDestroyed(RuntimeError):  # noqa: N818 - says what has happened, as asyncio.QueueFull does.
    """The owner, or each sender, of a signal that is waited for was destroyed."""


class SignalArguments(Tuple[Any, ...]):  # noqa: SLOT001 - a tuple with slots can have no attribute.
    """
    The arguments of a signal that was received, as a tuple.

    Attributes:
        signal: The signal, as it was passed to the function that has waited for it.
    """

    signal: Any


class _Receiver:
    """
    Receives signals, on whatever thread they are emitted, until it is closed.

    Args:
        signals: The bound signals.
        where: Called with a signal's arguments; tells whether the signal counts. None: each counts.
        owner: The QObject with whose life the waiting ends; None if there is none.
        on_received: Called with what was received, on the thread that emits.
        on_failed: Called with an exception: the error of *where*, or `SenderDestroyed`. On any thread.
    """

    def __init__(
        self,
        signals: tuple[Any, ...],
        where: Callable[..., object] | None,
        owner: Any,
        on_received: Callable[[SignalArguments], None],
        on_failed: Callable[[BaseException], None],
    ) -> None:
        self._where = where
        self._on_received = on_received
        self._on_failed = on_failed
        self._owned = None if owner is None else find_owned(owner)
        self._connections: list[Connection] = []
        self._left = len(signals)
        try:
            if self._owned is not None:
                self._owned.watchers.append(self._on_owner_destroyed)
            for signal in signals:
                self._connections.append(Connection(signal, self._make_on_emitted(signal), self._on_dropped))
        except BaseException:  # Nothing stays connected if one of them fails.
            self.close()
            raise

    def close(self) -> None:
        """Disconnect everything."""
        if self._owned is not None and self._on_owner_destroyed in self._owned.watchers:
            self._owned.watchers.remove(self._on_owner_destroyed)
        for connection in self._connections:
            connection.close()

    def _make_on_emitted(self, signal: Any) -> Callable[[tuple[Any, ...]], None]:
        def on_emitted(arguments: tuple[Any, ...]) -> None:
            try:
                if self._where is not None and not self._where(*arguments):
                    return
            except BaseException as exc:  # noqa: BLE001 - what leaves a slot crashes Qt.
                self._on_failed(exc)
                return
            received = SignalArguments(arguments)
            received.signal = signal
            self._on_received(received)

        return on_emitted

    def _on_dropped(self) -> None:
        # The other senders may still emit.
        self._left -= 1
        if self._left == 0:
            self._on_failed(SenderDestroyed("the sender of the signal was destroyed"))

    def _on_owner_destroyed(self) -> None:
        self._on_failed(SenderDestroyed("the owner was destroyed while a signal was waited for"))


class ExpectedSignal:
    """
    What `expect_signal` returns: an asynchronous context manager.

    Attributes:
        arguments: What was received; None before.
    """

    def __init__(
        self,
        *signals: Any,
        timeout_s: float | None = None,
        where: Callable[..., object] | None = None,
        owner: Any = None,
    ) -> None:
        _check(signals, where, owner)
        if timeout_s is not None and not (isinstance(timeout_s, (int, float)) and timeout_s >= 0):
            msg = f"timeout_s must be a number of seconds, 0 or more, got {timeout_s!r}; None for no limit"
            raise ValueError(msg)
        self.arguments: SignalArguments | None = None
        self._signals = signals
        self._timeout_s = timeout_s
        self._where = where
        self._owner = owner
        self._receiver: _Receiver | None = None

    async def __aenter__(self) -> Self:
        if self._receiver is not None:
            msg = "this expectation is used already; call expect_signal() again"
            raise RuntimeError(msg)
        self._loop = asyncio.get_running_loop()
        self._thread_id = threading.get_ident()
        self._future: asyncio.Future[None] = self._loop.create_future()
        self._is_done = False
        self._receiver = _Receiver(self._signals, self._where, self._owner, self._on_received, self._finish)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        timer = None
        try:
            if kind is None:
                if self._timeout_s is not None:
                    timer = self._loop.call_later(self._timeout_s, self._expire)
                await self._future
        finally:
            if timer is not None:
                timer.cancel()
            if self._receiver is not None:
                self._receiver.close()
            # Nobody else asks for it if the block has failed. A closed loop could not call back that it is cancelled.
            if not self._loop.is_closed():
                self._future.cancel()
            if self._future.done() and not self._future.cancelled():
                self._future.exception()

    def _expire(self) -> None:
        self._finish(asyncio.TimeoutError(f"no signal came within {self._timeout_s:g} s"))

    def _on_received(self, received: SignalArguments) -> None:
        if not self._is_done:
            self.arguments = received
            self._finish(None)

    def _finish(self, exc: BaseException | None) -> None:
        """End the waiting, once. Any thread may call this."""
        if self._is_done:
            return
        self._is_done = True
        if threading.get_ident() == self._thread_id:
            self._wake(exc)
            return
        # The loop may be closed, and then nobody waits any more.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._wake, exc)

    def _wake(self, exc: BaseException | None) -> None:
        # Of a closed loop, nobody waits, and a slot must raise nothing.
        if self._future.done() or self._loop.is_closed():
            return
        if exc is None:
            self._future.set_result(None)
        else:
            self._future.set_exception(exc)


class SignalStream:
    """
    What `signal_stream` returns: an asynchronous context manager, and iterator.

    Attributes:
        dropped: How many signals were dropped because the buffer was full.
    """

    def __init__(
        self,
        *signals: Any,
        maxsize: int = 64,
        overflow: str = "drop_oldest",
        where: Callable[..., object] | None = None,
        owner: Any = None,
    ) -> None:
        _check(signals, where, owner)
        if not isinstance(maxsize, int) or isinstance(maxsize, bool) or maxsize < 1:
            msg = f"maxsize must be an int of 1 or more, got {maxsize!r}; it says how many signals the buffer holds"
            raise ValueError(msg)
        if overflow not in OVERFLOWS:
            msg = f"overflow={overflow!r} is unknown; it is one of {', '.join(map(repr, OVERFLOWS))}"
            raise ValueError(msg)
        self.dropped = 0
        self._signals = signals
        self._maxsize = 1 if overflow == "latest" else maxsize
        self._overflow = overflow
        self._where = where
        self._owner = owner
        self._receiver: _Receiver | None = None
        # Several threads may emit.
        self._lock = threading.Lock()
        self._buffer: deque[SignalArguments] = deque()
        # Raised when the buffer is empty.
        self._error: BaseException | None = None
        self._is_closed = False
        # The iterator waits on it.
        self._waiter: asyncio.Future[None] | None = None
        # A wake-up from another thread is on its way. One is enough.
        self._is_waking = False

    async def __aenter__(self) -> Self:
        if self._receiver is not None or self._is_closed:
            msg = "this stream is open already, or closed; call signal_stream() again"
            raise RuntimeError(msg)
        self._loop = asyncio.get_running_loop()
        self._thread_id = threading.get_ident()
        self._receiver = _Receiver(self._signals, self._where, self._owner, self._on_received, self._on_failed)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Disconnect. The iteration ends when the buffer is empty. Called on the loop's thread."""
        self._is_closed = True
        if self._receiver is not None:
            self._receiver.close()
            self._wake()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SignalArguments:
        if self._receiver is None:
            msg = "the stream is not open; write: async with signal_stream(...) as stream"
            raise RuntimeError(msg)
        if self._waiter is not None:
            msg = "another task iterates over this stream already"
            raise RuntimeError(msg)
        while True:
            with self._lock:
                if self._buffer:
                    return self._buffer.popleft()
            if self._error is not None:
                # Once: who goes on afterwards gets the end.
                error, self._error, self._is_closed = self._error, None, True
                raise error
            if self._is_closed:
                raise StopAsyncIteration
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None

    def _on_received(self, received: SignalArguments) -> None:
        with self._lock:
            if self._error is not None:
                return  # Or the buffer would never be empty, and the error never be raised.
            if len(self._buffer) < self._maxsize:
                self._buffer.append(received)
            elif self._overflow == "error":
                self._error = asyncio.QueueFull(f"the stream's buffer of {self._maxsize} is full")
            else:
                self.dropped += 1
                if self._overflow != "drop_newest":
                    self._buffer.popleft()
                    self._buffer.append(received)
        self._notify()

    def _on_failed(self, exc: BaseException) -> None:
        self._error = self._error or exc
        self._notify()

    def _notify(self) -> None:
        """Wake the iterator. Any thread may call this."""
        if threading.get_ident() == self._thread_id:
            self._wake()
        elif not self._is_waking:
            self._is_waking = True
            # As in ExpectedSignal.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        self._is_waking = False
        # As in ExpectedSignal.
        if self._waiter is not None and not self._waiter.done() and not self._loop.is_closed():
            self._waiter.set_result(None)


def _check(signals: tuple[Any, ...], where: object, owner: Any) -> None:
    if not signals:
        msg = "pass at least one signal, such as button.clicked"
        raise TypeError(msg)
    for signal in signals:
        check_signal(signal)
    if where is not None and not callable(where):
        msg = f"where must be a function of the signal's arguments, got {where!r}"
        raise TypeError(msg)
    if owner is not None:
        check_alive(owner)


async def wait_signal(
    *signals: Any, timeout_s: float | None = None, where: Callable[..., object] | None = None, owner: Any = None
) -> SignalArguments:
    """
    Wait for the first of some signals.

    A signal that is emitted before the call is not seen: for code that emits it, use `expect_signal`.

    Args:
        signals: Signals of objects, such as ``button.clicked``. The objects may live on any thread.
        timeout_s: The longest time to wait, in seconds; None for no limit.
        where: Called with a signal's arguments, on the thread that emits; if it returns a false value,
            the signal does not count. None: each signal counts.
        owner: A QObject whose end ends the waiting, such as the sender; None if there is none.

    Returns:
        The signal's arguments, as a tuple; ``.signal`` is the signal.

    Raises:
        asyncio.TimeoutError: If no signal came in time.
        SenderDestroyed: If the owner was destroyed; or each sender, if the binding tells of it: PySide2, and
            PySide6 from 6.7 on.
        Exception: What *where* raises.
        TypeError: If one of *signals* is no signal of an object, or *owner* no QObject.
        ValueError: If *timeout_s* is no time.

    Example:
        >>> async def main():
        ...     timer = QTimer(singleShot=True)
        ...     timer.start(100)
        ...     return tuple(await wait_signal(timer.timeout))
        >>> asyncslot.run(main())
        ()
    """
    async with ExpectedSignal(*signals, timeout_s=timeout_s, where=where, owner=owner) as expected:
        pass
    assert expected.arguments is not None  # The block has ended without an error.
    return expected.arguments


def expect_signal(
    *signals: Any, timeout_s: float | None = None, where: Callable[..., object] | None = None, owner: Any = None
) -> ExpectedSignal:
    """
    Wait for a signal that the code of a block brings about.

    ``async with expect_signal(reply.finished) as received:`` connects before the block runs, and waits at the end of
    the block. ``received.arguments`` then has what came. If the block raises, nothing is waited for.

    Args:
        signals: As for `wait_signal`.
        timeout_s: The longest time to wait after the block, in seconds; None for no limit.
        where: As for `wait_signal`.
        owner: As for `wait_signal`.

    Raises:
        TypeError: As `wait_signal`, which also tells what is raised at the end of the block.
        ValueError: As `wait_signal`.
    """
    return ExpectedSignal(*signals, timeout_s=timeout_s, where=where, owner=owner)


def signal_stream(
    *signals: Any,
    maxsize: int = 64,
    overflow: Literal["drop_oldest", "drop_newest", "latest", "error"] = "drop_oldest",
    where: Callable[..., object] | None = None,
    owner: Any = None,
) -> SignalStream:
    """
    Make an asynchronous iterator over signals, as they come.

    It is used in ``async with signal_stream(slider.valueChanged) as stream:``, and is connected inside
    that block. What comes while the loop's body runs waits in a buffer.
    ``stream.dropped`` counts what the buffer had no room for.

    Args:
        signals: As for `wait_signal`.
        maxsize: How many signals the buffer holds, 1 or more.
        overflow: What becomes of a signal that finds the buffer full:

            - ``"drop_oldest"``: it takes the place of the oldest one.
            - ``"drop_newest"``: it is dropped.
            - ``"latest"``: the buffer holds one signal only, the newest.
            - ``"error"``: the iteration raises ``asyncio.QueueFull`` when the buffer is empty.
        where: As for `wait_signal`.
        owner: As for `wait_signal`.

    Returns:
        The stream. It yields the signals' arguments as `wait_signal` returns them. ``stream.close()`` ends it.

    Raises:
        TypeError: As `wait_signal`.
        ValueError: If *maxsize* or *overflow* is invalid.
    """
    return SignalStream(*signals, maxsize=maxsize, overflow=overflow, where=where, owner=owner)
