"""The task inspector: a widget, and a window, that show what an application's tasks do at this moment."""

from __future__ import annotations

from asyncslot._inspector.widget import TaskInspector
from asyncslot._inspector.window import show

__all__ = ["TaskInspector", "show"]

# Tracebacks, reprs and help() show the module that users import from.
TaskInspector.__module__ = show.__module__ = __name__
