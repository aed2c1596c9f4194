"""
One process of the benchmarks: one job on one peer in one mode.

    python -m benchmarks.cell speed asyncslot non-blocking sleep0 100000

It prints one line of JSON: what was measured, or ``{"error": reason}``. Whatever else
prints to standard output goes to standard error.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import resource
import sys
from importlib import import_module
from typing import Any, Optional

from benchmarks import responsiveness, scale, speed
from benchmarks.job import Context, Job, Measurements
from benchmarks.peers import MODES, PEERS, import_qt

__all__ = ["JOBS", "main"]

JOBS = {"speed": speed.JOBS, "responsiveness": responsiveness.JOBS, "scale": scale.JOBS}

# The unit of ru_maxrss, in bytes. Source: getrusage(2): KiB on Linux; on macOS it is bytes.
MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024

# The application, which must not be collected.
_kept: list[Any] = []


def main() -> int:
    """Run one job, as the command line says. Returns 0, or 1 if it has failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cell", description=__doc__)
    parser.add_argument("suite", choices=JOBS)
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("mode", choices=MODES)
    parser.add_argument("subject")
    parser.add_argument("units", type=int)
    options = parser.parse_args()
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as output:
        os.dup2(2, 1)
        context = Context(PEERS[options.peer], options.mode, options.units)
        answer = _answer(context, JOBS[options.suite][options.subject])
        output.write(json.dumps(answer) + "\n")
    return 1 if "error" in answer else 0


def _answer(context: Context, job: Job) -> dict[str, Any]:
    try:
        import_module(context.peer.module)
    except ImportError as error:
        return {"error": f"not installed: {error}"}
    try:
        _make_application()
        return dict(_run(context, job))
    except Exception as error:  # noqa: BLE001 - whatever goes wrong is this cell's result.
        return {"error": f"{type(error).__name__}: {error}"}


def _make_application() -> None:
    """
    Make the application, and keep it to the end.

    Each peer gets one, also those without a Qt loop, so that the processes differ only in the loop:
    imported modules add to the garbage collector's work, and to the peak of memory.
    """
    _kept.append(import_qt("QtWidgets").QApplication([]))


def _run(context: Context, job: Job) -> Measurements:
    found: Optional[Measurements] = None
    failure: Optional[BaseException] = None

    async def keep() -> None:
        nonlocal found, failure
        try:
            found = await job(context)
        except BaseException as error:  # noqa: BLE001 - a peer may lose what a task raises; it is raised below.
            failure = error

    gc.collect()
    context.peer.run(context.mode, keep)
    if failure is not None:
        raise failure
    if found is None:
        msg = "the loop returned before the work was done"
        raise RuntimeError(msg)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {**found, "peak_mib": peak * MAXRSS_UNIT / 2**20}


if __name__ == "__main__":
    sys.exit(main())
