"""Steps of a mapping as people read and type them; what stands in the form is one of these texts.

process.command_line = CommandLine          a field and its new names, by commas
EventID                                     a condition: the event has it
EventID = 4688 · Image ~ *\\cmd.exe · message =~ ^type=
log source windows/process_creation/*       `not` in front turns it round
"""

from __future__ import annotations

from typing import Any

from sent.platform.i18n import tr

Step = dict[str, Any]
SOURCE = "log source "
SIGNS = ((" =~ ", "matches"), (" ~ ", "like"), (" = ", "equals"))


def kinds() -> tuple[tuple[str, str], ...]:
    """Return the kinds of steps with what they do."""
    return (
        ("map", tr("Other names for fields")),
        ("prefix", tr("Beginning of names")),
        ("suffix", tr("End of names")),
        ("add", tr("Add a field")),
        ("drop", tr("Drop fields")),
        ("split", tr("Split name=value")),
        ("lower", tr("Lower case")),
        ("extract", tr("Take out of a text")),
        ("logsource", tr("Log source")),
    )


def fresh(kind: str) -> Step:
    """Return a new step of a kind, as far as it can be without knowing what for."""
    made: dict[str, Step] = {
        "map": {"step": "map", "fields": {}},
        "prefix": {"step": "prefix", "text": "", "strip": True},
        "suffix": {"step": "suffix", "text": "", "strip": True},
        "add": {"step": "add", "field": "", "value": ""},
        "drop": {"step": "drop", "fields": []},
        "split": {"step": "split", "field": "", "between": " ", "equals": "="},
        "lower": {"step": "lower", "fields": []},
        "extract": {"step": "extract", "field": "message", "pattern": ""},
        "logsource": {"step": "logsource"},
    }
    return made[kind]


def told(step: Step) -> str:
    """Return what a step does, in a line."""
    kind = step["step"]
    if kind == "map":
        names = step.get("fields") or {}
        first = next(iter(names.items()), None)
        if first is None:
            return tr("No names yet")
        line = f"{first[0]} → {', '.join(first[1]) if isinstance(first[1], list) else first[1]}"
        rest = len(names) - 1
        return f"{line} {tr('and {n} more', n=rest)}" if rest else line
    if kind in ("prefix", "suffix"):
        words = tr("take away {text}") if step.get("strip") else tr("add {text}")
        return words.replace("{text}", str(step.get("text", "")))
    if kind == "add":
        return f"{step.get('field', '')} = {step.get('from') or step.get('value', '')}"
    if kind in ("drop", "lower"):
        return ", ".join(step.get("fields") or [])
    if kind == "logsource":
        return logsource_text(step)
    return str(step.get("field", ""))


def names_text(fields: dict[str, Any]) -> str:
    """Return a map's names, a field a line."""
    return "\n".join(
        f"{old} = {', '.join(new) if isinstance(new, list) else new}" for old, new in fields.items()
    )


def names_of(text: str) -> dict[str, Any]:
    """Return the names that lines say; a line without `=` gives no name yet, which the engine refuses."""
    found: dict[str, Any] = {}
    for line in text.splitlines():
        old, _, new = line.partition(" = ") if " = " in line else line.partition("=")
        targets = [name.strip() for name in new.split(",") if name.strip()]
        if old.strip():
            found[old.strip()] = targets[0] if len(targets) == 1 else targets
    return found


def conditions_text(conditions: list[dict[str, Any]]) -> str:
    """Return conditions, one a line."""
    return "\n".join(map(_condition_text, conditions))


def _condition_text(condition: dict[str, Any]) -> str:
    front = "not " if condition.get("not") else ""
    if "logsource" in condition:
        return front + SOURCE + logsource_text(condition["logsource"])
    for sign, kind in SIGNS:
        if kind in condition:
            return f"{front}{condition['field']}{sign}{condition[kind]}"
    return front + str(condition.get("field", ""))


def conditions_of(text: str) -> list[dict[str, Any]]:
    """Return the conditions that lines say."""
    return [_condition_of(line.strip()) for line in text.splitlines() if line.strip()]


def _condition_of(line: str) -> dict[str, Any]:
    negated = {"not": True} if line.startswith("not ") else {}
    body = line.removeprefix("not ").strip() if negated else line
    if body.startswith(SOURCE):
        return {"logsource": logsource_of(body.removeprefix(SOURCE))} | negated
    spaced = f"{body} "
    places = [(spaced.find(sign), sign, kind) for sign, kind in SIGNS if sign in spaced]
    if not places:
        return {"field": body} | negated
    at, sign, kind = min(places)
    return {"field": spaced[:at].strip(), kind: spaced[at + len(sign) :].strip()} | negated


def logsource_text(parts: dict[str, Any]) -> str:
    """Return product, category and service, by slashes."""
    return "/".join(str(parts.get(name) or "*") for name in ("product", "category", "service"))


def logsource_of(text: str) -> dict[str, str]:
    """Return the parts that `product/category/service` names; `*` and nothing name none."""
    words = [word.strip() for word in text.split("/")]
    named = zip(("product", "category", "service"), words, strict=False)
    return {name: word for name, word in named if word and word != "*"}
