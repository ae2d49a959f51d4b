"""The timeline of an entity: what is read is merged, weighed and counted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from sent.engines.radar.risk import WEIGHTS
from sent.engines.radar.searching import timeline
from sent.engines.radar.searching.entities import checked
from sent.engines.radar.searching.query import parse
from sent.engines.radar.searching.timeline import (
    Entity,
    Entry,
    Weighed,
    closings,
    combined,
    kind_of,
    merged,
    risk_at,
    risk_line,
    search_line,
    within,
)
from sent.platform.errors import Invalid

T0 = datetime(2026, 1, 5, tzinfo=UTC)


def hours(n: float) -> datetime:
    return T0 + timedelta(hours=n)


def test_streams_become_one_newest_first_and_alerts_lead_at_one_moment() -> None:
    events = [Entry(hours(n), "event", f"e{n}") for n in (3, 1)]
    alerts = [Entry(hours(3), "alert", "a3"), Entry(hours(2), "alert", "a2")]
    first = [Entry(hours(3), "first", "new")]
    entries, complete = merged(events, alerts, first)
    assert [entry.title for entry in entries] == ["a3", "new", "e3", "a2", "e1"] and complete
    assert [entry.title for entry in within(entries, hours(1), hours(2.5))] == ["a2", "e1"]


def test_a_stream_that_is_too_long_loses_its_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeline, "MAX_ENTRIES", 2)
    entries, complete = merged([Entry(hours(n), "event", str(n)) for n in range(3)])
    assert [entry.title for entry in entries] == ["2", "1"] and not complete


def test_risk_rises_with_alerts_halves_each_day_and_falls_when_they_are_closed() -> None:
    alerts = [
        Weighed("a", "high", hours(0)),
        Weighed("a", "high", hours(1)),
        Weighed("b", "low", hours(2), hours(4)),
    ]
    assert risk_at(alerts, hours(-1)) == 0
    assert risk_at(alerts, hours(0)) == WEIGHTS["high"]
    assert risk_at(alerts, hours(25)) == WEIGHTS["high"] / 2, "the second hit of a rule adds nothing"
    both = (risk_at(alerts[1:2], hours(3)) + risk_at(alerts[2:], hours(3))) * 1.25
    assert risk_at(alerts, hours(3)) == pytest.approx(both)
    assert risk_at(alerts, hours(4)) == pytest.approx(risk_at(alerts[:2], hours(4)))


def test_the_line_of_risk_reaches_from_end_to_end() -> None:
    line = risk_line([Weighed("a", "critical", hours(12))], hours(0), hours(24), 25)
    assert len(line) == 25 and line[0] == (hours(0), 0) and line[-1][0] == hours(24)
    assert line[12] == (hours(12), 100.0) and line[-1][1] == pytest.approx(100 * 0.5**0.5)


def test_an_alert_that_was_reopened_is_not_closed() -> None:
    one, two = UUID(int=1), UUID(int=2)
    changes = [
        (one, hours(2), "new"),
        (one, hours(1), "closed"),
        (two, hours(1), "closed"),
        (two, hours(3), "closed"),
    ]
    assert closings(changes) == {two: hours(3)}


def test_values_of_several_fields_are_added_up_without_the_entity_itself() -> None:
    found = [("Anna", 3), ("anna", 2), ("bob", 4), ("-", 9), ("ME", 7), (" ", 1), ("cy", 1)]
    assert combined(found, "me", 2) == (("Anna", 5), ("bob", 4))


@pytest.mark.parametrize(
    ("field", "kind"),
    [
        ("host", "host"),
        ("Computer", "host"),
        ("TargetUserName", "user"),
        ("src_ip", "address"),
        ("port", None),
    ],
)
def test_fields_name_hosts_users_and_addresses(field: str, kind: str | None) -> None:
    assert kind_of(field) == kind


@pytest.mark.parametrize("kind", ["host", "user", "address"])
def test_the_search_line_of_any_name_is_a_query(kind: str) -> None:
    for value in ("web1", 'a"b\\c', "NT AUTHORITY\\SYSTEM", "10.0.0.1", "a (b) OR c*"):
        assert parse(search_line(Entity(kind, value), "program:sshd"))  # type: ignore[arg-type]


def test_what_is_no_entity_is_refused() -> None:
    for kind, value in (("host", " "), ("moon", "x"), ("host", "x" * 256), ("user", "x" * 200)):
        with pytest.raises(Invalid):
            checked(kind, value)
    assert checked("user", " anna ") == Entity("user", "anna")
