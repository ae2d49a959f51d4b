"""One field's atoms against one value: literals in one pass, exact texts by look-up, the rest one by one.

A regular expression that cannot match without some literal runs only on values that hold it; the others run
together in one pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import ip_address
from socket import AF_INET, inet_pton

from sent.engines.radar.match.gates import counts, gates
from sent.engines.radar.match.literals import Literals
from sent.engines.radar.match.patterns import PatternSet
from sent.engines.radar.sigma.expression import Cidr, Exists, Null, Regex, Shape, Test, Text

Decider = Callable[[str], bool]


class FieldScanner:
    """`scan(value)` gives the atoms that are true; `absent` and `empty` are those of no value."""

    def __init__(self, atoms: Iterable[tuple[int, Test]]) -> None:
        wanted: list[tuple[str, Shape, int]] = []
        self._exact: dict[str, list[int]] = {}
        self._gated: dict[int, Decider] = {}
        self._always: list[tuple[int, Decider]] = []
        self._networks: list[tuple[int, int, int, int]] = []
        together: list[tuple[int, Regex]] = []
        absent, empty, present = [], [], []
        for number, test in atoms:
            if isinstance(test, Null):
                absent.append(number)
                empty.append(number)
            elif isinstance(test, Exists):
                (empty if test.present else absent).append(number)
                present += [number] * test.present
            elif isinstance(test, Text) and not test.value and test.shape != "equals":
                present.append(number)
            elif isinstance(test, Cidr):
                net = test.network
                first, last = int(net.network_address), int(net.broadcast_address)
                self._networks.append((number, net.version, first, last))
            elif isinstance(test, Text) and not test.cased and test.shape == "equals":
                self._exact.setdefault(test.value, []).append(number)
            elif isinstance(test, Text) and not test.cased:
                wanted.append((test.value, test.shape, number))
            elif literals := gates(test):
                wanted += [(literal, "contains", -1 - number) for literal in literals]
                self._gated[-1 - number] = _decider(test)
            elif isinstance(test, Regex) and test.pattern.linear and not counts(test):
                together.append((number, test))
            else:
                self._always.append((number, _decider(test)))
        self.absent, self.empty = frozenset(absent), frozenset(empty)
        self._present = frozenset(present)
        self._literals = Literals(wanted)
        self._sets = [
            (cased, [number for number, _ in part], PatternSet([test for _, test in part]))
            for cased in (True, False)
            if (part := [(number, test) for number, test in together if test.cased == cased])
        ]

    def scan(self, value: str) -> frozenset[int]:
        """Return the atoms that are true of `value`."""
        lowered = value.lower()
        found = self._literals.find(lowered)
        exact = self._exact.get(lowered)
        if exact:
            found += exact
        for number, decide in self._always:
            if decide(value):
                found.append(number)
        for cased, numbers, patterns in self._sets:
            found += [numbers[place] for place in patterns.matching(value if cased else lowered)]
        if self._networks:
            found += self._within(value)
        if not found:
            return self._present
        return self._gates_passed(value, found) if self._gated else self._present.union(found)

    def _gates_passed(self, value: str, found: list[int]) -> frozenset[int]:
        """Put the patterns whose gates were found (numbers below zero) to the test."""
        true = {number for number in found if number >= 0}
        true.update(-1 - gate for gate in set(found) if gate < 0 and self._gated[gate](value))
        return self._present.union(true)

    def _within(self, value: str) -> list[int]:
        number = address_number(value)
        if number is None:
            return []
        return [
            atom
            for atom, version, first, last in self._networks
            if (version, first) <= number <= (version, last)
        ]


def address_number(value: str) -> tuple[int, int] | None:
    """Return (version, number) of an IP address, None of any other text; as `ipaddress` reads it."""
    text = value.strip()
    try:
        return 4, int.from_bytes(inet_pton(AF_INET, text), "big")
    except (OSError, ValueError):
        if ":" not in text:
            return None
    try:
        return 6, int(ip_address(text))
    except ValueError:
        return None


def _decider(test: Test) -> Decider:
    """Return what says whether a value fulfils a test."""
    if isinstance(test, Regex) and test.pattern.linear:
        patterns, cased = PatternSet([test]), test.cased
        return lambda value: bool(patterns.matching(value if cased else value.lower()))
    span = test.span  # type: ignore[union-attr]  # what has none never comes here
    return lambda value: span(value) is not None
