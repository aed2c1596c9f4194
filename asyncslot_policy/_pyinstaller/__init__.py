"""
The hook for PyInstaller, which finds this directory by the entry point group ``pyinstaller40``.

It runs while a program is frozen, and is no part of the program. It is in this package because
PyInstaller imports the directory for every program, and importing asyncslot would import Qt.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["find_hook_directories"]


def find_hook_directories() -> list[str]:
    """Return the directories of hooks: a hook's file has the name of the module that it is for."""
    return [str(Path(__file__).parent)]
