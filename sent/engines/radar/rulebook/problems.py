"""What is wrong with a rule that is being written: each problem with its line and what to do. Pure.

It takes the very parser that workers load rules with (`ruleset`), so that what this calls runnable runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from sent.engines.radar.model import Rejected, RuleSet
from sent.engines.radar.rulebook.lint import SEVERITIES, Place, Sentence, Severity, said
from sent.engines.radar.rulebook.ruletext import MAX_TEXT, SECTIONS
from sent.engines.radar.sigma.yamltext import LOADER, documents

NAME = "rule.yml"
"""What the text is called among the files that are parsed."""

MAX_PROBLEMS = 100

_QUOTED = re.compile(r"['\"`]([^'\"`]{1,120})['\"`]")

CURES = {
    "id": "Saving gives it an id of its own",
    "title": "Say in a few words what was seen",
    "level": "Say how grave it is: informational, low, medium, high or critical",
    "status": "Write experimental until it has proved itself, then test, then stable",
    "author": "Name who wrote it; alerts carry the author",
    "description": "Say what the rule looks for, and why that matters",
    "date": "Write the date as YYYY-MM-DD",
    "modified": "Write the date as YYYY-MM-DD",
    "tags": "Write techniques as attack.t1059.001 and tactics as attack.execution",
    "unused": "Use the selection in the condition, or take it out",
    "unknown": "Name only selections that stand under detection",
    "all": "Take `all` away, or give several values",
    "twice": "Take one of them away",
    "any": "Use `Field|exists: true`",
    "wildcard": "Take the wildcard away",
    "pattern": "Take `.*` away",
    "yaml": "Look at the indentation (spaces, never tabs), at quotes and colons",
    "several": "Save the other documents as rules of their own",
    "empty": "Begin with title, logsource and detection",
    "long": "Split it into several rules",
    "condition": "Join the names of selections with and, or, not, 1 of, all of",
    "logsource": "Choose a category or a service that Windows logs have; the completion lists them",
    "modifier": "Use a modifier of Sigma 2.1; the completion lists them behind |",
    "placeholder": "Give the placeholder values, or write them into the rule",
    "reference": "Refer to rules that are there and switched on, by their id or name",
    "detection": "Write at least one selection and a condition",
    "not-runnable": "Change what the message names",
}
"""What to do, by code."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem; `line` from 1, `cure` may be empty; `said`: the message, when `lint.SENTENCES` has it."""

    line: int
    severity: Severity
    code: str
    message: str
    cure: str
    said: Sentence | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """What a text is and whether it would run; `reason` why not, `waits` when other rules or values help."""

    problems: tuple[Problem, ...]
    runs: bool
    reason: str
    waits: bool
    kind: str
    rule_id: str
    title: str


def checked(text: str, found: RuleSet) -> Checked:
    """Return the problems of a text whose rules, read as the file `NAME`, are in `found`; by line."""
    if len(text) > MAX_TEXT:
        return _refused("long", f"has more than {MAX_TEXT} characters", 1)
    try:
        bodies = [body for body in documents(text) if body is not None]
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        return _refused("yaml", _told(error), _line_of_error(error, text))
    if not bodies or not isinstance(bodies[0], dict):
        return _refused("empty", "is no Sigma rule: a mapping with title, logsource, detection", 1)
    body: dict[str, Any] = bodies[0]
    lines = Lines(text)
    refused = [bad for bad in found.rejected if bad.source == NAME]
    problems = [_refusal(bad, lines, text) for bad in refused[:1]]
    if len(bodies) > 1:
        problems.append(
            _problem(lines.of_document(1), "error", "several", "the text holds several documents")
        )
    problems += [
        # What has no id yet gets one when it is saved.
        _problem(
            lines.of(place), "advice" if code == "id" and not body.get("id") else severity, code, message
        )
        for severity, code, message, place in said(body)
    ]
    if any(each.code == "unknown" and each.severity == "error" for each in problems):
        problems = [each for each in problems if each.code != "unknown" or each.severity == "error"]
    problems.sort(key=lambda each: (each.line, SEVERITIES.index(each.severity)))
    reason = refused[0].reason if refused else "the text holds several documents" if len(bodies) > 1 else ""
    return Checked(
        problems=tuple(problems[:MAX_PROBLEMS]),
        runs=not reason,
        reason=reason,
        waits=len(bodies) == 1 and bool(refused) and refused[0].depends,
        kind=next((kind for kind in ("correlation", "filter") if kind in body), "rule"),
        rule_id=str(body.get("id") or ""),
        title=str(body.get("title") or "")[:300],
    )


class Lines:
    """The lines of a text's keys and list items."""

    def __init__(self, text: str) -> None:
        whole = list(yaml.compose_all(text, Loader=LOADER))
        self._roots = [node for node in whole if not (isinstance(node, yaml.ScalarNode) and not node.value)]

    def of_document(self, number: int) -> int:
        """Return the line a document begins on."""
        return int(self._roots[number].start_mark.line) + 1

    def of(self, place: Place) -> int:
        """Return the line of a place in the first document; of what is not there, that of what holds it."""
        node, line = self._roots[0], 0
        for key in place:
            found = next(_entries(node, key), None)
            if found is None:
                break
            line, node = found
        return line + 1 if line or not place else int(self._roots[0].start_mark.line) + 1

    def naming(self, words: Sequence[str]) -> int | None:
        """Return the first line in the first document whose key or value is, or holds, one of the words."""
        scalars = list(_scalars(self._roots[0]))
        for word in words:
            for fits in (lambda v, w=word: v == w, lambda v, w=word: len(w) > 2 and w in v):
                line = next((line for line, value in scalars if fits(value)), None)
                if line is not None:
                    return line + 1
        return None


def _entries(node: yaml.Node, key: str) -> Iterator[tuple[int, yaml.Node]]:
    """Yield (line, node) of a mapping's value, or of what is in the items of a list."""
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if isinstance(name, yaml.ScalarNode) and name.value == key:
                yield int(name.start_mark.line), value
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            if isinstance(item, yaml.ScalarNode) and item.value == key:
                yield int(item.start_mark.line), item
            elif isinstance(item, yaml.MappingNode):
                yield from _entries(item, key)


def _scalars(node: yaml.Node) -> Iterator[tuple[int, str]]:
    waiting = [node]
    while waiting:
        here = waiting.pop()
        if isinstance(here, yaml.ScalarNode):
            yield int(here.start_mark.line), str(here.value)
        elif isinstance(here, yaml.MappingNode):
            waiting += [part for pair in reversed(here.value) for part in reversed(pair)]
        elif isinstance(here, yaml.SequenceNode):
            waiting += reversed(here.value)


def _refusal(bad: Rejected, lines: Lines, text: str) -> Problem:
    """Return why a rule does not run, at the place the reason speaks of."""
    reason, low = bad.reason, bad.reason.lower()
    words = _QUOTED.findall(reason)
    places: tuple[tuple[str, str, Place], ...] = (
        ("placeholder", "values for", ()),
        ("modifier", "modifier", ()),
        ("logsource", "windows channel", ("logsource",)),
        ("reference", "there is no rule", ("correlation", "rules")),
        ("reference", "refers to rule", ("correlation", "rules")),
        ("reference", "switched off", ("correlation", "rules")),
        ("unknown", "not defined in detections", ("detection", "condition")),
        ("condition", "expected {", ("detection", "condition")),
        ("condition", "condition", ("detection", "condition")),
        ("logsource", "log source", ("logsource",)),
        ("detection", "detection", ("detection",)),
    )
    code, _, place = next((entry for entry in places if entry[1] in low), ("not-runnable", "", ()))
    named = lines.naming(words) if words else None
    line = named if named is not None and code not in ("condition", "unknown") else lines.of(place)
    if code == "placeholder":
        line = next((n for n, part in enumerate(text.splitlines(), 1) if "%" in part and "|" in part), line)
    if not any(section in text for section in SECTIONS):
        code = "empty"
    plain = reason.partition(f"is no valid Sigma {bad.kind}: ")[2] or reason
    return _problem(line, "warning" if bad.depends else "error", code, plain)


def _problem(line: int, severity: Severity, code: str, about: str | Sentence) -> Problem:
    message = str(about)
    # A sentence begins with a capital, the name of a selection (`sel.Field|all: ..`) stays as it is.
    told = message[:1].upper() + message[1:] if message.partition(" ")[0].isalpha() else message
    said = about if isinstance(about, Sentence) else None
    return Problem(line, severity, code, told, CURES.get(code, ""), said)


def _refused(code: str, message: str, line: int) -> Checked:
    return Checked((_problem(line, "error", code, message),), False, message, False, "rule", "", "")


def _told(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError):
        parts = (error.context, error.problem)
        return "is no YAML: " + ", ".join(str(part) for part in parts if part)
    return "is no YAML: " + " ".join(str(error).split())[:300]


def _line_of_error(error: Exception, text: str) -> int:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:
        return 1
    return max(1, min(int(mark.line) + 1, len(text.splitlines()) or 1))
