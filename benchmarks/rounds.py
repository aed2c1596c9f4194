"""
Runs cells in rounds, each cell in a process of its own. In each round, every peer has its turn.

Whatever goes wrong in a cell becomes its record's ``failure``, and the cell is not run again.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Optional, Sequence, Union

if TYPE_CHECKING:
    from benchmarks.job import Measurements

__all__ = ["ROOT", "Record", "base_environment", "run_rounds"]

# The root of the repository, where ``benchmarks`` can be imported.
ROOT = Path(__file__).parent.parent


@dataclass
class Record:
    """
    One cell of the tables, and what its processes have measured.

    Attributes:
        suite: Its suite, as in ``cell.JOBS``.
        subject: Its job.
        peer: Its peer's name.
        mode: Its peer's mode.
        units: How much work.
        results: What was measured in each round that it took part in.
        failure: Why it has failed; None if it has not.
    """

    suite: str
    subject: str
    peer: str
    mode: str
    units: int
    results: list[Measurements] = field(default_factory=list)
    failure: Optional[str] = None

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON stores it."""
        return asdict(self)


def base_environment() -> dict[str, str]:
    """Return the environment of a cell: this process's, without variables that change how loops or imports behave."""
    changing = ("ASYNCSLOT_", "PYTHONASYNCIO", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(changing)}
    return {"QT_QPA_PLATFORM": "offscreen", **kept}


def run_rounds(records: Sequence[Record], rounds: int, timeout_s: float, say: Callable[[str], None]) -> None:
    """
    Run each record's cell once in each round, and add the results to it.

    The records of one subject are run one after the other. The first one changes from round to round.

    Args:
        records: What to run.
        rounds: How often.
        timeout_s: Seconds after which a process is taken to hang, and is killed.
        say: Called with a line before each cell, and with one more if it fails.
    """
    by_subject: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in records:
        by_subject[record.suite, record.subject].append(record)
    for index in range(rounds):
        for group in by_subject.values():
            first = index % len(group)
            for record in group[first:] + group[:first]:
                if record.failure is None:
                    name = f"{record.subject} {record.peer} {record.mode}"
                    say(f"round {index + 1}/{rounds}  {name}")
                    _run_cell(record, timeout_s)
                    if record.failure is not None:
                        if record.results:
                            record.failure += f" (in round {index + 1})"
                        say(f"    failed: {record.failure}")


def _run_cell(record: Record, timeout_s: float) -> None:
    arguments = [record.suite, record.peer, record.mode, record.subject, str(record.units)]
    try:
        finished = subprocess.run(  # noqa: S603 - our own module.
            [sys.executable, "-m", "benchmarks.cell", *arguments],
            cwd=ROOT,
            env=base_environment(),
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        record.failure = f"hangs: not done after {timeout_s:g} s"
        return
    answer = _read_answer(finished)
    if isinstance(answer, str):
        record.failure = answer
    else:
        record.results.append(answer)


def _read_answer(finished: subprocess.CompletedProcess[str]) -> Union[Measurements, str]:
    """Return what a cell has measured, or why it has not."""
    if finished.returncode < 0:
        when = "at exit, after the work" if finished.stdout else "during the work"
        return f"crashes: {signal.Signals(-finished.returncode).name} {when}"
    lines = finished.stdout.splitlines()
    if not lines:
        complaints = finished.stderr.strip().splitlines() or ["without a word"]
        return f"ends with code {finished.returncode}: {complaints[-1]}"
    answer: dict[str, Any] = json.loads(lines[-1])
    error = answer.get("error")
    return answer if error is None else str(error)
