"""Reads mappings from YAML: SENT's own, a preset by name, or a processing pipeline of pySigma.

A pipeline rewrites rules for a backend (`CommandLine` is written `process.command_line`); a mapping rewrites
events for rules, so each transformation is turned round: the backend's name becomes the rule's. What a
pipeline asks of rules of a log source (`add_condition`) tells here which events belong to it. Renames that
hold everywhere are taken first, then log sources, then what holds for one of them only. What has no
counterpart is listed with its reason and left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from sent.engines.radar.fieldmap.presets import preset
from sent.engines.radar.fieldmap.steps import FieldMapping, checked
from sent.engines.radar.sigma.yamltext import documents
from sent.platform.errors import Invalid

MAX_FILE = 1_000_000
MAX_TRANSFORMATIONS = 1000


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file gave; `left_out` says what of it and why."""

    mapping: FieldMapping
    left_out: tuple[str, ...] = ()


class _LeftOut(ValueError):
    """A transformation that has no counterpart."""


def imported(text: str) -> Imported:
    """Return the mapping that a YAML (or JSON) text describes; raises Invalid."""
    if len(text) > MAX_FILE:
        raise Invalid("radar.mapping.file", f"a mapping's file has at most {MAX_FILE} characters")
    try:
        found = [document for document in documents(text) if document is not None]
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        said = " ".join(str(error).split())[:300]
        raise Invalid("radar.mapping.file", f"the file is no YAML: {said}") from error
    if len(found) != 1:
        raise Invalid("radar.mapping.file", f"the file holds {len(found)} documents; give one")
    document = found[0]
    if isinstance(document, Mapping):
        if isinstance(document.get("preset"), str) and "steps" not in document:
            return Imported(preset(document["preset"]).mapping)
        if "transformations" in document:
            return _pipeline(document)
    return Imported(checked(document))


def _pipeline(document: Mapping[str, Any]) -> Imported:
    listed = document.get("transformations")
    if not isinstance(listed, list) or len(listed) > MAX_TRANSFORMATIONS:
        raise Invalid(
            "radar.mapping.file", f"`transformations` is a list of at most {MAX_TRANSFORMATIONS} entries"
        )
    left_out = [
        f"{part}: it changes queries, and there are none here"
        for part in ("postprocessing", "finalizers")
        if document.get(part)
    ]
    everywhere: list[dict[str, Any]] = []
    sources: list[dict[str, Any]] = []
    within: list[dict[str, Any]] = []
    for number, one in enumerate(listed, 1):
        try:
            steps = _turned(one)
        except _LeftOut as reason:
            kind = one.get("type") if isinstance(one, Mapping) else None
            named = one.get("id") if isinstance(one, Mapping) else None
            left_out.append(f"transformation {number} ({named or kind or 'without a type'}): {reason}")
            continue
        for step in steps:
            if step["step"] == "logsource":
                sources.append(step)
            else:
                (within if "when" in step else everywhere).append(step)
    # What rules go through last is nearest to the events.
    steps = [*reversed(everywhere), *reversed(sources), *reversed(within)]
    return Imported(checked({"steps": steps}), tuple(left_out))


def _turned(one: object) -> list[dict[str, Any]]:
    """Return the steps that undo a transformation, for events; raises _LeftOut."""
    if not isinstance(one, Mapping) or not isinstance(one.get("type"), str):
        raise _LeftOut("it has no type")
    make = _KINDS.get(one["type"])
    if make is None:
        raise _LeftOut(f"{one['type']} changes rules in a way that events have no counterpart of")
    for narrow in ("detection_item_conditions", "field_name_conditions"):
        if one.get(narrow):
            raise _LeftOut(f"{narrow} ask for parts of rules")
    title = str(one.get("id") or "")[:200]
    conditions: list[dict[str, Any] | None] = [*_of_rules(one)] or [None]
    return [
        ({"title": title} if title else {}) | step | ({"when": [when]} if when and "when" not in step else {})
        for when in conditions
        for step in make(one, when)
    ]


def _of_rules(one: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return one condition for each log source that the transformation is for."""
    conditions = one.get("rule_conditions") or []
    if isinstance(conditions, Mapping):
        conditions = list(conditions.values())
    if not isinstance(conditions, list):
        raise _LeftOut("rule_conditions is no list")
    found: list[dict[str, Any]] = []
    for condition in conditions:
        if not isinstance(condition, Mapping) or condition.get("type") != "logsource":
            kind = condition.get("type") if isinstance(condition, Mapping) else condition
            raise _LeftOut(f"the rule condition {kind} asks for something else than a log source")
        parts = {name: str(condition[name]) for name in _PARTS if condition.get(name)}
        found.append({"logsource": parts})
    if one.get("rule_cond_not"):
        found = [condition | {"not": True} for condition in found]
    if len(found) > 1 and (one.get("rule_cond_op") or "and") == "and":
        merged: dict[str, str] = {}
        for condition in found:
            merged |= condition["logsource"]
        if one.get("rule_cond_not"):
            raise _LeftOut("several log sources are excluded together")
        found = [{"logsource": merged}]
    if one.get("rule_cond_expr"):
        raise _LeftOut("rule_cond_expr combines conditions in a way that is not read")
    return found


_PARTS = ("product", "category", "service")


def _field_names(one: Mapping[str, Any], _when: Any) -> list[dict[str, Any]]:
    mapping = one.get("mapping")
    if not isinstance(mapping, Mapping) or not mapping:
        raise _LeftOut("it maps nothing")
    names: dict[str, list[str]] = {}
    for rule_name, theirs in mapping.items():
        for name in theirs if isinstance(theirs, list) else [theirs]:
            if not isinstance(name, str) or not isinstance(rule_name, str):
                raise _LeftOut("a name is no text")
            if name != rule_name:
                names.setdefault(name, []).append(rule_name)
    if not names:
        raise _LeftOut("names stay as they are")
    return [{"step": "map", "fields": dict(names)}]


def _prefixes(one: Mapping[str, Any], _when: Any) -> list[dict[str, Any]]:
    """`field_name_prefix_mapping`: {"win.": "winlog.event_data."} reads from right to left."""
    mapping = one.get("mapping")
    if not isinstance(mapping, Mapping) or not mapping:
        raise _LeftOut("it maps nothing")
    steps: list[dict[str, Any]] = []
    for rule_front, theirs in mapping.items():
        for front in theirs if isinstance(theirs, list) else [theirs]:
            if not isinstance(front, str) or not isinstance(rule_front, str) or not front:
                raise _LeftOut("a prefix is no text")
            if rule_front:
                raise _LeftOut(f"the prefix {rule_front!r} of rules is put in place of another")
            steps.append({"step": "prefix", "text": front, "strip": True})
    return steps


def _prefix(one: Mapping[str, Any], _when: Any) -> list[dict[str, Any]]:
    return [{"step": "prefix", "text": _affix(one, "prefix"), "strip": True}]


def _suffix(one: Mapping[str, Any], _when: Any) -> list[dict[str, Any]]:
    return [{"step": "suffix", "text": _affix(one, "suffix"), "strip": True}]


def _affix(one: Mapping[str, Any], kind: str) -> str:
    text = one.get(kind)
    if not isinstance(text, str) or not text:
        raise _LeftOut(f"it says no {kind}")
    return text


def _condition(one: Mapping[str, Any], when: Any) -> list[dict[str, Any]]:
    """Rules of a log source look only at events with these values: such events belong to it."""
    conditions = one.get("conditions")
    if not isinstance(conditions, Mapping) or not conditions:
        raise _LeftOut("it asks for nothing")
    if when is None or when.get("not"):
        raise _LeftOut("it holds for rules of every log source")
    if one.get("negated") or one.get("template"):
        raise _LeftOut("it is negated, or made from the rule")
    asked = [_asked(name, value) for name, value in conditions.items()]
    return [{"step": "logsource", **when["logsource"], "add": True, "when": asked}]


def _asked(name: Any, value: Any) -> dict[str, Any]:
    if not isinstance(name, str):
        raise _LeftOut("a field's name is no text")
    values = [str(item) for item in value] if isinstance(value, list) else [str(value)]
    if len(values) == 1:
        kind = "like" if "*" in values[0] or "?" in values[0] else "equals"
        return {"field": name, kind: values[0]}
    import re2

    if any("*" in text or "?" in text for text in values):
        raise _LeftOut("it asks for one of several values with wildcards")
    return {"field": name, "matches": f"(?i)^(?:{'|'.join(map(re2.escape, values))})$"}


def _change(one: Mapping[str, Any], when: Any) -> list[dict[str, Any]]:
    """Rules of X are made to look at Y: events of Y belong to X too."""
    target = {name: str(one[name]) for name in _PARTS if one.get(name)}
    if when is None or when.get("not") or not target:
        raise _LeftOut("it does not say for rules of which log source, or which one they get")
    return [{"step": "logsource", **when["logsource"], "add": True, "when": [{"logsource": target}]}]


_KINDS = {
    "field_name_mapping": _field_names,
    "field_name_prefix_mapping": _prefixes,
    "field_name_prefix": _prefix,
    "field_name_suffix": _suffix,
    "add_condition": _condition,
    "change_logsource": _change,
}
