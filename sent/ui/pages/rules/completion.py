"""What may stand at a place of a rule's text. Pure: text and cursor in, words out.

The place is found by indentation alone, because a text that is being typed is hardly ever valid YAML.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sent.engines.radar.api import Vocabulary

MOST = 60

TOP = (
    "title", "id", "related", "status", "description", "references", "author", "date", "modified", "tags",
    "logsource", "detection", "correlation", "filter", "falsepositives", "level", "fields", "name",
)  # fmt: skip
LOGSOURCE = ("product", "category", "service", "definition")
CORRELATION = ("type", "rules", "generate", "aliases", "group-by", "timespan", "condition")
CONDITION = ("and", "or", "not", "1 of", "all of", "them", "1 of them", "all of them")
COMPARE = ("gt", "gte", "lt", "lte", "eq", "neq", "field")

_KEY = re.compile(r"^(\s*(?:- +)*)([^\s#:][^:#]{0,300}?)\s*:(?=\s|$)")
_WORD = re.compile(r"[^\s\[\]{},'\"]*$")


@dataclass(frozen=True, slots=True)
class Place:
    """Keys from the top to the cursor's line, and what stands left of the cursor there."""

    path: tuple[str, ...]
    before: str
    value: bool
    """Behind a key's colon, or an item of a list."""


def place_of(text: str, line: int, column: int) -> Place:
    """Return where a cursor stands."""
    lines = text.split("\n")
    here = lines[line][:column] if line < len(lines) else ""
    body = here.lstrip(" ")
    path = _keys_above(lines[:line], len(here) - len(body), item=body.startswith("-"))
    own = _KEY.match(here)
    if own is not None:
        return Place((*path, own[2].strip()), here[own.end() :].lstrip(), value=True)
    return Place(tuple(path), re.sub(r"^(- *)+", "", body), value=body.startswith("-"))


def _keys_above(lines: Sequence[str], limit: int, *, item: bool) -> list[str]:
    """Return the keys that a line indented by `limit` stands below; a list may be as far left as its key."""
    path: list[str] = []
    for line in reversed(lines):
        found = _KEY.match(line)
        if found is None:
            continue
        spaces, depth = len(line) - len(line.lstrip(" ")), len(found[1])
        is_item = spaces < depth
        if depth < limit or (item and depth == limit and not is_item and line.rstrip().endswith(":")):
            path.insert(0, found[2].strip())
            limit, item = (spaces if is_item else depth), is_item
        if limit == 0 and not item:
            break
    return path


def offers(
    text: str, line: int, column: int, words: Vocabulary, tags: Sequence[str]
) -> tuple[str, list[str]]:
    """Return what is typed of the word at the cursor, and what may stand in its place, best first."""
    place = place_of(text, line, column)
    found = _WORD.search(place.before)
    typed = found[0] if found is not None else ""
    top = place.path[0] if place.path else ""
    if not place.path and not place.value:
        return typed, _keys(TOP, typed)
    if top == "logsource":
        return typed, _logsource(place, typed, words)
    if top == "level":
        return typed, _best(words.levels, typed)
    if top == "status":
        return typed, _best(words.statuses, typed)
    if top == "tags":
        known = (*tags, *(f"attack.{tactic}" for tactic in words.tactics))
        return typed, _best(dict.fromkeys(known), typed)
    if top == "correlation":
        return typed, _correlation(place, typed, words)
    if top in ("detection", "filter"):
        return _detection(place, typed, words, text)
    return typed, []


def _logsource(place: Place, typed: str, words: Vocabulary) -> list[str]:
    if not place.value:
        return _keys(LOGSOURCE, typed)
    known = {"product": words.products, "category": words.categories, "service": words.services}
    return _best(known.get(place.path[-1], ()), typed)


def _correlation(place: Place, typed: str, words: Vocabulary) -> list[str]:
    last = place.path[-1]
    if last == "type":
        return _best(words.correlations, typed)
    if last == "group-by":
        return _best(words.fields, typed)
    if place.value:
        return []
    return _keys(COMPARE if last == "condition" else CORRELATION, typed)


def _detection(place: Place, typed: str, words: Vocabulary, text: str) -> tuple[str, list[str]]:
    if place.path[-1] == "condition":
        return typed, _best((*selection_names(text), *CONDITION), typed)
    if len(place.path) == 1 and not place.value:
        return typed, _keys(("selection", "filter", "condition", "timeframe"), typed)
    if place.value and len(place.path) > 2:
        return typed, []
    name, bar, modifier = typed.rpartition("|")
    if bar:
        used = set(name.split("|")[1:])
        return modifier, _best((each for each in words.modifiers if each not in used), modifier)
    return typed, _best(words.fields, typed)


def selection_names(text: str) -> list[str]:
    """Return the names of the selections of a text."""
    names, inside, depth = [], False, 0
    for line in text.split("\n"):
        found = _KEY.match(line)
        if found is None:
            continue
        gap = len(found[1])
        if gap == 0:
            inside, depth = found[2] in ("detection", "filter"), 0
        elif inside and (not depth or gap == depth):
            depth = gap
            if found[2] not in ("condition", "timeframe", "rules"):
                names.append(found[2].strip())
    return names


def _keys(words: Iterable[str], typed: str) -> list[str]:
    return [f"{word}:" for word in _best(words, typed)]


def _best(words: Iterable[str], typed: str) -> list[str]:
    """Return the words that begin with what is typed, then those that hold it."""
    low = typed.lower()
    known = list(words)
    first = [word for word in known if word.lower().startswith(low)]
    rest = [word for word in known if low and low in word.lower() and word not in first]
    return [*first, *rest][:MOST]
