"""The pytest plug-in, with pytest-asyncio, anyio's plug-in and unittest, in test sessions of their own."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from policy_support import BINDING, OTHER_BINDING, OURS, STOCK

pytest_plugins = ["pytester"]

# What every session below has: our own tests' configuration does not count there.
COMMON = f"""
import asyncio
import pytest
def loop_name():
    return type(asyncio.get_running_loop()).__name__
def application_name():
    from {BINDING}.QtCore import QCoreApplication
    return type(QCoreApplication.instance()).__name__
"""

ASYNCIO_TESTS = """
import pytest_asyncio
@pytest_asyncio.fixture
async def value():
    await asyncio.sleep(0)
    yield loop_name()
    await asyncio.sleep(0)
@pytest.mark.asyncio
async def test_first(value):
    await asyncio.sleep(0.001)
    assert value == loop_name() == {expected!r}
@pytest.mark.asyncio
async def test_second(value):
    process = await asyncio.create_subprocess_exec({python!r}, "-c", "")
    assert await process.wait() == 0
    assert loop_name() == {expected!r}
@pytest.mark.asyncio
class TestScope:
    async def test_in_class(self, value):
        assert loop_name() == {expected!r}
"""

ANYIO_TESTS = """
import anyio
@pytest.fixture
def anyio_backend():
    return "asyncio"
@pytest.fixture
async def other():
    await anyio.sleep(0)
    yield loop_name()
    await anyio.sleep(0)
@pytest.mark.anyio
async def test_anyio(other):
    await anyio.sleep(0.001)
    assert other == loop_name() == {expected!r}
"""

OTHER_TESTS = """
import unittest
class Case(unittest.IsolatedAsyncioTestCase):
    async def test_in_case(self):
        self.assertEqual(loop_name(), {expected!r})
def test_asyncio_run():
    async def main():
        return loop_name()
    assert asyncio.run(main()) == {expected!r}
"""

# Warnings are errors, but for one that pytest-asyncio gives when a project has not chosen its loops' scope.
QUIET = ("-W", "error", "-W", "ignore:The configuration option")

needs_asyncio = pytest.mark.skipif(find_spec("pytest_asyncio") is None, reason="no pytest-asyncio")
needs_anyio = pytest.mark.skipif(find_spec("anyio") is None, reason="no anyio")
needs_pytest_qt = pytest.mark.skipif(find_spec("pytestqt") is None, reason="no pytest-qt")


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ASYNCSLOT_POLICY", "ASYNCSLOT_APPLICATION", "PYTEST_ADDOPTS", "PYTEST_PLUGINS"):
        monkeypatch.delenv(name, raising=False)


def run_session(pytester: pytest.Pytester, tests: str, *options: str, expected: str = OURS) -> pytest.RunResult:
    """Run *tests* in a session of its own; warnings are errors."""
    pytester.makepyfile(COMMON + tests.format(expected=expected, python=sys.executable))
    return pytester.runpytest_subprocess(*options, *QUIET)


@needs_asyncio
def test_pytest_asyncio_runs_on_qt(pytester: pytest.Pytester) -> None:
    """With the option, pytest-asyncio's tests and fixtures run on the Qt-hosted loop."""
    run_session(pytester, ASYNCIO_TESTS, "--asyncslot").assert_outcomes(passed=3)


@needs_asyncio
def test_pytest_asyncio_in_auto_mode_runs_on_qt(pytester: pytest.Pytester) -> None:
    """In pytest-asyncio's auto mode it is the same."""
    run_session(pytester, ASYNCIO_TESTS, "--asyncslot", "--asyncio-mode=auto").assert_outcomes(passed=3)


@needs_asyncio
def test_pytest_asyncio_hook_of_the_project_counts_more(pytester: pytest.Pytester) -> None:
    """Loop factories that the project's own conftest names come before the plug-in's."""
    import pytest_asyncio.plugin

    if not hasattr(pytest_asyncio.plugin, "_collect_hook_loop_factories"):
        pytest.skip("this pytest-asyncio has no hook for loop factories")
    pytester.makeconftest(
        "import asyncio\n"
        "STOCK = getattr(asyncio, 'ProactorEventLoop', asyncio.SelectorEventLoop)\n"
        "def pytest_asyncio_loop_factories(): return {'stock': STOCK}"
    )
    run_session(pytester, ASYNCIO_TESTS, "--asyncslot", expected=STOCK).assert_outcomes(passed=3)


@needs_anyio
def test_anyio_runs_on_qt(pytester: pytest.Pytester) -> None:
    """With the option, the tests and fixtures of anyio's plug-in run on the Qt-hosted loop."""
    run_session(pytester, ANYIO_TESTS, "--asyncslot").assert_outcomes(passed=1)


ATTACHING_TESTS = """
from asyncslot import AsyncSlotEventLoop, run_task
async def work(): await asyncio.sleep(0.001)
def test_attaches():
    run_task(work())
    assert asyncio._get_running_loop() is not None
def test_runs():
    asyncio.run(work())
def test_attaches_again():
    test_attaches()
@pytest.fixture(scope="module")
def attached():
    with AsyncSlotEventLoop() as loop:
        loop.attach()
        yield loop
@pytest.mark.parametrize("number", [0, pytest.param(1, marks=pytest.mark.skip), 2])
def test_of_a_fixture(attached, number):
    assert asyncio._get_running_loop() is attached
"""


def test_loop_that_a_test_attaches_ends_with_it(pytester: pytest.Pytester) -> None:
    """A loop that run_task() or a slot has attached in one test is not in the way of the next; a fixture's stays."""
    run_session(pytester, ATTACHING_TESTS, "--asyncslot").assert_outcomes(passed=5, skipped=1)


def test_other_tests_run_on_qt(pytester: pytest.Pytester) -> None:
    """So do unittest's, and what calls asyncio.run."""
    run_session(pytester, OTHER_TESTS, "--asyncslot").assert_outcomes(passed=2)


@needs_asyncio
@needs_anyio
@pytest.mark.parametrize("value", ["true", "false", None])
def test_ini_option_is_the_same(pytester: pytest.Pytester, value: str | None) -> None:
    """``asyncslot = true`` in the configuration file is the option; otherwise everything is stock."""
    if value is not None:
        pytester.makeini(f"[pytest]\nasyncslot = {value}\n")
    expected = OURS if value == "true" else STOCK
    # On Python 3.9, pytest-asyncio leaves stock loops of its own open.
    options = () if value == "true" else ("-p", "no:unraisableexception")
    result = run_session(pytester, ASYNCIO_TESTS + ANYIO_TESTS + OTHER_TESTS, *options, expected=expected)
    result.assert_outcomes(passed=6)


def test_no_option_imports_nothing(pytester: pytest.Pytester) -> None:
    """Without the option the plug-in imports neither Qt nor the loop, and makes no application."""
    pytester.makepyfile(
        "import sys\n"
        "def test_modules():\n"
        f"    assert not [name for name in sys.modules if name.startswith(('asyncslot.', {BINDING!r}))]\n"
        "    assert 'asyncslot_policy._hooks' not in sys.modules\n"
    )
    pytester.runpytest_subprocess("-p", "no:pytest-qt").assert_outcomes(passed=1)


APPLICATION_TESTS = """
def test_application_is_there():
    assert application_name() == "{application}"
def test_closing_the_last_window_does_not_quit():
    if "{application}" != "QApplication":
        return
    from {binding}.QtWidgets import QWidget
    async def main():
        window = QWidget()
        window.show()
        await asyncio.sleep(0.01)
        window.close()
        await asyncio.sleep(0.01)
        return "went on"
    assert asyncio.run(main()) == "went on"
"""


@pytest.mark.parametrize(
    ("kind", "expected"), [(None, "QApplication"), ("core", "QCoreApplication"), ("widgets", "QApplication")]
)
def test_application_is_in_place(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, kind: str | None, expected: str
) -> None:
    """An application is there for every test: the one that ASYNCSLOT_APPLICATION names, or with widgets."""
    if kind is not None:
        monkeypatch.setenv("ASYNCSLOT_APPLICATION", kind)
    tests = APPLICATION_TESTS.replace("{application}", expected).replace("{binding}", BINDING)
    pytester.makepyfile(COMMON + tests)
    pytester.runpytest_subprocess("--asyncslot", "-p", "no:pytest-qt", *QUIET).assert_outcomes(passed=2)


@needs_pytest_qt
def test_application_is_pytest_qts(pytester: pytest.Pytester) -> None:
    """With pytest-qt, the application is the one of its ``qapp`` fixture, which the project may configure."""
    pytester.makeconftest(
        "import pytest\n"
        f"from {BINDING}.QtWidgets import QApplication\n"
        "class Own(QApplication): pass\n"
        "@pytest.fixture(scope='session')\n"
        "def qapp_cls(): return Own\n"
    )
    tests = APPLICATION_TESTS.replace("{application}", "Own").replace("{binding}", BINDING)
    tests += "def test_qtbot(qtbot, qapp):\n    assert type(qapp).__name__ == 'Own'\n"
    pytester.makepyfile(COMMON + tests)
    pytester.runpytest_subprocess("--asyncslot").assert_outcomes(passed=3)


def test_unavailable_is_a_usage_error(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session whose loop cannot be had does not begin, and says why."""
    monkeypatch.setenv("ASYNCSLOT_QT_API", OTHER_BINDING)
    pytester.makepyfile("def test(): pass")
    result = pytester.runpytest_subprocess("--asyncslot", "-p", "no:pytest-qt")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: --asyncslot: *{OTHER_BINDING}*"])


def test_session_leaves_asyncio_as_it_was(pytester: pytest.Pytester, tmp_path: Path) -> None:
    """When the session ends, asyncio is stock again."""
    path = pytester.makepyfile(COMMON + OTHER_TESTS.format(expected=OURS))
    program = tmp_path / "program.py"
    program.write_text(
        "import asyncio, pytest\n"
        f"assert pytest.main(['--asyncslot', '-q', {str(path)!r}]) == 0\n"
        "loop = asyncio.new_event_loop(); print(type(loop).__name__); loop.close()\n"
    )
    result = pytester.runpython(program)
    assert result.ret == 0
    assert result.outlines[-1] == STOCK
