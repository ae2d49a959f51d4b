"""Risk: what weighs, what decays, what makes a group worse."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sent.engines.radar.entity import user_of
from sent.engines.radar.risk import AlertFacts, grouped, risk, weight

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


def facts(rule: str, host: str = "fs1", level: str = "high", hours: float = 0, **more: object) -> AlertFacts:
    values = {"user": "", "count": 1, "state": "new"} | more
    at = NOW - timedelta(hours=hours)
    return AlertFacts(rule, f"Rule {rule}", "SENT", level, host, last_at=at, **values)  # type: ignore[arg-type]


def test_a_fresh_critical_alert_weighs_a_hundred_and_half_of_it_a_day_later() -> None:
    assert weight("critical", NOW, NOW) == 100
    assert weight("critical", NOW - timedelta(hours=24), NOW) == 50
    assert weight("low", NOW + timedelta(hours=1), NOW) == 5, "a clock ahead of ours makes nothing heavier"


def test_repeats_of_one_rule_add_nothing_and_other_rules_do() -> None:
    assert risk([40]) == 40
    assert risk([40, 40]) == 100
    repeated = grouped([facts("a"), facts("a", hours=2), facts("a", hours=3)], "host", NOW)
    assert (repeated[0].risk, repeated[0].alerts, repeated[0].rules) == (40, 3, 1)
    several = grouped([facts("a"), facts("b")], "host", NOW)
    assert (several[0].risk, several[0].rules) == (100, 2)


def test_groups_come_by_risk_with_the_authors_of_their_rules() -> None:
    found = grouped(
        [facts("a", "fs1", "low"), facts("b", "FS1", "low"), facts("a", "dc1", "critical", count=7)],
        "host",
        NOW,
    )
    assert [(group.key, group.level, group.hits) for group in found] == [
        ("dc1", "critical", 7),
        ("fs1", "low", 2),
    ]
    assert found[1].samples == ("Rule a", "Rule b")
    assert {group.author for group in found} == {"SENT"}


def test_by_rule_the_hosts_count() -> None:
    (found,) = grouped([facts("a", "fs1"), facts("a", "fs2"), facts("a", "FS2")], "rule", NOW)
    assert (found.title, found.entities, found.alerts, found.risk) == ("Rule a", 2, 3, 100)


def test_closed_alerts_are_shown_and_weigh_nothing() -> None:
    (found,) = grouped([facts("a", state="closed")], "host", NOW)
    assert (found.alerts, found.risk) == (1, 0)


def test_alerts_without_a_user_stand_in_no_group_by_user() -> None:
    found = grouped([facts("a"), facts("b", user="anna")], "user", NOW)
    assert [(group.key, group.alerts) for group in found] == [("anna", 1)]


@pytest.mark.parametrize(
    ("fields", "user"),
    [
        ({"TargetUserName": "Anna", "SubjectUserName": "SYSTEM"}, "anna"),
        ({"TargetUserName": "-", "User": " CORP\\bob "}, "corp\\bob"),
        ({"User": None, "user": "root"}, "root"),
        ({"Image": "x"}, ""),
    ],
)
def test_the_user_an_event_is_about(fields: dict[str, str | None], user: str) -> None:
    assert user_of(fields) == user
