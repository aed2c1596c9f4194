"""Draws what was measured, with matplotlib."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Iterator, Sequence

from benchmarks.compare import compare, find_base, median_of
from benchmarks.peers import BASE, MODES, PEERS

if TYPE_CHECKING:
    from benchmarks.rounds import Record

__all__ = ["draw"]

# Width and height of one panel, in inches.
PANEL = (10, 4)

# The width of all bars of a subject, as a part of the distance to the next subject.
GROUP_WIDTH = 0.85


def draw(records: Sequence[Record], directory: Path) -> Iterator[Path]:
    """
    Draw the suites "speed" and "responsiveness", if they were run.

    Yields:
        The SVG files that were written. The same records make the same bytes.

    Raises:
        ImportError: If matplotlib is not installed.
    """
    import_module("matplotlib").use("svg")
    pyplot = import_module("matplotlib.pyplot")
    pyplot.rcParams.update({"svg.hashsalt": "asyncslot", "font.size": 9})
    speed = [record for record in records if record.suite == "speed"]
    if speed:
        yield _save(_draw_speed(pyplot, speed), directory / "benchmarks-speed.svg")
    frames = [record for record in records if record.suite == "responsiveness"]
    if frames:
        yield _save(_draw_responsiveness(pyplot, frames), directory / "benchmarks-responsiveness.svg")


def _save(figure: Any, path: Path) -> Path:
    figure.savefig(path, metadata={"Date": None})
    return path


def _draw_speed(pyplot: Any, records: Sequence[Record]) -> Any:
    """Draw a panel for each mode: the median ratio of CPU to the base's, with its spread."""
    modes = [mode for mode in MODES if any(record.mode == mode and record.peer != BASE for record in records)]
    figure, panels = _make_panels(pyplot, len(modes))
    for mode, panel in zip(modes, panels):
        chosen = [record for record in records if record.mode == mode and record.peer != BASE]
        heights: dict[str, dict[str, list[float]]] = {}
        for record in chosen:
            ratio = compare(record, find_base(records, record.subject), "cpu_s")
            if ratio is not None:
                spread = [ratio.median, ratio.median - ratio.low, ratio.high - ratio.median]
                heights.setdefault(record.peer, {})[record.subject] = spread
        _draw_bars(panel, list(dict.fromkeys(record.subject for record in chosen)), heights)
        panel.axhline(1, color="black", linewidth=0.8)
        panel.set_ylabel("CPU / stdlib's selector loop")
        panel.set_title(f"{mode} mode: CPU against the stdlib's loop, median and spread of rounds; less is better")
    return figure


def _draw_responsiveness(pyplot: Any, records: Sequence[Record]) -> Any:
    """Draw a panel for the 99th percentiles of gaps and latencies, and one for the worst."""
    figure, panels = _make_panels(pyplot, 2)
    for key, title, panel in zip(("p99_ms", "worst_ms"), ("99th percentile, median of rounds", "worst"), panels):
        heights: dict[str, dict[str, list[float]]] = {}
        for record in records:
            if record.failure is None:
                height = median_of(record, key) if key == "p99_ms" else max(result[key] for result in record.results)
                heights.setdefault(record.peer, {})[record.subject] = [height, 0, 0]
        _draw_bars(panel, list(dict.fromkeys(record.subject for record in records)), heights)
        panel.set_ylabel("ms")
        panel.set_title(f"Gaps of 16 ms frames, latency of call_soon: {title}; less is better")
    return figure


def _make_panels(pyplot: Any, count: int) -> Any:
    figure, panels = pyplot.subplots(
        count, 1, figsize=(PANEL[0], PANEL[1] * count), squeeze=False, layout="constrained"
    )
    return figure, panels[:, 0]


def _draw_bars(panel: Any, subjects: Sequence[str], heights: dict[str, dict[str, list[float]]]) -> None:
    """
    Draw groups of bars on a logarithmic scale.

    Args:
        panel: Where.
        subjects: The groups.
        heights: By peer and subject: the height, and how far the spread goes below and above it.
    """
    names = list(PEERS)
    # Where all bars begin: a logarithmic scale has no zero.
    floor = (
        min((height - below for of_peer in heights.values() for height, below, _ in of_peer.values()), default=1) / 2
    )
    width = GROUP_WIDTH / max(1, len(heights))
    for index, (peer, of_peer) in enumerate(heights.items()):
        known = [(place, of_peer[subject]) for place, subject in enumerate(subjects) if subject in of_peer]
        panel.bar(
            [place - GROUP_WIDTH / 2 + (index + 0.5) * width for place, _ in known],
            [height - floor for _, (height, _, _) in known],
            width,
            floor,
            yerr=[[below for _, (_, below, _) in known], [above for _, (_, _, above) in known]],
            label=peer,
            color=f"C{names.index(peer)}",
            error_kw={"linewidth": 0.8},
        )
    panel.set_yscale("log")
    panel.set_ylim(bottom=floor)
    panel.yaxis.set_major_formatter(import_module("matplotlib.ticker").FormatStrFormatter("%g"))
    panel.set_xticks(range(len(subjects)), subjects, rotation=35, ha="right")
    panel.legend(ncols=len(heights) or 1, fontsize=8)
