"""
The platform plugin, by which Qt opens windows: whether it can be loaded.

Qt aborts the process if it cannot, so it is tried before Qt tries.
"""

from __future__ import annotations

import glob
import os
import sys
from pathlib import Path
from typing import Iterator, Mapping

from asyncslot._qt.binding import QtCore
from asyncslot._qt.system_library import debian_package, has_wayland, has_x11, list_missing

__all__ = ["check_platform_plugin"]


def check_platform_plugin(environment: Mapping[str, str] = os.environ) -> None:
    """
    Check that the system has what Qt needs to open a window.

    Qt loads the same plugin afterwards, unless a ``qt.conf`` beside the executable names another folder: Qt reads
    that only when there is an application. Only Linux and other systems of its kind are checked: elsewhere the
    plugin needs nothing.

    Args:
        environment: The environment variables that Qt reads, also under ``python -E``.

    Raises:
        ImportError: If each plugin that Qt would try lacks a system library. The message names
            the libraries, the packages to install, and the way out.
    """
    if sys.platform in ("win32", "darwin"):
        return
    failed: dict[str, list[str]] = {}
    for platform in _list_platforms(environment):
        for path in _find_plugins(platform):
            missing = _load(path)
            # Qt tries one after the other, so one that loads is enough.
            if not missing:
                return
            failed.setdefault(platform, missing)
    if failed:
        raise ImportError(_explain(failed))


def _list_platforms(environment: Mapping[str, str]) -> list[str]:
    """Return the platforms that Qt will try, best first; none if it depends on what is not known here."""
    chosen = environment.get("QT_QPA_PLATFORM", "")
    # Several are separated by semicolons. After a colon come a plugin's options.
    # Source: QGuiApplication's reference, "platform-specific arguments".
    if chosen:
        return [name.partition(":")[0] for name in chosen.split(";")]
    return ["wayland"] * has_wayland(environment) + ["xcb"] * has_x11(environment)


def _find_plugins(platform: str) -> Iterator[Path]:
    # Qt 5 has several plugins for Wayland, such as libqwayland-egl.so.
    pattern = "libqwayland*.so" if platform == "wayland" else f"libq{glob.escape(platform)}.so"
    # Qt's own variable for these plugins, then the folders of all plugins.
    own = os.environ.get("QT_QPA_PLATFORM_PLUGIN_PATH")
    folders = [Path(own)] if own else []
    folders += [Path(path, "platforms") for path in QtCore.QCoreApplication.libraryPaths()]
    for folder in folders:
        yield from sorted(folder.glob(pattern))


def _load(path: Path) -> list[str]:
    """Load a plugin as Qt does; return the libraries that it lacks."""
    import ctypes  # noqa: PLC0415 - programs that make their application themselves do not need it.

    try:
        ctypes.CDLL(str(path))
    except OSError as error:
        return list_missing(path, error)
    return []


def _explain(failed: Mapping[str, list[str]]) -> str:
    """Return one line. Of several platforms, the best one is explained."""
    platform, missing = next(iter(failed.items()))
    packages = dict.fromkeys(name for name in map(debian_package, missing) if name)
    install = f"On Debian or Ubuntu: apt-get install {' '.join(packages)}. " if packages else ""
    return (
        f"Qt cannot open a window: its platform plugin {platform!r} needs system libraries that are missing "
        f"({', '.join(missing)}). {install}To run without a window: QT_QPA_PLATFORM=offscreen"
    )
