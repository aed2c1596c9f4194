"""
Tells PyInstaller which modules of Qt go into a program that has asyncslot.

asyncslot imports Qt by a name that it puts together, which PyInstaller cannot see. What PyInstaller sees are the
imports for type checkers, and they always name PySide6: in a program with PyQt, that would be a second binding.
"""

from __future__ import annotations

from PyInstaller.utils.hooks.qt import exclude_extraneous_qt_bindings

# As `asyncslot._qt.binding.BINDINGS`. Importing that would import Qt.
BINDINGS = ["PySide6", "PyQt6", "PyQt5", "PySide2"]

# PyInstaller's own rule: the binding that it has met in the program, else the one that QT_API names, else the first
# one that is installed. Without any, the list is empty.
excludedimports = exclude_extraneous_qt_bindings("hook-asyncslot", BINDINGS)
# Widgets, because asyncslot.run() makes a QApplication if it can, and so that it does the same as before freezing.
hiddenimports = [f"{name}.QtWidgets" for name in BINDINGS if excludedimports and name not in excludedimports]
