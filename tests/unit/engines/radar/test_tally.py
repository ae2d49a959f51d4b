"""What a window comes to."""

from __future__ import annotations

import time
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from sent.engines.radar.correlations.tally import Entry, Ordered


def _longest(references: list[int], since: int) -> int:
    """Return how many of the references from `since` on ascend, trying every choice of them."""
    own = references[since:]
    lengths = range(len(own), 0, -1)
    return next(
        (n for n in lengths for row in combinations(own, n) if list(row) == sorted(set(row))),
        0,
    )


@given(st.lists(st.integers(0, 3), max_size=8), st.integers(0, 8))
def test_the_longest_row_in_order_is_found(references: list[int], since: int) -> None:
    tally = Ordered(4)
    for place, reference in enumerate(references):
        tally.add(Entry(float(place), place, reference, "", ""))
    assert tally.figure(float(since)) == _longest(references, since)


def test_the_last_rule_over_and_over_costs_little() -> None:
    tally = Ordered(20)
    references = [*range(1, 20), 0, *[19] * 20_000]
    begin = time.process_time()
    for place, reference in enumerate(references):
        tally.add(Entry(float(place), place, reference, "", ""))
    assert (
        time.process_time() - begin < 0.5
    )  # asking every earlier rule for every length took four times that
    assert tally.figure(0) == 19
