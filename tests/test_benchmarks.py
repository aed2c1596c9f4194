"""The benchmarks, in miniature: that tables and JSON come out, and that what is missing or fails is a row."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent

pytest.importorskip("resource", reason="the benchmarks ask it for CPU time, and Windows has none")

pytestmark = pytest.mark.skipif(
    not (ROOT / "benchmarks").is_dir(), reason="the benchmarks are in the repository, and not in the sdist"
)


def measure(directory: Path, *arguments: str, **environment: str) -> tuple[list[str], dict[str, Any]]:
    """Run one round of a hundredth of the work, and return the lines printed and what the JSON file has."""
    path = directory / "measured.json"
    finished = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--rounds", "1", "--scale", "0.01", "--json", str(path), *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.splitlines(), json.loads(path.read_text(encoding="utf-8"))


def rows_of(lines: list[str], subject: str, peer: str) -> list[str]:
    return [line for line in lines if line.split()[:2] == [subject, peer]]


def test_speed_measures_both_modes(tmp_path: Path) -> None:
    """Each peer has a row for each workload in each of its modes, with numbers."""
    lines, data = measure(tmp_path, "--only", "sleep0,slot,stdlib,asyncslot")
    found = {(record["subject"], record["peer"], record["mode"]) for record in data["records"]}
    assert found == {
        *((subject, "stdlib", "blocking") for subject in ("sleep0", "slot")),
        *((subject, "asyncslot", mode) for subject in ("sleep0", "slot") for mode in ("blocking", "non-blocking")),
    }
    for record in data["records"]:
        assert record["failure"] is None
        assert all(result["cpu_s"] > 0 and result["peak_mib"] > 1 for result in record["results"])
    for subject in ("sleep0", "slot"):
        for peer in ("stdlib", "asyncslot"):  # The base is in the table of either mode.
            assert [len(row.split()) for row in rows_of(lines, subject, peer)] == [10, 10]


def test_responsiveness_and_scale_measure(tmp_path: Path) -> None:
    """The other suites make their tables, too."""
    only = "frames-burst,tasks-10,idle-tasks,asyncslot"
    lines, data = measure(tmp_path, "--suite", "responsiveness,scale", "--only", only)
    assert [record["failure"] for record in data["records"]] == [None] * 5
    assert len(rows_of(lines, "frames-burst", "asyncslot")) == 1
    assert len(rows_of(lines, "tasks-10", "asyncslot")) == 1
    assert len(rows_of(lines, "idle-tasks", "stdlib")) == 1


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise ImportError('there is none')", "not installed: there is none"),
        ("new_event_loop = None", "TypeError: 'NoneType' object is not callable"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "crashes: SIGSEGV during the work"),
        ("import os; os._exit(3)", "ends with code 3: without a word"),
        ("import time; time.sleep(1000)", "hangs: not done after 5 s"),
    ],
    ids=["missing", "failing", "crashing", "ending", "hanging"],
)
def test_peer_that_fails_is_a_row_with_the_reason(tmp_path: Path, code: str, reason: str) -> None:
    """A peer that is missing, fails, crashes or hangs is a row saying so; the others are measured."""
    (tmp_path / "uvloop.py").write_text(code, encoding="utf-8")
    only = ("--only", "sleep0,stdlib,uvloop", "--mode", "blocking", "--timeout", "5")
    lines, data = measure(tmp_path, *only, PYTHONPATH=str(tmp_path))
    assert {record["peer"]: record["failure"] for record in data["records"]} == {"stdlib": None, "uvloop": reason}
    assert rows_of(lines, "sleep0", "uvloop") == [f"sleep0    uvloop  {reason}"]


def test_from_file_prints_the_same_tables(tmp_path: Path) -> None:
    """What --json has written can be printed again without measuring."""
    lines, _ = measure(tmp_path, "--only", "sleep0,stdlib", "--mode", "blocking")
    again, _ = measure(tmp_path, "--from", str(tmp_path / "measured.json"))
    assert again == lines
