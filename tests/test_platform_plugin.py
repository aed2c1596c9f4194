"""Whether Qt can open a window is known before Qt aborts the process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Callable

import pytest
from support import break_plugin

from asyncslot._qt import platform_plugin
from asyncslot._qt.platform_plugin import check_platform_plugin

pytestmark = pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="there the plugin needs no other library")

Missing = Callable[[Path], "list[str]"]


@pytest.fixture
def missing(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """What each plugin lacks, by its name; fill it in. One that is not in it does not exist."""
    lacks: dict[str, list[str]] = {}
    monkeypatch.setattr(platform_plugin, "_find_plugins", lambda platform: [Path(platform)] * (platform in lacks))
    monkeypatch.setattr(platform_plugin, "_load", lambda path: lacks[path.name])
    return lacks


def test_check_missing_library_names_packages_and_way_out(missing: dict[str, list[str]]) -> None:
    """The error is one line with the libraries, the packages, and how to run without a window."""
    missing["xcb"] = ["libxcb-cursor.so.0", "libodd.so"]
    with pytest.raises(ImportError) as caught:
        check_platform_plugin({"DISPLAY": ":0"})
    [line] = str(caught.value).splitlines()
    assert "'xcb'" in line
    assert "(libxcb-cursor.so.0, libodd.so)" in line
    assert "apt-get install libxcb-cursor0. " in line
    assert line.endswith("QT_QPA_PLATFORM=offscreen")


def test_check_library_without_package_is_named_alone(missing: dict[str, list[str]]) -> None:
    """If no package follows from the name, none is guessed."""
    missing["xcb"] = ["libodd.so"]
    with pytest.raises(ImportError, match=r"\(libodd\.so\)\. To run"):
        check_platform_plugin({"DISPLAY": ":0"})


@pytest.mark.parametrize(
    ("environment", "is_refused"),
    [
        ({"DISPLAY": ":0"}, True),
        ({"QT_QPA_PLATFORM": "xcb"}, True),
        ({"QT_QPA_PLATFORM": "xcb:option=1"}, True),
        ({"QT_QPA_PLATFORM": "offscreen", "DISPLAY": ":0"}, False),
        # Qt takes the next one.
        ({"QT_QPA_PLATFORM": "xcb;offscreen"}, False),
        ({"DISPLAY": ":0", "WAYLAND_DISPLAY": "wayland-0"}, False),
        ({"XDG_SESSION_TYPE": "wayland"}, False),
        # Unknown here: Qt's own words count.
        ({"QT_QPA_PLATFORM": "nothing"}, False),
        ({}, False),
    ],
)
def test_check_refuses_only_what_qt_would(
    missing: dict[str, list[str]], environment: dict[str, str], *, is_refused: bool
) -> None:
    """One platform that can be loaded is enough, and a platform that is not asked for does not matter."""
    missing.update(xcb=["libxcb-cursor.so.0"], wayland=[], offscreen=[])
    if not is_refused:
        check_platform_plugin(environment)
        return
    with pytest.raises(ImportError, match="libxcb-cursor0"):
        check_platform_plugin(environment)


def test_check_both_displays_missing_explains_the_first(missing: dict[str, list[str]]) -> None:
    """Of two platforms that cannot be loaded, one is explained: installing what it needs is enough."""
    missing.update(xcb=["libxcb-cursor.so.0"], wayland=["libwayland-cursor.so.0"])
    with pytest.raises(ImportError, match=r"'wayland'.*\(libwayland-cursor\.so\.0\)\."):
        check_platform_plugin({"DISPLAY": ":0", "WAYLAND_DISPLAY": "wayland-0"})


def test_check_plugin_of_the_tests_loads() -> None:
    """The plugin that these tests run on is found where Qt finds it."""
    [path] = platform_plugin._find_plugins("offscreen")
    assert platform_plugin._load(path) == []


def test_run_with_missing_library_says_what_qt_will_not(tmp_path: Path) -> None:
    """asyncslot.run() names the library before Qt aborts the process: Qt might find another plugin, so it goes on."""
    code = "import asyncio, asyncslot\nasyncslot.run(asyncio.sleep(0))"
    finished = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=break_plugin(tmp_path), check=False
    )
    assert finished.stderr.startswith("Qt cannot open a window: ")
    assert "(libx.so.6)" in finished.stderr.splitlines()[0]
    assert "Traceback" not in finished.stderr
