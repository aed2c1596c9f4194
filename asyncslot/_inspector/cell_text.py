"""How times, places and names are written where there is little room. Pure."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncslot._task.description import Place

__all__ = ["format_age", "format_clock", "format_duration", "format_place", "shorten_name", "shorten_path"]

# File names that many packages have, so that they tell nothing without their directory.
_COMMON_NAMES = ("__init__.py", "__main__.py", "main.py")

# From how many seconds on an age is given in minutes, without seconds; and from how many on in hours.
_LONG_S = 600
_VERY_LONG_S = 2 * 3600

# Below this many seconds a duration is given in milliseconds.
_SHORT_S = 1.0


def format_age(age_s: float, *, is_known: bool = True) -> str:
    """
    Return an age in whole units, so that it seldom changes: ``7 s``, ``2:05 min``, ``15 min``, ``3 h 12 min``.

    Args:
        age_s: Seconds, 0 or more.
        is_known: False if it is at least *age_s*.
    """
    sign = "" if is_known else "> "
    seconds = int(age_s)
    minutes, rest = divmod(seconds, 60)
    if seconds < 1:
        return f"{sign}0 s" if not is_known else "< 1 s"
    if seconds < 60:  # noqa: PLR2004 - a minute.
        return f"{sign}{seconds} s"
    if seconds < _LONG_S:
        return f"{sign}{minutes}:{rest:02} min"
    if seconds < _VERY_LONG_S:
        return f"{sign}{minutes} min"
    return f"{sign}{minutes // 60} h {minutes % 60:02} min"


def format_duration(duration_s: float, *, is_known: bool = True) -> str:
    """Return a duration that does not change any more: ``0.4 ms``, ``64 ms``, ``1.25 s``, ``2:05 min``."""
    sign = "" if is_known else "> "
    if duration_s < _SHORT_S:
        duration_ms = duration_s * 1000
        return f"{sign}{duration_ms:.1f} ms" if duration_ms < 10 else f"{sign}{duration_ms:.0f} ms"  # noqa: PLR2004
    if duration_s < 60:  # noqa: PLR2004 - a minute.
        return f"{sign}{duration_s:.2f} s"
    return format_age(duration_s, is_known=is_known)


def format_clock(text: str, fraction_s: float) -> str:
    """Return a time of the day, ``18:43:07.250``, of its whole seconds as text and the rest."""
    return f"{text}.{int(fraction_s * 1000):03}"


def shorten_name(name: str) -> str:
    """Return a qualified name without the functions that the named one is defined in."""
    return name.rpartition("<locals>.")[2]


def shorten_path(path: str) -> str:
    """Return the name of a file; with its directory, if many files have that name."""
    directory, name = os.path.split(path)
    if name in _COMMON_NAMES and directory:
        return f"{os.path.basename(directory)}/{name}"  # noqa: PTH119 - Path would take far longer.
    return name


def format_place(place: Place | None) -> str:
    """Return a place with the file and the line first, which stay readable if the end is cut off."""
    return "" if place is None else f"{shorten_path(place.file)}:{place.line} in {shorten_name(place.name)}()"
