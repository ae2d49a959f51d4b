"""A condition over the numbers of true atoms: what is known is settled, what no value decides stays open.

An open atom (one that compares two fields of an event) counts as true, and under a `not` as false: what is
left is true whenever the condition is, and only then somebody has to look at the event itself.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import dataclass
from typing import Literal

from sent.engines.radar.sigma.expression import And, Atom, Node, Not

Verdict = bool | None | Literal["open"]
"""What is known of an atom before the event: true, false, nothing, or that no value alone decides it."""

Check = Callable[[Set[int]], bool]


@dataclass(frozen=True, slots=True)
class One:
    """One of these atoms is true."""

    atoms: frozenset[int]


@dataclass(frozen=True, slots=True)
class Every:
    """All parts hold."""

    parts: tuple[Bound, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """One part holds."""

    parts: tuple[Bound, ...]


@dataclass(frozen=True, slots=True)
class Nor:
    """The part does not hold."""

    part: Bound


Bound = One | Every | Some | Nor | bool


def bound(
    node: Node, number: Callable[[Atom], int], verdict: Callable[[Atom], Verdict], *, positive: bool = True
) -> Bound:
    """Return what is left of a condition; `number` numbers atoms, `verdict` says what is known of them."""
    if isinstance(node, Atom):
        known = verdict(node)
        if known == "open":
            return positive
        return One(frozenset({number(node)})) if known is None else known
    if isinstance(node, Not):
        inner = bound(node.node, number, verdict, positive=not positive)
        return (not inner) if isinstance(inner, bool) else Nor(inner)
    strict = isinstance(node, And)
    parts: list[Bound] = []
    for each in node.nodes:
        part = bound(each, number, verdict, positive=positive)
        if not isinstance(part, bool):
            parts.append(part)
        elif part is not strict:
            return part
    if not parts:
        return strict
    return _every(parts) if strict else _some(parts)


def _every(parts: list[Bound]) -> Bound:
    return parts[0] if len(parts) == 1 else Every(tuple(parts))


def _some(parts: list[Bound]) -> Bound:
    atoms = frozenset[int]().union(*(part.atoms for part in parts if isinstance(part, One)))
    rest: list[Bound] = [part for part in parts if not isinstance(part, One)]
    if atoms:
        rest.insert(0, One(atoms))
    return rest[0] if len(rest) == 1 else Some(tuple(rest))


def witnesses(part: Bound) -> frozenset[int] | None:
    """Return atoms one of which is true whenever `part` holds; None if it can hold without any."""
    if isinstance(part, One):
        return part.atoms
    if isinstance(part, Every):
        found = [each for each in map(witnesses, part.parts) if each is not None]
        return min(found, key=len, default=None)
    if isinstance(part, Some):
        parts = [witnesses(each) for each in part.parts]
        if any(each is None for each in parts):
            return None
        return frozenset[int]().union(*(each for each in parts if each is not None))
    return None


def check(part: Bound) -> Check:
    """Return a function that decides `part` over the true atoms of an event."""
    if isinstance(part, bool):
        return lambda _true: part
    if isinstance(part, One):
        atoms = part.atoms
        return lambda true: not atoms.isdisjoint(true)
    if isinstance(part, Nor):
        inner = check(part.part)
        return lambda true: not inner(true)
    return _every_check(part) if isinstance(part, Every) else _some_check(part)


def _every_check(part: Every) -> Check:
    """Single atoms are one look-up together, and so are those of which none may be true."""
    needed: set[int] = set()
    forbidden: set[int] = set()
    rest: list[Bound] = []
    for each in part.parts:
        if isinstance(each, One) and len(each.atoms) == 1:
            needed |= each.atoms
        elif isinstance(each, Nor) and isinstance(each.part, One):
            forbidden |= each.part.atoms
        else:
            rest.append(each)
    # The quick ones first: most candidates fail there.
    rest.sort(key=lambda each: not isinstance(each, One))
    checks = tuple(check(each) for each in rest)

    def every(true: Set[int]) -> bool:
        if not needed <= true or not forbidden.isdisjoint(true):
            return False
        for each in checks:  # noqa: SIM110 (a generator expression costs twice as much here)
            if not each(true):
                return False
        return True

    return every


def _some_check(part: Some) -> Check:
    checks = tuple(check(each) for each in part.parts)

    def some(true: Set[int]) -> bool:
        for each in checks:  # noqa: SIM110 (as above)
            if each(true):
                return True
        return False

    return some
