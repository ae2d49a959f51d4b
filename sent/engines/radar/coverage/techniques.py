"""Which techniques of ATT&CK rules cover, as figures and as a layer for the ATT&CK Navigator. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sent.engines.radar.model import LEVELS, Level, Rule

LAYER = "4.5"
"""Version of the Navigator's layer format (mitre-attack/attack-navigator, layers/LAYERFORMATv4_5.md)."""

TACTICS = (
    "reconnaissance", "resource-development", "initial-access", "execution", "persistence",
    "privilege-escalation", "stealth", "defense-impairment", "defense-evasion", "credential-access",
    "discovery", "lateral-movement", "collection", "command-and-control", "exfiltration", "impact",
)  # fmt: skip
"""The enterprise tactics in the order of the matrix; ATT&CK 19 made two of `defense-evasion`."""

_TECHNIQUE = re.compile(r"attack\.(t\d{4}(?:\.\d{3})?)", re.IGNORECASE)


@dataclass(slots=True)
class Technique:
    """A technique (`T1059.001`), the rules that look for it by level, and the tactics they name."""

    id: str
    rules: dict[Level, int] = field(default_factory=lambda: dict.fromkeys(LEVELS, 0))
    tactics: set[str] = field(default_factory=set)

    @property
    def total(self) -> int:
        """How many rules look for it."""
        return sum(self.rules.values())

    @property
    def highest(self) -> Level:
        """The strongest level among them."""
        return max((level for level in LEVELS if self.rules[level]), key=LEVELS.index, default=LEVELS[0])


def coverage(rules: Iterable[Rule]) -> list[Technique]:
    """Return the techniques by id; a rule of several techniques counts for each."""
    found: dict[str, Technique] = {}
    for rule in rules:
        tags = [tag.lower().replace("_", "-") for tag in rule.tags]
        tactics = {tag[7:] for tag in tags} & set(TACTICS)
        for tag in dict.fromkeys(tags):
            if match := _TECHNIQUE.fullmatch(tag):
                technique = found.setdefault(match[1].upper(), Technique(match[1].upper()))
                technique.rules[rule.level] += 1
                technique.tactics |= tactics
    return [found[name] for name in sorted(found)]


def layer(techniques: Iterable[Technique], name: str) -> dict[str, Any]:
    """Return a Navigator layer: the score of a technique is its number of rules."""
    shown = [
        {
            "techniqueID": each.id,
            "score": each.total,
            "comment": ", ".join(f"{each.rules[level]} {level}" for level in LEVELS if each.rules[level]),
        }
        for each in techniques
    ]
    most = max((int(str(each["score"])) for each in shown), default=1)
    return {
        "name": name,
        "domain": "enterprise-attack",
        "versions": {"layer": LAYER},
        "techniques": shown,
        "gradient": {"colors": ["#dbeafe", "#1d4ed8"], "minValue": 0, "maxValue": most},
        "sorting": 3,
    }
