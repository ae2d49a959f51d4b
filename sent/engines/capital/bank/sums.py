"""Which of some amounts come to a sum: bounded, so that nobody's statement keeps a processor busy."""

from __future__ import annotations

from collections.abc import Sequence

MAX_ITEMS = 40
MAX_STEPS = 20_000


def subsets(
    amounts: Sequence[int], target: int, *, most: int = 12, found_enough: int = 4
) -> tuple[list[tuple[int, ...]], bool]:
    """Return sets of positions (two or more) whose amounts make `target`, and whether all were looked at.

    Amounts are whole numbers of the smallest unit and may be negative (credit notes). Larger ones are tried
    first; at most `most` in a set.
    """
    order = sorted(range(len(amounts)), key=lambda n: -abs(amounts[n]))[:MAX_ITEMS]
    values = [amounts[n] for n in order]
    above, below = [0] * (len(values) + 1), [0] * (len(values) + 1)
    for n in range(len(values) - 1, -1, -1):
        above[n] = above[n + 1] + max(values[n], 0)
        below[n] = below[n + 1] + min(values[n], 0)
    found: list[tuple[int, ...]] = []
    steps = 0
    stack: list[tuple[int, int, tuple[int, ...]]] = [(0, target, ())]
    while stack:
        at, rest, chosen = stack.pop()
        steps += 1
        if steps > MAX_STEPS:
            return found, False
        if rest == 0 and len(chosen) >= 2:
            found.append(tuple(sorted(order[n] for n in chosen)))
            if len(found) >= found_enough:
                return found, False
            continue
        if at == len(values) or len(chosen) == most or not below[at] <= rest <= above[at]:
            continue
        stack.append((at + 1, rest, chosen))
        stack.append((at + 1, rest - values[at], (*chosen, at)))
    return found, len(amounts) <= MAX_ITEMS
