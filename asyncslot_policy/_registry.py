"""
Names of loops, and the factories that they stand for.

A factory is a callable without arguments that returns an asyncio event loop. A name is one of `BUILT_IN`; or
``module:callable``; or what an installed distribution has registered in the entry point group `GROUP`. This
module imports only the chosen factory; it knows nothing of asyncio.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import sys
from typing import Any, Callable, NamedTuple

from asyncslot_policy._config import AsyncSlotPolicyError

__all__ = ["BUILT_IN", "GROUP", "Entry", "Loaded", "describe_available", "find_entries", "load"]

GROUP = "asyncslot.loops"

# The loops that are found without metadata, as a frozen program has none. On Unix the two are the same.
BUILT_IN = {
    "qt": "asyncslot.loop:AsyncSlotEventLoop",
    "qt-selector": "asyncslot.loop:AsyncSlotSelectorEventLoop",
}


class Entry(NamedTuple):
    """One loop that a distribution has registered."""

    name: str
    # Where it is: "module:attribute".
    value: str
    # The distribution's name.
    distribution: str


class Loaded(NamedTuple):
    """A factory, and where it comes from."""

    factory: Callable[[], Any]
    origin: str


def load(name: str) -> Loaded:
    """
    Import the factory that a name stands for.

    Args:
        name: The name.

    Raises:
        AsyncSlotPolicyError: If no loop or more than one has this name, or it cannot be
            imported, or is not callable.
    """
    if name in BUILT_IN:
        return Loaded(_import_built_in(BUILT_IN[name]), "built in")
    if ":" in name:
        return Loaded(_import(name), "module:callable")
    entries = [entry for entry in find_entries() if entry.name == name]
    if not entries:
        msg = f"there is no loop of this name; {describe_available()}"
        raise AsyncSlotPolicyError(msg)
    if len({entry.value for entry in entries}) > 1:
        claims = " and ".join(f"{entry.distribution} ({entry.value})" for entry in entries)
        msg = f"more than one distribution has registered a loop of this name: {claims}; uninstall one of them"
        raise AsyncSlotPolicyError(msg)
    return Loaded(_import(entries[0].value), f"entry point of {entries[0].distribution}")


def find_entries() -> list[Entry]:
    """
    Return every loop that an installed distribution has registered, in the order of their names.

    If two distributions have the same name, the first one on the path counts. Without
    a module that reads metadata, the list is empty.
    """
    metadata = _import_metadata()
    entries = []
    seen = set()
    for distribution in () if metadata is None else metadata.distributions():
        try:
            points = [point for point in distribution.entry_points if point.group == GROUP]
            name = str(distribution.metadata["Name"]) if points else ""
        except Exception:  # noqa: BLE001, S112 - one broken distribution must not hide the others.
            continue
        if not points:
            continue
        key = name.lower().replace("_", "-").replace(".", "-")
        if key not in seen:
            seen.add(key)
            entries += [Entry(point.name, point.value.partition("[")[0].strip(), name) for point in points]
    return sorted(entries)


def describe_available() -> str:
    """Say, for a message, which names there are."""
    names = sorted({*BUILT_IN, *(entry.name for entry in find_entries())})
    return f"available: {', '.join(names)}, or module:callable"


def _import_metadata() -> Any:
    """
    Import the module that reads the metadata of installed distributions; return None if there is none.

    Before Python 3.10, this is the backport if it is installed: it knows newer formats.
    """
    if sys.version_info < (3, 10):
        with contextlib.suppress(ImportError):
            return importlib.import_module("importlib_metadata")
    with contextlib.suppress(ImportError):
        return importlib.import_module("importlib.metadata")
    return None


def _import_built_in(value: str) -> Callable[[], Any]:
    try:
        return _import(value)
    except AsyncSlotPolicyError as exc:
        stranger = _find_stranger()
        if stranger is None:
            raise
        msg = f"{stranger} is another distribution, an old name of qtinter, and hides ours; pip uninstall asyncslot"
        raise AsyncSlotPolicyError(msg) from exc.__cause__


def _find_stranger() -> str | None:
    """
    Return where another distribution's package asyncslot is if it stands before ours on the path, else None.

    That is so if ours is an editable install, or in another site-packages. If the two are mixed in one folder,
    asyncslot itself says so: see asyncslot._installation.
    """
    with contextlib.suppress(ImportError, ValueError):  # The latter comes from a module without a spec.
        spec = importlib.util.find_spec("asyncslot")
        for folder in (spec and spec.submodule_search_locations) or ():
            names = [os.path.join(folder, name) for name in ("_base_events.py", "_installation.py")]  # noqa: PTH118
            if [os.path.exists(name) for name in names] == [True, False]:  # noqa: PTH110
                return folder
    return None


def _import(value: str) -> Callable[[], Any]:
    module_name, _, path = (part.strip() for part in value.partition(":"))
    try:
        found: Any = importlib.import_module(module_name)
        for attribute in path.split("."):
            found = getattr(found, attribute)
    except (Exception, SystemExit) as exc:
        reason = " ".join(f"{type(exc).__name__}: {exc}".split())
        msg = f"{value} cannot be imported ({reason}); {describe_available()}"
        raise AsyncSlotPolicyError(msg) from exc
    if not callable(found):
        msg = f"{value} is {found!r}, which is no callable, so it makes no loop; {describe_available()}"
        raise AsyncSlotPolicyError(msg)
    return found  # type: ignore[no-any-return]
