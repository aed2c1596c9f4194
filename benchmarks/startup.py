"""
The suite "startup": what asyncslot adds to the start of a program.

Each sample is a process of its own; samples of different kinds are interleaved.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from typing import Callable, Iterator

from benchmarks.peers import find_binding
from benchmarks.rounds import ROOT, base_environment

__all__ = ["measure_startup", "tabulate_startup"]

# Samples of each kind in a round. Arbitrary.
SAMPLES = 10

_IMPORT_BASE = f"import asyncio, {find_binding()}.QtCore"

# Prints the seconds that the import takes if its base is imported already.
_TIMED_IMPORT = f"""
import time
{_IMPORT_BASE}
began = time.perf_counter()
import asyncslot
print(time.perf_counter() - began)
"""

# Prints the seconds that Python takes for the startup file at each start. Up to 3.14, `site` reads a .pth;
# from 3.15 on, it calls what a .start names. In a virtual environment, it may do so twice.
_TIMED_STARTUP = """
import os, site, sys, time
root = sys.argv[1]
sys.path.append(root)
began = time.perf_counter()
if sys.version_info >= (3, 15):
    import asyncslot_policy
    asyncslot_policy._start()
else:
    site.addpackage(os.path.join(root, "asyncslot_policy"), "asyncslot_policy.pth", set())
print(time.perf_counter() - began)
"""


def _run(*arguments: str) -> str:
    """
    Run Python.

    Returns:
        What it prints.

    Raises:
        RuntimeError: If it fails.
    """
    finished = subprocess.run(  # noqa: S603 - this very interpreter, with programs from above.
        [sys.executable, *arguments],
        cwd=ROOT,
        env=base_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if finished.returncode:
        complaints = finished.stderr.strip().splitlines() or [f"code {finished.returncode}"]
        raise RuntimeError(complaints[-1])
    return finished.stdout


def _time_process(code: str) -> float:
    began_s = time.perf_counter()
    _run("-c", code)
    return time.perf_counter() - began_s


# Kind of sample -> function that takes one and returns seconds.
_KINDS: dict[str, Callable[[], float]] = {
    "process: base": lambda: _time_process(_IMPORT_BASE),
    "process: base + asyncslot": lambda: _time_process(_IMPORT_BASE + ", asyncslot"),
    "import asyncslot after base": lambda: float(_run("-c", _TIMED_IMPORT)),
    "startup file, variable unset": lambda: float(_run("-I", "-S", "-c", _TIMED_STARTUP, str(ROOT))),
}


def measure_startup(rounds: int, say: Callable[[str], None]) -> dict[str, list[float]]:
    """
    Take ten samples of each kind in each round.

    Returns:
        Milliseconds by kind, in the order of sampling.

    Raises:
        RuntimeError: If one of the processes fails.
    """
    for take in _KINDS.values():
        take()  # Now Python writes, and the system caches, what later runs read.
    samples: dict[str, list[float]] = {kind: [] for kind in _KINDS}
    for index in range(rounds):
        say(f"round {index + 1}/{rounds}  startup")
        for _ in range(SAMPLES):
            for kind, take in _KINDS.items():
                samples[kind].append(1000 * take())
    return samples


def tabulate_startup(samples: dict[str, list[float]]) -> Iterator[str]:
    """Yield the table of what `measure_startup` returns, line by line."""
    base, more = samples["process: base"], samples["process: base + asyncslot"]
    rows = {**samples, "process: difference in the same turn": [after - before for before, after in zip(base, more)]}
    yield f"Milliseconds; base: {_IMPORT_BASE}. {len(base)} interleaved samples of each kind."
    yield ""
    width = max(map(len, rows))
    yield f"{'kind'.ljust(width)}     median        min        max"
    for kind, values in rows.items():
        yield f"{kind.ljust(width)} {statistics.median(values):10.3f} {min(values):10.3f} {max(values):10.3f}"
