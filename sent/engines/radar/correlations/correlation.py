"""Sigma correlations (specification 2.1, correlation rules): what a document asks for, as values.

pySigma's reader takes neither ranges (`gt` beside `lte`) nor a `value_percentile` without a percentile, both
of which the specification shows, so documents are read here. `resolved` finds the rules they refer to;
`sent.engines.radar.correlations.correlate` runs them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from sent.engines.radar.model import Rejected, Rule

Kind = Literal[
    "event_count",
    "value_count",
    "temporal",
    "temporal_ordered",
    "value_sum",
    "value_avg",
    "value_percentile",
]
Bound = tuple[Literal["gt", "gte", "lt", "lte", "eq", "neq"], float]

KINDS: tuple[Kind, ...] = get_args(Kind)

MAX_COUNT = 10_000
"""Events an event_count may ask for: so many are kept for one group."""

MAX_VALUES = 2_000
"""The same for what else is kept of events: values, or which rule they fulfilled."""

MAX_ORDERED = 20
"""Rules whose order can be asked for."""

MAX_CORRELATIONS = 2_000
"""Correlations of one organisation that run."""

MAX_DEPTH = 10
"""Correlations of correlations: each step costs the worker a question to the database."""

FULL = f"there are more than {MAX_CORRELATIONS} correlations"

MAX_FIELDS = 20
MAX_REFERENCES = 200
MAX_SPAN_S = 366 * 86_400

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "M": 2_629_746, "y": 31_556_952}
"""Seconds of the specification's units s, m, h, d, and of pySigma's w, M, y."""

_SPAN = re.compile(r"([0-9]{1,8})([smhdwMy])")
_OPERATORS = ("gt", "gte", "lt", "lte", "eq", "neq")


class Malformed(ValueError):
    """The document is no correlation; the text says what to change."""


@dataclass(frozen=True, slots=True)
class Correlation:
    """A correlation: how often, or in which order, events of other rules come together.

    `rule` carries its title, level and author; its condition holds nothing. `references` are names or ids as
    written, and ids of rules or correlations once resolved. `aliases` give, by alias and reference, the
    field that stands for it. `percentile` None in a `value_percentile`: the share of a value in percent.
    """

    rule: Rule
    kind: Kind
    references: tuple[str, ...]
    group_by: tuple[str, ...]
    span_s: float
    bounds: tuple[Bound, ...]
    fields: tuple[str, ...] = ()
    percentile: float | None = None
    aliases: Mapping[str, Mapping[str, str]] | None = None
    generate: bool = False
    revision: str = ""
    """A digest of what it asks for: what was counted for other terms does not count for these."""

    @property
    def id(self) -> str:
        """Its id, by which other correlations refer to it."""
        return self.rule.id

    @property
    def deferred(self) -> bool:
        """Say whether only a window that has passed decides: further events could make it false again."""
        return self.kind not in ("value_avg", "value_percentile") and any(
            operator not in ("gt", "gte") for operator, _ in self.bounds
        )

    def holds(self, figure: float) -> bool:
        """Say whether a count, sum, average or percentile is within all bounds."""
        return all(_within(operator, figure, number) for operator, number in self.bounds)

    def field_of(self, name: str, reference: str) -> str:
        """Return the field that `name` (perhaps an alias) means in events of the referred rule."""
        return (self.aliases or {}).get(name, {}).get(reference, name)


def correlation_from(rule: Rule, document: Mapping[str, Any]) -> Correlation:
    """Return the correlation of a document whose general part is `rule`; raises Malformed."""
    body = document.get("correlation")
    if not isinstance(body, dict):
        raise Malformed("correlation must be a mapping with type, rules and timespan")
    kind = body.get("type")
    if kind not in KINDS:
        raise Malformed(f"correlation type must be one of {', '.join(KINDS)}; it is {str(kind)[:40]!r}")
    references = _texts(body.get("rules"), "rules", MAX_REFERENCES)
    if not references:
        raise Malformed("correlation names no rules")
    condition = body.get("condition")
    if condition is None and kind in ("temporal", "temporal_ordered"):
        condition = {"gte": len(references)}
    if not isinstance(condition, dict):
        raise Malformed("condition must be a mapping such as `gte: 10`")
    generate = body.get("generate", False)
    if not isinstance(generate, bool):
        raise Malformed("generate must be true or false")
    found = Correlation(
        rule=rule,
        kind=kind,
        references=references,
        group_by=_fields(_texts(body.get("group-by"), "group-by", MAX_FIELDS)),
        span_s=_span(body.get("timespan")),
        bounds=_bounds(condition),
        fields=_fields(_texts(condition.get("field"), "field", MAX_FIELDS)),
        percentile=_percentile(condition.get("percentile")),
        aliases=_aliases(body.get("aliases")),
        generate=generate,
    )
    _check(found)
    return found


def _check(found: Correlation) -> None:
    if found.kind.startswith("value_") and not found.fields:
        raise Malformed(f"{found.kind} needs a field in its condition")
    if len(found.fields) > 1 and found.kind != "value_count":
        raise Malformed(f"{found.kind} takes one field")
    limit = {"event_count": MAX_COUNT, "value_count": MAX_VALUES}.get(found.kind)
    if limit is not None and any(number > limit for _, number in found.bounds):
        raise Malformed(f"{found.kind} above {limit} is not kept")
    if found.kind == "temporal_ordered" and len(found.references) > MAX_ORDERED:
        raise Malformed(f"temporal_ordered takes at most {MAX_ORDERED} rules")


def _span(value: object) -> float:
    found = _SPAN.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise Malformed(f"timespan must be a number with a unit, such as 15m; it is {str(value)[:40]!r}")
    seconds = int(found[1]) * _UNITS[found[2]]
    if not 0 < seconds <= MAX_SPAN_S:
        raise Malformed("timespan must be more than nothing and at most a year")
    return float(seconds)


def _bounds(condition: Mapping[str, Any]) -> tuple[Bound, ...]:
    unknown = set(map(str, condition)) - {*_OPERATORS, "field", "percentile"}
    if unknown:
        raise Malformed(f"condition holds {', '.join(sorted(unknown))[:100]}, which is no operator")
    bounds: list[Any] = []
    for operator in _OPERATORS:
        if operator in condition:
            number = condition[operator]
            if isinstance(number, bool) or not isinstance(number, int | float) or number != number:
                raise Malformed(f"condition {operator} must be a number")
            bounds.append((operator, number))
    if not bounds:
        raise Malformed("condition needs one of gt, gte, lt, lte, eq, neq")
    return tuple(bounds)


def _within(operator: str, figure: float, number: float) -> bool:
    return {
        "gt": figure > number,
        "gte": figure >= number,
        "lt": figure < number,
        "lte": figure <= number,
        "eq": figure == number,
        "neq": figure != number,
    }[operator]


def _percentile(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100:
        raise Malformed("percentile must be a number from 0 to 100")
    return float(value)


def _texts(value: object, what: str, limit: int) -> tuple[str, ...]:
    items = [] if value is None else value if isinstance(value, list) else [value]
    if len(items) > limit or not all(isinstance(item, str) and 0 < len(item) <= 256 for item in items):
        raise Malformed(f"{what} must be at most {limit} texts")
    return tuple(dict.fromkeys(items))


def _fields(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name.replace(" ", "") for name in names)


def _aliases(value: object) -> Mapping[str, Mapping[str, str]]:
    if value is None:
        return {}
    if not isinstance(value, dict) or len(value) > MAX_FIELDS:
        raise Malformed("aliases must be a mapping of alias to rule and field")
    found: dict[str, dict[str, str]] = {}
    for alias, fields in value.items():
        if not isinstance(fields, dict) or len(fields) > MAX_REFERENCES:
            raise Malformed(f"alias {str(alias)[:40]!r} must be a mapping of rule to field")
        found[str(alias).replace(" ", "")] = {
            str(rule): str(field).replace(" ", "") for rule, field in fields.items()
        }
    return found


def resolved(
    correlations: Iterable[Correlation], rules: Iterable[Rule], lost: Mapping[str, str]
) -> tuple[list[Correlation], list[Rejected]]:
    """Put ids in place of references; whatever refers to what is not there cannot run and says so.

    `lost` tells, by id and by name, why something that was read does not run.
    Correlations come back in an order in which each follows those it refers to.
    """
    waiting = {found.id: found for found in correlations}
    refused = [_refused(found, FULL) for found in list(waiting.values())[MAX_CORRELATIONS:]]
    for bad in refused:
        del waiting[bad.rule_id]
    known = _Known([*rules, *(found.rule for found in waiting.values())], lost)
    done: list[Correlation] = []
    ready = {rule.id for rule in known.rules if rule.id not in waiting}
    for found in list(waiting.values()):
        reasons = [reason for reference in found.references if (reason := known.reason(reference))]
        if reasons:
            refused.append(_refused(found, reasons[0]))
            del waiting[found.id]
    for _ in range(MAX_DEPTH):
        able = _able(waiting.values(), known, ready)
        done += [_with_ids(found, known) for found in able]
        for found in able:
            ready.add(found.id)
            del waiting[found.id]
    for found in _able(waiting.values(), known, ready):
        refused.append(_refused(found, f"stands on a chain of more than {MAX_DEPTH} correlations"))
        del waiting[found.id]
    return done, [*refused, *_rest(list(waiting.values()), known, {bad.rule_id for bad in refused})]


def _able(waiting: Iterable[Correlation], known: _Known, ready: set[str]) -> list[Correlation]:
    return [found for found in waiting if all(known.ids[name] in ready for name in found.references)]


def _rest(waiting: list[Correlation], known: _Known, cut: set[str]) -> list[Rejected]:
    """Return those that are left: they stand on one that cannot run (`cut`), or on themselves."""
    while more := {found.id for found in waiting if found.id not in cut and _cut(found, known, cut)}:
        cut |= more
    return [
        _refused(
            found,
            "refers to a correlation that cannot run" if found.id in cut else "refers in the end to itself",
        )
        for found in waiting
    ]


def _cut(found: Correlation, known: _Known, cut: set[str]) -> bool:
    return any(known.ids[reference] in cut for reference in found.references)


class _Known:
    """The rules there are, by id and by name."""

    def __init__(self, rules: Sequence[Rule], lost: Mapping[str, str]) -> None:
        self.rules = rules
        self._lost = lost
        self._doubled: set[str] = set()
        self.ids = {rule.id: rule.id for rule in rules}
        for rule in rules:
            if rule.name and self.ids.setdefault(rule.name, rule.id) != rule.id:
                self._doubled.add(rule.name)
        self.ids |= {id.upper(): id for id in self.ids.values()}

    def reason(self, reference: str) -> str:
        """Return why nothing can be referred to as `reference`, or nothing."""
        if reference in self._doubled:
            return f"several rules are named {reference!r}; refer to the id"
        if reference in self.ids:
            return ""
        reason = self._lost.get(reference) or self._lost.get(reference.lower())
        if reason:
            return f"refers to rule {reference}, which does not run: {reason}"
        return f"refers to rule {reference}, which is not there"


def _with_ids(found: Correlation, known: _Known) -> Correlation:
    aliases = {
        alias: {known.ids.get(reference, reference): field for reference, field in fields.items()}
        for alias, fields in (found.aliases or {}).items()
    }
    references = tuple(dict.fromkeys(known.ids[reference] for reference in found.references))
    made = replace(found, references=references, aliases=aliases)
    terms = (made.kind, references, made.group_by, made.span_s, made.bounds, made.fields, made.percentile)
    text = repr((terms, sorted((alias, sorted(fields.items())) for alias, fields in aliases.items())))
    return replace(made, revision=hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16])


def _refused(found: Correlation, reason: str) -> Rejected:
    rule = found.rule
    return Rejected(
        rule.source, rule.id, rule.title, reason[:300], rule.text, depends=True, kind="correlation"
    )


def silent(correlations: Iterable[Correlation]) -> frozenset[str]:
    """Return the ids of the rules that raise no alerts of their own: `generate` of none of those that refer
    to them asks for it."""
    referred: dict[str, bool] = {}
    for found in correlations:
        for reference in found.references:
            referred[reference] = referred.get(reference, False) or found.generate
    return frozenset(id for id, heard in referred.items() if not heard)
