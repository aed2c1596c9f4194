"""A dictionary by identity that does not keep its keys alive."""

from __future__ import annotations

import atexit
import weakref
from typing import Any, Callable, Generic, Iterator, TypeVar

__all__ = ["IdentityDict"]

V = TypeVar("V")


class IdentityDict(Generic[V]):
    """
    Values for objects, by the identity of the objects, until these are collected.

    The objects' own ``__eq__`` and ``__hash__`` are not used.

    Args:
        make: Called with an object that has no value yet; returns the value. The value must not refer
            to the object, or the object is never collected.
    """

    def __init__(self, make: Callable[[Any], V]) -> None:
        self._make = make
        # A WeakKeyDictionary would not do: a program's QObject may define __eq__ without __hash__.
        # An id is valid as a key, because the weak reference removes the entry before the id is used again.
        self._entries: dict[int, tuple[weakref.ref[Any], V]] = {}
        # Returns an entry by the id of its object, or None. The second item of an entry is the value. It is for callers
        # that run once per slot call: `get` is a Python call more.
        self.entry_of: Callable[[int], tuple[Any, V] | None] = self._entries.get

    def __getitem__(self, key: Any) -> V:
        """Return the object's value, made at the first call."""
        entry = self._entries.get(id(key))
        if entry is None:
            if not self._entries:
                # At the interpreter's end PySide frees its objects without clearing the weak references to
                # them: a crash with debug allocators (test_owner). So the references go first.
                # Unregistered before, so that a dictionary that is filled again is not registered twice.
                atexit.unregister(self._entries.clear)
                atexit.register(self._entries.clear)
            entry = (weakref.ref(key, self._make_removal(id(key))), self._make(key))
            # Another thread may have made one meanwhile, and the first one counts.
            entry = self._entries.setdefault(id(key), entry)
        return entry[1]

    def get(self, key: Any) -> V | None:
        """Return the object's value, None if there is none yet."""
        entry = self._entries.get(id(key))
        return None if entry is None else entry[1]

    def __iter__(self) -> Iterator[V]:
        # Of a copy: a garbage collection may remove entries at any moment.
        return iter([value for _, value in self._entries.values()])

    def __len__(self) -> int:
        return len(self._entries)

    def _make_removal(self, ident: int) -> Callable[[object], None]:
        # The dictionary of entries, not self: the weak reference keeps its callback alive.
        entries = self._entries

        def remove(_: object) -> None:
            entries.pop(ident, None)

        return remove
