"""The rules that look at events of one kind, and what they ask of them.

A `Family` are the rules of one log source's events; its fields' values are scanned once for all of them. A
`Bucket` is a family for one event id: rules that ask for another id are gone, and so are the fields that
only they ask for. What a combination of value classes fires is remembered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import repeat
from operator import getitem
from typing import Any, NamedTuple

from sent.engines.radar.match.bound import Check, Verdict, bound, check, witnesses
from sent.engines.radar.match.classes import ABSENT, ENTRY, MEMBER, Memory, Value, ValueClasses
from sent.engines.radar.match.records import of_system, system_value
from sent.engines.radar.match.scanner import FieldScanner
from sent.engines.radar.model import Rule
from sent.engines.radar.sigma.expression import Atom, Exists, Node, Not, Null, Reference, Text, View, holds

EVENT_ID = "EventID"

Fields = Mapping[str, str | None]

_Key = tuple[Any, ...]
"""The class numbers of an event's values in the order of the bucket's fields, then the keywords' set."""

_ABSENT = repeat(ABSENT)


class _Candidate(NamedTuple):
    """A rule in a bucket; `open` if classes alone do not decide it."""

    place: int
    rule: Rule
    holds: Check
    open: bool


class _Found(NamedTuple):
    """What a combination of classes fires, and which of the rules the event itself has to decide."""

    rules: tuple[Rule, ...]
    open: frozenset[str]


class Family:
    """The rules that look at one log source's events, ordered by id."""

    def __init__(self, rules: tuple[Rule, ...], memory: Memory) -> None:
        self.rules = rules
        self._memory = memory
        self._numbers: dict[Atom, int] = {}
        self._fields: dict[str | None, list[Atom]] = {}
        for rule in rules:
            for atom in atoms_of(rule.condition):
                if not _is_open(atom) and atom not in self._numbers:
                    self._numbers[atom] = len(self._numbers)
                    self._fields.setdefault(atom.field, []).append(atom)
        self._classes: dict[str | None, ValueClasses] = {}
        self._buckets: dict[Value, Bucket] = {}
        ids = self._fields.get(EVENT_ID, [])
        self._ids = {atom.test.value for atom in ids if isinstance(atom.test, Text)}
        self._by_id = bool(ids) and all(_asks_for_value(atom) for atom in ids)

    def bucket(self, fields: Fields) -> Bucket:
        """Return the bucket of an event."""
        if not self._by_id:
            return self._buckets.get(ABSENT) or self._made(ABSENT)
        text = fields.get(EVENT_ID)
        value: Value = ABSENT if text is None or (text := text.lower()) not in self._ids else text
        return self._buckets.get(value) or self._made(value)

    def prepare(self) -> None:
        """Make what takes long, so that the first events do not wait; a bucket takes milliseconds."""
        for field in self._fields:
            self.classes(field)
        self._made(ABSENT)

    def classes(self, field: str | None) -> ValueClasses:
        """Return the value classes of a field (None: keywords)."""
        known = self._classes.get(field)
        if known is None:
            scanner = FieldScanner((self._numbers[atom], atom.test) for atom in self._fields[field])
            known = self._classes[field] = ValueClasses(scanner, self._memory)
        return known

    def _made(self, event_id: Value) -> Bucket:
        made = self._buckets[event_id] = Bucket(
            self, event_id, self._numbers, self._memory, by_id=self._by_id
        )
        return made


class Bucket:
    """A family's rules for one event id (ABSENT: for all that no rule asks for)."""

    def __init__(
        self, family: Family, event_id: Value, numbers: Mapping[Atom, int], memory: Memory, *, by_id: bool
    ) -> None:
        used: dict[Atom, int] = {}

        def number(atom: Atom) -> int:
            return used.setdefault(atom, numbers[atom])

        def verdict(atom: Atom) -> Verdict:
            if _is_open(atom):
                return "open"
            if by_id and atom.field == EVENT_ID:
                return isinstance(atom.test, Text) and atom.test.value == event_id
            return None

        self._by_witness: dict[int, list[_Candidate]] = {}
        self._without: list[_Candidate] = []
        for place, rule in enumerate(family.rules):
            left = bound(rule.condition, number, verdict)
            if left is False:
                continue
            opened = any(map(_is_open, atoms_of(rule.condition)))
            candidate = _Candidate(place, rule, check(left), opened)
            needed = witnesses(left)
            if needed is None:
                self._without.append(candidate)
            else:
                for atom in needed:
                    self._by_witness.setdefault(atom, []).append(candidate)
        fields = sorted({atom.field for atom in used if atom.field is not None})
        self._fields = tuple(fields)
        self._maps = tuple(family.classes(field) for field in fields)
        keywords = any(atom.field is None for atom in used)
        self._keywords = family.classes(None) if keywords else None
        self._of_system = tuple((place, name) for place, name in enumerate(fields) if of_system(name))
        self.wants_all = keywords
        """Whether keywords are looked for in every value."""
        self._memory = memory
        self._known: dict[_Key, _Found] = {}
        memory.keep(self._forget)

    def _forget(self) -> None:
        self._known.clear()

    def plainly(self, system: Mapping[str, Any], data: Mapping[str, Any]) -> tuple[Rule, ...] | None:
        """Return the rules that fire on a plain record; None where that takes its fields.

        Not for buckets that want all values.
        """
        if self._of_system:
            values = list(map(data.get, self._fields, _ABSENT))
            for place, name in self._of_system:
                if values[place] is ABSENT:
                    values[place] = system_value(system, name)
            key = tuple(map(getitem, self._maps, values))
        else:
            key = tuple(map(getitem, self._maps, map(data.get, self._fields, _ABSENT)))
        found = self._known.get(key)
        if found is None:
            found = self._found(key)
        return None if found.open else found.rules

    def fired(self, fields: Fields) -> tuple[Rule, ...]:
        """Return the rules that fire on an event, ordered by id."""
        key: _Key = tuple(map(getitem, self._maps, map(fields.get, self._fields, _ABSENT)))
        if self._keywords is not None:
            key = (*key, frozenset(map(self._keywords.__getitem__, fields.values())))
        found = self._known.get(key)
        if found is None:
            found = self._found(key)
        if not found.open:
            return found.rules
        view = View(fields)
        return tuple(rule for rule in found.rules if rule.id not in found.open or holds(rule.condition, view))

    def _found(self, key: _Key) -> _Found:
        together = len(key[-1]) if self._keywords is not None else 0
        self._memory.used += ENTRY + 16 * len(key) + MEMBER * together
        decided = self._decided(key)
        found = self._known[key] = _Found(
            tuple(each.rule for each in decided),
            frozenset(each.rule.id for each in decided if each.open),
        )
        return found

    def _decided(self, key: _Key) -> list[_Candidate]:
        true: set[int] = set()
        for classes, number in zip(self._maps, key, strict=False):
            true |= classes.atoms[number]
        if self._keywords is not None:
            for number in key[-1]:
                true |= self._keywords.atoms[number]
        candidates = {each.place: each for each in self._without}
        for atom in true:
            for each in self._by_witness.get(atom, ()):
                candidates[each.place] = each
        return [candidates[place] for place in sorted(candidates) if candidates[place].holds(true)]


def atoms_of(node: Node) -> Iterator[Atom]:
    """Yield the atoms of a condition."""
    if isinstance(node, Atom):
        yield node
    elif isinstance(node, Not):
        yield from atoms_of(node.node)
    else:
        for part in node.nodes:
            yield from atoms_of(part)


def _is_open(atom: Atom) -> bool:
    """Say whether no single value decides an atom."""
    if isinstance(atom.test, Reference):
        return True
    return atom.field is None and isinstance(atom.test, Null | Exists)


def _asks_for_value(atom: Atom) -> bool:
    return isinstance(atom.test, Text) and atom.test.shape == "equals" and not atom.test.cased
