"""
Processes that work for the program, and run the program once more by mistake.

A spawned process of ``multiprocessing`` imports the program's main module. Without ``if __name__ == "__main__":`` this
runs the program: a second window opens, and whoever waits for the process waits for its end. This module knows nothing
of Qt or of asyncio.
"""

from __future__ import annotations

import sys

__all__ = ["is_importing_main"]


def is_importing_main() -> bool:
    """Tell whether this process was spawned, and is still importing the program's main module."""
    # multiprocessing imports it under this name, and puts it in the place of __main__ when that is done.
    # Source: multiprocessing/spawn.py, CPython 3.8 to 3.14.
    main = sys.modules.get("__mp_main__")
    return main is not None and main is not sys.modules.get("__main__")
