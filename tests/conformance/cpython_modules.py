"""The modules of CPython's asyncio tests, and how one of them is run in a process of its own."""

from __future__ import annotations

import importlib.util
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

RUNNER = Path(__file__).with_name("run_cpython_tests.py")

# They test classes of another platform, or mocks of them, which this one cannot load or does not have.
if sys.platform == "win32":
    OTHER_PLATFORMS = {"test_unix_events"}
else:
    OTHER_PLATFORMS = {"test_windows_events", "test_windows_utils", "test_proactor_events"}

# Seconds after which a module is taken never to end. On Wine, test_ssl does not, on the stock loop either.
CEILING_S = 300 if sys.platform == "win32" else None

# Modules in which loops of ours must have run inside Qt, or the run proves nothing. Others, such as
# test_protocols, test classes that need no loop, or use mocks.
WITH_LOOPS = {
    "test_base_events",
    "test_events",
    "test_locks",
    "test_sendfile",
    "test_server",
    "test_sock_lowlevel",
    "test_ssl",
    "test_streams",
    "test_subprocess",
    "test_tasks",
}
if sys.platform == "win32":
    WITH_LOOPS.add("test_windows_events")


def find_modules() -> list[str]:
    """Return the names of the test modules that this interpreter brings, [] if it has none."""
    if importlib.util.find_spec("test") is None or importlib.util.find_spec("test.test_asyncio") is None:
        return []
    spec = importlib.util.find_spec("test.test_asyncio")
    directory = Path(spec.origin).parent  # type: ignore[union-attr, arg-type]
    return sorted({path.stem for path in directory.glob("test_*.py")} - OTHER_PLATFORMS)


def run_module(module: str, *options: str) -> tuple[int, dict[str, Any], str]:
    """
    Run one module.

    Returns:
        The exit code, what happened, and what was printed to standard error. If the module does not
        end, -1 and an empty dict.
    """
    command = [sys.executable, str(RUNNER), module, *options]
    # Shells start background jobs with SIGINT ignored. Then Python sets no handler, and tests of Ctrl-C never end.
    with _default_sigint():
        try:
            run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=CEILING_S)
        except subprocess.TimeoutExpired:
            return -1, {}, f"{module} did not end within {CEILING_S} s"
    lines = run.stdout.splitlines()
    return run.returncode, json.loads(lines[-1]) if lines else {}, run.stderr


class _default_sigint:  # noqa: N801 - used as a function.
    """Let children be interrupted by SIGINT, also if this process ignores it."""

    def __enter__(self) -> None:
        self._before = signal.getsignal(signal.SIGINT)
        if self._before is signal.SIG_IGN:
            signal.signal(signal.SIGINT, signal.SIG_DFL)

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._before)
