"""What is wrong with rules, and what their author might not have meant. Pure.

An error keeps a rule from running, a warning is most likely a mistake, advice is style.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args
from uuid import UUID

import yaml

from sent.engines.radar.model import LEVELS, RuleSet
from sent.engines.radar.sigma.yamltext import documents

Severity = Literal["error", "warning", "advice"]

SEVERITIES: tuple[Severity, ...] = get_args(Severity)
STATUSES = ("stable", "test", "experimental", "deprecated", "unsupported")
TAGS = ("attack", "cve", "d3fend", "car", "stp", "tlp", "detection")

_TECHNIQUE = re.compile(r"attack\.(t\d{4}(\.\d{3})?|[gs]\d{4}|[a-z][a-z-]+)")
_DATE = re.compile(r"\d{4}[-/]\d{2}[-/]\d{2}")
_NAME = re.compile(r"[A-Za-z0-9_]+")
_WORDS = frozenset({"and", "or", "not", "of", "all", "them", "1", "any"})


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a rule: where it is said, what it is, and what to do."""

    severity: Severity
    code: str
    source: str
    rule_id: str
    title: str
    message: str


def linted(files: list[tuple[str, str | None, str]], found: RuleSet) -> Iterator[Finding]:
    """Yield the findings of the files, whose rules are `found`; worst first within a file."""
    refused: dict[str, list[Finding]] = {}
    for bad in found.rejected:
        refused.setdefault(bad.source, []).append(
            Finding("error", "not-runnable", bad.source, bad.rule_id, bad.title, bad.reason)
        )
    for name, text, _ in files:
        findings = refused.pop(name, [])
        try:
            bodies = documents(text) if text is not None else []
        except (yaml.YAMLError, ValueError, RecursionError):
            bodies = []
        for body in bodies:
            if isinstance(body, dict):
                findings += _document(name, body)
        yield from sorted(findings, key=lambda each: SEVERITIES.index(each.severity))
    for rest in refused.values():
        yield from rest


SENTENCES = {
    "id": "id is no UUID: alerts, filters and correlations cannot refer to it for good",
    "title": "title has {n} characters; Sigma allows {most}",
    "level": "level is one of {known}; without it alerts are medium",
    "status": "status is one of {known}",
    "missing": "{name} is missing",
    "date": "{name} is written YYYY-MM-DD",
    "tag-twice": "tag {name} stands there {n} times",
    "tag-attack": "tag {name} is no tactic, technique, group or software of ATT&CK",
    "tag-space": "tag {name} has a namespace Sigma does not know",
    "unused": "selection {name} is in no condition",
    "unknown": "the condition names {name}, which is no selection",
    "all": "{name}: `all` of a single value",
    "twice": "{name}: {value} stands there {n} times (case does not count)",
    "any": "{name}: `*` is true of every value that is there; say `exists: true`",
    "wildcard": "{name}: `contains` needs no wildcard at the ends of {value}",
    "pattern": "{name}: `.*` at the beginning of {value} says nothing",
}
"""What is said of rules, by what translations are found by."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One of `SENTENCES` with its values; as text it is English."""

    key: str
    values: Mapping[str, object]

    def __str__(self) -> str:
        return SENTENCES[self.key].format(**self.values)


def sentence(key: str, **values: object) -> Sentence:
    """Return what is said."""
    return Sentence(key, values)


Place = tuple[str, ...]
"""Where something is said: keys from the document down; the last may be an item of a list."""

Said = tuple[Severity, str, Sentence, Place]
"""Severity, code, what is said, place."""


def said(body: Mapping[str, Any]) -> list[Said]:
    """Return what there is to say of one document, besides whether it runs."""
    found = [*_head(body), *_tags(body)]
    if isinstance(body.get("detection"), dict):
        found += _detection(body["detection"])
    return found


def _document(source: str, body: Mapping[str, Any]) -> list[Finding]:
    rule_id, title = str(body.get("id") or ""), str(body.get("title") or "")
    return [
        Finding(severity, code, source, rule_id, title, str(text)) for severity, code, text, _ in said(body)
    ]


def _head(body: Mapping[str, Any]) -> Iterator[Said]:
    try:
        UUID(str(body.get("id")))
    except ValueError:
        yield (
            "warning",
            "id",
            sentence("id"),
            ("id",),
        )
    title = str(body.get("title") or "")
    if not title:
        yield "warning", "title", sentence("missing", name="title"), ("title",)
    elif len(title) > 256:
        yield "warning", "title", sentence("title", n=len(title), most=256), ("title",)
    if "filter" not in body and body.get("level") not in LEVELS:
        yield (
            "warning",
            "level",
            sentence("level", known=", ".join(LEVELS)),
            ("level",),
        )
    if body.get("status") not in (*STATUSES, None):
        yield "warning", "status", sentence("status", known=", ".join(STATUSES)), ("status",)
    for key in ("author", "description", "status"):
        if not body.get(key):
            yield "advice", key, sentence("missing", name=key), (key,)
    for key in ("date", "modified"):
        if body.get(key) is not None and not _DATE.fullmatch(str(body[key])):
            yield "advice", key, sentence("date", name=key), (key,)


def _tags(body: Mapping[str, Any]) -> Iterator[Said]:
    tags = body.get("tags") or []
    for tag, count in Counter(map(str, tags if isinstance(tags, list) else [tags])).items():
        if count > 1:
            yield "advice", "tags", sentence("tag-twice", name=tag, n=count), ("tags", tag)
        if tag.startswith("attack.") and not _TECHNIQUE.fullmatch(tag.replace("_", "-")):
            yield (
                "warning",
                "tags",
                sentence("tag-attack", name=tag),
                ("tags", tag),
            )
        elif tag.split(".")[0] not in TAGS:
            yield "advice", "tags", sentence("tag-space", name=tag), ("tags", tag)


def _detection(detection: Mapping[str, Any]) -> Iterator[Said]:
    conditions = detection.get("condition")
    texts = [str(text) for text in (conditions if isinstance(conditions, list) else [conditions])]
    names = [name for name in detection if name not in ("condition", "timeframe")]
    if not conditions:  # that it is missing is said elsewhere; the rest would only follow from it
        for name in names:
            yield from _selection(name, detection[name])
        return
    used = {word for text in texts for word in re.findall(r"[A-Za-z0-9_*]+", text)}
    for name in names:
        if "them" not in used and not any(_refers(word, name) for word in used):
            yield "warning", "unused", sentence("unused", name=name), ("detection", str(name))
        yield from _selection(name, detection[name])
    for word in sorted(used - _WORDS):
        if not any(_refers(word, name) for name in names):
            yield (
                "warning",
                "unknown",
                sentence("unknown", name=word),
                ("detection", "condition"),
            )


def _refers(word: str, name: str) -> bool:
    """Say whether a word of a condition (`filter_*`) means a selection; in linear time."""
    first, *rest = word.split("*")
    if not rest:
        return word == name
    *middle, last = rest
    place = len(first)
    for part in middle:
        found = name.find(part, place)
        if found < 0:
            return False
        place = found + len(part)
    return name.startswith(first) and name.endswith(last) and len(name) - len(last) >= place


def _selection(name: str, body: Any) -> Iterator[Said]:
    for part in body if isinstance(body, list) else [body]:
        if not isinstance(part, dict):
            continue
        for item, value in part.items():
            values = value if isinstance(value, list) else [value]
            yield from _item(str(name), str(item), values)


def _item(selection: str, item: str, values: list[Any]) -> Iterator[Said]:
    place, at = f"{selection}.{item}", ("detection", selection, item)
    modifiers = item.split("|")[1:]
    texts = [value for value in values if isinstance(value, str)]
    if modifiers[-1:] == ["all"] and len(values) < 2:
        yield "advice", "all", sentence("all", name=place), at
    for text, count in Counter(text.lower() for text in texts if "re" not in modifiers).items():
        if count > 1 and "cased" not in modifiers:
            yield "advice", "twice", sentence("twice", name=place, value=repr(text), n=count), at
    for text in texts:
        if text in ("*", "**") and not modifiers:
            yield (
                "advice",
                "any",
                sentence("any", name=place),
                at,
            )
        if "contains" in modifiers and len(text) > 1 and (text[0] == "*" or text[-1] == "*"):
            yield "advice", "wildcard", sentence("wildcard", name=place, value=repr(text)), at
        if "re" in modifiers and text.startswith((".*", "^.*")):
            yield "advice", "pattern", sentence("pattern", name=place, value=repr(text[:60])), at
