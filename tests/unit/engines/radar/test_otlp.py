"""OTLP logs: both encodings give the same records; the reader of the wire format stands every byte."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sent.engines.radar.decoding.arrival import event_of
from sent.engines.radar.model import LogSource
from sent.engines.radar.receiving import otlp, otlpwire

WIRE = base64.b64decode(
    "Cp8CCi0KFgoMc2VydmljZS5uYW1lEgYKBHNob3AKEwoJaG9zdC5uYW1lEgYKBHdlYjES4gEKCAoDbGliEgExErcBCcAgNQVc3usYEBEaBU"
    "VSUk9SKg8KDXBheSBmYWlsZWQgw6QyEAoBbhILGPv//////////wEyCAoCb2sSAhABMg4KAWQSCSEAAAAAAAD4PzILCgNyYXcSBDoCAP8y"
    "EwoEbGlzdBILKgkKAwoBYQoCGAIyEwoDbWFwEgwyCgoICgFrEgMKAXY4A0UBAAAAShAAAQIDBAUGBwgJCgsMDQ4PUggAAQIDBAUGB1kACF"
    "QyXN7rGGIDcGF5EhwqETIPCg0KBHVzZXISBQoDYW5uWQAIVDJc3usYGglodHRwczovL3g="
)
"""Two records as opentelemetry-proto 1.x writes them, with fields that nobody here reads."""


def pair(key: str, **value: Any) -> dict[str, Any]:
    return {"key": key, "value": value}


JSON: dict[str, Any] = {
    "resourceLogs": [
        {
            "resource": {
                "attributes": [
                    pair("service.name", stringValue="shop"),
                    pair("host.name", stringValue="web1"),
                ]
            },
            "scopeLogs": [
                {
                    "scope": {"name": "lib", "version": "1"},
                    "logRecords": [
                        {
                            "timeUnixNano": "1795773363243000000",
                            "observedTimeUnixNano": "1795773364000000000",
                            "severityNumber": 17,
                            "severityText": "ERROR",
                            "body": {"stringValue": "pay failed ä"},
                            "attributes": [
                                pair("n", intValue="-5"),
                                pair("ok", boolValue=True),
                                pair("d", doubleValue=1.5),
                                pair("raw", bytesValue="AP8="),
                                pair(
                                    "list", arrayValue={"values": [{"stringValue": "a"}, {"intValue": "2"}]}
                                ),
                                pair("map", kvlistValue={"values": [pair("k", stringValue="v")]}),
                            ],
                            "traceId": "000102030405060708090a0b0c0d0e0f",
                            "spanId": "0001020304050607",
                            "eventName": "pay",
                        },
                        {
                            "observedTimeUnixNano": "1795773364000000000",
                            "body": {"kvlistValue": {"values": [pair("user", stringValue="ann")]}},
                        },
                    ],
                }
            ],
        }
    ]
}


def test_both_encodings_give_the_same_records() -> None:
    assert otlp.records(otlpwire.request(WIRE)) == otlp.records(JSON)


def test_a_record_becomes_an_event() -> None:
    first, second = otlp.records(JSON)
    event = event_of(
        "http", orjson.dumps(first), LogSource(), received=datetime(2026, 11, 27, 12, tzinfo=UTC)
    )
    assert event.at == datetime(2026, 11, 27, 9, 56, 3, 243000, tzinfo=UTC)
    assert (event.host, event.program, event.severity) == ("web1", "shop", 3)
    assert event.message == "pay failed ä"
    wanted = {"n": "-5", "ok": "true", "d": "1.5", "list": "a\n2", "map.k": "v", "raw": "AP8="}
    assert {name: event.fields[name] for name in wanted} == wanted
    assert event.fields["trace_id"] == "000102030405060708090a0b0c0d0e0f"
    assert second["body"] == {"user": "ann"}


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        otlp.records(otlpwire.request(data))
    except otlp.Malformed:
        return


@given(st.integers(0, len(WIRE) - 1), st.integers(0, 255))
def test_a_changed_byte_harms_nobody(place: int, byte: int) -> None:
    test_any_bytes_are_read_or_refused.hypothesis.inner_test(WIRE[:place] + bytes([byte]) + WIRE[place + 1 :])


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["resourceLogs", "scopeLogs", "logRecords", "attributes", "body", "value", "key"]
            ),
            inner,
            max_size=4,
        )
    ),
)


@given(anything)
def test_any_json_is_read_or_refused(request: object) -> None:
    try:
        orjson.dumps(otlp.records(request))
    except otlp.Malformed:
        return


def nested(depth: int) -> bytes:
    """Return a body of lists in lists."""
    value = b"\x0a\x01x"
    for _ in range(depth):
        size = len(value)
        head = b"\x0a" + varint(size)
        array = head + value
        value = b"\x2a" + varint(len(array)) + array
    return value


def varint(number: int) -> bytes:
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def wrapped(body: bytes) -> bytes:
    for tag in (b"\x2a", b"\x12", b"\x12", b"\x0a"):
        body = tag + varint(len(body)) + body
    return body


def test_deep_nesting_and_too_many_messages_are_refused() -> None:
    assert otlp.records(otlpwire.request(wrapped(nested(3)))) == [{"body": [[["x"]]]}]
    with pytest.raises(otlp.Malformed, match="too deep"):
        otlpwire.request(wrapped(nested(2000)))
    with pytest.raises(otlp.Malformed, match="too much"):
        otlpwire.request(b"\x0a\x00" * (otlpwire.MAX_MESSAGES + 1))
