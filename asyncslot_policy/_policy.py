"""
AsyncSlotEventLoopPolicy, for the Pythons that have policies: those before 3.16.

The private names of asyncio that the plug-in relies on are here. On Python 3.14 and 3.15, each public name has a
private twin, which gives no DeprecationWarning. Checked on CPython 3.8.18, 3.9.18, 3.10.13, 3.11.7, 3.12.1, 3.13.0,
3.14 and 3.15; ``tests/policy/test_policy.py`` fails on the first Python that has only some of them.
"""

from __future__ import annotations

import asyncio
import importlib
import sys
from asyncio import events
from typing import TYPE_CHECKING, Any, Callable

from asyncslot_policy._config import heeded_environment, read_argument
from asyncslot_policy._source import LoopSource

__all__ = ["HAS_POLICIES", "AsyncSlotEventLoopPolicy", "get_policy", "set_policy"]


def _find(module: Any, name: str) -> Any:
    """Return the private twin of a name, or else the name's object; None if there is neither."""
    return vars(module).get(f"_{name}") or vars(module).get(name)


_platform_events = importlib.import_module(
    "asyncio.windows_events" if sys.platform == "win32" else "asyncio.unix_events"
)

get_policy: Callable[[], Any] = _find(events, "get_event_loop_policy")
set_policy: Callable[[Any], None] = _find(events, "set_event_loop_policy")
_stock_policy = _find(_platform_events, "DefaultEventLoopPolicy")

# False on Python 3.16 and later.
HAS_POLICIES = None not in (get_policy, set_policy, _stock_policy)

if TYPE_CHECKING:
    from asyncio import DefaultEventLoopPolicy as _Base
else:
    # It has the child watcher, without which there are no subprocesses before Python 3.14.
    _Base = _stock_policy or object


class _Policy(_Base):
    """
    The policy whose loops are carried by Qt: ``asyncio.set_event_loop_policy(AsyncSlotEventLoopPolicy())``.

    Qt, or whatever the loop needs, is imported when the first loop is made. Each thread
    has one loop, the same for asyncio and for `asyncslot.run_task`.

    Args:
        source: Where its loops come from; None for the Qt-hosted loop.
    """

    def __init__(self, source: LoopSource | None = None) -> None:
        super().__init__()
        if source is None:
            request = read_argument("qt", "AsyncSlotEventLoopPolicy()", heeded_environment())
            source = LoopSource(request, is_tolerant=False)
        self._source = source

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        """
        Make a loop.

        Raises:
            AsyncSlotPolicyError: If the loop is unavailable.
        """
        loop = self._source.make()
        return super().new_event_loop() if loop is None else loop

    def get_event_loop(self) -> asyncio.AbstractEventLoop:
        """
        Return this thread's loop; if it has none, a new one that is its loop from now on.

        Raises:
            RuntimeError: If the thread has no loop, and is neither the main thread nor one that Qt serves.
            AsyncSlotPolicyError: As `new_event_loop`.
        """
        loop = self._source.get()
        if loop is None:
            loop = self._source.make() if self._source.may_make_implicitly() else None
            if loop is None:
                return super().get_event_loop()
            self.set_event_loop(loop)
            self._source.mark_implicit()
        return loop

    def set_event_loop(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """Make *loop* this thread's."""
        super().set_event_loop(loop)
        self._source.set(loop)


_Policy.__name__ = _Policy.__qualname__ = "AsyncSlotEventLoopPolicy"

if TYPE_CHECKING or HAS_POLICIES:
    AsyncSlotEventLoopPolicy = _Policy


def __getattr__(name: str) -> object:
    if name == "AsyncSlotEventLoopPolicy":
        msg = (
            "asyncio has no event loop policies on this Python, so there is no AsyncSlotEventLoopPolicy; call "
            "asyncslot_policy.install(), or asyncio.run(main(), loop_factory=AsyncSlotEventLoop)"
        )
    else:
        msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
