"""Times, places and names where there is little room."""

from __future__ import annotations

import pytest

from asyncslot._inspector.cell_text import (
    format_age,
    format_clock,
    format_duration,
    format_place,
    shorten_name,
    shorten_path,
)
from asyncslot._task.description import Place


@pytest.mark.parametrize(
    ("age_s", "text"),
    [(0.3, "< 1 s"), (7.9, "7 s"), (125, "2:05 min"), (900, "15 min"), (3 * 3600 + 720, "3 h 12 min")],
)
def test_age_is_in_whole_units(age_s: float, text: str) -> None:
    """So that it seldom changes."""
    assert format_age(age_s) == text


def test_age_that_is_not_known_is_a_lower_bound() -> None:
    """Marked as such, also below a second."""
    assert format_age(7, is_known=False) == "> 7 s"
    assert format_age(0.2, is_known=False) == "> 0 s"
    assert format_duration(0.064, is_known=False) == "> 64 ms"


@pytest.mark.parametrize(
    ("duration_s", "text"), [(0.0004, "0.4 ms"), (0.064, "64 ms"), (1.254, "1.25 s"), (125, "2:05 min")]
)
def test_duration_has_the_digits_that_matter(duration_s: float, text: str) -> None:
    """In milliseconds below a second."""
    assert format_duration(duration_s) == text


def test_clock_has_milliseconds() -> None:
    """Three digits, rounded down."""
    assert format_clock("18:43:07", 0.0059) == "18:43:07.005"


def test_place_begins_with_file_and_line() -> None:
    """What is cut off at the end is the name."""
    place = Place("make.<locals>.Window.on_clicked", "/home/me/app/window.py", 42)
    assert format_place(place) == "window.py:42 in Window.on_clicked()"
    assert format_place(None) == ""


def test_path_that_tells_nothing_keeps_its_directory() -> None:
    """Many packages have a file of that name."""
    assert shorten_path("/home/me/app/__init__.py") == "app/__init__.py"
    assert shorten_path("main.py") == "main.py"
    assert shorten_name("f") == "f"
