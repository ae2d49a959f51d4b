"""Sigma rules from YAML text. What cannot run is listed with its reason, never dropped.

pySigma parses; SENT bounds what reaches it (`yamltext`).
"""

from __future__ import annotations

import gc
import hashlib
import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, Protocol
from uuid import UUID

import re2
import yaml
from sigma.exceptions import SigmaError
from sigma.filters import SigmaFilter
from sigma.policy import SigmaPolicy
from sigma.policy.regex_engine import RegexEngine
from sigma.rule import SigmaDetections, SigmaRule, SigmaRuleBase

from sent.engines.radar.correlations.correlation import Correlation, Malformed, correlation_from, resolved
from sent.engines.radar.model import LEVELS, Filter, LogSource, Refused, Rejected, Rule, RuleKind, RuleSet
from sent.engines.radar.sigma.condition import (
    MAX_ALL_VALUES,
    MAX_ATOMS,
    MAX_RULE_VALUES,
    Placeholders,
    Unrunnable,
    node_from,
    placeholders_in,
    tests_in,
    values_of,
)
from sent.engines.radar.sigma.dialect import prepared
from sent.engines.radar.sigma.expression import Node, Or
from sent.engines.radar.sigma.filters import Wanted, applied
from sent.engines.radar.sigma.logsource import unfed
from sent.engines.radar.sigma.pattern import PatternRefused
from sent.engines.radar.sigma.yamltext import documents

MAX_DOCUMENTS = 200
"""Documents in one file."""

TIDY_EVERY = 50
"""Files after which the circles that pySigma leaves are collected: `for_long` would keep them for ever."""


class Kept(Protocol):
    """Rules that were parsed before, by the text of a file that holds nothing else."""

    def get(self, name: str, text: str) -> Rule | Refused | None:
        """Return what `text`, read from `name`, was parsed to; None if it has to be parsed."""
        ...

    def put(self, text: str, found: Rule | Refused) -> None:
        """Keep what `text` was parsed to."""
        ...


class _Syntax(RegexEngine):
    """Lets pySigma check a pattern's syntax: RE2 first, then Python's; what may run decides `pattern`."""

    def compile(self, pattern: str, flags: int = 0) -> Any:
        """Return a compiled pattern; pySigma runs only those of selectors, which RE2 always can."""
        options = re2.Options()
        options.log_errors = False
        try:
            return re2.compile(pattern, options)
        except re2.error:
            return re.compile(pattern, flags)

    @property
    def error(self) -> type[re.error]:
        """What an invalid pattern raises."""
        return re.error


POLICY = SigmaPolicy(regex_engine=_Syntax())

_NEVER = Or(())
"""The condition of what is not matched against single events."""


def parse_rules(
    files: Iterable[tuple[str, str | None, str]],
    placeholders: Placeholders | None = None,
    off: Container[str] = (),
    kept: Kept | None = None,
) -> RuleSet:
    """Parse `(name, text, reason)`: text None means the file was refused for `reason`.

    The first rule of an id counts; later ones are rejected as duplicates. Filters and correlations are
    brought together with the rules once all are read, so their order does not matter. Filters and
    correlations whose ids are in `off` are switched off. Rules that `kept` knows are not parsed again.
    """
    reading = _Reading(placeholders or {}, off, kept)
    for number, (name, text, reason) in enumerate(files, 1):
        if text is None:
            reading.rejected.append(Rejected(name, "", "", reason))
        else:
            reading.read(name, text)
        if number % TIDY_EVERY == 0:
            gc.collect(0)
    gc.collect(0)
    return reading.result()


@dataclass(frozen=True, slots=True)
class _Document:
    """One document of a file; `id` is the document's own, or a digest of where it stands."""

    name: str
    text: str
    body: Mapping[str, Any]
    id: str
    title: str

    @property
    def kind(self) -> RuleKind:
        """What it is, by the section it has."""
        return "correlation" if "correlation" in self.body else "filter" if "filter" in self.body else "rule"

    def rejected(self, reason: str, *, depends: bool = False) -> Rejected:
        """Return it as what cannot run."""
        given = str(self.body.get("id") or "")[:100]
        known = self.id if depends or not given else given
        return Rejected(self.name, known, self.title, reason, self.text, depends, self.kind)


class _Reading:
    """Rules, filters and correlations as they are read."""

    def __init__(self, placeholders: Placeholders, off: Container[str], kept: Kept | None) -> None:
        self._kept = kept
        self.rejected: list[Rejected] = []
        self._placeholders = _Values(placeholders)
        self._off = off
        self._lost: dict[str, str] = {}
        """Why what has this id or name does not run."""
        self._places: dict[str, _Document] = {}
        self._rules: dict[str, Rule] = {}
        self._filters: dict[str, Wanted] = {}
        self._correlations: dict[str, Correlation] = {}

    def read(self, name: str, text: str) -> None:
        """Take the documents of a file."""
        known = self._kept.get(name, text) if self._kept is not None else None
        if isinstance(known, Rule):
            body = {"id": known.id, "name": known.name}
            self._keep(_Document(name, text, body, known.id, known.title), self._rules, known)
            return
        if known is not None:
            body = {"id": known.given, "name": known.name}
            self._refuse(_Document(name, text, body, known.id, known.title), known.reason)
            return
        try:
            found = documents(text)
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            self.rejected.append(Rejected(name, "", "", f"is no YAML: {_brief(error)}", text))
            return
        if len(found) > MAX_DOCUMENTS:
            self.rejected.append(Rejected(name, "", "", f"holds more than {MAX_DOCUMENTS} documents", ""))
            return
        for place, body in enumerate(found):
            if isinstance(body, dict):
                self._take(_document(name, text, place, body), alone=len(found) == 1)
            elif body is not None:
                why = "is no Sigma rule: a mapping with title, logsource, detection"
                self.rejected.append(Rejected(name, "", "", why, text))

    def result(self) -> RuleSet:
        """Return what runs and what does not."""
        rules, filters, idle = applied(self._rules, self._filters.values())
        correlations, cut = resolved(self._correlations.values(), rules.values(), self._lost)
        return RuleSet(
            tuple(rules.values()), (*self.rejected, *idle, *cut), tuple(correlations), tuple(filters)
        )

    def _take(self, document: _Document, *, alone: bool) -> None:
        if document.kind != "rule" and document.id in self._off:
            self._lose(document, "is switched off")
            return
        try:
            if document.kind == "correlation":
                self._keep(document, self._correlations, _correlation(document))
            elif document.kind == "filter":
                self._keep(document, self._filters, _filter(document, self._placeholders))
            else:
                rule = _rule(document, self._placeholders)
                self._keep(document, self._rules, rule)
                if alone and not rule.placeholders:
                    self._remember(document, rule)
        except _NeedsValues as error:
            self._refuse(document, _brief(error), depends=True)
        except (Unrunnable, PatternRefused) as error:
            self._refuse(document, _brief(error), lasting=alone)
        except (SigmaError, RecursionError, TypeError, ValueError, KeyError, AttributeError) as error:
            reason = f"is no valid Sigma {document.kind}: {_brief(error)}"
            self._refuse(document, reason, lasting=alone)

    def _remember(self, document: _Document, found: Rule | Refused) -> None:
        if self._kept is not None and document.kind == "rule":
            self._kept.put(document.text, found)

    def _refuse(
        self, document: _Document, reason: str, *, depends: bool = False, lasting: bool = False
    ) -> None:
        self.rejected.append(document.rejected(reason, depends=depends))
        self._lose(document, reason)
        if lasting:
            given, name = (str(document.body.get(key) or "")[:200] for key in ("id", "name"))
            self._remember(document, Refused(document.id, given, document.title, name, reason))

    def _lose(self, document: _Document, reason: str) -> None:
        for reference in (document.id, str(document.body.get("name", ""))):
            self._lost.setdefault(reference, reason)

    def _keep(self, document: _Document, kind: dict[str, Any], found: Any) -> None:
        first = self._places.setdefault(document.id, document)
        if first is document:
            kind[document.id] = found
        else:
            self.rejected.append(document.rejected(f"has the same id as {first.name}"))


class _NeedsValues(Unrunnable):
    """The condition has placeholders, and cannot run with the values they have: never kept for others."""


class _Values:
    """The values of placeholders, and how many may still be written out."""

    def __init__(self, known: Placeholders) -> None:
        self.known = known
        self._left = MAX_ALL_VALUES

    def spend(self, amount: int) -> None:
        """Count the values of a rule; raises Unrunnable when they are too many."""
        if amount > MAX_RULE_VALUES:
            raise Unrunnable(f"its placeholders make more than {MAX_RULE_VALUES} values together")
        if amount > self._left:
            raise Unrunnable(f"the placeholders of all rules make more than {MAX_ALL_VALUES} values")
        self._left -= amount


def _document(name: str, text: str, place: int, body: Mapping[str, Any]) -> _Document:
    given = str(body.get("id", "") or "")[:100]
    try:
        given = str(UUID(given))
    except ValueError:
        given = given if "correlation" in body or "filter" in body else ""
    digest = hashlib.sha256((f"{text}\x00{place}" if place else text).encode()).hexdigest()[:32]
    return _Document(name, text, body, given or f"sha256-{digest}", str(body.get("title", ""))[:300])


def _rule(document: _Document, placeholders: _Values) -> Rule:
    body = dict(document.body)
    body["detection"] = prepared(body.get("detection"))
    if body["detection"] is None:
        del body["detection"]
    parsed = SigmaRule.from_dict(body, policy=POLICY)
    source = LogSource(parsed.logsource.product, parsed.logsource.category, parsed.logsource.service)
    if (reason := unfed(source)) is not None:
        raise Unrunnable(reason)
    condition, needed = _condition(parsed.detection, placeholders)
    return _described(
        Rule(document.id, document.title, "medium", "", source, condition, placeholders=needed),
        document,
        parsed,
    )


def _condition(detection: SigmaDetections, placeholders: _Values) -> tuple[Node, tuple[str, ...]]:
    """Return the tree, and the placeholders in it; raises _NeedsValues naming all that have no values."""
    if tests_in(detection) > MAX_ATOMS:
        raise Unrunnable(f"its condition holds more than {MAX_ATOMS} tests")
    parsed = [condition.parsed for condition in detection.parsed_condition]
    needed = tuple(dict.fromkeys(name for part in parsed for name in placeholders_in(part)))
    missing = [f"%{name}%" for name in needed if name not in placeholders.known]
    if missing:
        raise _NeedsValues(f"needs values for {', '.join(missing)}")
    if not needed:
        nodes = tuple(node_from(part, {}) for part in parsed)
    else:
        try:
            placeholders.spend(sum(values_of(part, placeholders.known) for part in parsed))
            nodes = tuple(node_from(part, placeholders.known) for part in parsed)
        except (SigmaError, ValueError) as error:  # with other values it may run
            raise _NeedsValues(str(error)) from error
    return (nodes[0] if len(nodes) == 1 else Or(nodes)), needed


def _correlation(document: _Document) -> Correlation:
    body = document.body
    if not document.title:
        raise Malformed("title is missing")
    general, errors = SigmaRuleBase.from_dict_common_params({**body, "id": None}, True)
    if errors:
        raise errors[0]
    rule = Rule(document.id, document.title, "medium", "", LogSource(), _NEVER)
    return correlation_from(_described(rule, document, SimpleNamespace(**general)), body)


def _filter(document: _Document, placeholders: _Values) -> Wanted:
    body = {**document.body, "id": None}
    body["filter"] = prepared(body["filter"])
    parsed = SigmaFilter.from_dict(body, policy=POLICY)
    source = LogSource(parsed.logsource.product, parsed.logsource.category, parsed.logsource.service)
    condition, _ = _condition(parsed.filter, placeholders)
    named = parsed.filter.rules
    references = None if isinstance(named, str) else tuple(str(item.reference) for item in named)
    made = Filter(
        document.id, document.title, parsed.author or "", source, condition, (), document.name, document.text
    )
    return Wanted(made, references)


def _described(rule: Rule, document: _Document, parsed: Any) -> Rule:
    """Fill in what every kind of rule says of itself."""
    level: Any = parsed.level.name.lower() if parsed.level else "medium"
    return replace(
        rule,
        title=parsed.title or "(no title)",
        level=level if level in LEVELS else "medium",
        author=parsed.author or "",
        status=parsed.status.name.lower() if parsed.status else "",
        description=parsed.description or "",
        tags=tuple(str(tag) for tag in parsed.tags or ()),
        references=tuple(str(reference) for reference in parsed.references or ()),
        falsepositives=tuple(str(text) for text in parsed.falsepositives or ()),
        source=document.name,
        text=document.text,
        name=(parsed.name or "")[:200],
    )


def _brief(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
