"""CPython's own asyncio tests pass on our loop: one run of `run_cpython_tests` per module."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

RUNNER = Path(__file__).with_name("run_cpython_tests.py")

# They test classes of Windows' or mocks of them, which this platform cannot load or does not have.
OTHER_PLATFORMS = {"test_windows_events", "test_windows_utils", "test_proactor_events"}

# Modules that must have made loops of ours, or the run proves nothing. Others, such as
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


def find_modules() -> list[str]:
    """Return the names of the test modules that this interpreter brings, [] if it has none."""
    if importlib.util.find_spec("test") is None or importlib.util.find_spec("test.test_asyncio") is None:
        return []
    spec = importlib.util.find_spec("test.test_asyncio")
    directory = Path(spec.origin).parent  # type: ignore[union-attr, arg-type]
    return sorted({path.stem for path in directory.glob("test_*.py")} - OTHER_PLATFORMS)


@pytest.mark.skipif(sys.platform == "win32", reason="the runner replaces the selector loop of Unix")
@pytest.mark.parametrize("module", find_modules())
@pytest.mark.timeout(600)
def test_cpython_module_passes(module: str) -> None:
    """Every test of the module passes on loops of ours."""
    run = subprocess.run([sys.executable, str(RUNNER), module], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    made = re.search(r"^(\d+) loops of ours", run.stderr, re.MULTILINE)
    assert made is not None
    assert int(made[1]) > 0 or module not in WITH_LOOPS
