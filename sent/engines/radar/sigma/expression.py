"""A rule's condition as SENT's own tree: atoms about one field, joined by and, or, not.

Logic is two-valued: an absent field makes an atom false, so `not` over it is true; `null` asks for absence.
Comparison ignores case except in `re` and `cased`. The tree explains a match (`explain`), `match`
decides quickly.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Literal

from sent.engines.radar.decoding.when import parse_time
from sent.engines.radar.model import FieldMatch
from sent.engines.radar.sigma.pattern import Pattern, Span

Shape = Literal["equals", "contains", "startswith", "endswith"]
TimePart = Literal["minute", "hour", "day", "week", "month", "year"]
Operator = Literal["lt", "lte", "gt", "gte", "eq"]

EXPLAINED_LIMIT = 4096
"""Characters of a value an explanation carries."""

MAX_DIGITS = 400
"""Characters of a number: every finite one fits."""

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?", re.ASCII)


class View:
    """An event's fields as atoms ask for them; what is computed once is kept."""

    __slots__ = ("_haystack", "_lower_haystack", "lower", "text")

    def __init__(self, fields: Mapping[str, str | None]) -> None:
        self.text = fields
        self.lower = _Lowered(fields)
        self._haystack: str | None = None
        self._lower_haystack: str | None = None

    @property
    def haystack(self) -> str:
        """All values, one a line: what a keyword is looked for in."""
        if self._haystack is None:
            self._haystack = "\n".join(value for value in self.text.values() if value)
        return self._haystack

    @property
    def lower_haystack(self) -> str:
        """`haystack` in lower case."""
        if self._lower_haystack is None:
            self._lower_haystack = self.haystack.lower()
        return self._lower_haystack


class _Lowered(dict[str, str | None]):
    """Lower-cased values, made when asked for."""

    __slots__ = ("_text",)

    def __init__(self, text: Mapping[str, str | None]) -> None:
        super().__init__()
        self._text = text

    def __missing__(self, field: str) -> str | None:
        value = self._text.get(field)
        lowered = None if value is None else value.lower()
        self[field] = lowered
        return lowered


@dataclass(frozen=True, slots=True)
class Text:
    """Plain text against a value; `value` is lower-case unless `cased`."""

    shape: Shape
    value: str
    cased: bool = False

    def span(self, value: str) -> Span | None:
        """Return what of `value` matched."""
        subject = value if self.cased else value.lower()
        length = len(self.value)
        if self.shape == "equals":
            return (0, len(value)) if subject == self.value else None
        if self.shape == "startswith":
            return (0, length) if subject.startswith(self.value) else None
        if self.shape == "endswith":
            return (len(value) - length, len(value)) if subject.endswith(self.value) else None
        start = subject.find(self.value)
        return None if start < 0 else (start, start + length)


@dataclass(frozen=True, slots=True)
class Regex:
    """A pattern searched in the value; `cased` false: in its lower-case form (wildcards)."""

    pattern: Pattern
    cased: bool = True

    def span(self, value: str) -> Span | None:
        """Return what of `value` matched."""
        return self.pattern.search(value if self.cased else value.lower())


@dataclass(frozen=True, slots=True)
class Cidr:
    """An address within a network."""

    network: IPv4Network | IPv6Network

    def span(self, value: str) -> Span | None:
        """Return the whole value if it is an address of the network."""
        try:
            inside = ip_address(value.strip()) in self.network
        except ValueError:
            return None
        return (0, len(value)) if inside else None


@dataclass(frozen=True, slots=True)
class Compare:
    """A number, or the part of a time, compared with a number."""

    operator: Operator
    number: float
    part: TimePart | None = None

    def span(self, value: str) -> Span | None:
        """Return the whole value if the comparison holds; text that is no number never compares."""
        found = _time_part(value, self.part) if self.part else number_of(value)
        if found is None:
            return None
        holds = {
            "lt": found < self.number,
            "lte": found <= self.number,
            "gt": found > self.number,
            "gte": found >= self.number,
            "eq": found == self.number,
        }[self.operator]
        return (0, len(value)) if holds else None


@dataclass(frozen=True, slots=True)
class Null:
    """The field is absent or empty of a value."""


@dataclass(frozen=True, slots=True)
class Exists:
    """The field is there (`present`) or not, whatever its value."""

    present: bool


@dataclass(frozen=True, slots=True)
class Reference:
    """The field's value against another field's value."""

    field: str
    shape: Shape


Test = Text | Regex | Cidr | Compare | Null | Exists | Reference


@dataclass(frozen=True, slots=True)
class Atom:
    """One test of one field; `field` None: of all values (a keyword). `item` is how the rule says it."""

    field: str | None
    test: Test
    item: str


@dataclass(frozen=True, slots=True)
class And:
    """All of them."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of them."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    node: Node


Node = And | Or | Not | Atom


def holds(node: Node, view: View) -> bool:
    """Decide the tree directly: slow and plain, the yardstick of the closures."""
    if isinstance(node, And):
        return all(holds(part, view) for part in node.nodes)
    if isinstance(node, Or):
        return any(holds(part, view) for part in node.nodes)
    if isinstance(node, Not):
        return not holds(node.node, view)
    return next(_found(node, view), None) is not None


def explain(node: Node, view: View) -> list[FieldMatch]:
    """Return what of the event fulfilled the rule: the true atoms that are not under a `not`."""
    if isinstance(node, Atom):
        return list(_found(node, view))
    if isinstance(node, Not) or not holds(node, view):
        return []
    return [match for part in node.nodes for match in explain(part, view)]


def _found(atom: Atom, view: View) -> Iterator[FieldMatch]:
    test = atom.test
    fields = [atom.field] if atom.field is not None else list(view.text)
    for field in fields:
        value = view.text.get(field)
        if isinstance(test, Null | Exists):
            present = field in view.text
            if (value is None) if isinstance(test, Null) else (present == test.present):
                yield FieldMatch(field, value or "", 0, 0, atom.item)
            continue
        if value is None:
            continue
        span = _reference(test, value, view) if isinstance(test, Reference) else test.span(value)
        if span is not None:
            yield FieldMatch(field, value[:EXPLAINED_LIMIT], *span, atom.item)


def _reference(test: Reference, value: str, view: View) -> Span | None:
    other = view.lower[test.field]
    return None if other is None else Text(test.shape, other).span(value)


def number_of(value: str) -> float | None:
    """Return the decimal number a value is, whole ones exactly; None for `1_000`, `inf`, `0x1` and words."""
    text = value.strip()
    if len(text) > MAX_DIGITS or not _NUMBER.fullmatch(text):
        return None
    return int(text) if text.lstrip("+-").isdigit() else float(text)


def _time_part(value: str, part: TimePart) -> float | None:
    when: datetime | None = parse_time(value)
    if when is None:
        return None
    return when.isocalendar().week if part == "week" else int(getattr(when, part))
