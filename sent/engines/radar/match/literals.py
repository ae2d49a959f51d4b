"""Thousands of literals looked for in one pass over a text (Aho and Corasick, CACM 18(6), 1975).

The automaton works on characters of the lowered text, so what it finds is exactly what `in`, `startswith`
and `endswith` would. ADR 0016 has the comparison with hyperscan.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import ahocorasick

from sent.engines.radar.sigma.expression import Shape


class _Places(NamedTuple):
    """Whom a literal serves, by where in the text it must stand."""

    length: int
    anywhere: tuple[int, ...]
    start: tuple[int, ...]
    end: tuple[int, ...]


class Literals:
    """Made of (text, shape, number); texts are lower-case and not empty, `equals` is not for here."""

    def __init__(self, wanted: Iterable[tuple[str, Shape, int]]) -> None:
        places: dict[str, dict[str, list[int]]] = {}
        for text, shape, number in wanted:
            places.setdefault(text, {}).setdefault(shape, []).append(number)
        self._automaton = ahocorasick.Automaton()
        for text, by_shape in places.items():
            self._automaton.add_word(
                text,
                _Places(
                    len(text),
                    tuple(by_shape.get("contains", ())),
                    tuple(by_shape.get("startswith", ())),
                    tuple(by_shape.get("endswith", ())),
                ),
            )
        self._any = bool(places)
        if self._any:
            self._automaton.make_automaton()

    def find(self, text: str) -> list[int]:
        """Return the numbers of the literals that stand where they must; one may come several times."""
        found: list[int] = []
        if self._any:
            last = len(text) - 1
            for end, (length, anywhere, start, ending) in self._automaton.iter(text):
                if anywhere:
                    found += anywhere
                if start and end + 1 == length:
                    found += start
                if ending and end == last:
                    found += ending
        return found
