"""Which of some amounts come to a sum: all of them, from the sums of two halves that meet in the middle.

Bounded by the number of amounts: 24 make 4,096 sums on each side, whoever wrote the invoices.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

MAX_ITEMS = 24


def subsets(
    amounts: Sequence[int], target: int, *, most: int = 12, enough: int = 16
) -> tuple[list[tuple[int, ...]], bool]:
    """Return sets of positions (two or more) whose amounts make `target`, and whether these are all.

    Amounts are whole numbers of the smallest unit and may be negative (credit notes). Only the first
    24 amounts are looked at; sets have at most `most` members, the smallest first.
    """
    values = amounts[:MAX_ITEMS]
    middle = len(values) // 2
    by_sum: dict[int, list[int]] = defaultdict(list)
    for mask, value in enumerate(_sums(values[:middle])):
        by_sum[value].append(mask)
    masks = [
        left | right << middle
        for right, value in enumerate(_sums(values[middle:]))
        for left in by_sum.get(target - value, ())
    ]
    fitting = sorted((mask for mask in masks if 2 <= mask.bit_count() <= most), key=lambda m: m.bit_count())
    found = [tuple(n for n in range(len(values)) if mask >> n & 1) for mask in fitting[:enough]]
    return found, len(amounts) <= MAX_ITEMS and len(fitting) <= enough


def _sums(values: Sequence[int]) -> list[int]:
    """Return the sum of every set; a set's place has its members as bits."""
    found = [0]
    for value in values:
        found += [one + value for one in found]
    return found
