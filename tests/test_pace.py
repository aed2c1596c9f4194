"""How often something is refreshed."""

from __future__ import annotations

import pytest

from asyncslot._inspector.pace import MAX_INTERVAL_MS, find_interval_ms


@pytest.mark.parametrize(
    ("took_s", "interval_ms"), [(0, 200), (0.001, 200), (0.002, 400), (0.02, 4000), (60, MAX_INTERVAL_MS)]
)
def test_interval_grows_with_the_time_taken(took_s: float, interval_ms: int) -> None:
    """Five times a second at most, and never more than a small part of the time."""
    assert find_interval_ms(took_s) == interval_ms
