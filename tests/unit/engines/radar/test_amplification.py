"""What a sender writes in few bytes costs neither memory nor time out of proportion."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime

import orjson
import pytest

from sent.engines.radar.decoding.arrival import event_of
from sent.engines.radar.formats import detected
from sent.engines.radar.formats.keyvalue import keyvalue
from sent.engines.radar.model import Event, LogSource
from sent.engines.radar.receiving.httpbody import OTLP_PATH, Problem, payloads

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


def _event(kind: str, data: bytes) -> Event:
    return event_of(kind, data, LogSource(), received=NOW)


def _seconds(work: Callable[[], object]) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin


@pytest.mark.parametrize("pair", ['a="x ', "a='x ", "a=\"x'y ", "a=1,"])
def test_lines_of_pairs_cost_time_in_proportion_to_their_length(pair: str) -> None:
    line = "x=1 " + pair * (65_000 // len(pair))
    audited = "type=x msg=audit(1:2) msg='" + pair * (65_000 // len(pair)) + "'"
    # Quadratic it took half a minute for one datagram.
    assert _seconds(lambda: detected(line)) < 2
    assert _seconds(lambda: _event("syslog_udp", audited.encode())) < 2


def test_a_quoted_value_ends_with_the_first_quote_that_a_divider_follows() -> None:
    found = keyvalue("""a="x"y" b='it's' c="open d='e' f="g",h="i\"""")
    assert found is not None
    assert found.fields == {"a": 'x"y', "b": "it's", "c": "open d='e' f=\"g", "h": "i"}


def test_names_within_a_long_name_are_cut_instead_of_repeating_it() -> None:
    body = {"X" * 300_000: {str(number): "v" for number in range(1900)}}
    system = {"System": {"Y" * 300_000: {"#attributes": {str(number): "v" for number in range(1900)}}}}
    for record in (body, system):
        data = orjson.dumps(record)
        tracemalloc.start()
        try:
            event = _event("http", data)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 20_000_000
        assert "v" in (event.fields.get("X" * 300) or "v")


def test_what_stands_under_long_names_can_still_be_found() -> None:
    event = _event("http", orjson.dumps({"n" * 400: {"a": "first", "b": "second"}}))
    assert event.fields == {"n" * 300: "first\nsecond"}


def test_a_list_of_objects_costs_time_in_proportion_to_its_length() -> None:
    data = orjson.dumps({"a": [{"b": "xy"}] * 160_000})
    event = _event("http", data)
    assert event.fields["a.b"] == "\n".join(["xy"] * 160_000)


def test_a_system_part_of_thousands_of_names_leaves_the_event_readable() -> None:
    record = {"System": {str(number): 1 for number in range(3000)}, "EventData": {"Image": "x"}}
    event = _event("http", orjson.dumps(record))
    assert len(event.fields) == 2000


def test_otlp_cannot_multiply_a_resource_without_bound() -> None:
    resource = {"attributes": [{"key": "a", "value": {"stringValue": "x" * 100_000}}]}
    scopes = [{"logRecords": [{}] * 20_000}]
    body = orjson.dumps({"resourceLogs": [{"resource": resource, "scopeLogs": scopes}]})
    with pytest.raises(Problem) as caught:
        payloads(OTLP_PATH, "application/json", "", body)
    assert caught.value.status == 413


DEEP = b'{"a":' * 300 + b"1" + b"}" * 300


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/", b'[{"b":1},' + DEEP + b"]"),
        ("/", b"[" * 900 + b"]" * 900),
        (
            OTLP_PATH,
            b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":' + DEEP + b"}}]}]}]}",
        ),
    ],
)
def test_a_request_nested_too_deep_gets_its_answer(path: str, body: bytes) -> None:
    with pytest.raises(Problem) as caught:
        payloads(path, "application/json", "", body)
    assert caught.value.status == 400


def test_a_time_of_thousands_of_digits_is_none() -> None:
    record = b'{"body":{"stringValue":"x"},"timeUnixNano":"' + b"9" * 5000 + b'"}'
    body = b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[' + record + b"]}]}]}"
    assert payloads(OTLP_PATH, "application/json", "", body) == (b'{"message":"x"}',)
