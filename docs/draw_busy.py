"""
Draw docs/busy.svg: what becomes of five calls of a slot that is busy, under each `when_busy`.

Every bar is the record of a real call, in a Qt event loop. The time is counted in ticks of a clock of our own,
so that each run gives the same picture, however busy the machine is. Drawing needs matplotlib; recording does not.

    python docs/draw_busy.py
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Dict, List, NamedTuple

from qtpy.QtCore import QCoreApplication, QObject, Signal

import asyncslot
from asyncslot import AsyncSlot, cancel_reason

PICTURE = Path(__file__).with_name("busy.svg")

# What is drawn, panel by panel: the slot's settings, and what they mean in a few words.
PANELS: list[tuple[dict[str, Any], str]] = [
    ({"when_busy": "start"}, "all run side by side"),
    ({"when_busy": "drop"}, "a call while one runs does nothing"),
    ({"when_busy": "restart"}, "a call cancels the one before, and waits for its clean-up"),
    ({"when_busy": "queue"}, "one after the other"),
    ({"when_busy": "latest"}, "only the newest call waits"),
    ({"when_busy": "queue", "limit": 2}, "two at once"),
]

# When the calls are made, how long each runs, and how long its clean-up takes once it is cancelled; in ticks.
# Arbitrary, but no two things that depend on each other happen in the same tick.
CALLS = (0, 4, 6, 20, 24)
RUN = 9
CLEAN_UP = 3
END = 46

# How often all callbacks that are ready run within a tick. Arbitrary: the longest chain of them is shorter.
SETTLING_TURNS = 20


class Event(NamedTuple):
    """What happened to a call, and when."""

    tick: int
    # Counted from 1, as in the picture.
    call: int
    # "is called", "begins", "is cancelled" (it cleans up now), "ends"; of a call that never begins, the reason.
    what: str


Record = Dict[str, List[Event]]


class Clock:
    """Time that passes only when all that was to happen has happened."""

    def __init__(self) -> None:
        self.tick = 0
        self._waiters: list[tuple[int, asyncio.Future[None]]] = []

    async def wait(self, ticks: int) -> None:
        """Wait for so many ticks."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append((self.tick + ticks, waiter))
        await waiter

    async def advance(self) -> None:
        """Begin the next tick, when nothing is left to do in this one."""
        for _ in range(SETTLING_TURNS):
            await asyncio.sleep(0)
        self.tick += 1
        for tick, waiter in self._waiters:
            if tick == self.tick and not waiter.done():
                waiter.set_result(None)


def name_panel(settings: dict[str, Any]) -> str:
    """Return settings as they are written in the program."""
    return ", ".join(f"{name}={value!r}" for name, value in settings.items()).replace("'", '"')


async def record_calls(settings: dict[str, Any]) -> list[Event]:
    """Call a slot with these settings, and return what happened, in order."""
    clock = Clock()
    events: list[Event] = []
    begun: set[int] = set()

    def note(call: int, what: str) -> None:
        events.append(Event(clock.tick, call, what))

    class Receiver(QObject):
        emitted = Signal(int)

        @AsyncSlot(int, **settings)
        async def work(self, call: int) -> None:
            begun.add(call)
            note(call, "begins")
            try:
                await clock.wait(RUN)
            except asyncio.CancelledError:
                note(call, "is cancelled")
                await clock.wait(CLEAN_UP)
                raise
            finally:
                note(call, "ends")

    def on_emitted(call: int) -> None:
        note(call, "is called")
        task = receiver.work(call)
        if task.done():
            on_done(call, task)
        else:
            task.add_done_callback(lambda task: on_done(call, task))

    def on_done(call: int, task: asyncio.Task[None]) -> None:
        reason = cancel_reason(task)
        if call not in begun and reason is not None:
            note(call, f"is {reason.value}")

    receiver = Receiver()
    receiver.emitted.connect(on_emitted)
    while clock.tick < END:
        if clock.tick in CALLS:
            receiver.emitted.emit(CALLS.index(clock.tick) + 1)
        await clock.advance()
    return events


async def record() -> Record:
    """Return what happened in each panel."""
    return {name_panel(settings): await record_calls(settings) for settings, _ in PANELS}


def describe(record: Record) -> str:
    """Return a record as text, which goes into the picture for those who cannot see it, and for a test."""
    return " ".join(
        f"{panel}: " + ", ".join(f"{event.call} {event.what} at {event.tick}" for event in events) + "."
        for panel, events in record.items()
    )


def draw(record: Record, path: Path) -> None:
    """Draw a record."""
    import matplotlib as mpl  # noqa: PLC0415 - only to draw.

    mpl.use("svg")
    from matplotlib import pyplot as plt  # noqa: PLC0415
    from matplotlib.lines import Line2D  # noqa: PLC0415
    from matplotlib.patches import Patch  # noqa: PLC0415

    # Ids that are the same each time; text that stays text.
    plt.rcParams.update({"svg.hashsalt": "busy", "svg.fonttype": "none", "font.size": 9, "hatch.linewidth": 0.8})
    run: dict[str, Any] = {"facecolor": "0.6", "edgecolor": "black", "linewidth": 0.8}
    clean_up: dict[str, Any] = {"facecolor": "white", "edgecolor": "black", "linewidth": 0.8, "hatch": "/////"}
    waits: dict[str, Any] = {"color": "black", "linewidth": 1, "solid_capstyle": "butt"}
    mark: dict[str, Any] = {"color": "black", "linestyle": "none"}
    called: dict[str, Any] = {**mark, "marker": "|", "markersize": 13, "markeredgewidth": 2}
    never: dict[str, Any] = {**mark, "marker": "x", "markersize": 6, "markeredgewidth": 1.6}

    figure, axes = plt.subplots(3, 2, figsize=(8.4, 6.4), sharex=True, sharey=True)
    for axis, (panel, events), (_, meaning) in zip(axes.flat, record.items(), PANELS):
        for tick in CALLS:
            axis.axvline(tick, color="0.85", linewidth=0.8, zorder=0)
        for call in range(1, len(CALLS) + 1):
            at = {event.what: event.tick for event in events if event.call == call}
            begin = at.get("begins")
            stop = max(at.values()) if begin is None else begin
            axis.plot([at["is called"], stop], [call, call], **waits)
            if begin is None:
                beside = 0 if stop > at["is called"] else 1  # Not upon the mark of the call.
                axis.plot([stop + beside], [call], **never)
            else:
                end = at["ends"]
                cancelled = at.get("is cancelled", end)
                axis.barh(call, cancelled - begin, 0.56, begin, zorder=2, **run)
                axis.barh(call, end - cancelled, 0.56, cancelled, zorder=2, **clean_up)
            axis.plot([at["is called"]], [call], zorder=3, **called)
        axis.set_title(panel, loc="left", family="monospace", fontsize=9.5, fontweight="bold", pad=17)
        axis.text(0, 1.04, meaning, transform=axis.transAxes, fontsize=9)
        axis.spines[["top", "right", "left"]].set_visible(False)
        axis.set(xlim=(-1, END), ylim=(len(CALLS) + 0.7, 0.3), xticks=[], yticks=range(1, len(CALLS) + 1))
        axis.tick_params(axis="y", length=0)
    for axis in axes[-1]:
        axis.set_xlabel("time →", loc="right")
    for axis in axes[:, 0]:
        axis.set_ylabel("call")
    handles = [
        Line2D([], [], label="called", **called),
        Line2D([], [], label="waits", **waits),
        Patch(label="runs", **run),
        Patch(label="cleans up, cancelled", **clean_up),
        Line2D([], [], label="never begins", **never),
    ]
    figure.legend(handles=handles, loc="lower center", ncols=len(handles), frameon=False)
    figure.tight_layout(rect=(0, 0.05, 1, 1), h_pad=1.5, w_pad=2)
    metadata = {"Title": "Five calls of a busy slot", "Description": describe(record), "Date": None, "Creator": None}
    figure.savefig(path, metadata=metadata)
    plt.close(figure)
    # Without the spaces at the ends of lines.
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("".join(f"{line.rstrip()}\n" for line in lines), encoding="utf-8")


if __name__ == "__main__":
    application = QCoreApplication([])
    draw(asyncslot.run(record()), PICTURE)
    print(f"drew {PICTURE}")
