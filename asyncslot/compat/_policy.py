"""An event loop policy whose loops are of a given kind, for the Pythons that have policies: those before 3.16."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import sys
from asyncio import events
from typing import TYPE_CHECKING, Any, Callable, ClassVar, Iterator

__all__ = ["HAS_POLICIES", "LoopPolicy", "using_policy"]


def _find(module: Any, name: str) -> Any:
    """Return the private twin of a name, or else the name's object; None if there is neither."""
    # On Python 3.14 and 3.15, the public names give a DeprecationWarning, and the twins do not.
    return vars(module).get(f"_{name}") or vars(module).get(name)


_get_policy: Callable[[], Any] = _find(events, "get_event_loop_policy")
_set_policy: Callable[[Any], None] = _find(events, "set_event_loop_policy")
_stock_policy = _find(
    importlib.import_module("asyncio.windows_events" if sys.platform == "win32" else "asyncio.unix_events"),
    "DefaultEventLoopPolicy",
)

# False on Python 3.16 and later.
HAS_POLICIES = None not in (_get_policy, _set_policy, _stock_policy)

if TYPE_CHECKING:
    from asyncio import DefaultEventLoopPolicy as _Base
else:
    # It has the child watcher, without which there are no subprocesses before Python 3.12.
    _Base = _stock_policy or object


class LoopPolicy(_Base):
    """
    The platform's policy, with loops of another kind.

    Raises:
        RuntimeError: If this Python has no policies.
    """

    # Makes a loop.
    make_loop: ClassVar[Callable[[], asyncio.AbstractEventLoop]]

    def __init__(self) -> None:
        if not HAS_POLICIES:
            msg = "asyncio has no event loop policies on this Python; call asyncio.run(main(), loop_factory=...)"
            raise RuntimeError(msg)
        super().__init__()

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        """Make a loop."""
        return type(self).make_loop()


@contextlib.contextmanager
def using_policy(policy: LoopPolicy) -> Iterator[None]:
    """Make *policy* asyncio's in a block. Afterwards the policy before is asyncio's again."""
    before = _get_policy()
    _set_policy(policy)
    try:
        yield
    finally:
        _set_policy(before)
