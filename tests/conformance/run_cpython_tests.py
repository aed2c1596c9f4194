"""
Run CPython's own asyncio tests on AsyncSlotEventLoop.

    python tests/conformance/run_cpython_tests.py test_events test_streams ...

The tests are those that come with the interpreter (``test.test_asyncio``). Wherever they make a stock
loop, the selector loop or the proactor loop of Windows, they get ours, and a QCoreApplication stands by. With
``--stock`` they get the stock loop.

Exit code 0 only if all pass. The last line on standard output is what happened, as JSON: how many tests
passed, were skipped and failed, how many loops of ours were made, and in how many tests one of them ran
inside Qt. So a run on some other loop cannot pass unnoticed.
"""

from __future__ import annotations

import asyncio
import json
import os
import selectors
import sys
import unittest
from pathlib import Path
from typing import Any

from asyncslot import AsyncSlotEventLoop, AsyncSlotSelectorEventLoop
from asyncslot._qt import QtCore


class Count:
    """How many loops of ours were made, and how often Qt has carried one."""

    made = 0
    opened = 0


def make_counted(cls: type) -> type:
    """Return a class that derives from a loop of ours, and counts."""

    class CountedLoop(cls):  # type: ignore[misc, valid-type]
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            Count.made += 1

        def _open(self) -> None:
            super()._open()
            Count.opened += 1

    return CountedLoop


class CountingResult(unittest.TextTestResult):
    """A result that counts the tests in which Qt has carried a loop."""

    inside_qt = 0
    passed = 0
    # Python 3.12.1 ends a test that is skipped without having started it.
    _opened_before = 0

    def startTest(self, test: unittest.TestCase) -> None:
        super().startTest(test)
        self._opened_before = Count.opened

    def stopTest(self, test: unittest.TestCase) -> None:
        self.inside_qt += Count.opened > self._opened_before
        super().stopTest(test)

    def addSuccess(self, test: unittest.TestCase) -> None:
        self.passed += 1
        super().addSuccess(test)


def replace_stock_loop() -> None:
    """Have every way to make a stock loop make ours."""
    module: Any = asyncio.windows_events if sys.platform == "win32" else asyncio.unix_events
    selector_loop = make_counted(AsyncSlotSelectorEventLoop)
    asyncio.SelectorEventLoop = module.SelectorEventLoop = selector_loop  # type: ignore[misc]
    if sys.platform == "win32":
        default = make_counted(AsyncSlotEventLoop)
        asyncio.ProactorEventLoop = module.ProactorEventLoop = default  # type: ignore[misc]
        module.WindowsSelectorEventLoopPolicy._loop_factory = selector_loop
        module.WindowsProactorEventLoopPolicy._loop_factory = default
    else:
        default = selector_loop
        module._UnixDefaultEventLoopPolicy._loop_factory = default
    if hasattr(asyncio, "EventLoop"):  # From Python 3.13 on.
        asyncio.EventLoop = module.EventLoop = default


def main(names: list[str]) -> int:
    """Run the named modules; return the exit code."""
    application = QtCore.QCoreApplication([])
    if os.environ.get("ASYNCSLOT_TEST_KQUEUE"):
        sys.path.insert(0, str(Path(__file__).parents[1]))
        from kqueue_over_epoll import KqueueSelector

        selectors.DefaultSelector = KqueueSelector
    if "--stock" in names:
        names.remove("--stock")
    else:
        replace_stock_loop()
    suite = unittest.defaultTestLoader.loadTestsFromNames(f"test.test_asyncio.{name}" for name in names)
    result = unittest.TextTestRunner(resultclass=CountingResult).run(suite)
    summary = {
        "passed": result.passed,
        "skipped": len(result.skipped),
        "failed": sorted(test.id() for test, _ in result.failures + result.errors),
        "loops": Count.made,
        "inside_qt": result.inside_qt,
        "application": application.metaObject().className(),
    }
    print(json.dumps(summary))
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
