"""
How deep callbacks of the guest may be nested in each other, by dialogs and other Qt loops that they open.

A callback that opens a dialog stays on the stack until the dialog returns, and the guest's next
callbacks run above it. If each of these opens a dialog, too, the stack of Python ends somewhere: the
RecursionError may then come inside the loop's own books. So the guest nests no further when a limit
is reached. What is ready waits until the innermost of those Qt loops has returned.
"""

from __future__ import annotations

import sys
from types import FrameType

from asyncslot._task.asyncio_private import logger

__all__ = ["FREE_DEPTH", "DepthLimit"]

# How many slices of the guest may be on the stack, at most. Arbitrary. No person can work with so many dialogs. On
# Python 3.11, whose stack holds 1,000 Python frames, some 200 empty dialogs end it.
MAX_DEPTH = 50

# Up to so many slices of the guest, the frames of Python are not counted: it would take some microseconds
# for each wake-up.
FREE_DEPTH = 8

# How much of Python's stack may be in use when the guest nests once more. Arbitrary.
MAX_FRACTION = 0.5


class DepthLimit:
    """The limit of one loop. It warns once, when it is first reached."""

    def __init__(self) -> None:
        self._has_warned = False

    def is_reached(self, depth: int, *, spare_frames: int = 0) -> bool:
        """
        Tell whether the guest must not run on top of what is on the stack.

        Args:
            depth: How many slices of the guest are on the stack. Each but the innermost is in a Qt loop.
            spare_frames: How many frames of Python will be added before the guest runs.
        """
        if depth < FREE_DEPTH:
            return False
        is_reached = depth >= MAX_DEPTH or _count_frames() + spare_frames > sys.getrecursionlimit() * MAX_FRACTION
        if is_reached and not self._has_warned:
            self._has_warned = True
            logger.warning(
                "%d Qt event loops are open inside callbacks and coroutines, the innermost at %s. asyncio goes on "
                "when that one has returned, because Python's stack is limited",
                depth,
                _find_place(),
            )
        return is_reached


def _count_frames() -> int:
    count = 0
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        count += 1
        frame = frame.f_back
    return count


def _find_place() -> str:
    """Return where the innermost code is that is not asyncslot's, as "function() at file:line"."""
    frame: FrameType | None = sys._getframe()
    while frame is not None and str(frame.f_globals.get("__name__")).partition(".")[0] == "asyncslot":
        frame = frame.f_back
    if frame is None:
        return "an unknown place"
    return f"{frame.f_code.co_name}() at {frame.f_code.co_filename}:{frame.f_lineno}"
