"""
The system libraries that Qt's wheels expect: what Debian calls them, and which ones are missing.

This module knows nothing of Qt: it helps where Qt cannot be imported.
"""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING, Mapping

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "SYSTEM_LIBRARIES",
    "WAYLAND_LIBRARIES",
    "X11_LIBRARIES",
    "debian_package",
    "has_wayland",
    "has_x11",
    "list_missing",
    "list_packages",
]

# What Debian and Ubuntu call the libraries that Qt's wheels expect on the system:
# QtCore needs the first, QtGui and QtWidgets all. Source: ldd on the wheels' libraries.
SYSTEM_LIBRARIES = "libglib2.0-0 libgl1 libegl1 libxkbcommon0 libdbus-1-3 libfontconfig1"

# What a window needs besides. The first one brings libxcb-image0, -render0, -render-util0 and -util1, the last one
# libxcb-xkb1. Source: ldd on Qt's plugins libqxcb.so and libqwayland.so, on Debian 12 with the packages above.
# Painting by OpenGL under Wayland needs libwayland-egl1, too; widgets do not.
X11_LIBRARIES = "libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-shape0 libxkbcommon-x11-0"
WAYLAND_LIBRARIES = "libwayland-cursor0"

# The packages whose name does not follow from the library's.
_PACKAGES = {
    **dict.fromkeys(("libglib-2.0.so.0", "libgobject-2.0.so.0", "libgthread-2.0.so.0"), "libglib2.0-0"),
    "libz.so.1": "zlib1g",
}

# In seconds. Arbitrary, generous: ldd takes some milliseconds.
_LDD_TIMEOUT_S = 20


def has_x11(environment: Mapping[str, str]) -> bool:
    """Tell whether the environment names an X11 display."""
    return bool(environment.get("DISPLAY"))


def has_wayland(environment: Mapping[str, str]) -> bool:
    """Tell whether the environment names a Wayland display, or says that the session is one."""
    # Both, as Qt does it. Source: QGuiApplicationPrivate::createPlatformIntegration.
    return bool(environment.get("WAYLAND_DISPLAY")) or environment.get("XDG_SESSION_TYPE") == "wayland"


def list_packages(environment: Mapping[str, str]) -> str:
    """Return the packages that Qt needs on Debian and Ubuntu, with those for a window if there is a display."""
    packages = [SYSTEM_LIBRARIES]
    if has_x11(environment):
        packages.append(X11_LIBRARIES)
    if has_wayland(environment):
        packages.append(WAYLAND_LIBRARIES)
    return " ".join(packages)


def debian_package(library: str) -> str | None:
    """
    Return what Debian and Ubuntu call a library's package.

    Args:
        library: The name that the dynamic linker looks for, such as ``"libxcb-cursor.so.0"``.

    Returns:
        Such as ``"libxcb-cursor0"``; None if the name has no version, and so no rule.
    """
    if library in _PACKAGES:
        return _PACKAGES[library]
    # Source: Debian Policy 8.1, "Run-time shared libraries".
    found = re.fullmatch(r"(lib.+)\.so\.([0-9.]+)", library)
    if found is None:
        return None
    name = found[1].lower().replace("_", "-")
    return f"{name}-{found[2]}" if name[-1].isdigit() else name + found[2]


def list_missing(path: Path, error: OSError) -> list[str]:
    """
    List the libraries that a library needs and the system lacks.

    Args:
        path: A library.
        error: What loading it has raised.

    Returns:
        Their names, such as ``"libxcb-cursor.so.0"``, in the order of their first use. Where ldd cannot be run,
        only the first one, which the error names. Empty if the error has another cause.
    """
    # The words of the dynamic linkers of glibc and musl: Python has no exception class of its own for this.
    found = re.match(r"(?:Error loading shared library )?([^:\s]+): (?:cannot open shared|No such file)", str(error))
    if found is None:
        return []
    try:
        output = subprocess.run(  # noqa: S603 - the path is of Qt's own plugin.
            ["ldd", str(path)],  # noqa: S607 - where ldd is depends on the system.
            capture_output=True,
            text=True,
            timeout=_LDD_TIMEOUT_S,
            check=False,
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        output = ""
    # A library that several others need is listed several times.
    return list(dict.fromkeys([*re.findall(r"(\S+) => not found", output), found[1]]))
