"""
Where loops come from, and which one a thread has: what the policy and the factory hook share.

This module knows nothing of policies, and imports Qt only through the loop that was asked for.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import traceback
from asyncio import AbstractEventLoop
from typing import TYPE_CHECKING, Any

from asyncslot_policy import _registry
from asyncslot_policy._config import AsyncSlotPolicyError

if TYPE_CHECKING:
    from asyncslot_policy._config import Request

__all__ = ["LoopSource", "report"]


class _ThreadState(threading.local):
    """The loop of one thread."""

    # The loop that was set, and the process that set it: a forked child has no loop of its parent.
    loop: AbstractEventLoop | None = None
    process_id: int | None = None
    # Our get_event_loop() made the loop; the program has not set it.
    is_implicit: bool = False
    # The thread is looking for a loop, or making one.
    is_busy: bool = False


class _ApplicationFactory:
    """Makes an application of one kind. It is a class, so that its instances can be told from other factories."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def __call__(self) -> object:
        from asyncslot._qt import make_application  # noqa: PLC0415 - it imports Qt.

        return make_application(self._kind)


class LoopSource:
    """
    Makes the requested loops, and knows the loop of each thread.

    Nothing is imported before the first loop is made, or `resolve` called.

    Args:
        request: What was asked for; its loop is not None.
        is_tolerant: What to do if the loop is unavailable. True: report it once, in one line,
            and leave the program with stock asyncio for good. False: raise an error.
    """

    def __init__(self, request: Request, *, is_tolerant: bool) -> None:
        self.request = request
        self.is_tolerant = is_tolerant
        self._has_given_up = False
        self._has_told_of_thread = False
        # A loop was made: a later error is the program's, such as too many open files.
        self._has_made = False
        self._loaded: _registry.Loaded | None = None
        self._application_factory: _ApplicationFactory | None = None
        self._thread = _ThreadState()

    def resolve(self) -> _registry.Loaded:
        """
        Find and import the factory, and have its loops make an application if one was requested.

        There is no lock: two threads may do this at once, with the same result, and a lock around
        imports can deadlock.

        Raises:
            AsyncSlotPolicyError: If that fails.
        """
        if self._loaded is not None:
            return self._loaded
        assert self.request.loop is not None
        try:
            loaded = _registry.load(self.request.loop)
        except AsyncSlotPolicyError as exc:
            raise self._error(str(exc)) from exc.__cause__
        self._place_application_factory()
        self._loaded = loaded
        if self.request.is_debugging:
            report(f"{self.request.asked}: loops come from {_describe(loaded.factory)} ({loaded.origin}){_binding()}")
        return loaded

    def make(self) -> AbstractEventLoop | None:
        """
        Make a loop.

        Returns:
            The loop; None if the caller is to make a stock loop. That is so if the loop is unavailable, or
            if the factory itself, or its module during import, asks for a loop.

        Raises:
            AsyncSlotPolicyError: If the loop is unavailable, and the source is not tolerant.
        """
        if self._has_given_up or self._thread.is_busy:
            return None
        self._thread.is_busy = True
        try:
            loop = self._make()
        except (Exception, SystemExit) as exc:
            if self._has_made or not self.is_tolerant:
                raise
            self._give_up(exc if isinstance(exc, AsyncSlotPolicyError) else self._error(_one_line(exc)))
            return None
        finally:
            self._thread.is_busy = False
        if loop is not None:
            self._has_made = True
        return loop

    def make_guest(self) -> AbstractEventLoop | None:
        """
        Make a loop for a slot or `asyncslot.run`, which need one of asyncslot's.

        Returns:
            The loop; None if `make` makes none, or one of another kind, which is closed.

        Raises:
            AsyncSlotPolicyError: As `make`.
        """
        if self.is_tolerant and self._is_thread_without_application():
            return None  # The caller raises the error: it has no use for a stock loop.
        loop = self.make()
        if loop is None or isinstance(loop, sys.modules["asyncslot.loop"].GuestEventLoop):
            return loop
        loop.close()
        return None

    def may_make_implicitly(self) -> bool:
        """
        Tell whether ``get_event_loop()`` is to make a loop where there is none.

        On a thread that Qt does not serve it is an error, as with stock asyncio and with
        `asyncslot.run_task`: nobody would run that loop, or close it.
        """
        if threading.current_thread() is threading.main_thread():
            return True
        qt = sys.modules.get("asyncslot._qt")
        return qt is not None and qt.QtCore.QAbstractEventDispatcher.instance() is not None

    def get(self) -> AbstractEventLoop | None:
        """
        Return this thread's loop: the one set here, or the one that `asyncslot.run_task` finds, whichever is newer.

        A closed loop of asyncslot counts only if the program has set it, as with the stock
        policy. Other closed loops are replaced, as `run_task` does: a quit closes loops.
        """
        loop = self._get_set()
        ours = sys.modules.get("asyncslot.loop")
        if ours is None or not (loop is None or isinstance(loop, ours.GuestEventLoop)):
            return loop
        current: AbstractEventLoop | None = ours.thread_loop()
        return loop if current is None and not self._thread.is_implicit else current

    def set(self, loop: AbstractEventLoop | None) -> None:
        """Remember *loop* as this thread's loop; None if it has none."""
        before, self._thread.loop, self._thread.process_id = self._get_set(), loop, os.getpid()
        self._thread.is_implicit = False
        ours = sys.modules.get("asyncslot.loop")
        if ours is None:
            return
        if isinstance(loop, ours.GuestEventLoop):
            ours.set_thread_loop(loop)
        elif before is not None and before is ours.thread_loop() and not before.is_running():
            ours.set_thread_loop(None)

    def mark_implicit(self) -> None:
        """Remember that this thread's loop was made because none was set."""
        self._thread.is_implicit = True

    def remove_application_factory(self) -> None:
        """Remove the application factory that `resolve` may have set, if it is still set."""
        ours = sys.modules.get("asyncslot.loop")
        if self._application_factory is None or ours is None:
            return
        if ours.AsyncSlotEventLoop.application_factory is self._application_factory:
            ours.AsyncSlotEventLoop.application_factory = None

    def _get_set(self) -> AbstractEventLoop | None:
        return self._thread.loop if self._thread.process_id == os.getpid() else None

    def _make(self) -> AbstractEventLoop | None:
        if self.is_tolerant and self._is_thread_without_application():
            self._tell_of_thread()
            return None
        factory = self.resolve().factory
        try:
            loop = factory()
        except (Exception, SystemExit) as exc:
            if self._has_made:
                raise
            msg = f"{_describe(factory)} failed ({_one_line(exc)}); {_registry.describe_available()}"
            raise self._error(msg) from exc
        if not isinstance(loop, AbstractEventLoop):
            msg = f"{_describe(factory)} returned {loop!r}, which is no event loop; {_registry.describe_available()}"
            raise self._error(msg)
        if loop.is_closed():
            msg = f"{_describe(factory)} returned {loop!r}, which is closed; {_registry.describe_available()}"
            raise self._error(msg)
        return loop

    def _is_thread_without_application(self) -> bool:
        """Tell whether Qt cannot serve this thread's loop before the main thread has made an application."""
        if self.request.loop not in _registry.BUILT_IN or threading.current_thread() is threading.main_thread():
            return False
        # Without Qt there is no application. Importing it here, on another thread than the main one, would have Qt
        # take this thread for the main one, and warn later (Qt 6.11, PyQt6).
        if not any(name.endswith(".QtCore") for name in list(sys.modules)):
            return True
        self.resolve()
        return sys.modules["asyncslot._qt"].QtCore.QCoreApplication.instance() is None

    def _tell_of_thread(self) -> None:
        if not self._has_told_of_thread:
            self._has_told_of_thread = True
            report(
                f"{self.request.asked}: thread {threading.current_thread().name!r} asked for a loop before the main "
                "thread has made a QCoreApplication. Such threads get a stock asyncio loop."
            )

    def _error(self, reason: str) -> AsyncSlotPolicyError:
        return AsyncSlotPolicyError("; ".join(filter(None, [f"{self.request.asked}: {reason}", self.request.way_out])))

    def _give_up(self, error: AsyncSlotPolicyError) -> None:
        if not self._has_given_up:
            self._has_given_up = True
            report(f"{error}. The program goes on with stock asyncio.", error if self.request.is_debugging else None)

    def _place_application_factory(self) -> None:
        """Set ``AsyncSlotEventLoop.application_factory``; code, but no variable, overrides the program's factory."""
        kind = self.request.application
        ours = sys.modules.get("asyncslot.loop")
        if kind is None or ours is None:
            return
        before = ours.AsyncSlotEventLoop.application_factory
        if before is None or isinstance(before, _ApplicationFactory) or self.request.is_application_explicit:
            self._application_factory = _ApplicationFactory(kind)
            ours.AsyncSlotEventLoop.application_factory = self._application_factory


def report(text: str, error: BaseException | None = None) -> None:
    """Print one line to standard error, after the traceback of *error*, if any; ignore errors of writing."""
    if sys.stderr is None:
        return
    with contextlib.suppress(OSError, ValueError):  # The reader is gone, the disk is full, or the file is closed.
        if error is not None:
            traceback.print_exception(type(error), error, error.__traceback__)
        print(f"asyncslot_policy: {text}", file=sys.stderr)  # noqa: T201 - there is no logging yet at start.


def _one_line(exc: BaseException) -> str:
    try:
        text = str(exc)
    except Exception:  # noqa: BLE001 - whatever it raises, it is no text.
        text = "<it cannot be shown>"
    return " ".join(f"{type(exc).__name__}: {text}".split())


def _describe(factory: Any) -> str:
    module = getattr(factory, "__module__", None)
    return f"{module}.{factory.__qualname__}" if module and hasattr(factory, "__qualname__") else repr(factory)


def _binding() -> str:
    """Say which binding is in use, if one is."""
    qt = sys.modules.get("asyncslot._qt")
    return "" if qt is None else f" on {qt.binding_name()}, Qt {qt.QtCore.qVersion()}"
