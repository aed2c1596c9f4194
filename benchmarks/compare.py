"""Compares records with those of the base, round by round."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Optional, Sequence

from benchmarks.peers import BASE, BLOCKING
from benchmarks.speed import CORE

if TYPE_CHECKING:
    from benchmarks.rounds import Record

__all__ = ["Ratio", "compare", "find_base", "geometric_mean", "median_of"]


@dataclass(frozen=True)
class Ratio:
    """
    A peer's measurements divided by the base's.

    Attributes:
        median: The median of the ratios in the same round.
        low: The lowest of them.
        high: The highest.
        best: The peer's lowest measurement of all rounds divided by the base's lowest.
    """

    median: float
    low: float
    high: float
    best: float


def find_base(records: Sequence[Record], subject: str) -> Optional[Record]:
    """Return the base's record of *subject*, which has one mode only; None if there is none, or it has failed."""
    for record in records:
        if (record.subject, record.peer, record.mode, record.failure) == (subject, BASE, BLOCKING, None):
            return record
    return None


def compare(record: Record, base: Optional[Record], key: str) -> Optional[Ratio]:
    """Compare what is measured as *key*; None if one of them has failed, or the base measured nothing."""
    if base is None or record.failure is not None:
        return None
    mine, others = [result[key] for result in record.results], [result[key] for result in base.results]
    if not mine or not all(others):
        return None
    ratios = [one / other for one, other in zip(mine, others)]
    return Ratio(statistics.median(ratios), min(ratios), max(ratios), min(mine) / min(others))


def median_of(record: Record, key: str) -> float:
    """Return the median of what is measured as *key* over the rounds."""
    return statistics.median(result[key] for result in record.results)


def geometric_mean(ratios: dict[str, Optional[Ratio]], attribute: str) -> Optional[float]:
    """
    Return the geometric mean over the workloads that count.

    Args:
        ratios: By workload.
        attribute: Which number of each ratio.

    Returns:
        The mean; None if one of the workloads is missing: a mean over the others could not be compared.
    """
    counted: list[float] = []
    for workload in CORE:
        ratio = ratios.get(workload)
        if ratio is None:
            return None
        counted.append(getattr(ratio, attribute))
    return statistics.geometric_mean(counted)
