"""What is proven where: on which systems the tests have run."""

from __future__ import annotations

import sys

__all__ = ["describe_platform"]

# By sys.platform. The table of docs/platforms.md, "What runs where", has the details.
_PROVEN = {
    "linux": "Linux: proven by running",
    "win32": "Windows: run in Wine 8, never on real Windows",
    "darwin": "macOS: written, never run",
}


def describe_platform() -> str:
    """Return one line on what is proven on this system."""
    return _PROVEN.get(sys.platform, f"{sys.platform}: never run")
