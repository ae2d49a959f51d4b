"""Sigma rules from YAML text. What cannot run is listed with its reason, never dropped.

pySigma parses; SENT bounds what reaches it (`yamltext`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from typing import Any

import re2
import yaml
from sigma.exceptions import SigmaError
from sigma.policy import SigmaPolicy
from sigma.policy.regex_engine import RegexEngine
from sigma.rule import SigmaRule

from sent.engines.radar.condition import Unrunnable, node_from
from sent.engines.radar.expression import Node, Or
from sent.engines.radar.logsource import unfed
from sent.engines.radar.model import LEVELS, LogSource, Rejected, Rule, RuleSet
from sent.engines.radar.pattern import PatternRefused
from sent.engines.radar.yamltext import documents

MAX_DOCUMENTS = 200
"""Documents in one file."""


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


_POLICY = SigmaPolicy(regex_engine=_Syntax())


def parse_rules(files: Iterable[tuple[str, str | None, str]]) -> RuleSet:
    """Parse `(name, text, reason)`: text None means the file was refused for `reason`.

    The first rule of an id counts; later ones are rejected as duplicates.
    """
    rules: dict[str, Rule] = {}
    rejected: list[Rejected] = []
    for name, text, reason in files:
        if text is None:
            rejected.append(Rejected(name, "", "", reason))
            continue
        for found in _file_rules(name, text):
            if isinstance(found, Rule) and found.id in rules:
                why = f"has the same id as {rules[found.id].source}"
                rejected.append(Rejected(name, found.id, found.title, why, found.text))
            elif isinstance(found, Rule):
                rules[found.id] = found
            else:
                rejected.append(found)
    return RuleSet(tuple(rules.values()), tuple(rejected))


def _file_rules(name: str, text: str) -> Iterator[Rule | Rejected]:
    try:
        found = documents(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        yield Rejected(name, "", "", f"is no YAML: {_brief(error)}", text)
        return
    if len(found) > MAX_DOCUMENTS:
        yield Rejected(name, "", "", f"holds more than {MAX_DOCUMENTS} documents", "")
        return
    for document in found:
        if document is not None:
            yield _rule(name, text, document)


def _rule(name: str, text: str, document: Any) -> Rule | Rejected:
    if not isinstance(document, dict):
        return Rejected(name, "", "", "is no Sigma rule: a mapping with title, logsource, detection", text)
    title, rule_id = str(document.get("title", ""))[:300], str(document.get("id", ""))[:100]
    for kind in ("correlation", "filter"):
        if kind in document:
            return Rejected(name, rule_id, title, f"{kind} rules are not run by this version", text)
    try:
        parsed = SigmaRule.from_dict(document, policy=_POLICY)
        source = LogSource(parsed.logsource.product, parsed.logsource.category, parsed.logsource.service)
        if (reason := unfed(source)) is not None:
            return Rejected(name, rule_id, title, reason, text)
        return _filled(name, text, parsed, source, _condition(parsed))
    except (Unrunnable, PatternRefused) as error:
        return Rejected(name, rule_id, title, _brief(error), text)
    except (SigmaError, RecursionError, TypeError, ValueError, KeyError, AttributeError) as error:
        return Rejected(name, rule_id, title, f"is no valid Sigma rule: {_brief(error)}", text)


def _condition(parsed: SigmaRule) -> Node:
    nodes = tuple(node_from(condition.parsed) for condition in parsed.detection.parsed_condition)
    return nodes[0] if len(nodes) == 1 else Or(nodes)


def _filled(name: str, text: str, parsed: SigmaRule, source: LogSource, condition: Node) -> Rule:
    level: Any = parsed.level.name.lower() if parsed.level else "medium"
    return Rule(
        id=str(parsed.id) if parsed.id else "sha256-" + hashlib.sha256(text.encode()).hexdigest()[:32],
        title=parsed.title or "(no title)",
        level=level if level in LEVELS else "medium",
        author=parsed.author or "",
        logsource=source,
        condition=condition,
        status=parsed.status.name.lower() if parsed.status else "",
        description=parsed.description or "",
        tags=tuple(str(tag) for tag in parsed.tags),
        references=tuple(str(reference) for reference in parsed.references),
        falsepositives=tuple(str(text) for text in parsed.falsepositives),
        source=name,
        text=text,
    )


def _brief(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
