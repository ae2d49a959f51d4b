"""Decimation keeps peaks; axes have round figures."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sent.ui.kit.decimate import decimate, ticks, time_steps


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=3000), st.integers(1, 400))
def test_the_largest_and_smallest_survive(values: list[float], width: int) -> None:
    times = [float(n) for n in range(len(values))]
    points = decimate(times, values, 0.0, float(len(values)), width)
    assert len(points) <= max(width, 1)
    assert max(high for _, _, high in points) == max(values)
    assert min(low for _, low, _ in points) == min(values)


def test_only_what_is_in_sight_is_taken() -> None:
    points = decimate([0.0, 1, 2, 3, 4, 5], [9, 1, 2, 3, 4, 9], 2.0, 3.5, 100)
    assert [at for at, _, _ in points] == [1, 2, 3, 4]


@given(st.floats(0.01, 1e9), st.integers(2, 8))
def test_axis_reaches_the_top_with_few_ticks(top: float, wanted: int) -> None:
    found = ticks(top, wanted)
    assert found[0] == 0
    assert found[-1] >= top * 0.999
    assert len(found) <= wanted * 2 + 2


def test_times_are_round() -> None:
    assert time_steps(0, 3600, 6) == [600.0, 1200.0, 1800.0, 2400.0, 3000.0, 3600.0]
