"""A rule's YAML changed in place: its id, its author, what it derives from. Pure.

Only the piece that changes is written anew, so that comments, order and quoting stay as their author has
them. What comes out is read again; where a text is written in a way the piece does not fit into, the whole
document is written anew instead.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import yaml

from sent.engines.radar.sigma.yamltext import LOADER, documents
from sent.platform.errors import Invalid

MAX_TEXT = 100_000
"""Characters of a rule that people write; the largest of SigmaHQ has 295,000 and is no rule to edit."""

SECTIONS = ("detection", "correlation", "filter")
"""One of these makes a document a rule, a correlation or a filter."""


def body_of(text: str) -> dict[str, Any]:
    """Return the only document of a text; raises Invalid with what is wrong."""
    if len(text) > MAX_TEXT:
        raise Invalid("radar.rule.long", f"a rule that is edited has at most {MAX_TEXT} characters")
    try:
        found = [body for body in documents(text) if body is not None]
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Invalid("radar.rule.text", f"is no YAML: {' '.join(str(error).split())[:300]}") from error
    if len(found) != 1 or not isinstance(found[0], dict):
        raise Invalid("radar.rule.one", "a text holds one rule: a mapping with title, logsource, detection")
    body: dict[str, Any] = found[0]
    if not any(section in body for section in SECTIONS):
        raise Invalid("radar.rule.section", f"it has none of {', '.join(SECTIONS)}")
    return body


def id_of(body: dict[str, Any]) -> str | None:
    """Return the id of a document when it is a UUID."""
    try:
        return str(UUID(str(body.get("id") or "")))
    except ValueError:
        return None


def with_id(text: str, rule_id: str) -> str:
    """Return the text with this id, behind the title where it had none."""
    return _with(text, "id", rule_id)


def with_author(text: str, authors: Iterable[str]) -> str:
    """Return the text with these authors, each once, in their order."""
    names = dict.fromkeys(part.strip() for author in authors for part in author.split(",") if part.strip())
    return _with(text, "author", ", ".join(names))


def derived(text: str, origin: str, rule_id: str) -> str:
    """Return the text as a rule of its own that was made from `origin` (Sigma: related, type derived)."""
    return with_id(_related(text, origin), rule_id)


def alone(text: str, sigma_id: str) -> str:
    """Return, of a file that holds several documents, the one with this id; else the text."""
    try:
        whole = documents(text)
        if len([body for body in whole if body is not None]) < 2:
            return text
        for node in yaml.compose_all(text, Loader=LOADER):
            if isinstance(node, yaml.MappingNode) and _scalar(node, "id").lower() == sigma_id.lower():
                return text[node.start_mark.index : node.end_mark.index].rstrip() + "\n"
    except (yaml.YAMLError, ValueError, RecursionError):
        return text
    return text


def _scalar(node: yaml.MappingNode, key: str) -> str:
    found = _entry(node, key)
    return str(found[1].value) if found and isinstance(found[1], yaml.ScalarNode) else ""


def _entry(node: yaml.MappingNode, key: str) -> tuple[yaml.Node, yaml.Node] | None:
    return next(
        (pair for pair in node.value if isinstance(pair[0], yaml.ScalarNode) and pair[0].value == key), None
    )


def _root(text: str) -> yaml.MappingNode:
    nodes = yaml.compose_all(text, Loader=LOADER)
    return next(node for node in nodes if isinstance(node, yaml.MappingNode))


def _with(text: str, key: str, value: str) -> str:
    body = body_of(text)
    if body.get(key) == value:
        return text
    root, line = _root(text), f"{key}: {_quoted(value)}"
    found = _entry(root, key)
    if root.flow_style:
        made = ""
    elif found is not None:
        start, end = found[0].start_mark.index, found[1].end_mark.index
        tail = "\n" if text[start:end].endswith("\n") else ""
        made = text[:start] + line + tail + text[end:]
    else:
        made = _put_in(text, root, line)
    return _checked(made, {**body, key: value})


def _related(text: str, origin: str) -> str:
    body = body_of(text)
    link = {"id": origin, "type": "derived"}
    known = body.get("related") if isinstance(body.get("related"), list) else []
    if link in (known or []):
        return text
    wanted = {**body, "related": [link, *(known or [])]}
    root = _root(text)
    found = _entry(root, "related")
    if root.flow_style:
        made = ""
    elif found is None:
        made = _put_in(text, root, f"related:\n    - id: {_quoted(origin)}\n      type: derived")
    else:
        mark = found[1].start_mark
        gap = " " * mark.column
        made = f"{text[: mark.index]}- id: {_quoted(origin)}\n{gap}  type: derived\n{gap}{text[mark.index :]}"
    return _checked(made, wanted)


def _put_in(text: str, root: yaml.MappingNode, lines: str) -> str:
    """Put lines behind the title, else before everything."""
    pairs = root.value
    place = next((n for n, (key, _) in enumerate(pairs) if getattr(key, "value", "") == "title"), -1)
    following = pairs[place + 1][0].start_mark.index if place + 1 < len(pairs) else None
    if following is None:
        return f"{text.rstrip()}\n{lines}\n"
    return f"{text[:following]}{lines}\n{text[following:]}"


def _checked(text: str, wanted: dict[str, Any]) -> str:
    """Return the text if it reads as wanted, else the document written anew."""
    if text and _reads_as(text, wanted):
        return text
    made = str(yaml.safe_dump(wanted, sort_keys=False, allow_unicode=True, width=100))
    # Unescaped, some line breaks of Unicode are folded into spaces.
    return made if _reads_as(made, wanted) else str(yaml.safe_dump(wanted, sort_keys=False, width=100))


def _reads_as(text: str, wanted: dict[str, Any]) -> bool:
    try:
        return [body for body in documents(text) if body is not None] == [wanted]
    except (yaml.YAMLError, ValueError, RecursionError):
        return False


def _quoted(value: str) -> str:
    written = str(yaml.safe_dump(value, allow_unicode=True, width=100_000))
    return written.removesuffix("...\n").strip()
