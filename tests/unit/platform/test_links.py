"""Links are read exactly: what is not written by `format` is refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sent.platform.errors import Invalid
from sent.platform.links import LIMIT, Link, format, is_link, parse, parse_inside


def test_k7_20_a_link_names_organisation_page_record_and_values() -> None:
    text = "sent://org/acme/radar/alert/0190-ab?q=level%3Ahigh%20host%3Afs%2A"
    found = parse(text)
    assert found == Link("acme", "radar", "alert/0190-ab", {"q": "level:high host:fs*"})
    assert format(found) == text
    assert found.inside == "radar/alert/0190-ab"
    assert parse_inside("radar") == Link(None, "radar")
    assert format(Link(None, "radar", "alert/1")) == "radar/alert/1"


HOSTILE = [
    "",
    "sent:",
    "sent://",
    "sent://org/",
    "sent://org/acme",
    "sent://org/acme/",
    "sent://org//radar",
    "sent://acme/radar",
    "SENT://org/acme/radar",
    "sent://org/ACME/radar",
    "sent://org/acme/radar/",
    "sent://org/acme/radar/../audit",
    "sent://org/acme/radar/..%2faudit",
    "sent://org/acme/radar/a b",
    "sent://org/acme/radar/a\nb",
    "sent://org/acme/radar/alert/1#x",
    "sent://org/acme/radar?",
    "sent://org/acme/radar?q",
    "sent://org/acme/radar?q=1&q=2",
    "sent://org/acme/radar?q=%0a",
    "sent://org/acme/radar?q=%0A",
    "sent://org/acme/radar?q=%FF",
    "sent://org/acme/radar?q=%41",
    "sent://org/acme/radar?q=a b",
    "sent://user@org/acme/radar",
    "sent://org/acme/--help",
    "sent://org/acme/radar/-x",
    "sent://org/acme/rädar",
    "sent://org/acme/radar ",
    " sent://org/acme/radar",
    "sent://org/acme/radar\x00",
    "sent://org/-acme/radar",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "sent://org/acme/radar/" + "a" * 201,
    "sent://org/acme/radar?" + "&".join(f"k{n}=1" for n in range(9)),
    "sent://org/acme/radar?q=" + "a" * 501,
    "sent://org/acme/radar?q=" + "a" * LIMIT,
]


@pytest.mark.parametrize("text", HOSTILE)
def test_k7_20_what_is_not_exactly_a_link_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse(text)
    assert refused.value.code == "link.refused"


@given(st.text(max_size=80))
@settings(max_examples=300, deadline=None)
def test_k7_20_whatever_is_taken_is_written_back_the_same(rest: str) -> None:
    for text in (rest, f"sent://org/{rest}", f"sent://org/acme/radar?q={rest}"):
        try:
            found = parse(text)
        except Invalid:
            continue
        assert format(found) == text


@given(st.text(max_size=500).filter(str.isprintable))
@settings(max_examples=200, deadline=None)
def test_k7_20_any_printable_value_survives(value: str) -> None:
    link = Link("acme", "radar", None, {"q": value})
    try:
        text = format(link)
    except Invalid:
        assert len(value) > 200, value
        return
    assert parse(text) == link


def test_k7_20_the_command_line_knows_a_link_by_its_scheme() -> None:
    assert is_link("sent://org/acme/radar")
    assert is_link("sent:rubbish")
    assert not is_link("radar")
