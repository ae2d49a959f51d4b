"""Values become small numbers: two values that fulfil the same atoms of a field are of one class.

What is remembered is bounded by bytes for a whole matcher: when that is used up, everything is forgotten at
once and found out anew. A sender of ever new values costs scanning, not memory.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from weakref import WeakMethod

from sent.engines.radar.decoding.normalise import text_of
from sent.engines.radar.match.scanner import FieldScanner

LIMIT = 96_000_000
"""Bytes a matcher remembers."""

LONGEST = 2048
"""Characters of a value that is remembered."""

ENTRY = 200
"""Bytes an entry costs besides its text."""

MEMBER = 110
"""Bytes a member of a set costs at most: an event of many fields has many classes of keywords."""


class _Absent:
    """Stands for the value of a field that is not there."""

    __slots__ = ()


ABSENT: Final = _Absent()

Value = str | None | _Absent


class Memory:
    """Counts what is remembered; whoever uses it lets it forget between two events, never within one."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._forget: list[WeakMethod[Callable[[], None]]] = []
        self.used = 0
        self.forgotten = 0
        """How often everything was forgotten."""

    def keep(self, forget: Callable[[], None]) -> None:
        """Have a method called when it is too much, as long as its object is there."""
        self._forget.append(WeakMethod(forget))

    @property
    def full(self) -> bool:
        """Say whether it is time to forget."""
        return self.used > self._limit

    def forget(self) -> None:
        """Forget everything."""
        self.used = 0
        self.forgotten += 1
        for weak in self._forget:
            if (forget := weak()) is not None:
                forget()


class ValueClasses(dict[Value, int]):
    """`classes[value]` is the number of the value's class; `atoms[number]` are the atoms true of it."""

    def __init__(self, scanner: FieldScanner, memory: Memory) -> None:
        super().__init__()
        self._scanner = scanner
        self._memory = memory
        self.atoms: list[frozenset[int]] = []
        self._numbers: dict[frozenset[int], int] = {}
        self._begin()
        memory.keep(self._begin)

    def _begin(self) -> None:
        self.clear()
        self.atoms.clear()
        self._numbers.clear()
        self[ABSENT] = self._number(self._scanner.absent)
        self[None] = self._number(self._scanner.empty)

    def _number(self, atoms: frozenset[int]) -> int:
        number = self._numbers.get(atoms)
        if number is None:
            number = self._numbers[atoms] = len(self.atoms)
            self.atoms.append(atoms)
        return number

    def __missing__(self, value: str) -> int:  # the others are there from the beginning
        if type(value) is not str:
            # Not remembered as it is: 1, 1.0 and True are one key and three texts.
            return self[text_of(value)]
        known = len(self.atoms)
        number = self._number(self._scanner.scan(value))
        if len(value) <= LONGEST:
            self[value] = number
            self._memory.used += ENTRY + len(value)
        if len(self.atoms) > known:
            self._memory.used += ENTRY + 60 * len(self.atoms[number])
        return number
