"""Where a payload is damaged, and which placeholders rules use."""

from __future__ import annotations

import pytest

from sent.engines.radar.letterbox import Damage, damage_in
from sent.engines.radar.rulebook.placeholderuse import counted, names_in


@pytest.mark.parametrize(
    ("kind", "payload", "damage"),
    [
        ("http", b'{"a": nul}', 6),
        ("http", '{"ä": nul}'.encode(), 7),
        ("http", b"[1]", 0),
        ("http", b'{"a": 1', 6),
        ("http", b'{"a": 1}', None),
        ("jsonl", b'{"a": "\xff"}', 7),
        ("syslog_udp", b"<13>x \x00 \xff", 6),
        ("syslog_udp", b"<13>x \xff \x00", 6),
        ("syslog_udp", b"<13>fine", None),
        ("http", b"", None),
    ],
)
def test_damage_is_told_at_its_first_byte(kind: str, payload: bytes, damage: int | None) -> None:
    found = damage_in(kind, payload)
    assert (None if found is None else found.at) == damage


def test_damage_says_what_it_is() -> None:
    assert damage_in("file", b"a\x00") == Damage(1, "NUL")
    assert damage_in("file", b"a\xff") == Damage(1, "no UTF-8")
    assert damage_in("http", b"1") == Damage(0, "no JSON object")


RULE = """
title: A
detection:
  a: {User|expand: ['%admins%', 'x%hosts%y'], Path: '%TEMP%', B|expand: '\\%no\\%'}
  b: {c|contains|expand: '%deep%'}
"""


def test_placeholders_are_those_behind_expand() -> None:
    assert names_in(RULE) == {"admins", "hosts", "deep"}
    assert names_in("a: [") == set()


def test_rules_wait_for_the_names_without_values_only() -> None:
    uses = counted(
        {"hosts": ("h",), "spare": ("s",)},
        [("A", RULE, "needs values for %admins%, %deep%"), ("B", "a: {b|expand: '%admins%'}", None)],
    )
    assert [(use.name, use.rules, use.waiting) for use in uses] == [
        ("admins", 2, 1),
        ("deep", 1, 1),
        ("hosts", 1, 0),
        ("spare", 0, 0),
    ]
    assert uses[0].titles == ("A", "B")
