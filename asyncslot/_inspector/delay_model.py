"""The table of what kept the loop waiting."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from asyncslot._inspector.cell_text import format_clock, format_duration, format_place, shorten_name
from asyncslot._inspector.row_model import Column, RowModel

if TYPE_CHECKING:
    from asyncslot._inspector.loop_watch import Delay, LoopWatch

__all__ = ["DelayModel"]


def _when(delay: Delay) -> str:
    when_s = time.time() - (time.monotonic() - delay.when_s)
    return format_clock(time.strftime("%H:%M:%S", time.localtime(when_s)), when_s % 1)


def _place_key(delay: Delay) -> tuple[str, int]:
    return ("", 0) if delay.place is None else (delay.place.file, delay.place.line)


COLUMNS = (
    Column("Ended at", _when, lambda delay: delay.when_s, _when),
    Column("What", lambda delay: delay.kind, lambda delay: delay.kind, lambda delay: delay.kind),
    Column(
        "Took",
        lambda delay: format_duration(delay.duration_s),
        lambda delay: delay.duration_s,
        lambda delay: f"{delay.duration_s * 1000:.1f} ms",
    ),
    Column(
        "Callback",
        lambda delay: shorten_name(delay.name),
        lambda delay: delay.name.lower(),
        lambda delay: delay.name,
    ),
    Column("Place", lambda delay: format_place(delay.place), _place_key, lambda delay: str(delay.place or "")),
)


class DelayModel(RowModel):
    """Slow callbacks, slow first steps and nested Qt loops of a loop that is watched."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(COLUMNS, parent)

    def refresh(self, watch: LoopWatch) -> None:
        """Show the delays that *watch* knows now."""
        self.set_rows(list(watch.delays))
