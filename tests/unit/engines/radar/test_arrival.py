"""What arrives becomes events that rules can match."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sent.engines.radar.decoding.arrival import event_of
from sent.engines.radar.desk import parse_query
from sent.engines.radar.model import LogSource
from sent.engines.radar.store.sink import MAX_FIELDS_BYTES, fields_json, storable

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ANY = LogSource()


def test_an_ssh_login() -> None:
    text = b"Failed password for invalid user bob from 203.0.113.9 port 4711 ssh2"
    line = b"<38>Nov 21 11:59:00 web1 sshd[7]: " + text
    event = event_of("syslog_udp", line, ANY, received=NOW)
    assert event.route.product == "linux"
    assert event.route.services == {"sshd", "auth", "syslog"}
    assert (event.host, event.program, event.severity) == ("web1", "sshd", 6)
    assert event.fields["user"] == "bob"
    assert event.fields["src_ip"] == "203.0.113.9"
    assert event.fields["outcome"] == "Failed"


def test_a_sudo_command_reaches_to_the_end_of_the_line() -> None:
    text = b"ann : TTY=pts/0 ; PWD=/home/ann ; USER=root ; COMMAND=/bin/sh -c a ; b"
    line = b"<85>Nov 21 11:59:00 web1 sudo: " + text
    event = event_of("file", line, ANY, received=NOW)
    assert event.fields["user"] == "ann"
    assert event.fields["USER"] == "root"
    assert event.fields["COMMAND"] == "/bin/sh -c a ; b"


@pytest.mark.parametrize("cookie", ["", "@cee: "])
def test_a_windows_event_inside_syslog_is_the_event_itself(cookie: str) -> None:
    body = orjson.dumps(
        {"Channel": "Security", "EventID": 1102, "EventTime": "2026-11-21T11:58:00Z"}
    ).decode()
    event = event_of("syslog_tcp", f"<134>1 - pc1 agent - - - {cookie}{body}".encode(), ANY, received=NOW)
    assert event.route.channel == "Security"
    assert event.route.event_id == 1102
    assert event.host == "pc1"
    assert event.at == NOW - timedelta(minutes=2)


def test_other_json_inside_syslog_takes_the_log_source_of_its_source() -> None:
    line = b'<134>1 - app1 api - - - {"cs-uri-query": "a=../../etc/passwd"}'
    event = event_of("syslog_udp", line, LogSource(None, "webserver"), received=NOW)
    assert event.route.categories == {"webserver"}
    assert event.fields["cs-uri-query"] == "a=../../etc/passwd"


def test_json_lines_and_what_is_none_among_them() -> None:
    source = LogSource("aws", None, "cloudtrail")
    event = event_of("jsonl", b'{"eventName":"X","time":"2026-11-21T11:00:00Z"}', source, received=NOW)
    assert event.fields["eventName"] == "X"
    assert event.route.services == {"cloudtrail"}
    assert event.at == NOW - timedelta(hours=1)
    assert event_of("jsonl", b"not json", source, received=NOW).message == "not json"


def test_an_implausible_time_does_not_hide_an_event() -> None:
    line = b'{"message":"x","time":"1999-01-01T00:00:00Z"}'
    event = event_of("jsonl", line, ANY, received=NOW)
    assert event.at == NOW
    assert event.fields["time"] == "1999-01-01T00:00:00Z"


@given(st.sampled_from(["syslog_udp", "file", "jsonl"]), st.binary(max_size=300))
def test_any_bytes_become_an_event(kind: str, data: bytes) -> None:
    event = event_of(kind, data, ANY, received=NOW)
    orjson.loads(fields_json(dict(event.fields)))
    storable(event.message).encode()


def test_what_the_database_cannot_hold_is_replaced_and_size_is_bounded() -> None:
    assert storable("a\x00b") == "a\ufffdb"
    assert orjson.loads(fields_json({"a\x00": "\x00", "n": None})) == {"a\ufffd": "\ufffd", "n": None}
    large = fields_json({f"f{n}": "x" * 20_000 for n in range(200)})
    assert len(large) <= MAX_FIELDS_BYTES
    assert orjson.loads(large)


@pytest.mark.parametrize(
    ("line", "terms"),
    [
        ("", ()),
        ("word", (("", "word", False),)),
        (
            'host:web1 -level:low "two words"',
            (("host", "web1", False), ("level", "low", True), ("", "two words", False)),
        ),
        ('user:"Ann Lee" x', (("user", "Ann Lee", False), ("", "x", False))),
        ('"half open', (("", "half open", False),)),
        ("host: -", (("", "host:", False), ("", "-", False))),
        ("path:C:\\x", (("path", "C:\\x", False),)),
    ],
)
def test_the_filter_line(line: str, terms: tuple[tuple[str, str, bool], ...]) -> None:
    assert parse_query(line).terms == terms


@given(st.text(max_size=200))
def test_any_filter_line_is_valid(line: str) -> None:
    assert len(parse_query(line).terms) <= 20
