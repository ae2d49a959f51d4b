"""The other baseline of R4: events in one wide SQLite table, one query for each rule.

The way of the well-known offline hunters in Python. Times include decoding and inserting, not the making of
the queries.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from sent.engines.radar.model import Route, Rule
from sent.engines.radar.sigma.expression import And, Atom, Exists, Node, Not, Null, Or, Reference, Text
from sent.engines.radar.sigma.logsource import wanted

ROUTE = "sent_route"
EVERY = "sent_every"


class SqliteRules:
    """`load` the events, then `hits` runs every rule's query and returns (event, rule id) pairs."""

    def __init__(self, rules: Iterable[Rule], columns: Iterable[str], routes: Iterable[Route]) -> None:
        self._columns = sorted(columns)
        known = {name.lower() for name in self._columns}
        self._routes = {route: number for number, route in enumerate(routes)}
        self._database = sqlite3.connect(":memory:")
        self._tests: list[Atom] = []
        self._database.create_function("atom", 2, self._atom, deterministic=True)
        names = ", ".join(f'"{name}" text' for name in self._columns)
        self._database.execute(
            f"create table event (n integer primary key, {ROUTE} integer, {EVERY} text, {names})"
        )
        self._database.execute(f"create index by_route on event ({ROUTE})")
        self._queries: list[tuple[str, str, list[str]]] = []
        for rule in rules:
            places = [str(number) for route, number in self._routes.items() if wanted(rule.logsource, route)]
            if places:
                arguments: list[str] = []
                where = self._where(rule.condition, arguments, known)
                query = f"select n from event where {ROUTE} in ({', '.join(places)}) and ({where})"
                self._queries.append((rule.id, query, arguments))

    def load(self, events: Iterable[tuple[dict[str, str | None], Route]]) -> None:
        marks = ", ".join("?" * (len(self._columns) + 3))
        self._database.executemany(
            f"insert into event values ({marks})",
            (
                (
                    number,
                    self._routes[route],
                    "\n".join(filter(None, fields.values())),
                    *(fields.get(name) for name in self._columns),
                )
                for number, (fields, route) in enumerate(events)
            ),
        )

    def hits(self) -> set[tuple[int, str]]:
        return {
            (n, rule_id)
            for rule_id, query, arguments in self._queries
            for (n,) in self._database.execute(query, arguments)
        }

    def close(self) -> None:
        self._database.close()

    def _atom(self, number: int, value: str | None) -> bool:
        test = self._tests[number].test
        return value is not None and test.span(value) is not None  # type: ignore[union-attr]

    def _where(self, node: Node, arguments: list[str], known: set[str]) -> str:
        if isinstance(node, Not):
            return f"not ({self._where(node.node, arguments, known)})"
        if isinstance(node, And | Or):
            word = " and " if isinstance(node, And) else " or "
            return _joined([f"({self._where(part, arguments, known)})" for part in node.nodes], word)
        return self._compare(node, arguments, known)

    def _compare(self, atom: Atom, arguments: list[str], known: set[str]) -> str:
        test = atom.test
        column = EVERY if atom.field is None else atom.field
        if atom.field is not None and atom.field.lower() not in known:
            return "1" if isinstance(test, Null) or (isinstance(test, Exists) and not test.present) else "0"
        if isinstance(test, Null):
            return f'"{column}" is null'
        if isinstance(test, Exists):
            return f'"{column}" is {"not " if test.present else ""}null'
        if isinstance(test, Reference):
            return f'coalesce("{column}" = "{test.field}", 0)' if test.field.lower() in known else "0"
        if isinstance(test, Text) and not test.cased:
            head = "%" if test.shape in ("contains", "endswith") else ""
            tail = "%" if test.shape in ("contains", "startswith") else ""
            arguments.append(head + _escaped(test.value) + tail)
            return f"coalesce(\"{column}\" like ? escape '\\', 0)"
        self._tests.append(atom)
        return f'atom({len(self._tests) - 1}, "{column}")'


def _joined(parts: list[str], word: str) -> str:
    """Return the parts as a tree: SQLite takes a chain of more than 1,000 for one too deep."""
    if len(parts) <= 16:
        return word.join(parts)
    middle = len(parts) // 2
    return f"({_joined(parts[:middle], word)}){word}({_joined(parts[middle:], word)})"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
