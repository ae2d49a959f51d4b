"""Sigma filters (specification 2.1): one document narrows many rules.

A filter holds for the rules it names (by id or name, or `any`) whose log source is within its own: what the
filter leaves open is any. The rule then fires when its condition and the filter's condition hold, as in
pySigma, so `condition: not selection` leaves the selection's events out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sent.engines.radar.model import Filter, LogSource, Rejected, Rule
from sent.engines.radar.sigma.expression import And, Node

MAX_FILTERS = 1_000
"""Filters of one organisation that run: each is looked at for each rule."""

FULL = f"there are more than {MAX_FILTERS} filters"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A filter as read; `references` None: any rule of the log source."""

    filter: Filter
    references: tuple[str, ...] | None


def applied(
    rules: Mapping[str, Rule], filters: Iterable[Wanted]
) -> tuple[dict[str, Rule], list[Filter], list[Rejected]]:
    """Return the rules narrowed, the filters that narrow one, and those that do not, with the reason."""
    narrowed = dict(rules)
    names: dict[str, set[str]] = {}
    for rule in rules.values():
        names.setdefault(rule.id.lower(), set()).add(rule.id)
        if rule.name:
            names.setdefault(rule.name, set()).add(rule.id)
    added: dict[str, list[Node]] = {}
    used: list[Filter] = []
    refused: list[Rejected] = []
    for place, wanted in enumerate(filters):
        if place >= MAX_FILTERS:
            refused.append(_rejected(wanted, FULL))
            continue
        asked = set(rules)
        if wanted.references is not None:
            asked = {
                id for name in wanted.references for id in names.get(name, names.get(name.lower(), set()))
            }
        source = wanted.filter.logsource
        hit = sorted(id for id in asked if within(rules[id].logsource, source))
        if hit:
            used.append(replace(wanted.filter, rules=tuple(hit)))
            for id in hit:
                added.setdefault(id, []).append(wanted.filter.condition)
        else:
            refused.append(_refused(wanted, bool(asked)))
    for id, conditions in added.items():
        narrowed[id] = replace(narrowed[id], condition=And((narrowed[id].condition, *conditions)))
    return narrowed, used, refused


def within(rule: LogSource, source: LogSource) -> bool:
    """Say whether `source` asks for nothing that the rule's log source is not."""
    return (
        source.product in (None, rule.product)
        and source.category in (None, rule.category)
        and source.service in (None, rule.service)
    )


def _refused(wanted: Wanted, found: bool) -> Rejected:
    source = wanted.filter.logsource
    if wanted.references is None:
        why = f"filters nothing: there is no rule of log source {source}"
    elif found:
        why = f"filters nothing: the rules it names are not of log source {source}"
    else:
        named = ", ".join(wanted.references)[:120]
        why = f"filters nothing: there is no rule {named}"
    return _rejected(wanted, why)


def _rejected(wanted: Wanted, why: str) -> Rejected:
    made = wanted.filter
    return Rejected(made.source, made.id, made.title, why, made.text, depends=True, kind="filter")
