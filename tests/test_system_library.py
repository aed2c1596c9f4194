"""What the system lacks of the libraries that Qt needs, and what Debian calls it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from asyncslot._qt import system_library
from asyncslot._qt.system_library import debian_package, list_missing, list_packages

# The words of glibc and of musl.
GLIBC = "libxcb-cursor.so.0: cannot open shared object file: No such file or directory"
MUSL = "Error loading shared library libxcb-cursor.so.0: No such file or directory (needed by libqxcb.so)"


@pytest.mark.parametrize(
    ("library", "package"),
    [
        ("libxcb-cursor.so.0", "libxcb-cursor0"),
        ("libxkbcommon-x11.so.0", "libxkbcommon-x11-0"),
        ("libX11-xcb.so.1", "libx11-xcb1"),
        ("libgcc_s.so.1", "libgcc-s1"),
        ("libEGL.so.1", "libegl1"),
        ("libglib-2.0.so.0", "libglib2.0-0"),
        ("libclntsh.so.23.1", "libclntsh23.1"),
        ("libmimerapi.so", None),
    ],
)
def test_debian_package_follows_from_the_library(library: str, package: str | None) -> None:
    """Debian's policy makes a package's name of the library's; a library without a version has none."""
    assert debian_package(library) == package


@pytest.mark.parametrize(
    ("environment", "parts"),
    [
        ({}, []),
        ({"DISPLAY": ":0"}, [system_library.X11_LIBRARIES]),
        ({"WAYLAND_DISPLAY": "wayland-0"}, [system_library.WAYLAND_LIBRARIES]),
        (
            {"DISPLAY": ":0", "XDG_SESSION_TYPE": "wayland"},
            [system_library.X11_LIBRARIES, system_library.WAYLAND_LIBRARIES],
        ),
    ],
    ids=["none", "X11", "Wayland", "both"],
)
def test_list_packages_by_display(environment: dict[str, str], parts: list[str]) -> None:
    """With a display, the packages for a window are named, too: nobody should have to install twice."""
    assert list_packages(environment) == " ".join([system_library.SYSTEM_LIBRARIES, *parts])


@pytest.mark.parametrize("message", [GLIBC, MUSL], ids=["glibc", "musl"])
def test_list_missing_without_ldd_names_the_first(monkeypatch: pytest.MonkeyPatch, message: str) -> None:
    """Where ldd is missing, the error still names one library."""

    def fail(*_: object, **__: object) -> None:
        raise FileNotFoundError("ldd")

    monkeypatch.setattr(subprocess, "run", fail)
    assert list_missing(Path("libqxcb.so"), OSError(message)) == ["libxcb-cursor.so.0"]


def test_list_missing_names_each_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A library that two others need, and which ldd lists twice, is named once."""
    output = (
        "\tlibc.so.6 => /lib/libc.so.6 (0x1)\n" + 2 * "\tlibxcb-cursor.so.0 => not found\n\tlibb.so.1 => not found\n"
    )

    def run(*_: object, **__: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([], 0, output, "")

    monkeypatch.setattr(subprocess, "run", run)
    assert list_missing(Path("libqxcb.so"), OSError(GLIBC)) == ["libxcb-cursor.so.0", "libb.so.1"]


def test_list_missing_other_error_names_none() -> None:
    """A file that is no library at all lacks no library."""
    assert list_missing(Path("libqxcb.so"), OSError("libqxcb.so: file too short")) == []
