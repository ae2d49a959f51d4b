"""R3: random rules over random events, decided as the evaluator by the book decides them."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import pytest
import yaml
from matchers import MATCHERS
from sigma_by_the_book import fires

from sent.engines.radar.model import EPOCH, Event, Route, Rule
from sent.engines.radar.sigma.ruleset import parse_rules

SEED = 20261127
CONDITIONS = 10_000
EVENTS = 3
TOGETHER = 100

FIELDS = ("A", "B", "C", "D e")
ALPHABET = "aAbB-/\u2013 .1"
ADDRESSES = ("10.0.0.7", "10.200.1.1", "192.168.1.9", "2001:db8::7", "2001:DB8:1::", "fe80::1", "::1", "no")
NETWORKS = ("10.0.0.0/8", "10.0.0.0/30", "192.168.1.9", "2001:db8::/32", "2001:db8::/64", "::1/128", "::/0")
NUMBERS = (0, 1, 7, -3, 2.5, 100, 9007199254740993)
NUMERALS = (
    "0",
    "1",
    "01",
    "7.0",
    "-3",
    "2.5",
    "1e2",
    "100",
    "9007199254740992",
    "9007199254740993",
    "x",
    "1_0",
)
TIMES = ("2026-03-05T14:07:09Z", "2026-12-31 23:59:00", "2026-01-01T00:00:00+05:00", "soon")
PATTERNS = ("a+", "^a", "b$", "a.b", "(a|b)-", "[ab]{2}", "^a.*b$", "A", "\\.", "a?1", "^$")
TEXT_MODIFIERS = (
    *("", "", "", "contains", "startswith", "endswith", "cased", "contains|cased", "endswith|cased"),
    *(
        "windash",
        "contains|windash",
        "windash|contains",
        "cased|windash|startswith",
        "expand",
        "contains|expand",
    ),
)
CODED = (
    *("base64", "base64|contains", "base64offset|contains", "wide", "utf16le|contains", "utf16be", "utf16"),
    *("wide|base64offset|contains", "utf16be|base64", "utf16|base64offset|contains", "utf16le|base64|cased"),
)
VALUES = {"x": ("a", "b*", "-1"), "y": ("?", "\\*")}


class Maker:
    """Makes rules and events out of few letters, so that they often meet."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.texts: list[str] = ["a"]

    def word(self, most: int = 4) -> str:
        return "".join(self.random.choice(ALPHABET) for _ in range(self.random.randint(0, most)))

    def text(self, expand: bool) -> str:
        parts = [self.word(3), self.random.choice(["*", "?", "\\*", "\\\\", "\\\\*", "\\", "", "", "", ""])]
        if expand:
            parts.append(self.random.choice(["%x%", "%y%", "%x%%y%", "\\%x%", "\\\\%x%", "%", "%x%b"]))
        self.random.shuffle(parts)
        made = "".join(parts) + self.random.choice(["", "", "*", self.word(2)])
        self.texts.append(made)
        return made

    def item(self) -> tuple[str, Any]:
        """Return a key with modifiers and its value or values."""
        choose = self.random.choice
        field = choose(FIELDS)
        kind = self.random.random()
        values: list[Any]
        if kind < 0.5:
            modifier = choose(TEXT_MODIFIERS)
            values = [self.text("expand" in modifier) for _ in range(self.random.randint(1, 3))]
        elif kind < 0.6:
            modifier = choose(CODED)
            values = ["".join(choose("abAB-\xe9\u20ac") for _ in range(self.random.randint(1, 4)))]
            self.texts.append(values[0])
        elif kind < 0.68:
            modifier = choose(["re", "re|i", "re|m", "re|s", "re|i|s"])
            values = [choose(PATTERNS) for _ in range(self.random.randint(1, 2))]
        elif kind < 0.74:
            modifier, values = "cidr", [choose(NETWORKS) for _ in range(self.random.randint(1, 2))]
        elif kind < 0.81:
            modifier, values = choose(["lt", "lte", "gt", "gte", ""]), [choose(NUMBERS)]
        elif kind < 0.87:
            modifier = choose(["minute", "hour", "day", "week", "month", "year", "hour|gte", "day|lt"])
            values = [choose([0, 1, 5, 7, 10, 14, 23, 31, 53, 2026])]
        elif kind < 0.91:
            return f"{field}|exists", choose([True, False])
        elif kind < 0.95:
            modifier = choose(["fieldref", "fieldref|contains", "fieldref|startswith", "fieldref|endswith"])
            values = [choose(FIELDS)]
        else:
            modifier, values = "", [choose([None, "", True, False, None])]
        if len(values) > 1 and self.random.random() < 0.4:
            modifier = f"{modifier}|all" if modifier else "all"
        if self.random.random() < 0.15:
            modifier = f"{modifier}|neq" if modifier else "neq"
        key = f"{field}|{modifier}" if modifier else field
        return key, values[0] if len(values) == 1 else values

    def detection(self) -> Any:
        kind = self.random.random()
        if kind < 0.15:
            return [self.text(False) or "a" for _ in range(self.random.randint(1, 2))]
        if kind < 0.2:
            return {"|all": [self.text(False) or "b", self.text(False) or "a"]}
        if kind < 0.35:
            return [dict([self.item()]) for _ in range(self.random.randint(1, 3))]
        return dict(self.item() for _ in range(self.random.randint(1, 3)))

    def condition(self, names: list[str], depth: int = 0) -> str:
        kind = self.random.random()
        if depth > 3 or kind < 0.3:
            return self.random.choice(names)
        if kind < 0.42:
            return self.random.choice(["1 of s*", "all of s*", "1 of them", "any of s*", "all of them"])
        if kind < 0.6:
            return f"not {self.condition(names, depth + 1)}"
        inner = f" {self.random.choice(['and', 'or'])} ".join(
            self.condition(names, depth + 1) for _ in range(self.random.randint(2, 3))
        )
        return f"({inner})" if self.random.random() < 0.6 else inner

    def rule(self, number: int) -> dict[str, Any]:
        names = ["s1", "s2", "filter", "_hidden"][: self.random.randint(1, 4)]
        detection = {name: self.detection() for name in names}
        return {
            "title": "Random",
            "id": f"00000000-0000-4000-8000-{number:012d}",
            "logsource": {"product": "test"},
            "detection": {**detection, "condition": self.condition(names)},
        }

    def value(self) -> str | None:
        kind = self.random.random()
        if kind < 0.05:
            return None
        if kind < 0.15:
            return self.random.choice([*NUMERALS, *TIMES, *ADDRESSES, "true", "False"])
        if kind < 0.55:
            near = self.random.choice(self.texts[-12:])
            for sign, plain in (("*", self.word(2)), ("?", "a"), ("%x%", "B1"), ("%y%", "b")):
                near = near.replace(sign, plain)
            near = near.replace("\\", self.random.choice(["\\", ""]))
            return f"{self.random.choice(['', '', 'b'])}{near}{self.random.choice(['', '', 'a'])}"
        return self.word(5) + self.random.choice(["", "", "", "\nb", "\n"])

    def event(self) -> dict[str, str | None]:
        names = [name.replace(" ", "") for name in FIELDS]
        return {name: self.value() for name in names if self.random.random() < 0.75}


@dataclass(frozen=True, slots=True)
class Case:
    """A rule, events, and whether it fires on each by the book."""

    rule: Rule
    events: tuple[tuple[dict[str, str | None], bool], ...]


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    maker = Maker(SEED)
    made = []
    for number in range(CONDITIONS):
        document = maker.rule(number)
        found = parse_rules([("random.yml", yaml.dump(document, Dumper=yaml.CSafeDumper), "")], VALUES)
        assert found.rejected == (), document
        events = [maker.event() for _ in range(EVENTS)]
        made.append(Case(found.rules[0], tuple((one, fires(document, one, VALUES)) for one in events)))
    return made


@pytest.mark.parametrize("name", MATCHERS)
def test_r3_ten_thousand_random_conditions(cases: list[Case], name: str) -> None:
    """Many rules share a matcher, so that what they share cannot blur one of them."""
    for first in range(0, CONDITIONS, TOGETHER):
        some = cases[first : first + TOGETHER]
        matcher = MATCHERS[name]([case.rule for case in some])
        for case in some:
            for fields, expected in case.events:
                fired = {match.rule.id for match in matcher.match(Event(EPOCH, fields, Route("test")))}
                assert (case.rule.id in fired) is expected, (case.rule.text, fields)


def test_r3_both_outcomes_are_common(cases: list[Case]) -> None:
    fired = sum(expected for case in cases for _, expected in case.events)
    assert 0.2 < fired / (CONDITIONS * EVENTS) < 0.8
