"""What the tests of the inspector's widgets share."""

from __future__ import annotations

import asyncio
from typing import Any, Callable

__all__ = ["until"]


async def until(condition: Callable[[], Any]) -> None:
    """Wait until *condition* holds, while Qt runs."""
    while not condition():
        await asyncio.sleep(0.005)
