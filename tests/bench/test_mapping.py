"""What a field mapping costs: nothing to a source without one, else less than reading the event does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import orjson
import pytest
from bench.measure import interleaved, report

from sent.engines.radar.batch import decoded
from sent.engines.radar.fieldmap.presets import preset
from sent.engines.radar.match.engine import ValueMatcher
from sent.engines.radar.receiving.backlog import Parcel
from sent.engines.radar.store.catalogue import Source
from sent.platform.ids import uuid7

EVENTS = 4000


def a_record(number: int) -> bytes:
    """Return an event as Winlogbeat sends them, of 33 fields."""
    return orjson.dumps(
        {
            "@timestamp": datetime.now(UTC).isoformat(),
            "event": {"code": "1", "category": ["process"], "type": ["start"]},
            "host": {"name": f"pc{number % 50}", "os": {"family": "windows"}},
            "agent": {"id": "x", "version": "8"},
            "winlog": {
                "channel": "Microsoft-Windows-Sysmon/Operational",
                "computer_name": f"pc{number % 50}",
                "provider_name": "Microsoft-Windows-Sysmon",
                "event_data": {f"Field{n}": f"value {n}" for n in range(15)},
            },
            "process": {
                "command_line": f"whoami /all {number}",
                "executable": "C:\\w.exe",
                "pid": number,
                "parent": {"executable": "C:\\p.exe", "command_line": "p", "pid": 3},
            },
            "user": {"name": "anna"},
        }
    )


@pytest.mark.bench
def test_a_mapping_costs_less_than_reading_the_event() -> None:
    plain = Source(uuid7(), uuid7(), None, "s", "http", "", None, None, None, "UTC", 1)
    mapped = replace(plain, mapping=preset("ecs-windows").mapping.stored())
    payloads = tuple(a_record(n) for n in range(EVENTS))
    matcher = ValueMatcher(())
    without, with_it = interleaved(
        lambda: decoded([Parcel(plain, datetime.now(UTC), payloads)], matcher),
        lambda: decoded([Parcel(mapped, datetime.now(UTC), payloads)], matcher),
    )
    assert report(
        "mapping_ecs_us_per_event",
        (with_it - without) / EVENTS * 1e6,
        "us",
        without / EVENTS * 1e6,
        target_ratio=1.0,
    )
