"""The matrix of ATT&CK: which techniques running rules look for, and which of them raised alerts. Pure.

Without a catalogue (`attack`) a technique stands under the tactics that its rules name. A rule that names
several tactics votes for each with a part, because it does not say which technique belongs where; a technique
keeps the tactics with at least 40 % of the votes of its strongest one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from sent.engines.radar.coverage.attack import EMPTY, Catalogue
from sent.engines.radar.coverage.techniques import LAYER, TACTICS

KEEPS = 0.4
OTHER = "other"
"""The column of techniques that no rule assigns to a tactic."""

_TECHNIQUE = re.compile(r"attack\.(t\d{4}(?:\.\d{3})?)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CoveringRule:
    """A rule as the matrix needs it; `product` is that of its log source, `runs`: it can run."""

    rule_id: str
    title: str
    level: str
    author: str
    rule_set: str
    product: str
    enabled: bool
    runs: bool
    techniques: tuple[str, ...]
    tactics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RuleAlerts:
    """Alerts of one rule in the time looked at."""

    rule_id: str
    tags: tuple[str, ...]
    alerts: int


@dataclass(frozen=True, slots=True)
class Choice:
    """What counts: rules that run or all; of one product, of one set (empty: any)."""

    running: bool = True
    product: str = ""
    rule_set: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """A technique under one tactic: its rules, and those of its sub-techniques in `subs`."""

    id: str
    name: str
    rules: tuple[CoveringRule, ...]
    alerts: int
    subs: tuple[Cell, ...] = ()

    @property
    def with_subs(self) -> int:
        """Distinct rules of the technique and its sub-techniques."""
        return len({rule.rule_id for rule in self.all_rules()})

    @property
    def alerts_with_subs(self) -> int:
        """Alerts of the technique and its sub-techniques."""
        return self.alerts + sum(sub.alerts for sub in self.subs)

    def all_rules(self) -> list[CoveringRule]:
        """Return the rules of the technique and its sub-techniques, each once."""
        found = {rule.rule_id: rule for part in (self, *self.subs) for rule in part.rules}
        return list(found.values())


@dataclass(frozen=True, slots=True)
class TacticColumn:
    """A tactic with its techniques by id."""

    id: str
    name: str
    cells: tuple[Cell, ...]

    @property
    def covered(self) -> int:
        """Techniques that have a rule."""
        return sum(cell.with_subs > 0 for cell in self.cells)


@dataclass(frozen=True, slots=True)
class Matrix:
    """The columns in ATT&CK's order; `edition` empty: names are not known."""

    edition: str
    columns: tuple[TacticColumn, ...]
    rules: int
    techniques: int
    covered: int
    most_rules: int
    most_alerts: int


@dataclass(slots=True)
class _Found:
    rules: list[CoveringRule] = field(default_factory=list)
    alerts: int = 0
    votes: dict[str, float] = field(default_factory=dict)


def techniques_in(tags: Iterable[str]) -> tuple[str, ...]:
    """Return the ids of the techniques that tags name (`attack.t1059.001` -> T1059.001), each once."""
    found = (_TECHNIQUE.fullmatch(tag.replace("_", "-")) for tag in tags)
    return tuple(dict.fromkeys(match[1].upper() for match in found if match))


def tactics_in(tags: Iterable[str]) -> tuple[str, ...]:
    """Return the tactics that tags name."""
    names = (tag.lower().replace("_", "-").removeprefix("attack.") for tag in tags)
    return tuple(dict.fromkeys(name for name in names if name in TACTICS))


def chosen(rules: Iterable[CoveringRule], choice: Choice) -> list[CoveringRule]:
    """Return the rules that count."""
    return [
        rule
        for rule in rules
        if (not choice.running or (rule.enabled and rule.runs))
        and choice.product in ("", rule.product)
        and choice.rule_set in ("", rule.rule_set)
    ]


def matrix(
    rules: Sequence[CoveringRule],
    alerts: Iterable[RuleAlerts],
    choice: Choice = Choice(),
    catalogue: Catalogue = EMPTY,
) -> Matrix:
    """Return the matrix; alerts count where their tags say, of rules that are gone only without a choice."""
    counted = chosen(rules, choice)
    wanted = {rule.rule_id for rule in counted}
    all_known = not choice.product and not choice.rule_set
    known = {rule.rule_id for rule in rules}
    found: dict[str, _Found] = {id: _Found() for id in catalogue.techniques}
    for rule in counted:
        for id in rule.techniques:
            found.setdefault(id, _Found()).rules.append(rule)
    for raised in alerts:
        if raised.rule_id in wanted or (all_known and raised.rule_id not in known):
            for id in techniques_in(raised.tags):
                found.setdefault(id, _Found()).alerts += raised.alerts
    for id in list(found):
        found.setdefault(id.partition(".")[0], _Found())
    _vote(found, rules)
    columns = _columns(found, catalogue)
    cells = {cell.id: cell for column in columns for cell in column.cells}
    return Matrix(
        catalogue.edition,
        columns,
        len(wanted & {rule.rule_id for rule in counted if rule.techniques}),
        len(cells),
        sum(cell.with_subs > 0 for cell in cells.values()),
        max((cell.with_subs for cell in cells.values()), default=0),
        max((cell.alerts_with_subs for cell in cells.values()), default=0),
    )


def _vote(found: dict[str, _Found], rules: Iterable[CoveringRule]) -> None:
    """Let all rules say where techniques stand, so that no choice moves them."""
    for rule in rules:
        for id in {id.partition(".")[0] for id in rule.techniques}:
            if id in found:
                votes = found[id].votes
                for tactic in rule.tactics:
                    votes[tactic] = votes.get(tactic, 0.0) + 1 / len(rule.tactics)


def _columns(found: dict[str, _Found], catalogue: Catalogue) -> tuple[TacticColumn, ...]:
    cells: dict[str, list[Cell]] = {}
    for id in sorted(found):
        if "." not in id:
            for tactic in _tactics_of(id, found[id], catalogue):
                cells.setdefault(tactic, []).append(_cell(id, found, catalogue))
    names = [*(catalogue.tactics or TACTICS), *TACTICS, OTHER]
    shown = [name for name in dict.fromkeys(names) if name in cells or name in catalogue.tactics]
    return tuple(
        TacticColumn(name, catalogue.tactics.get(name, ""), tuple(cells.get(name, ()))) for name in shown
    )


def _tactics_of(id: str, found: _Found, catalogue: Catalogue) -> tuple[str, ...]:
    if id in catalogue.techniques and catalogue.techniques[id][1]:
        return catalogue.techniques[id][1]
    if not found.votes:
        return (OTHER,)
    most = max(found.votes.values())
    return tuple(name for name in TACTICS if found.votes.get(name, 0.0) >= KEEPS * most)


def _cell(id: str, found: dict[str, _Found], catalogue: Catalogue) -> Cell:
    subs = tuple(_single(sub, found[sub], catalogue) for sub in sorted(found) if sub.startswith(f"{id}."))
    return replace(_single(id, found[id], catalogue), subs=subs)


def _single(id: str, found: _Found, catalogue: Catalogue) -> Cell:
    name = catalogue.techniques.get(id, ("", ()))[0]
    return Cell(id, name, tuple(found.rules), found.alerts)


def navigator_layer(made: Matrix, name: str) -> dict[str, object]:
    """Return a layer for the ATT&CK Navigator: scores are numbers of rules, comments tell the alerts."""
    shown: dict[tuple[str, str], dict[str, object]] = {}
    for column in made.columns:
        for cell in column.cells:
            for part in (cell, *cell.subs):
                if part.rules or part.alerts:
                    entry: dict[str, object] = {
                        "techniqueID": part.id,
                        "score": len(part.rules),
                        "comment": f"{len(part.rules)} rules, {part.alerts} alerts",
                        "showSubtechniques": bool(part.subs),
                    }
                    if column.id != OTHER:
                        entry["tactic"] = column.id
                    shown[part.id, column.id] = entry
    return {
        "name": name,
        "domain": "enterprise-attack",
        "versions": {"layer": LAYER},
        "techniques": list(shown.values()),
        "gradient": {"colors": ["#dbeafe", "#1d4ed8"], "minValue": 0, "maxValue": max(1, made.most_rules)},
        "sorting": 3,
    }


def table(made: Matrix) -> list[tuple[str, ...]]:
    """Return the matrix as rows: tactic, technique, name, rules, alerts, titles; the first one names them."""
    rows: list[tuple[str, ...]] = [("tactic", "technique", "name", "rules", "alerts", "titles", "authors")]
    for column in made.columns:
        for cell in column.cells:
            for part in (cell, *cell.subs):
                titles = "; ".join(rule.title for rule in part.rules)
                authors = "; ".join(dict.fromkeys(rule.author for rule in part.rules if rule.author))
                counts = (str(len(part.rules)), str(part.alerts))
                rows.append((column.id, part.id, part.name, *counts, titles, authors))
    return rows
