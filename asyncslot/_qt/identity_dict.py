"""A dictionary by identity that does not keep its keys alive."""

from __future__ import annotations

import atexit
import weakref
from typing import Any, Callable, Generic, Iterator, TypeVar

__all__ = ["IdentityDict"]

V = TypeVar("V")


class IdentityDict(Generic[V]):
    """
    Values for objects, whatever these say of their own equality and hash, until they are collected.

    Args:
        make: Called with an object that has no value yet; returns it. Must not refer to the object.
    """

    def __init__(self, make: Callable[[Any], V]) -> None:
        self._make = make
        self._entries: dict[int, tuple[weakref.ref[Any], V]] = {}

    def __getitem__(self, key: Any) -> V:
        """Return the object's value, made at the first call."""
        entry = self._entries.get(id(key))
        if entry is None:
            if not self._entries:
                # PySide frees its objects at the interpreter's end, but does not clear weak references to them.
                atexit.unregister(self._entries.clear)
                atexit.register(self._entries.clear)
            entry = (weakref.ref(key, self._make_removal(id(key))), self._make(key))
            self._entries[id(key)] = entry
        return entry[1]

    def get(self, key: Any) -> V | None:
        """Return the object's value, None if there is none yet."""
        entry = self._entries.get(id(key))
        return None if entry is None else entry[1]

    def __iter__(self) -> Iterator[V]:
        return iter([value for _, value in self._entries.values()])

    def __len__(self) -> int:
        return len(self._entries)

    def _make_removal(self, ident: int) -> Callable[[object], None]:
        entries = self._entries

        def remove(_: object) -> None:
            entries.pop(ident, None)

        return remove
