"""A source's field mapping: steps that give its events the names, values and log source that rules ask for.

What is kept is JSON, checked here before it is stored or run, so that the worker meets only mappings that are
bounded and can run. The kinds of steps are those of Sigma's processing pipelines (sigma-specification,
processing pipelines), turned round: a pipeline rewrites rules for a backend, a mapping rewrites events for
rules. An original name stays beside its new one unless the step says `move`; a name that an event has
already is not overwritten unless the step says so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from sent.engines.radar.model import LogSource
from sent.platform.errors import Invalid

StepKind = Literal["map", "prefix", "suffix", "add", "drop", "split", "lower", "extract", "logsource"]
ConditionKind = Literal["exists", "equals", "like", "matches", "logsource"]

STEP_KINDS: tuple[StepKind, ...] = get_args(StepKind)
CONDITION_KINDS: tuple[ConditionKind, ...] = get_args(ConditionKind)

ANY = LogSource()
"""A log source that names nothing."""

MAX_STEPS = 100
MAX_NAMES = 1000
"""Pairs of names in one step."""

MAX_TARGETS = 20
"""New names of one field."""

MAX_CONDITIONS = 10
MAX_NAME = 300
MAX_TEXT = 4096
MAX_PATTERN = 1000
MAX_PATTERNS = 50
"""Patterns and wildcards of one mapping, but for those at a name's end; each has `PATTERN_MEMORY`."""

PATTERN_MEMORY = 131_072
"""Bytes of a pattern and its states: an organisation has 200 sources, and they share a worker with others."""

MAX_STORED = 65_536
"""Characters of a mapping as JSON."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What must hold for a step to be taken; `negated`: what must not.

    exists: the event has `field`. equals, like (`*` and `?`): one of its lines is `value`, without regard to
    case. matches: RE2 finds `value` in it. logsource: the event's log source has all that is named.
    """

    kind: ConditionKind
    field: str = ""
    value: str = ""
    logsource: LogSource = ANY
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One step. Which of the values count depends on its kind:

    map: `names` (old name, new names), `move`. prefix, suffix: `text` is added to, or with `strip` taken
    from, the names that `fields` (wildcards) lists, `move`. add: `field` gets `text`, or the value of
    `source`. drop, lower: `fields`. split: `field` is cut at `between` and each piece at `equals`; `text`
    precedes the names. extract: named groups of RE2's `pattern` in `field`. logsource: `logsource`, instead
    of, or with `add` besides, what is known. `overwrite`: a name that is there already gets the new value.
    """

    kind: StepKind
    title: str = ""
    on: bool = True
    when: tuple[Condition, ...] = ()
    names: tuple[tuple[str, tuple[str, ...]], ...] = ()
    fields: tuple[str, ...] = ()
    field: str = ""
    source: str = ""
    text: str = ""
    pattern: str = ""
    between: str = " "
    equals: str = "="
    logsource: LogSource = ANY
    move: bool = False
    strip: bool = False
    add: bool = False
    overwrite: bool = False


@dataclass(frozen=True, slots=True)
class FieldMapping:
    """Steps in their order."""

    steps: tuple[Step, ...] = field(default=())

    def stored(self) -> str:
        """Return the mapping as it is kept."""
        return json.dumps(
            {"steps": [step_json(step) for step in self.steps]}, ensure_ascii=False, separators=(",", ":")
        )


def checked(value: object) -> FieldMapping:
    """Return the mapping that a decoded JSON or YAML document describes; raises Invalid with the place."""
    if isinstance(value, list):
        value = {"steps": value}
    if not isinstance(value, Mapping) or not isinstance(value.get("steps"), list):
        raise _wrong("", "a mapping is a list of steps")
    _known(value, {"steps", "name"}, "the mapping")
    steps = value["steps"]
    if len(steps) > MAX_STEPS:
        raise _wrong("", f"a mapping has at most {MAX_STEPS} steps; not {len(steps)}")
    made = FieldMapping(tuple(step_of(step, f"step {n}") for n, step in enumerate(steps, 1)))
    patterns = sum(map(_patterns, made.steps))
    if patterns > MAX_PATTERNS:
        raise _wrong("", f"a mapping has at most {MAX_PATTERNS} patterns and wildcards; not {patterns}")
    length = len(made.stored())
    if length > MAX_STORED:
        raise _wrong("", f"a mapping has at most {MAX_STORED} characters; not {length}")
    return made


def _patterns(step: Step) -> int:
    """Return how many patterns RE2 keeps for a step."""
    asked = sum(condition.kind in ("like", "matches") for condition in step.when)
    return asked + (step.kind == "extract") + sum(map(searched, step.fields))


def searched(name: str) -> bool:
    """Return whether it takes a pattern to say which names are like this one."""
    return name != "*" and ("?" in name or "*" in name[:-1])


def read(stored: str) -> FieldMapping:
    """Return the mapping that was kept as this JSON; raises Invalid."""
    try:
        return checked(json.loads(stored))
    except (ValueError, RecursionError) as error:
        raise _wrong("", f"it is no JSON: {error}") from error


_OPTIONS: dict[str, set[str]] = {
    "map": {"fields", "move", "overwrite"},
    "prefix": {"text", "strip", "fields", "move", "overwrite"},
    "suffix": {"text", "strip", "fields", "move", "overwrite"},
    "add": {"field", "value", "from", "overwrite"},
    "drop": {"fields"},
    "split": {"field", "between", "equals", "prefix", "overwrite"},
    "lower": {"fields"},
    "extract": {"field", "pattern", "overwrite"},
    "logsource": {"product", "category", "service", "add"},
}


def step_of(value: object, place: str) -> Step:
    """Return the step that a decoded object describes; raises Invalid naming `place`."""
    if not isinstance(value, Mapping) or value.get("step") not in STEP_KINDS:
        raise _wrong(place, f"a step is one of {', '.join(STEP_KINDS)}")
    kind: StepKind = value["step"]
    _known(value, {"step", "title", "on", "when", *_OPTIONS[kind]}, f"{place} ({kind})")
    made = Step(
        kind,
        title=_text(value, "title", place, most=200),
        on=_switch(value, "on", place, default=True),
        when=_conditions(value.get("when") or [], place),
        names=_names(value.get("fields"), place) if kind == "map" else (),
        fields=() if kind == "map" else _fields(value.get("fields"), place, kind),
        field=_text(value, "field", place, most=MAX_NAME),
        source=_text(value, "from", place, most=MAX_NAME),
        text=_text(value, {"add": "value", "split": "prefix"}.get(kind, "text"), place),
        pattern=_text(value, "pattern", place, most=MAX_PATTERN),
        between=_text(value, "between", place, most=20, default=" "),
        equals=_text(value, "equals", place, most=20, default="="),
        logsource=_logsource(value, place) if kind == "logsource" else ANY,
        move=_switch(value, "move", place),
        strip=_switch(value, "strip", place),
        add=_switch(value, "add", place),
        overwrite=_switch(value, "overwrite", place),
    )
    _whole(made, value, place)
    return made


def _whole(step: Step, value: Mapping[str, Any], place: str) -> None:
    """Refuse a step that lacks what it needs."""
    lacks = ""
    if step.kind in ("add", "split", "extract") and not step.field:
        lacks = "names no field"
    elif step.kind == "add" and ("value" in value) == bool(step.source):
        lacks = "gives either a value or the field it is taken from"
    elif step.kind in ("prefix", "suffix") and not step.text:
        lacks = f"says no {step.kind}"
    elif step.kind in ("drop", "lower") and not step.fields:
        lacks = "names no field"
    elif step.kind == "split" and not (step.between and step.equals):
        lacks = "does not say what stands between pairs, and between a name and its value"
    elif step.kind == "logsource" and step.logsource == ANY:
        lacks = "names neither product nor category nor service"
    elif step.kind == "extract":
        _pattern(step.pattern, f"{place}: the pattern", named=True)
    if lacks:
        raise _wrong(place, f"{step.kind} {lacks}")


def _conditions(value: object, place: str) -> tuple[Condition, ...]:
    if not isinstance(value, list) or len(value) > MAX_CONDITIONS:
        raise _wrong(place, f"`when` is a list of at most {MAX_CONDITIONS} conditions")
    return tuple(_condition(one, f"{place}, condition {n}") for n, one in enumerate(value, 1))


def _condition(value: object, place: str) -> Condition:
    """`{field: x}` exists; `{field: x, equals: v}`, `like`, `matches`; `{logsource: {}}`; each with `not`."""
    if not isinstance(value, Mapping):
        raise _wrong(place, "a condition is an object such as {field: EventID, equals: 4688}")
    negated = _switch(value, "not", place)
    if "logsource" in value:
        _known(value, {"logsource", "not"}, place)
        inner = value["logsource"]
        if not isinstance(inner, Mapping):
            raise _wrong(place, "`logsource` names product, category or service")
        _known(inner, {"product", "category", "service"}, place)
        found = _logsource(inner, place)
        if found == ANY:
            raise _wrong(place, "`logsource` names product, category or service")
        return Condition("logsource", logsource=found, negated=negated)
    _known(value, {"field", "equals", "like", "matches", "not"}, place)
    name = _text(value, "field", place, most=MAX_NAME)
    kinds: list[ConditionKind] = [kind for kind in ("equals", "like", "matches") if kind in value]
    if not name or len(kinds) > 1:
        raise _wrong(place, "it names a field, and one of equals, like and matches at most")
    if not kinds:
        return Condition("exists", name, negated=negated)
    kind = kinds[0]
    text = _text(value, kind, place, most=MAX_PATTERN)
    if kind == "matches":
        _pattern(text, place)
    return Condition(kind, name, text, negated=negated)


def _pattern(pattern: str, place: str, *, named: bool = False) -> None:
    """Refuse what RE2 cannot run."""
    import re2

    if not pattern:
        raise _wrong(place, "it is empty")
    try:
        compiled = re2.compile(pattern, regex_options())
    except re2.error as error:
        said = error.args[0] if error.args else ""
        text = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
        raise _wrong(place, f"RE2 cannot run it: {text}") from error
    if named and not compiled.groupindex:
        raise _wrong(place, "it has no named group: write (?P<name>...)")
    for name in compiled.groupindex if named else ():
        if len(name) > MAX_NAME:
            raise _wrong(place, "a group's name is too long")


def regex_options() -> Any:
    """Return how RE2 runs the patterns of mappings: linear, quiet, in little memory."""
    import re2

    options = re2.Options()
    options.log_errors = False
    options.max_mem = PATTERN_MEMORY
    return options


def _names(value: object, place: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    if not isinstance(value, Mapping) or not value or len(value) > MAX_NAMES:
        raise _wrong(place, f"map names 1 to {MAX_NAMES} fields and what they are called too")
    found = []
    for old, new in value.items():
        targets = [new] if isinstance(new, str) else new
        if not isinstance(targets, list) or not 1 <= len(targets) <= MAX_TARGETS:
            raise _wrong(place, f"{str(old)[:60]!r} gets 1 to {MAX_TARGETS} names")
        found.append((_name(old, place), tuple(_name(target, place) for target in targets)))
    return tuple(found)


def _fields(value: object, place: str, kind: str) -> tuple[str, ...]:
    if value is None:
        return ("*",) if kind in ("prefix", "suffix") else ()
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list) or len(listed) > MAX_NAMES:
        raise _wrong(place, f"`fields` lists at most {MAX_NAMES} names")
    return tuple(_name(one, place) for one in listed)


def _name(value: object, place: str) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_NAME or "\0" in value:
        raise _wrong(place, f"a field's name is a text of 1 to {MAX_NAME} characters")
    return value


def _text(value: Mapping[str, Any], key: str, place: str, *, most: int = MAX_TEXT, default: str = "") -> str:
    found = value.get(key, default)
    if isinstance(found, int) and not isinstance(found, bool):
        found = str(found)
    if not isinstance(found, str) or len(found) > most or "\0" in found:
        raise _wrong(place, f"`{key}` is a text of at most {most} characters")
    return found


def _switch(value: Mapping[str, Any], key: str, place: str, *, default: bool = False) -> bool:
    found = value.get(key, default)
    if not isinstance(found, bool):
        raise _wrong(place, f"`{key}` is true or false")
    return found


def _logsource(value: Mapping[str, Any], place: str) -> LogSource:
    parts = (_text(value, name, place, most=100) or None for name in ("product", "category", "service"))
    return LogSource(*parts)


def _known(value: Mapping[Any, Any], names: set[str], place: str) -> None:
    unknown = [str(name)[:60] for name in value if name not in names]
    if unknown:
        raise _wrong(place, f"{unknown[0]!r} is not known here; known are {', '.join(sorted(names))}")


def _wrong(place: str, what: str) -> Invalid:
    return Invalid("radar.mapping", f"{place}: {what}" if place else what)


def step_json(step: Step) -> dict[str, Any]:
    """Return a step as JSON, without what is as usual."""
    found: dict[str, Any] = {"step": step.kind}
    if step.title:
        found["title"] = step.title
    if not step.on:
        found["on"] = False
    if step.when:
        found["when"] = [_condition_json(one) for one in step.when]
    for key, value in _said(step).items():
        if value not in ("", False, [], {}) or key in ("value", "between", "equals"):
            found[key] = value
    return found


def _said(step: Step) -> dict[str, Any]:
    flags = {"move": step.move, "overwrite": step.overwrite}
    match step.kind:
        case "map":
            fields = {old: new[0] if len(new) == 1 else list(new) for old, new in step.names}
            return {"fields": fields} | flags
        case "prefix" | "suffix":
            return {"text": step.text, "strip": step.strip, "fields": list(step.fields)} | flags
        case "add":
            given = {"from": step.source} if step.source else {"value": step.text}
            return {"field": step.field, **given, "overwrite": step.overwrite}
        case "drop" | "lower":
            return {"fields": list(step.fields)}
        case "split":
            return {
                "field": step.field,
                "between": step.between,
                "equals": step.equals,
                "prefix": step.text,
                "overwrite": step.overwrite,
            }
        case "extract":
            return {"field": step.field, "pattern": step.pattern, "overwrite": step.overwrite}
        case _:
            return _logsource_json(step.logsource) | {"add": step.add}


def _condition_json(condition: Condition) -> dict[str, Any]:
    negated = {"not": True} if condition.negated else {}
    if condition.kind == "logsource":
        return {"logsource": _logsource_json(condition.logsource)} | negated
    said = {} if condition.kind == "exists" else {condition.kind: condition.value}
    return {"field": condition.field} | said | negated


def _logsource_json(source: LogSource) -> dict[str, Any]:
    parts = {"product": source.product, "category": source.category, "service": source.service}
    return {name: value for name, value in parts.items() if value}
