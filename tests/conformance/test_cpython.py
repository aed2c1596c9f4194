"""CPython's own asyncio tests pass on our loop: one run of `run_cpython_tests` per module."""

from __future__ import annotations

import sys

import pytest
from cpython_modules import WITH_LOOPS, find_modules, run_module


@pytest.mark.skipif(sys.platform == "win32", reason="the runner replaces the selector loop of Unix")
@pytest.mark.parametrize("module", find_modules())
@pytest.mark.timeout(600)
def test_cpython_module_passes(module: str) -> None:
    """Every test of the module passes on loops of ours."""
    code, summary, errors = run_module(module)
    assert code == 0, errors
    assert summary["inside_qt"] > 0 or module not in WITH_LOOPS
