"""
Install a loop source in asyncio, and remove it: by policy, or by factory where there are no policies.

At most one hook of ours is in place. If other code puts its hook on top, ours stays below, untouched.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from asyncio import events
from typing import TYPE_CHECKING, Any, Callable, Iterator

from asyncslot_policy import _policy, _registry
from asyncslot_policy._config import AsyncSlotPolicyError, heeded_environment, read_argument
from asyncslot_policy._source import LoopSource

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["install", "install_source", "installed_source", "uninstall"]


class _PolicyHook:
    """Our policy, in place of the previous one."""

    def __init__(self, source: LoopSource) -> None:
        self.source = source
        self._policy = _policy.AsyncSlotEventLoopPolicy(source)
        self._before = _policy.get_policy()
        _policy.set_policy(self._policy)

    def is_in_place(self) -> bool:
        return _policy.get_policy() is self._policy

    def remove(self) -> None:
        if self.is_in_place():
            _policy.set_policy(self._before)
        self.source.remove_application_factory()


class _FactoryHook:
    """
    Our functions, in place of asyncio's, in each module of asyncio that has them.

    A module of the program that has imported one of them by name before keeps the stock function.
    """

    def __init__(self, source: LoopSource) -> None:
        self.source = source
        self._stock_new: Callable[[], Any] = events.new_event_loop
        self._stock_get: Callable[[], Any] = events.get_event_loop
        self._stock_set: Callable[[Any], None] = events.set_event_loop
        # While it is not None, new_event_loop() returns it, and set_event_loop() does nothing.
        self._probe: asyncio.AbstractEventLoop | None = None
        replacements = {
            "new_event_loop": (self._stock_new, self._new_event_loop),
            "get_event_loop": (self._stock_get, self._get_event_loop),
            "set_event_loop": (self._stock_set, self._set_event_loop),
        }
        # For each replacement: the module, the name, the stock function, ours.
        self._places: list[tuple[ModuleType, str, Any, Any]] = [
            (module, name, stock, ours)
            for name, (stock, ours) in replacements.items()
            for module in _asyncio_modules()
            if vars(module).get(name) is stock
        ]
        for module, name, _, ours in self._places:
            setattr(module, name, ours)
        if not self._is_heeded():
            self.remove()
            msg = (
                f"install({source.request.loop!r}): asyncio of Python {sys.version.split()[0]} makes its loops in "
                "a way that asyncslot_policy does not know; pass loop_factory= to asyncio.run() or asyncio.Runner()"
            )
            raise AsyncSlotPolicyError(msg)

    def is_in_place(self) -> bool:
        return events.new_event_loop == self._new_event_loop

    def remove(self) -> None:
        for module, name, stock, ours in self._places:
            if vars(module).get(name) is ours:
                setattr(module, name, stock)
        self.source.remove_application_factory()

    def _is_heeded(self) -> bool:
        """Find out whether asyncio now makes its loops by the hook, without making a loop."""
        makers: list[Callable[[], Any]] = [lambda: asyncio.new_event_loop(), lambda: events.new_event_loop()]  # noqa: PLW0108 - they are looked up late.
        if sys.version_info >= (3, 11):
            makers.append(lambda: asyncio.Runner().get_loop())
        with self._probing() as probe:
            try:
                return all(make() is probe for make in makers)
            except Exception:  # noqa: BLE001 - whatever is raised, we do not know this asyncio.
                return False

    @contextlib.contextmanager
    def _probing(self) -> Iterator[asyncio.AbstractEventLoop]:
        self._probe = asyncio.AbstractEventLoop()  # type: ignore[abstract]  # At run time it is not.
        try:
            yield self._probe
        finally:
            self._probe = None

    def _new_event_loop(self) -> asyncio.AbstractEventLoop:
        """Make a loop, as ``asyncio.new_event_loop`` does."""
        if self._probe is not None:
            return self._probe
        return self.source.make() or self._stock_new()

    def _get_event_loop(self) -> asyncio.AbstractEventLoop:
        """Return the running loop, or this thread's, or a new one that is this thread's from now on."""
        loop = events._get_running_loop() or self.source.get()
        if loop is None:
            loop = self.source.make() if self.source.may_make_implicitly() else None
            if loop is None:
                return self._stock_get()  # type: ignore[no-any-return]
            self._set_event_loop(loop)
            self.source.mark_implicit()
        return loop

    def _set_event_loop(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """Make *loop* this thread's, as ``asyncio.set_event_loop`` does."""
        if self._probe is None:
            self._stock_set(loop)
            self.source.set(loop)


def _asyncio_modules() -> list[ModuleType]:
    return [
        module
        for name, module in list(sys.modules.items())
        if module is not None and name.partition(".")[0] == "asyncio"
    ]


_hook: _PolicyHook | _FactoryHook | None = None


def install(name: str = "qt", *, application: str | None = None) -> None:
    """
    Make asyncio itself use a loop: in ``asyncio.run``, and in whatever makes its loop without its own factory.

    Installing the same loop again is a no-op; installing another one replaces it. The loop is
    imported at once. If it is a callable that is no class, and makes no loop, AsyncSlotPolicyError
    is raised only when asyncio asks for the first loop.

    Args:
        name: ``qt``, a name in the entry point group ``asyncslot.loops``, or
            ``module:callable``; ``off`` uninstalls.
        application: Which QCoreApplication to make when a loop is first run without one:
            ``core``, ``gui`` or ``widgets``; None for what ASYNCSLOT_APPLICATION says, if
            anything.

    Raises:
        AsyncSlotPolicyError: If the loop is unavailable; nothing has changed then.
    """
    if not isinstance(name, str):
        msg = f"install({name!r}): a loop's name is a str, such as 'qt'; {_registry.describe_available()}"
        raise AsyncSlotPolicyError(msg)
    request = read_argument(name, f"install({name!r})", heeded_environment(), application=application)
    if request.loop is None:
        uninstall()
        return
    source = LoopSource(request, is_tolerant=False)
    if _is_installed(source):
        return
    try:
        source.resolve()
        install_source(source)
    except AsyncSlotPolicyError:
        source.remove_application_factory()
        raise


def install_source(source: LoopSource) -> None:
    """
    Install *source* in asyncio; it replaces a source of ours that is in place, and covers any other hook.

    Raises:
        AsyncSlotPolicyError: If this Python's asyncio has no place for it.
    """
    global _hook  # noqa: PLW0603 - there is one asyncio.
    if _is_installed(source):
        return
    if _hook is not None and _hook.is_in_place():
        _hook.remove()
    _hook = None
    _hook = _PolicyHook(source) if _policy.HAS_POLICIES else _FactoryHook(source)


def uninstall() -> None:
    """
    Restore what was there before `install`, or before the startup file; loops already made stay.

    If other code has replaced it since, that stays. Uninstalling twice is a no-op.
    """
    global _hook
    hook, _hook = _hook, None
    if hook is not None:
        hook.remove()


def installed_source() -> LoopSource | None:
    """Return the source in place, or None."""
    return _hook.source if _hook is not None and _hook.is_in_place() else None


def _is_installed(source: LoopSource) -> bool:
    present = installed_source()
    return present is not None and (present.request, present.is_tolerant) == (source.request, source.is_tolerant)
