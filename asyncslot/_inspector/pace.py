"""How often something may be refreshed, so that it takes little of the time."""

from __future__ import annotations

__all__ = ["find_interval_ms"]

# Milliseconds between two refreshes, at least. Arbitrary: nobody reads faster.
MIN_INTERVAL_MS = 200

# Milliseconds between two refreshes, at most. A refresh of 0.15 s, as of some 10,000 tasks sorted by place, reaches it.
MAX_INTERVAL_MS = 30_000

# A refresh takes one part in so many of the time. With what cannot be measured, such as Qt's own work to bring the
# picture to the screen, it stays under 1 % then.
SHARE = 200


def find_interval_ms(took_s: float) -> int:
    """
    Return how long to wait after a refresh.

    Args:
        took_s: How many seconds of CPU time the refresh took.

    Returns:
        Milliseconds, `MIN_INTERVAL_MS` to `MAX_INTERVAL_MS`.
    """
    return min(MAX_INTERVAL_MS, max(MIN_INTERVAL_MS, int(took_s * 1000 * SHARE)))
