r"""Lines that tell their own format: exact escapes, nothing half read, linear time."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sent.engines.radar.decoding.arrival import event_of
from sent.engines.radar.formats import MAX_FIELDS, detected
from sent.engines.radar.model import LogSource

NOW = datetime(2026, 11, 27, 21, 0, tzinfo=UTC)


def fields(text: str) -> dict[str, str | None]:
    found = detected(text)
    assert found is not None, text
    return found.fields


def test_cef_resolves_its_escapes_and_ends_values_before_the_next_name() -> None:
    found = detected(
        r"CEF:0|Sec\|urity|threat\\x|1.0|100|worm \| stopped|10|src=10.0.0.1 msg=a\=b\nline  act=c:\\d e | f"
    )
    assert found is not None
    assert (found.format, found.product, found.name, found.severity) == (
        "cef",
        r"threat\x",
        "worm | stopped",
        2,
    )
    assert found.fields["deviceVendor"] == "Sec|urity"
    assert found.fields["src"] == "10.0.0.1"
    assert found.fields["msg"] == "a=b\nline ", "all spaces but the last before a name are the value's"
    assert found.fields["act"] == r"c:\d e | f"


def test_an_equals_sign_in_no_name_stays_in_its_value() -> None:
    assert fields("CEF:0|a|b|c|d|e|3|request=http://x/?q=1 dst=2")["request"] == "http://x/?q=1"


@pytest.mark.parametrize(
    "line", ["CEF:0|a|b", "CEF:x|a|b|c|d|e|3|", "LEEF:1.0|a", "LEEF:3.0|a|b|c|d|", "CEF:"]
)
def test_a_header_that_is_incomplete_is_text(line: str) -> None:
    assert detected(line) is None


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("LEEF:1.0|M|Ex|4|15345|src=1\tdst=2 3", {"src": "1", "dst": "2 3"}),
        ("LEEF:2.0|M|Ex|4|15345|^|src=1^dst=2", {"src": "1", "dst": "2"}),
        ("LEEF:2.0|M|Ex|4|15345|x5E|src=1^dst=2", {"src": "1", "dst": "2"}),
        ("LEEF:2.0|M|Ex|4|15345|0x7c|src=1|dst=2", {"src": "1", "dst": "2"}),
        ("LEEF:2.0|M|Ex|4|15345|src=1\tdst=a|b", {"src": "1", "dst": "a|b"}),
        ("LEEF:2.0|M|Ex|4|15345||src=1\tdst=2", {"src": "1", "dst": "2"}),
        ("LEEF:1.0|M|Ex|4|15345|path=C:\\x\tq=a=b", {"path": "C:\\x", "q": "a=b"}),
    ],
)
def test_leef_knows_both_versions_and_every_way_to_name_the_delimiter(line: str, wanted: dict) -> None:
    found = fields(line)
    assert {name: found[name] for name in wanted} == wanted
    assert found["eventId"] == "15345"


def test_logfmt() -> None:
    found = detected(r'level=error msg="say \"hi\"\n\u00e4" took=3ms retried empty= quoted=""')
    assert found is not None
    assert (found.format, found.severity) == ("logfmt", 3)
    assert found.fields == {
        "level": "error",
        "msg": 'say "hi"\nä',
        "took": "3ms",
        "retried": None,
        "empty": "",
        "quoted": "",
    }


def test_pairs_of_a_firewall_keep_backslashes_and_equals_signs() -> None:
    line = r'date=2026-11-27 time=11:37:47 devname="FG 1" path="C:\new\" url=/a?b=c,level="warning" x=1, y=2'
    found = detected(line)
    assert found is not None
    assert (found.format, found.severity) == ("keyvalue", 4)
    assert found.fields["path"] == "C:\\new\\"
    assert found.fields["url"] == "/a?b=c"
    assert (found.fields["devname"], found.fields["x"], found.fields["y"]) == ("FG 1", "1", "2")


@pytest.mark.parametrize(
    "line",
    [
        "user=bob logged in from 10.0.0.1 port=22",
        "Failed password for user=root uid=0",
        "Invalid user a=b c=d from 203.0.113.9",
        'msg="never closed and=so x=',
        "=x a=b",
        "a=1",
        "",
        "x" * 300 + "=1 b=2",
    ],
)
def test_a_message_with_a_pair_in_it_stays_text(line: str) -> None:
    assert detected(line) is None


def test_a_name_that_comes_again_adds_a_line() -> None:
    assert fields("a=1 b=2 a=3")["a"] == "1\n3"


def test_more_fields_than_the_bound_are_left_in_the_text() -> None:
    many = " ".join(f"k{n}=v" for n in range(5000))
    assert detected(many) is None
    assert len(fields("CEF:0|a|b|c|d|e|3|" + many)) == MAX_FIELDS


@given(st.dictionaries(st.from_regex(r"\A[A-Za-z][A-Za-z0-9_.]{0,12}\Z"), st.text(max_size=30), max_size=8))
def test_what_was_written_as_cef_is_read_again(values: dict[str, str]) -> None:
    def escaped(text: str) -> str:
        for char, written in (("\\", "\\\\"), ("=", "\\="), ("\n", "\\n"), ("\r", "\\r")):
            text = text.replace(char, written)
        return text

    line = "CEF:0|v|p|1|c|n|3|" + " ".join(f"x{name}={escaped(value)}" for name, value in values.items())
    found = fields(line)
    assert {name[1:]: value for name, value in found.items() if name[:1] == "x"} == values


@given(
    st.dictionaries(st.from_regex(r"\A[a-z][a-z0-9_]{0,12}\Z"), st.text(max_size=30), min_size=2, max_size=8)
)
def test_what_was_written_as_logfmt_is_read_again(values: dict[str, str]) -> None:
    line = " ".join(f"{name}={json.dumps(value)}" for name, value in values.items())
    assert fields(line) == values


@given(st.sampled_from(["CEF:0|", "LEEF:2.0|", "a=b ", "", "type=X msg=audit("]), st.text(max_size=400))
def test_no_text_is_too_strange(start: str, rest: str) -> None:
    found = detected(start + rest)
    assert found is None or len(found.fields) <= MAX_FIELDS + 8
    event = event_of("syslog_udp", (start + rest).encode(), LogSource(), received=NOW)
    assert event.at.tzinfo is not None


@pytest.mark.parametrize(
    "piece", ["a=", "\\", "\\=", "=", '"', "'", "a='", 'a="\\', ",", "a=,", "|", "\\|", "\t", "a\t", "a=b\t"]
)
@pytest.mark.parametrize("start", ["CEF:0|a|b|c|d|e|3|", "CEF:", "LEEF:2.0|a|b|c|d|", "a=b ", "a=b,"])
def test_hostile_lines_take_linear_time(start: str, piece: str) -> None:
    line = (start + piece * 65_536)[:65_536]
    began = perf_counter()
    detected(line)
    assert perf_counter() - began < 0.5


def test_a_firewalls_line_tells_its_own_time_and_name() -> None:
    line = b'<189>date=2026-11-27 time=11:37:47 devname="FG" type="traffic" srcip=10.1.1.1 tz="-0700"'
    event = event_of("syslog_udp", line, LogSource("fortigate"), received=NOW)
    assert event.at == datetime(2026, 11, 27, 18, 37, 47, tzinfo=UTC)
    assert (event.host, event.severity, event.fields["srcip"]) == ("FG", 5, "10.1.1.1")
    assert event.route.product == "fortigate"


@pytest.mark.parametrize("frame", ["<13>Nov 27 10:00:00 fw ", "<13>1 - fw - - - - ", "<13>", ""])
def test_cef_inside_every_syslog_frame(frame: str) -> None:
    body = "CEF:0|V|P|1|100|n|9|rt=Nov 27 2026 10:11:12 src=10.0.0.1"
    event = event_of("syslog_tcp", (frame + body).encode(), LogSource(), received=NOW)
    assert event.fields["src"] == "10.0.0.1"
    assert event.fields["message"] == event.message == body
    assert event.at == datetime(2026, 11, 27, 10, 11, 12, tzinfo=UTC)
    assert (event.severity, event.program) == (2, "P")


def test_an_audit_record_tells_its_time_and_what_it_nests() -> None:
    line = b'type=USER_LOGIN msg=audit(1795773363.243:2): pid=1 msg=\'op=login acct="root" exe="/bin/x"\''
    event = event_of("file", line, LogSource(), received=NOW)
    assert event.at == datetime(2026, 11, 27, 9, 56, 3, 243000, tzinfo=UTC)
    assert (event.fields["acct"], event.fields["exe"], event.fields["type"]) == (
        "root",
        "/bin/x",
        "USER_LOGIN",
    )
    assert "auditd" in event.route.services
