"""What all storms share: nothing may leak, nothing may hang for ever, and the end says what was counted."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any, Iterator

import pytest
from stress_support import CHILDREN, FACTOR, FIGURES, SEED, Census, find_leaks

from asyncslot import run, run_in_process
from asyncslot._qt import QtCore, import_qt

QtWidgets = import_qt("QtWidgets")

# Seconds after which a storm is taken to hang: the process dumps its stacks and ends. An exception, pytest-timeout's
# other way, would be raised in whatever slot Qt calls next, if it calls any.
LAST_RESORT_S = 300


HAS_FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: Any) -> Any:
    report = yield
    item.stash[HAS_FAILED] = item.stash.get(HAS_FAILED, False) or report.failed
    return report


def pytest_report_header() -> str:
    return f"stress: ASYNCSLOT_STRESS_SEED={SEED} ASYNCSLOT_STRESS_CHILDREN={CHILDREN} ASYNCSLOT_STRESS_FACTOR={FACTOR}"


def pytest_collection_modifyitems(items: list[Any]) -> None:
    for item in items:
        item.add_marker(pytest.mark.timeout(LAST_RESORT_S * FACTOR, method="thread"))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if FIGURES:
        terminalreporter.section("what the storms counted")
        for line in FIGURES:
            terminalreporter.line(line)


@pytest.fixture(scope="session")
def warm(app: Any) -> None:
    """Use each part of Qt and of asyncio once: what they keep for ever is no leak of a storm."""
    dialog = QtWidgets.QDialog()
    QtCore.QTimer.singleShot(0, dialog.accept)
    dialog.exec()
    thread = QtCore.QThread()
    thread.start()
    thread.quit()
    assert thread.wait(10_000)

    async def use_all() -> None:
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", "", stdout=subprocess.PIPE)
        await process.communicate()
        server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        await reader.read()
        writer.close()
        server.close()
        await asyncio.get_running_loop().run_in_executor(None, int)
        # multiprocessing keeps a process of its own, and the memory that processes have shared.
        await run_in_process(int)

    run(use_all())


@pytest.fixture(autouse=True)
def _nothing_leaks(warm: None, request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail if a storm leaves descriptors, threads, child processes, or objects of asyncio's or ours behind."""
    before = Census()
    yield
    # The traceback of a failure refers to everything.
    if request.node.stash.get(HAS_FAILED, False):
        return
    # Its fixtures are closed by now, but pytest still refers to them: the loop, above all.
    request.node.funcargs.clear()
    leaks = find_leaks(before)
    assert not leaks, "\n".join(leaks)
