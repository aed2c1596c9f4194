"""
Run CPython's own asyncio tests on AsyncSlotEventLoop.

    python tests/conformance/run_cpython_tests.py test_events test_streams ...

The tests are those that come with the interpreter (``test.test_asyncio``). Wherever
they make the stock selector loop, they get ours, and a QCoreApplication stands by.
Exit code 0 only if all pass. The last line says how many loops of ours
were made, so that a run on some other loop cannot pass unnoticed.
"""

from __future__ import annotations

import asyncio
import sys
import unittest
from typing import Any

from asyncslot import AsyncSlotEventLoop
from asyncslot._qt import QtCore


class CountedLoop(AsyncSlotEventLoop):
    """An AsyncSlotEventLoop that counts how many were made."""

    made = 0

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        CountedLoop.made += 1


def replace_stock_loop() -> None:
    """Have every way to make the stock selector loop make ours."""
    asyncio.SelectorEventLoop = CountedLoop  # type: ignore[misc]
    asyncio.unix_events.SelectorEventLoop = CountedLoop  # type: ignore[misc]
    asyncio.unix_events._UnixDefaultEventLoopPolicy._loop_factory = CountedLoop
    if hasattr(asyncio, "EventLoop"):  # From Python 3.13 on.
        asyncio.EventLoop = CountedLoop
        asyncio.unix_events.EventLoop = CountedLoop


def load(names: list[str]) -> unittest.TestSuite:
    """Return the tests of the named modules of ``test.test_asyncio``."""
    return unittest.defaultTestLoader.loadTestsFromNames(f"test.test_asyncio.{name}" for name in names)


def main(names: list[str]) -> int:
    """Run the named modules; return the exit code."""
    application = QtCore.QCoreApplication([])
    replace_stock_loop()
    result = unittest.TextTestRunner().run(load(names))
    print(f"{CountedLoop.made} loops of ours were made under {application.metaObject().className()}", file=sys.stderr)
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
