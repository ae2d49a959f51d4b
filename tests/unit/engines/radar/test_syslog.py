"""Syslog as RFC 5424 specifies it and as RFC 3164 devices write it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sent.engines.radar.decoding.syslog import MAX_MESSAGE, parse, plausible

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def test_rfc5424_example_with_structured_data() -> None:
    """The fourth example of RFC 5424, 6.5."""
    message = parse(
        b"<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47"
        b' [exampleSDID@32473 iut="3" eventSource="Application" eventID="1011"]'
        b'[examplePriority@32473 class="high"] \xef\xbb\xbfAn application event log entry...',
        received=NOW,
    )
    assert (message.facility, message.severity) == (20, 5)
    assert message.at == datetime(2003, 10, 11, 22, 14, 15, 3000, tzinfo=UTC)
    assert message.host == "mymachine.example.com"
    assert message.program == "evntslog"
    assert message.process_id == ""
    assert message.message_id == "ID47"
    assert message.structured == {
        "exampleSDID@32473.iut": "3",
        "exampleSDID@32473.eventSource": "Application",
        "exampleSDID@32473.eventID": "1011",
        "examplePriority@32473.class": "high",
    }
    assert message.text == "An application event log entry..."


def test_rfc5424_escapes_in_values() -> None:
    message = parse(rb'<13>1 - h p - - [x@1 a="q\"u\\o\]te" b="C:\new"] text', received=NOW)
    assert message.structured == {"x@1.a": 'q"u\\o]te', "x@1.b": "C:\\new"}
    assert message.text == "text"


def test_rfc5424_without_message_and_with_an_element_without_parameters() -> None:
    message = parse(b"<13>1 - - - - - [origin]", received=NOW)
    assert message.structured == {}
    assert message.text == ""


@pytest.mark.parametrize(
    "broken",
    [
        b'<13>1 - h p - - [x@1 a="never closed',
        b"<13>1 - h p - - [x@1 a=unquoted] text",
        b"<13>1 not-a-time h p - - - text",
        b"<13>1 - h p",
    ],
)
def test_a_broken_header_is_kept_as_text(broken: bytes) -> None:
    message = parse(broken, received=NOW)
    assert message.severity == 5
    assert broken.decode().partition(">")[2].split()[-1] in message.text


def test_rfc3164_example() -> None:
    message = parse(b"<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick", received=NOW)
    assert (message.facility, message.severity) == (4, 2)
    assert message.at == datetime(2026, 10, 11, 22, 14, 15, tzinfo=UTC)
    assert (message.host, message.program) == ("mymachine", "su")
    assert message.text == "'su root' failed for lonvick"


def test_rfc3164_process_id_and_single_digit_day() -> None:
    message = parse(b"<38>Nov  3 08:00:00 web1 sshd[4242]: Accepted publickey for ann", received=NOW)
    assert message.at == datetime(2026, 11, 3, 8, 0, tzinfo=UTC)
    assert (message.program, message.process_id) == ("sshd", "4242")


def test_rfc3164_year_is_the_one_nearest_to_the_reception() -> None:
    new_year = datetime(2027, 1, 1, 0, 0, 30, tzinfo=UTC)
    assert parse(b"<13>Dec 31 23:59:59 h p: x", received=new_year).at == datetime(
        2026, 12, 31, 23, 59, 59, tzinfo=UTC
    )
    old_year = datetime(2026, 12, 31, 23, 59, 50, tzinfo=UTC)
    assert parse(b"<13>Jan  1 00:00:05 h p: x", received=old_year).at == datetime(
        2027, 1, 1, 0, 0, 5, tzinfo=UTC
    )


def test_rfc3164_leap_day_is_found_in_a_leap_year() -> None:
    message = parse(b"<13>Feb 29 10:00:00 h p: x", received=datetime(2028, 3, 1, tzinfo=UTC))
    assert message.at == datetime(2028, 2, 29, 10, tzinfo=UTC)


def test_rfc3164_times_are_in_the_zone_of_the_source() -> None:
    zone = ZoneInfo("Europe/Berlin")
    message = parse(b"<13>Nov 21 12:30:00 h p: x", received=NOW, zone=zone)
    assert message.at == datetime(2026, 11, 21, 11, 30, tzinfo=UTC)


def test_rfc3164_with_year_and_with_iso_time() -> None:
    assert parse(b"<13>Nov 21 2025 10:00:00 fw p: x", received=NOW).at == datetime(
        2025, 11, 21, 10, tzinfo=UTC
    )
    iso = parse(b"<13>2026-11-21T10:00:00.5+01:00 h p: x", received=NOW)
    assert iso.at == datetime(2026, 11, 21, 9, 0, 0, 500000, tzinfo=UTC)
    assert (iso.host, iso.program) == ("h", "p")


def test_text_without_any_header() -> None:
    message = parse(b"nothing but text", received=NOW)
    assert (message.facility, message.severity, message.at) == (1, 5, None)
    assert message.text == "nothing but text"


def test_a_priority_out_of_range_is_text() -> None:
    assert parse(b"<192>x y", received=NOW).text == "<192>x y"


def test_bytes_that_are_no_utf8_are_replaced() -> None:
    assert parse(b"<13>Nov 21 10:00:00 h p: caf\xe9", received=NOW).text == "caf\ufffd"


def test_64_kilobytes_come_through_whole_and_more_is_cut() -> None:
    head = b"<13>1 - h p - - - "
    whole = head + b"x" * (MAX_MESSAGE - len(head))
    assert len(parse(whole, received=NOW).text) == MAX_MESSAGE - len(head)
    assert len(parse(whole + b"yyyy", received=NOW).text) == MAX_MESSAGE - len(head)


def test_a_broken_clock_does_not_decide_where_an_event_is_filed() -> None:
    assert plausible(None, NOW) == NOW
    assert plausible(NOW + timedelta(hours=2), NOW) == NOW
    assert plausible(NOW - timedelta(days=400), NOW) == NOW
    assert plausible(NOW - timedelta(days=3), NOW) == NOW - timedelta(days=3)


@given(st.binary(max_size=400))
def test_any_bytes_give_a_message(data: bytes) -> None:
    message = parse(data, received=NOW)
    assert 0 <= message.severity <= 7
    assert 0 <= message.facility <= 23
    assert message.at is None or message.at.tzinfo is not None


_NAME = st.text(
    st.characters(codec="ascii", min_codepoint=33, exclude_characters='="]'), min_size=1, max_size=32
)


@given(st.dictionaries(st.tuples(_NAME, _NAME), st.text(max_size=40), max_size=5), st.text(max_size=60))
def test_structured_data_comes_back_as_it_was_written(values: dict[tuple[str, str], str], text: str) -> None:
    text = text.rstrip("\r\n\x00").removeprefix("\ufeff")
    elements = "".join(f'[{name} {key}="{_escaped(value)}"]' for (name, key), value in values.items())
    line = f"<13>1 - h p - - {elements or '-'} {text}"
    message = parse(line.encode("utf-8", "replace"), received=NOW)
    expected: dict[str, str] = {}
    for (name, key), value in values.items():
        full = f"{name}.{key}"
        expected[full] = f"{expected[full]}\n{value}" if full in expected else value
    assert message.structured == {
        name: value.encode("utf-8", "replace").decode() for name, value in expected.items()
    }
    assert message.text == text.encode("utf-8", "replace").decode()


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")
