"""Sorting by several columns, for lists that are whole in memory.

A list that comes in pages has the server's order: pages are cut along it, so another order would need another
question to the server. Such lists say so in their header; those shown with `PagedTable.show_rows` are sorted
here: a click sorts by a column, another turns it round, Shift adds a column.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

from sent.ui.kit.table import Column, Source

Order = list[tuple[str, bool]]


def clicked(order: Order, key: str, *, add: bool) -> Order:
    """Return the order after a click on a column's header."""
    present = dict(order)
    if key in present:
        turned = [(name, not down if name == key else down) for name, down in order]
        return turned if add or len(order) == 1 else [(key, not present[key])]
    return [*order, (key, False)] if add else [(key, False)]


def write(order: Order) -> str:
    """Return the order as text: `at-,host`."""
    return ",".join(f"{key}{'-' if down else ''}" for key, down in order)


def read(text: str, columns: Sequence[Column]) -> Order:
    """Return the order that `text` names; unknown columns are left out."""
    known = {column.key for column in columns}
    parts = [(part.rstrip("-"), part.endswith("-")) for part in text.split(",")]
    return [(key, down) for key, down in dict(parts).items() if key in known]


def in_order(rows: Sequence[Any], order: Order, columns: Sequence[Column]) -> list[Any]:
    """Return the rows sorted; equal ones stay as they were, rows without a value come last."""
    found, named = list(rows), {column.key: column for column in columns}
    for key, down in reversed(order):
        column = named[key]
        with_value = [row for row in found if _value(column, row) is not None]
        without = [row for row in found if _value(column, row) is None]
        found = sorted(with_value, key=lambda row, c=column: _value(c, row), reverse=down) + without  # type: ignore[misc]
    return found


def _value(column: Column, row: Any) -> Any:
    if column.sort is not None:
        return column.sort(row)
    value = getattr(row, column.key, None)
    if isinstance(value, str):
        return value.casefold()
    return value if isinstance(value, int | float) or hasattr(value, "__lt__") else column.text(row)


def source(rows: Sequence[Any], key: Callable[[Any], Hashable]) -> Source:
    """Return rows in memory as a source."""

    async def load_at(offset: int, limit: int) -> Sequence[Any]:
        return rows[offset : offset + limit]

    return Source(load_at=load_at, total=len(rows), key=key)
