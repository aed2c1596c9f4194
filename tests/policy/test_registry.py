"""Which names stand for which loop, with distributions that are really there."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from policy_support import (
    MAKE_APPLICATION,
    PROGRAM,
    ROOT,
    STOCK,
    is_startup_file_installed,
    run_python,
    write_distribution,
)

from asyncslot import AsyncSlotEventLoop, AsyncSlotSelectorEventLoop
from asyncslot_policy import AsyncSlotPolicyError
from asyncslot_policy._registry import BUILT_IN, find_entries, load

# A module with a loop of its own kind, and a factory that makes it.
LOOP_SOURCE = """
from asyncslot import AsyncSlotEventLoop
class OtherLoop(AsyncSlotEventLoop):
    pass
def make():
    return OtherLoop()
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory on the path where distributions may be installed."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_load_qt_is_built_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """``qt`` and ``qt-selector`` need no metadata, which a frozen program lacks."""
    for module in ("importlib.metadata", "importlib_metadata"):
        monkeypatch.setitem(sys.modules, module, None)
    assert load("qt").factory is AsyncSlotEventLoop
    assert load("qt-selector").factory is AsyncSlotSelectorEventLoop
    assert find_entries() == []


def test_load_module_and_callable() -> None:
    """``module:callable`` may name an attribute of an attribute."""
    assert load("asyncslot.loop:AsyncSlotEventLoop").factory is AsyncSlotEventLoop
    assert load("asyncslot:loop.AsyncSlotEventLoop").factory is AsyncSlotEventLoop


def test_load_entry_point_imports_only_the_chosen_one(site: Path) -> None:
    """A name that a distribution registers stands for its factory; the modules of the others are not imported."""
    write_distribution(
        site, "chosen_loops", {"chosen": "chosen_loops:make", "extra": "chosen_loops:make [extra]"}, LOOP_SOURCE
    )
    write_distribution(site, "other_loops", {"other": "other_loops:make"}, "raise SystemExit('imported')")
    loaded = load("chosen")
    assert loaded.factory.__module__ == "chosen_loops"
    assert "chosen_loops" in loaded.origin
    assert load("extra").factory is loaded.factory
    assert "other_loops" not in sys.modules
    del sys.modules["chosen_loops"]


def test_load_unknown_name_says_what_there_is(site: Path) -> None:
    """The error for an unknown name lists the known ones."""
    write_distribution(site, "known_loops", {"known": "known_loops:make"}, LOOP_SOURCE)
    with pytest.raises(AsyncSlotPolicyError, match=r"available: known, qt, qt-selector, or module:call"):
        load("unknown")


def test_load_duplicates_that_differ_name_both_distributions(site: Path) -> None:
    """Two distributions that register different loops under one name: neither is taken, both are named."""
    write_distribution(site, "first_loops", {"same": "first_loops:make"}, LOOP_SOURCE)
    write_distribution(site, "second_loops", {"same": "second_loops:make"}, LOOP_SOURCE)
    with pytest.raises(AsyncSlotPolicyError, match=r"first_loops \(first_loops:make\) and second_loops"):
        load("same")


def test_load_duplicates_that_agree_are_one(site: Path) -> None:
    """Two distributions that register the same loop under one name do not contradict each other."""
    write_distribution(site, "first_loops", {"agreed": "asyncslot:AsyncSlotEventLoop"})
    write_distribution(site, "second_loops", {"agreed": "asyncslot:AsyncSlotEventLoop"})
    assert load("agreed").factory is AsyncSlotEventLoop


def test_find_entries_same_distribution_twice_counts_the_first(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A distribution that is on the path twice, in two versions, is the one that would be imported."""
    write_distribution(site / "old", "twice_loops", {"old": "twice_loops:make"})
    write_distribution(site / "new", "twice_loops", {"new": "twice_loops:make"})
    monkeypatch.syspath_prepend(str(site / "old"))
    monkeypatch.syspath_prepend(str(site / "new"))
    assert [entry.name for entry in find_entries() if entry.distribution == "twice_loops"] == ["new"]


def test_find_entries_broken_distribution_is_passed_over(site: Path) -> None:
    """A distribution whose metadata cannot be read hides nothing else."""
    write_distribution(site, "broken_loops", {"broken": "broken_loops:make"})
    (site / "broken_loops-1.0.dist-info" / "entry_points.txt").write_bytes(b"\xff\xfe[")
    write_distribution(site, "whole_loops", {"whole": "whole_loops:make"})
    names = [entry.name for entry in find_entries()]
    assert "whole" in names
    assert "broken" not in names


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("no.such:thing", "ModuleNotFoundError: No module named 'no'"),
        ("os:nothing", "AttributeError"),
        (":thing", "cannot be imported"),
        ("os:", "cannot be imported"),
        ("os:sep", "no callable"),
    ],
)
def test_load_what_is_no_factory_raises(name: str, reason: str) -> None:
    """What cannot be imported, and what cannot be called, is an error with its reason and what there is."""
    with pytest.raises(AsyncSlotPolicyError, match=reason) as caught:
        load(name)
    assert "available: " in str(caught.value)


def test_qt_is_registered_too() -> None:
    """Other tools find the Qt-hosted loops in the entry point group, as what is built in."""
    assert {entry.name: entry.value for entry in find_entries() if entry.name in BUILT_IN} == BUILT_IN


@pytest.mark.skipif(not is_startup_file_installed(), reason="see test_startup")
def test_installed_distribution_is_selected_by_the_variable(tmp_path: Path) -> None:
    """A program runs on the loop of a second distribution, installed by pip, because the variable names it."""
    pytest.importorskip("hatchling", reason="nothing to build a distribution with offline")
    source = tmp_path / "source"
    source.mkdir()
    (source / "second_loops.py").write_text(LOOP_SOURCE)
    (source / "pyproject.toml").write_text(
        "[build-system]\nrequires = ['hatchling']\nbuild-backend = 'hatchling.build'\n"
        "[project]\nname = 'second-loops'\nversion = '1'\n"
        "[project.entry-points.'asyncslot.loops']\nsecond = 'second_loops:make'\n"
        "[tool.hatch.build.targets.wheel]\ninclude = ['second_loops.py']\n"
    )
    target = tmp_path / "site"
    pip = (
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-build-isolation",
        "--no-deps",
        "--no-index",
        "--target",
        str(target),
    )
    installed = run_python(*pip, str(source), options=(), environment={"PIP_DISABLE_PIP_VERSION_CHECK": "1"})
    assert installed.code == 0, installed.errors
    environment = {"PYTHONPATH": str(target), "ASYNCSLOT_POLICY": "second"}
    finished = run_python("-c", MAKE_APPLICATION + PROGRAM, environment=environment)
    assert finished.errors == ""
    assert finished.lines == ["OtherLoop"]
    listed = run_python("-m", "asyncslot_policy", "--list", environment={"PYTHONPATH": str(target)}, directory=ROOT)
    assert [line.split() for line in listed.lines] == [
        ["qt", "asyncslot.loop:AsyncSlotEventLoop", "(built", "in)"],
        ["qt-selector", "asyncslot.loop:AsyncSlotSelectorEventLoop", "(built", "in)"],
        ["second", "second_loops:make", "(entry", "point", "of", "second-loops)"],
    ]


@pytest.mark.skipif(not is_startup_file_installed(), reason="see test_startup")
def test_distribution_on_the_path_is_selected_by_the_variable(tmp_path: Path) -> None:
    """The same with a distribution as pip leaves it, for machines that cannot build one."""
    write_distribution(tmp_path, "path_loops", {"path": "path_loops:make"}, LOOP_SOURCE)
    environment = {"PYTHONPATH": str(tmp_path), "ASYNCSLOT_POLICY": "path"}
    finished = run_python("-c", MAKE_APPLICATION + PROGRAM, environment=environment)
    assert finished.errors == ""
    assert finished.lines == ["OtherLoop"]


# -- another distribution called asyncslot --


def write_stranger(directory: Path) -> None:
    """Install the other distribution where ours is not."""
    (directory / "asyncslot").mkdir()
    (directory / "asyncslot" / "__init__.py").write_text("from ._base_events import *\n")
    (directory / "asyncslot" / "_base_events.py").write_text("")


def test_stranger_before_ours_on_the_path_is_named(tmp_path: Path) -> None:
    """It hides ours if that is an editable install; who asks for our loop reads where it is, and the way out."""
    write_stranger(tmp_path)
    code = (
        "import asyncslot_policy._registry as registry\n"
        "try:\n    registry.load('qt')\nexcept registry.AsyncSlotPolicyError as exc:\n    print(exc)"
    )
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    finished = run_python("-c", code, environment={"PYTHONPATH": path}, directory=tmp_path)
    assert finished.errors == ""
    [line] = finished.lines
    assert line.startswith(f"{tmp_path / 'asyncslot'} is another distribution, an old name of qtinter, and hides ours")
    assert line.endswith("pip uninstall asyncslot")


def test_stranger_costs_the_startup_file_one_line(tmp_path: Path) -> None:
    """By the environment variable, the program runs on stock asyncio, and one line says why."""
    write_stranger(tmp_path)
    code = f"import asyncslot_policy\nasyncslot_policy._start()\n{MAKE_APPLICATION}{PROGRAM}"
    environment = {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)]), "ASYNCSLOT_POLICY": "qt"}
    finished = run_python("-c", code, environment=environment, directory=tmp_path, options=())
    assert finished.lines == [STOCK]
    [line] = finished.errors.splitlines()
    assert f"{tmp_path / 'asyncslot'} is another distribution" in line
