"""
How long a callback takes, without the Qt loops nested in it: for reports of slow ones.

This module knows nothing of asyncio.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from asyncslot._qt import QtCore

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Stopwatch"]


class Stopwatch:
    """
    The time that a block takes, without the Qt loops nested in it.

    Nothing tells when a nested Qt loop begins or ends. But it wakes the guest, and
    its dispatcher tells when it wakes itself: what lies between the first and the
    last sign of it is left out.
    """

    elapsed_s = 0.0

    def __enter__(self) -> Self:
        self._signs_s: list[float] = []
        self._dispatcher = QtCore.QAbstractEventDispatcher.instance()
        self._dispatcher.awake.connect(self.see_nested_loop)
        self._began_s = monotonic()
        return self

    def __exit__(self, *_: object) -> None:
        self.elapsed_s = monotonic() - self._began_s
        self._dispatcher.awake.disconnect(self.see_nested_loop)
        if self._signs_s:
            self.elapsed_s -= self._signs_s[-1] - self._signs_s[0]

    def see_nested_loop(self) -> None:
        """Take note that a nested Qt loop runs."""
        del self._signs_s[1:]
        self._signs_s.append(monotonic())
