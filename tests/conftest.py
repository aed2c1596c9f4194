"""What all tests share: an application, loops that must end clean, globals that must be left alone."""

from __future__ import annotations

import asyncio
import gc
import os
import selectors
import shutil
import signal
import sys
import tempfile
from typing import Any, Iterator

import pytest
from kqueue_over_epoll import KqueueSelector

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
# Where it is not set, Qt 5 makes such a directory, and says so.
os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="asyncslot-runtime-"))

try:
    from asyncslot._qt import QtCore, import_qt

    QtWidgets = import_qt("QtWidgets")
except ImportError as error:
    pytest.exit(f"the tests need a Qt binding with widgets: {error}", returncode=1)

from asyncslot import AsyncSlotEventLoop

if os.environ.get("ASYNCSLOT_TEST_KQUEUE"):
    # What asyncio and asyncslot take if they are given no selector.
    selectors.DefaultSelector = KqueueSelector


def pytest_collection_finish() -> None:
    """Have the collection after each test pass over what was there before the first one: thousands of test items."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    if "asyncslot-runtime-" in os.environ["XDG_RUNTIME_DIR"]:
        shutil.rmtree(os.environ["XDG_RUNTIME_DIR"], ignore_errors=True)


@pytest.fixture(scope="session")
def app() -> Any:
    """The one QApplication of this process."""
    application = QtCore.QCoreApplication.instance() or QtWidgets.QApplication([])
    application.setQuitOnLastWindowClosed(False)
    return application


@pytest.fixture
def loop(app: Any) -> Iterator[AsyncSlotEventLoop]:
    """A stopped loop. At the end it has no task left and its exception handler was not called."""
    loop = AsyncSlotEventLoop()
    reports: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: reports.append(context))
    yield loop
    left = set() if loop.is_closed() else asyncio.all_tasks(loop)
    loop.shutdown(timeout_s=1)
    assert not reports
    assert not left


@pytest.fixture
def attached(loop: AsyncSlotEventLoop) -> AsyncSlotEventLoop:
    """An attached loop, otherwise like ``loop``."""
    loop.attach()
    return loop


@pytest.fixture(autouse=True)
def _globals_are_restored() -> Iterator[None]:
    """Fail if a test leaves a running loop, a signal handler, a wakeup descriptor or a hook behind."""
    before = read_globals()
    yield
    gc.collect()  # Unraisable errors and "never retrieved" reports belong to this test.
    assert read_globals() == before


def read_globals() -> dict[str, Any]:
    """Return the global state that asyncslot touches while a loop runs."""
    wakeup_fd = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(wakeup_fd)
    return {
        "running loop": asyncio._get_running_loop(),
        "SIGINT": signal.getsignal(signal.SIGINT),
        "SIGTERM": signal.getsignal(signal.SIGTERM),
        "wakeup fd": wakeup_fd,
        "async generator hooks": sys.get_asyncgen_hooks(),
        "origin tracking": sys.get_coroutine_origin_tracking_depth(),
        "application signals blocked": QtCore.QCoreApplication.instance() is not None
        and QtCore.QCoreApplication.instance().signalsBlocked(),
    }
