"""A clock that shows for how long the window stood still: its ticks are late whenever Qt does not get its turn."""

from __future__ import annotations

import collections
import enum
import math
import time
from typing import TYPE_CHECKING

from asyncslot._qt import QtCore, Signal, import_qt

if TYPE_CHECKING:
    from PySide6 import QtGui, QtWidgets
else:
    QtGui = import_qt("QtGui")
    QtWidgets = import_qt("QtWidgets")

__all__ = ["Clock", "Run", "format_gap"]

# Milliseconds between two ticks of the clock: about 60 Hz, as a screen has.
TICK_MS = 16

# One frame of a screen with 60 Hz, in milliseconds.
FRAME_MS = 1000 / 60

# Up to here a gap counts as good. Arbitrary: two frames are missed, and the timer is never quite in step with them.
GOOD_MS = 3 * FRAME_MS

# From here on people feel a delay, in milliseconds. Source: Nielsen, Usability Engineering (1993), chapter 5.
FELT_MS = 100.0

# Milliseconds in a second.
SECOND_MS = 1000.0

# How much time the graph shows, in seconds. Arbitrary: more than a run of the demo's own files.
SPAN_S = 8.0

# The graph's lowest and highest gap, in milliseconds. Its scale is logarithmic, as a linear one would hide a frame
# beside a second.
LOWEST_MS, HIGHEST_MS = 5.0, 5000.0

# Arbitrary: can be read on light and dark.
GOOD, FAIR, BAD = "#2e9e5b", "#d98a1f", "#d64545"


class Run(enum.Enum):
    """What the clock measures: the downloads by asyncio, or the same by blocking calls."""

    ASYNCIO = "with asyncio"
    BLOCKING = "without"


class Clock(QtWidgets.QWidget):
    """Ticks sixty times per second. Shows the time, the longest gap of each run, and a graph of all gaps."""

    ticked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._longest_ms: dict[Run, float] = {}
        self._run: Run | None = None
        # When a gap ended, and how long it was, in seconds.
        self._gaps: collections.deque[tuple[float, float]] = collections.deque()
        self._last_s: float | None = None
        self._time = QtWidgets.QLabel()
        # Digits of one width, so that the text does not jitter.
        self._time.setFont(QtGui.QFontDatabase.systemFont(QtGui.QFontDatabase.SystemFont.FixedFont))
        self._figures = QtWidgets.QLabel()
        self._figures.setToolTip(
            "The longest time between two ticks of this clock, which ticks as a screen does.\n"
            f"A frame of a 60 Hz screen takes {FRAME_MS:.1f} ms; people feel a delay from {FELT_MS:.0f} ms on."
        )
        line = QtWidgets.QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self._time, alignment=QtCore.Qt.AlignmentFlag.AlignTop)
        line.addStretch()
        line.addWidget(self._figures, alignment=QtCore.Qt.AlignmentFlag.AlignTop)
        self.setFixedHeight(self.fontMetrics().height() + GRAPH_TOP + GRAPH_HEIGHT)
        self._show_figures()
        # Precise: a coarse timer may be 5 % late by itself, and the clock is to show only our delays.
        self._timer = QtCore.QTimer(self, interval=TICK_MS, timerType=QtCore.Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._on_timeout)
        self._timer.start()

    @property
    def longest_gap_ms(self) -> float:
        """The longest time between two ticks of the last run by asyncio, in milliseconds; 0 before the first run."""
        return self._longest_ms.get(Run.ASYNCIO, 0.0)

    @property
    def longest_blocking_gap_ms(self) -> float:
        """The same of the last run by blocking calls."""
        return self._longest_ms.get(Run.BLOCKING, 0.0)

    def begin(self, run: Run) -> None:
        """Measure *run* anew, from the next tick on."""
        self._run = run
        self._longest_ms[run] = 0.0

    def end(self) -> None:
        """End the run. A gap that is not over yet still counts."""
        self._tick()
        self._run = None

    def _on_timeout(self) -> None:
        self._tick()
        self._time.setText(QtCore.QTime.currentTime().toString("HH:mm:ss.zzz"))
        self.update()
        self.ticked.emit()

    def _tick(self) -> None:
        now_s = time.monotonic()
        gap_s = 0.0 if self._last_s is None else now_s - self._last_s
        self._last_s = now_s
        self._gaps.append((now_s, gap_s))
        while self._gaps[0][0] < now_s - SPAN_S:
            self._gaps.popleft()
        if self._run is not None and gap_s * 1000 > self._longest_ms[self._run]:
            self._longest_ms[self._run] = gap_s * 1000
            self._show_figures()

    def _show_figures(self) -> None:
        parts = ["Longest gap"]
        for run in Run:
            longest_ms = self._longest_ms.get(run)
            text = "&ndash;" if longest_ms is None else format_gap(longest_ms)
            color = self.palette().color(QtGui.QPalette.ColorRole.WindowText).name()
            parts.append(
                f'{run.value} <b style="color: {color if longest_ms is None else _color(longest_ms)}">{text}</b>'
            )
        self._figures.setText(" &nbsp; ".join(parts))

    def paintEvent(self, _: QtGui.QPaintEvent) -> None:  # noqa: N802 - Qt calls it.
        """Draw the gaps of the last seconds: as wide and as high as each was long."""
        painter = QtGui.QPainter(self)
        area = QtCore.QRectF(0, self.height() - GRAPH_HEIGHT, self.width(), GRAPH_HEIGHT)
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        painter.setPen(QtCore.Qt.PenStyle.NoPen)
        painter.setBrush(self.palette().color(QtGui.QPalette.ColorRole.Base))
        painter.drawRoundedRect(area, 6, 6)
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing, on=False)
        self._draw_scale(painter, area)
        if self._last_s is None:
            return
        per_s = (area.width() - SCALE_WIDTH) / SPAN_S
        for end_s, gap_s in self._gaps:
            right = area.right() - SCALE_WIDTH - (self._last_s - end_s) * per_s
            left = max(area.left() + 4, right - gap_s * per_s)
            height = _height(gap_s * 1000)
            painter.fillRect(
                QtCore.QRectF(left, area.bottom() - height, max(1.0, right - left), height),
                QtGui.QColor(_color(gap_s * 1000)),
            )

    def _draw_scale(self, painter: QtGui.QPainter, area: QtCore.QRectF) -> None:
        font = self.font()
        font.setPointSizeF(font.pointSizeF() * 0.8)
        painter.setFont(font)
        for limit_ms, text in SCALE.items():
            y = area.bottom() - _height(limit_ms)
            color = self.palette().color(QtGui.QPalette.ColorRole.WindowText)
            color.setAlpha(50)
            painter.setPen(QtGui.QPen(color, 1, QtCore.Qt.PenStyle.DashLine))
            painter.drawLine(QtCore.QPointF(area.left() + 4, y), QtCore.QPointF(area.right() - SCALE_WIDTH, y))
            color.setAlpha(170)
            painter.setPen(color)
            place = QtCore.QRectF(area.right() - SCALE_WIDTH + 6, y - 10, SCALE_WIDTH - 6, 20)
            painter.drawText(place, int(QtCore.Qt.AlignmentFlag.AlignVCenter), text)


# The marks at the graph's right side.
SCALE = {FRAME_MS: f"{FRAME_MS:.1f} ms: one frame", FELT_MS: f"{FELT_MS:.0f} ms: felt", SECOND_MS: "1 s: frozen"}

# In pixels: the graph, the space above it, and the width of the marks' texts.
GRAPH_HEIGHT, GRAPH_TOP, SCALE_WIDTH = 76, 8, 112


def format_gap(gap_ms: float) -> str:
    """Return a gap as text, in ms or s."""
    return f"{gap_ms:.0f} ms" if gap_ms < SECOND_MS else f"{gap_ms / SECOND_MS:.1f} s"


def _color(gap_ms: float) -> str:
    if gap_ms <= GOOD_MS:
        return GOOD
    return FAIR if gap_ms < FELT_MS else BAD


def _height(gap_ms: float) -> float:
    """Return the height of a gap in the graph, in pixels."""
    part = math.log(max(gap_ms, LOWEST_MS) / LOWEST_MS) / math.log(HIGHEST_MS / LOWEST_MS)
    return min(part, 1.0) * (GRAPH_HEIGHT - 4)
