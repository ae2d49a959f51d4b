"""What a time series may be, and on which servers it becomes a hypertable."""

from __future__ import annotations

import json
from dataclasses import asdict

import gauges
import pytest

from sent.platform.db.hypertable import Extension
from sent.platform.db.timeseries import Measure, Rollup, TimeSeries, from_json

COUNT = (Measure("events", "count"),)


def series(*rollups: Rollup) -> TimeSeries:
    return TimeSeries("core.gauge", columns=(("value", "bigint"),), rollups=rollups)


def test_buckets_fit_into_chunks_unless_made_of_finer_ones() -> None:
    with pytest.raises(ValueError, match="do not fit into chunks of a day"):
        series(Rollup("core.week", "1 week", (), COUNT))
    assert series(
        Rollup("core.day", "1 day", (), COUNT), Rollup("core.week", "1 week", (), COUNT, of="core.day")
    ).rollups


def test_buckets_are_made_of_whole_finer_ones() -> None:
    with pytest.raises(ValueError, match="not made of whole ones"):
        series(
            Rollup("core.seven", "7 minutes", (), COUNT),
            Rollup("core.hour", "1 hour", (), COUNT, of="core.seven"),
        )


def test_a_finer_rollup_comes_first() -> None:
    with pytest.raises(ValueError, match="must be a rollup of the series before it"):
        series(Rollup("core.hour", "1 hour", (), COUNT, of="core.minute"))


@pytest.mark.parametrize("every", ["1 month", "0 minutes", "hour", "1 minute; drop table x"])
def test_odd_widths_are_refused(every: str) -> None:
    with pytest.raises(ValueError, match="buckets are written as"):
        series(Rollup("core.odd", every, (), COUNT))


def test_a_spec_comes_back_from_the_catalogue_as_it_was() -> None:
    assert from_json(json.loads(json.dumps(asdict(gauges.SERIES)))) == gauges.SERIES


def test_a_spec_of_an_earlier_release_gets_what_was_not_there_yet() -> None:
    stored = json.loads(json.dumps(asdict(gauges.SERIES)))
    del stored["compress_after"]
    for rollup in stored["rollups"]:
        del rollup["keep"]
    assert from_json(stored) == gauges.SERIES


@pytest.mark.parametrize(
    ("version", "licence", "usable"),
    [
        ((2, 28, 0), "timescale", True),
        ((2, 29, 2), "timescale", True),
        ((3, 0), "timescale", True),
        ((2, 27, 9), "timescale", False),
        ((2, 29, 2), "apache", False),
        ((2, 29, 2), "", False),
    ],
)
def test_only_the_community_edition_of_a_known_version_is_used(
    version: tuple[int, ...], licence: str, usable: bool
) -> None:
    assert Extension(version, "public", licence).usable is usable
