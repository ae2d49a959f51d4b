"""Fewer points, same picture: the smallest and largest value of each pixel column survive."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence


def decimate(
    times: Sequence[float], values: Sequence[float], start: float, stop: float, width: int
) -> list[tuple[float, float, float]]:
    """Return (time, smallest, largest) for at most `width` columns between `start` and `stop`.

    `times` ascend. With no more points than columns each point is returned as it is.
    """
    first, last = bisect_left(times, start), bisect_left(times, stop)
    first, last = max(0, first - 1), min(len(times), last + 1)
    count = last - first
    if count <= width or width < 1:
        return [(times[i], values[i], values[i]) for i in range(first, last)]
    out: list[tuple[float, float, float]] = []
    for slot in range(width):
        low, high = first + count * slot // width, first + count * (slot + 1) // width
        part = values[low:high]
        out.append((times[low], min(part), max(part)))
    return out


def ticks(top: float, wanted: int = 4) -> list[float]:
    """Return round values from 0 up to at least `top` (steps of 1, 2, 2.5 or 5 times a power of ten)."""
    if top <= 0:
        return [0.0, 1.0]
    step = 1.0
    raw = top / wanted
    while step > raw:
        step /= 10
    while step * 10 <= raw:
        step *= 10
    step *= next((m for m in (1, 2, 2.5, 5, 10) if step * m >= raw), 10)
    count = int(-(-top // step))
    return [step * n for n in range(count + 1)]


def time_steps(start: float, stop: float, wanted: int) -> list[float]:
    """Return round instants (epoch seconds) between `start` and `stop`, about `wanted` of them."""
    sizes = (1, 5, 10, 30, 60, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800)
    raw = (stop - start) / max(1, wanted)
    step = next((size for size in sizes if size >= raw), sizes[-1])
    first = int(start // step + 1) * step
    return [float(at) for at in range(first, int(stop) + 1, step)]
