"""An event on its way through a mapping's steps, and the conditions that steps have.

What all steps together may do to one event is bounded in names looked at and characters made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sent.engines.radar.decoding.normalise import MAX_FIELDS, integer
from sent.engines.radar.fieldmap.steps import Condition, regex_options, searched
from sent.engines.radar.model import LogSource, Route
from sent.engines.radar.sigma.logsource import wanted, windows_route

MAX_LOOKED_AT = 50_000
"""Names that the steps look at in one event."""

MAX_MADE = 1_000_000
"""Characters of the values that the steps make of one event."""

MAX_SEARCHED = 32_768
"""Characters of a value that a pattern looks at, and that is split."""

LINE = 20
"""Characters that a further line of a value counts as."""

MAX_WORK = 2_000_000
"""Characters that all steps search in one event, each as often as its pattern is large: see `weight`."""

Fields = dict[str, str | None]


class TooMuch(ValueError):
    """The steps would make more of an event than is kept."""


@dataclass(slots=True)
class Draft:
    """An event on its way through the steps."""

    fields: Fields
    route: Route
    room: int = MAX_LOOKED_AT
    left: int = MAX_MADE
    work: int = MAX_WORK
    rerouted: bool = False

    def look(self, names: int) -> None:
        """Count names that are looked at; raises TooMuch."""
        self.room -= names
        if self.room < 0:
            raise TooMuch(f"steps look at more than {MAX_LOOKED_AT} names")

    def search(self, characters: int) -> None:
        """Count characters that are searched; raises TooMuch."""
        self.work -= characters
        if self.work < 0:
            raise TooMuch("steps search more of an event than is done for one")

    def settle(self) -> Route:
        """Return the route: Windows' where the fields have got Channel and EventID and no step chose one."""
        if self.route.channel is None and not self.rerouted:
            channel = self.fields.get("Channel")
            event_id = integer(self.fields.get("EventID")) if channel else None
            if channel and event_id is not None:
                self.route = windows_route(channel, event_id)
        return self.route

    def put(self, name: str, value: str | None, overwrite: bool) -> bool:
        """Give a field its value unless it has one, and say whether it got it; raises TooMuch."""
        if not overwrite and name in self.fields:
            return False
        if len(self.fields) >= MAX_FIELDS and name not in self.fields:
            raise TooMuch(f"steps make more than {MAX_FIELDS} fields")
        self.left -= len(value or "")
        if self.left < 0:
            raise TooMuch(f"steps make more than {MAX_MADE} characters")
        self.fields[name] = value
        return True


Holds = Callable[[Draft], bool]


def holds(condition: Condition) -> Holds:
    """Return the test that a condition is."""
    test = _test(condition)
    return (lambda draft: not test(draft)) if condition.negated else test


def _test(condition: Condition) -> Holds:
    name = condition.field
    match condition.kind:
        case "exists":
            return lambda draft: name in draft.fields
        case "equals":
            value = condition.value.lower()
            return lambda draft: value in _lines(draft, name)
        case "like":
            like, each = _like(condition.value, folded=True)

            def any_like(draft: Draft) -> bool:
                lines = _lines(draft, name)
                draft.search(sum(map(len, lines)) * each)
                return any(map(like, lines))

            return any_like
        case "matches":
            return searching(condition.value, name, lambda pattern: pattern.search)
        case _:
            return lambda draft: belongs(condition.logsource, draft.settle())


def belongs(source: LogSource, route: Route) -> bool:
    """Say whether a route has all that a log source names."""
    return route.known and wanted(source, route)


def searching(source: str, name: str, way: Callable[[Any], Callable[[str], Any]]) -> Callable[[Draft], Any]:
    """Return what looks for a pattern in a field and counts what that costs; None where it is not found."""
    import re2

    pattern = re2.compile(source, regex_options())
    find, each = way(pattern), weight(pattern)

    def search(draft: Draft) -> Any:
        value = (draft.fields.get(name) or "")[:MAX_SEARCHED]
        draft.search(len(value) * each)
        return find(value)

    return search


def weight(pattern: Any) -> int:
    """Return how often a character counts: without memory for states RE2 steps through the whole pattern."""
    return 1 + int(pattern.programsize) // 32


def _lines(draft: Draft, name: str) -> list[str]:
    """Return the values of a field, lowered: a list's are joined by newlines."""
    if name not in draft.fields:
        return []
    text = (draft.fields[name] or "")[:MAX_SEARCHED].lower()
    lines = text.split("\n") if "\n" in text else [text]
    draft.search(len(text) + LINE * len(lines))
    return lines


@dataclass(frozen=True, slots=True)
class Names:
    """Which names are like one of some patterns; `cost` is what asking of one name counts as."""

    like: Callable[[str], bool]
    cost: int = 1


def like_one_of(patterns: Iterable[str]) -> Names:
    """Return a test whether a name is like one of the patterns."""
    listed = tuple(patterns)
    if "*" in listed:
        return Names(lambda _name: True)
    plain = frozenset(name for name in listed if "*" not in name and "?" not in name)
    fronts = tuple(name[:-1] for name in listed if _front(name))
    tests = tuple(_like(name)[0] for name in listed if searched(name))
    return Names(
        lambda name: name in plain or name.startswith(fronts) or any(test(name) for test in tests),
        1 + len(tests) + len(fronts) // 20,
    )


def _front(name: str) -> bool:
    return name.endswith("*") and "*" not in name[:-1] and "?" not in name


def _like(pattern: str, *, folded: bool = False) -> tuple[Callable[[str], Any], int]:
    """Return the test whether a text is like a pattern, and what a character counts then."""
    import re2

    said = "".join({"*": ".*", "?": "."}.get(char) or re2.escape(char) for char in pattern)
    made = re2.compile(f"(?s{'i' if folded else ''}){said}", regex_options())
    return made.fullmatch, weight(made)
