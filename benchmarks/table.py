"""Text tables of what was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterable, Iterator, Optional, Sequence

from benchmarks import responsiveness
from benchmarks.compare import Ratio, compare, find_base, geometric_mean, median_of
from benchmarks.peers import BASE, BLOCKING, NON_BLOCKING, PEERS
from benchmarks.speed import CORE

if TYPE_CHECKING:
    from benchmarks.rounds import Record

__all__ = ["tabulate_responsiveness", "tabulate_scale", "tabulate_speed"]

# What stands where there is no number.
NOTHING = "-"

# How many columns are aligned left.
LEFT = 2


def _format(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """
    Yield the lines of a table.

    Args:
        headers: The names of the columns. The first two are aligned left, the others right.
        rows: Each has as many cells; or fewer, and then the last one is a remark, which may be long.
    """
    filled = list(rows)
    full = [headers, *(row for row in filled if len(row) == len(headers))]
    names = [headers, *filled]
    widths = [max(len(row[column]) for row in (names if column < LEFT else full)) for column in range(len(headers))]
    for row in names:
        cells = [
            cell if column >= LEFT and len(row) < len(headers) else _align(cell, widths[column], column)
            for column, cell in enumerate(row)
        ]
        yield "  ".join(cells).rstrip()


def _align(cell: str, width: int, column: int) -> str:
    return cell.ljust(width) if column < LEFT else cell.rjust(width)


def _number(value: Optional[float], digits: int = 2) -> str:
    return NOTHING if value is None else f"{value:.{digits}f}"


def _part(ratio: Optional[Ratio], attribute: str) -> str:
    return _number(None if ratio is None else getattr(ratio, attribute))


def _spread(ratio: Optional[Ratio]) -> str:
    return NOTHING if ratio is None else f"{ratio.median:.2f} ({ratio.low:.2f}-{ratio.high:.2f})"


def tabulate_speed(records: Sequence[Record], mode: str) -> Iterator[str]:
    """Yield the tables of the suite "speed" in one mode, line by line; the base is in those of both modes."""
    chosen = [record for record in records if record.mode == mode or record.peer == BASE]
    if mode == BLOCKING:
        yield "Blocking mode: the loop runs the program."
    else:
        yield "Non-blocking mode: inside app.exec(). The base, stdlib, is as in blocking mode: it has no Qt loop."
    yield ""
    headers = (
        "workload",
        "peer",
        "CPU ms",
        "us/unit",
        "CPU / stdlib (spread)",
        "best",
        "wall / stdlib (spread)",
        "MiB",
    )
    yield from _format(headers, (_speed_row(record, find_base(records, record.subject)) for record in chosen))
    if mode == NON_BLOCKING:
        yield from _name_guestless()
    yield ""
    yield from _tabulate_summary(records, chosen)


def _name_guestless() -> Iterator[str]:
    names = [peer.name for peer in PEERS.values() if NON_BLOCKING not in peer.modes]
    yield f"Not measured inside app.exec(), having no Qt loop: {', '.join(names)}."


def _speed_row(record: Record, base: Optional[Record]) -> list[str]:
    if record.failure is not None:
        return [record.subject, record.peer, record.failure]
    cpu, wall = compare(record, base, "cpu_s"), compare(record, base, "wall_s")
    cpu_s = median_of(record, "cpu_s")
    return [
        record.subject,
        record.peer,
        _number(1e3 * cpu_s, 0),
        _number(1e6 * cpu_s / record.units),
        _spread(cpu),
        _part(cpu, "best"),
        _spread(wall),
        _number(max(result["peak_mib"] for result in record.results), 0),
    ]


def _tabulate_summary(records: Sequence[Record], chosen: Sequence[Record]) -> Iterator[str]:
    """Yield a line per peer: its ratios of CPU, and their mean over the workloads that count."""
    ratios: dict[str, dict[str, Optional[Ratio]]] = {}
    for record in chosen:
        ratios.setdefault(record.peer, {})[record.subject] = compare(
            record, find_base(records, record.subject), "cpu_s"
        )
    subjects = list(dict.fromkeys(record.subject for record in chosen))
    for attribute, title in (("median", "median of rounds"), ("best", "best of rounds")):
        yield f"CPU / stdlib, {title}; mean: geometric, over {', '.join(CORE)}, if all were run and none has failed"
        rows = (
            [
                peer,
                "",
                *(_part(of_peer.get(name), attribute) for name in subjects),
                _number(geometric_mean(of_peer, attribute)),
            ]
            for peer, of_peer in ratios.items()
        )
        yield from _format(("peer", "", *subjects, "mean"), rows)
        yield ""


def tabulate_responsiveness(records: Sequence[Record]) -> Iterator[str]:
    """Yield the table of the suite "responsiveness", line by line."""
    yield f"Inside app.exec(), in ms. Frames: gaps of a timer of {responsiveness.FRAME_MS} ms."
    yield f"paints: gaps of the paint events of a window that is updated every {responsiveness.PAINT_MS} ms."
    yield "keys: a key event, from its posting in a thread to the window. slot: call_soon() in a slot of Qt's, until"
    yield "the callback. thread: call_soon_threadsafe() in a thread, until the callback. load: each CPU computes, too."
    yield "Each number is the median of the rounds, but worst, which is the worst of all."
    yield ""
    headers = ("subject", "peer", "median", "p99", "worst", "per s", "call_soon", "drained")
    yield from _format(headers, (_responsiveness_row(record) for record in records))
    notes = "; ".join(f"{name}: {meaning}" for name, meaning in responsiveness.NOTES.items())
    yield f"{notes}."
    yield from _name_guestless()


def _responsiveness_row(record: Record) -> list[str]:
    if record.failure is not None:
        return [record.subject, record.peer, record.failure]
    known = record.results[0]
    return [
        record.subject,
        record.peer,
        _number(median_of(record, "median_ms"), 3),
        _number(median_of(record, "p99_ms"), 3),
        _number(max(result["worst_ms"] for result in record.results), 3),
        *(
            _number(median_of(record, key) if key in known else None, 0)
            for key in ("per_s", "call_soon_ms", "drained_ms")
        ),
    ]


# The columns of the suite "scale": what is measured, its header, and how many digits it has.
_SCALE_COLUMNS = (
    ("cpu_us", "CPU us/unit", 2),
    ("wall_us", "wall us/unit", 2),
    ("size", "at once", 0),
    ("wake_ups_per_s", "wake-ups/s", 1),
    ("bytes_each", "bytes each", 0),
)


def tabulate_scale(records: Sequence[Record]) -> Iterator[str]:
    """Yield the table of the suite "scale", line by line."""
    yield "Cost per task, sleep, message, of 10 to 10,000 at once; idle processes; memory of what is idle."
    yield ""
    headers = ("subject", "peer", *(header for _, header, _ in _SCALE_COLUMNS), "/ stdlib (spread)", "MiB")
    yield from _format(headers, (_scale_row(record, find_base(records, record.subject)) for record in records))


def _scale_row(record: Record, base: Optional[Record]) -> list[str]:
    if record.failure is not None:
        return [record.subject, record.peer, record.failure]
    known = record.results[0]
    key = next(key for key in ("cpu_us", "bytes_each", "wake_ups_per_s") if key in known)
    return [
        record.subject,
        record.peer,
        *(_number(median_of(record, key) if key in known else None, digits) for key, _, digits in _SCALE_COLUMNS),
        _spread(compare(record, base, key)),
        _number(max(result["peak_mib"] for result in record.results), 0),
    ]
