"""``python -m benchmarks``: the command line."""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import sys
from pathlib import Path
from typing import Any, Callable, Iterator, Sequence, Union

from benchmarks import responsiveness, scale, speed
from benchmarks.peers import BASE, BLOCKING, MODES, NON_BLOCKING, PEERS, Peer
from benchmarks.plot import draw
from benchmarks.rounds import ROOT, Record, run_rounds
from benchmarks.startup import measure_startup, tabulate_startup
from benchmarks.table import tabulate_responsiveness, tabulate_scale, tabulate_speed

__all__ = ["main"]

# How many units of work each subject of a suite has by default.
_UNITS: dict[str, dict[str, int]] = {
    "speed": {name: workload.units for name, workload in speed.WORKLOADS.items()},
    "responsiveness": responsiveness.UNITS,
    "scale": scale.UNITS,
}

SUITES = (*_UNITS, "startup")

DESCRIPTION = """\
Measure asyncslot against the stdlib's selector loop, uvloop, qasync, qtinter and
PySide6's QtAsyncio. benchmarks/requirements.txt has them; what is not installed, fails,
crashes or hangs is a row that says so.

suites:
  speed           the same work on each peer, in both modes, in CPU and wall time
  responsiveness  frames of Qt's, and latency of call_soon, while asyncio is busy
  scale           10 to 10,000 tasks, timers, connections; wake-ups; memory
  startup         what importing asyncslot, and its startup file, cost
"""

EPILOG = f"""\
Every cell of the tables is a process of its own; in a round every peer has its turn, and
a ratio is one to stdlib in the same round. CPU is that of all threads and of waited-for
child processes, around the work only, after a warm-up. Each process has a QApplication,
stdlib's and uvloop's, too, so that the loop is all that differs.

workloads of speed: {", ".join(_UNITS["speed"])}
of responsiveness: {", ".join(_UNITS["responsiveness"])}
of scale: {", ".join(_UNITS["scale"])}
peers: {", ".join(PEERS)}

examples:
  python -m benchmarks --rounds 5 --json speed.json
  python -m benchmarks --only sleep0,queue,asyncslot,qasync --mode non-blocking
  python -m benchmarks --suite all --json all.json --plot
  python -m benchmarks --from all.json --plot
"""


def main(arguments: Union[Sequence[str], None] = None) -> int:
    """
    Measure, print tables, and write files, as the command line says.

    Args:
        arguments: Those of the command line; None for the program's own.

    Returns:
        The exit code: 0 even if peers have failed, which the tables say; 1 if something is missing.

    Raises:
        SystemExit: With 2, if the arguments make no sense.
    """
    parser = _make_parser()
    options = parser.parse_args(arguments)
    if options.json is not None and (options.json.is_dir() or not options.json.parent.is_dir()):
        parser.error(f"--json {options.json}: there is no directory for such a file")
    try:
        data = _measure(options) if options.source is None else json.loads(options.source.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        parser.error(str(error))
    if options.json is not None:
        options.json.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    for line in _report(data):
        sys.stdout.write(line + "\n")
    return _plot(data) if options.plot else 0


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--suite", type=_suites, default=("speed",), metavar="NAMES", help="comma-separated, or 'all' (default: speed)")
    add("--only", type=_names, default=(), metavar="NAMES", help="only these workloads and peers, comma-separated")
    add("--mode", choices=(*MODES, "both"), default="both", help="of speed (default: both)")
    add("--rounds", type=_positive, default=5, metavar="N", help="(default: 5)")
    add("--scale", type=_factor, default=1.0, metavar="X", help="do this much of the work (default: 1)")
    add("--timeout", type=_factor, default=60.0, metavar="S", help="a cell hangs after S seconds (default: 60)")
    add("--json", type=Path, metavar="FILE", help="also write all measurements there")
    add("--from", dest="source", type=Path, metavar="FILE", help="measure nothing: take what --json wrote")
    add("--plot", action="store_true", help="also draw into docs/ (needs matplotlib)")
    return parser


def _suites(text: str) -> tuple[str, ...]:
    names = SUITES if text == "all" else tuple(text.split(","))
    return _check(names, SUITES)


def _names(text: str) -> tuple[str, ...]:
    known = [*PEERS, *(name for units in _UNITS.values() for name in units)]
    return _check(tuple(text.split(",")), known)


def _check(names: tuple[str, ...], known: Sequence[str]) -> tuple[str, ...]:
    unknown = [name for name in names if name not in known]
    if unknown:
        msg = f"unknown: {', '.join(unknown)}; there are {', '.join(known)}"
        raise argparse.ArgumentTypeError(msg)
    return names


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        msg = f"must be 1 or more, got {value}"
        raise argparse.ArgumentTypeError(msg)
    return value


def _factor(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        msg = f"must be positive and finite, got {value}"
        raise argparse.ArgumentTypeError(msg)
    return value


def _measure(options: argparse.Namespace) -> dict[str, Any]:
    """
    Run the suites.

    Returns:
        What --json writes.

    Raises:
        ValueError: If --only leaves nothing to do.
    """
    records = [record for suite in options.suite if suite in _UNITS for record in _plan(suite, options)]
    has_startup = "startup" in options.suite
    if not records and not has_startup:
        msg = "--only names nothing that --suite has"
        raise ValueError(msg)
    data: dict[str, Any] = {"machine": _describe_machine()}
    try:
        run_rounds(records, options.rounds, options.timeout, _say)
    except KeyboardInterrupt:
        _say("interrupted: the tables have what was measured before")
        for record in records:
            if not record.results and record.failure is None:
                record.failure = "not run"
    data["options"] = {"rounds": options.rounds, "scale": options.scale, "timeout_s": options.timeout}
    data["records"] = [record.as_dict() for record in records]
    if has_startup:
        data["startup"] = _measure_startup(options.rounds)
    return data


def _measure_startup(rounds: int) -> dict[str, Any]:
    try:
        return {"samples_ms": measure_startup(rounds, _say)}
    except RuntimeError as error:
        return {"failure": str(error)}


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def _plan(suite: str, options: argparse.Namespace) -> Iterator[Record]:
    """Yield an empty record for each cell of a suite that the options ask for."""
    subjects = [name for name in _UNITS[suite] if name in options.only] or [
        name for name in _UNITS[suite] if not set(options.only) - set(PEERS)
    ]
    named = [peer for peer in PEERS.values() if peer.name in options.only]
    peers = [peer for peer in PEERS.values() if not named or peer in named or peer.name == BASE]
    modes = MODES if options.mode == "both" else (options.mode,)
    for subject in subjects:
        units = max(1, int(_UNITS[suite][subject] * options.scale))
        for mode in MODES:
            for peer in peers:
                if mode in _choose_modes(suite, peer, modes):
                    yield Record(suite, subject, peer.name, mode, units)


def _choose_modes(suite: str, peer: Peer, modes: Sequence[str]) -> tuple[str, ...]:
    """
    Return the modes in which a peer has its turn.

    Speed: those asked for, if the peer has them; the base's in any case. Responsiveness: inside ``app.exec()``.
    Scale: inside ``app.exec()``, or else the only mode that the peer has.
    """
    if suite == "responsiveness":
        return (NON_BLOCKING,) if NON_BLOCKING in peer.modes else ()
    if suite == "scale":
        return peer.modes[-1:]
    return tuple(mode for mode in peer.modes if mode in modes or peer.name == BASE)


def _describe_machine() -> dict[str, Any]:
    return {
        "system": platform.platform(),
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        "load": os.getloadavg()[0],
        "versions": {peer.name: peer.version for peer in PEERS.values()},
    }


# How the records of a suite become lines.
_TABLES: dict[str, Callable[[list[Record]], Iterator[str]]] = {
    "responsiveness": tabulate_responsiveness,
    "scale": tabulate_scale,
}


def _report(data: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of all tables."""
    machine = data["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items() if version)
    yield f"Python {machine['python']}, {versions}"
    yield f"{machine['system']}, {machine['cpus']} CPUs, load {machine['load']:.2f} at the start"
    yield f"{data['options']['rounds']} rounds, {data['options']['scale']:g} of the work"
    records = [Record(**record) for record in data["records"]]
    for suite in _UNITS:
        chosen = [record for record in records if record.suite == suite]
        yield from _report_suite(suite, chosen) if chosen else ()
    if "startup" in data:
        yield from ("", "== startup ==", "")
        failure = data["startup"].get("failure")
        yield from [f"failed: {failure}"] if failure else tabulate_startup(data["startup"]["samples_ms"])


def _report_suite(suite: str, records: list[Record]) -> Iterator[str]:
    if suite in _TABLES:
        yield from ("", f"== {suite} ==", "")
        yield from _TABLES[suite](records)
        return
    for mode in MODES:
        if any(record.mode == mode and (record.peer != BASE or mode == BLOCKING) for record in records):
            yield from ("", f"== {suite} ==", "")
            yield from tabulate_speed(records, mode)


def _plot(data: dict[str, Any]) -> int:
    try:
        for path in draw([Record(**record) for record in data["records"]], ROOT / "docs"):
            _say(f"drawn: {path.relative_to(ROOT)}")
    except ImportError as error:
        _say(f"--plot needs matplotlib: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
