"""CPython's own asyncio tests pass on our loop: one run of `run_cpython_tests` per module."""

from __future__ import annotations

import sys

import pytest
from cpython_modules import WITH_LOOPS, find_modules, run_module


@pytest.mark.skipif(sys.platform == "win32", reason="some fail on Wine, whatever the loop: see the next test")
@pytest.mark.parametrize("module", find_modules())
@pytest.mark.timeout(600)
def test_cpython_module_passes(module: str) -> None:
    """Every test of the module passes on loops of ours."""
    code, summary, errors = run_module(module)
    assert code == 0, errors
    assert summary["inside_qt"] > 0 or module not in WITH_LOOPS


@pytest.mark.skipif(sys.platform != "win32", reason="elsewhere none fails")
@pytest.mark.parametrize("module", find_modules())
@pytest.mark.timeout(900)
def test_cpython_module_fails_where_stock_fails_only(module: str) -> None:
    """Every test of the module that passes on the stock loop passes on loops of ours."""
    _, stock, _ = run_module(module, "--stock")
    if not stock:
        pytest.skip("it does not end on the stock loop")
    _, summary, errors = run_module(module)
    assert summary, errors
    assert set(summary["failed"]) <= set(stock["failed"]), errors
    assert summary["passed"] >= stock["passed"]
    assert summary["inside_qt"] > 0 or module not in WITH_LOOPS
