"""Rows that keep coming: a bounded window over the newest ones, texts made only for what is painted."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

from PySide6.QtCore import QModelIndex, QObject

from sent.ui.kit.table import Column, PagedModel, Source

LIMIT = 10_000
HELD = 50_000


class TailModel(PagedModel):
    """The newest `LIMIT` rows, oldest first; while held back, new ones wait in `waiting`."""

    def __init__(self, columns: Sequence[Column], parent: QObject | None = None) -> None:
        super().__init__(columns, run=lambda *_a, **_k: None, parent=parent)
        self._rows: list[Any] = []
        self.waiting: list[Any] = []
        self.held = False
        self._source = Source(key=lambda row: row.id)
        self._told: tuple[Any, tuple[str, ...]] = (None, ())

    def append(self, rows: Sequence[Any]) -> None:
        """Add rows at the end, or keep them waiting."""
        if self.held:
            self.waiting.extend(rows)
            del self.waiting[:-HELD]
            return
        fresh = list(rows[-LIMIT:])
        if self.skeleton or not self._rows:
            self.beginResetModel()
            self.skeleton, self._ended = False, True
            self._rows, self._count = fresh, len(fresh)
            self.endResetModel()
            self.loaded.emit()
        elif fresh:
            self._drop(len(self._rows) + len(fresh) - LIMIT)
            start = len(self._rows)
            self.beginInsertRows(QModelIndex(), start, start + len(fresh) - 1)
            self._rows.extend(fresh)
            self._count = len(self._rows)
            self.endInsertRows()

    def _drop(self, excess: int) -> None:
        if excess > 0:
            self.beginRemoveRows(QModelIndex(), 0, excess - 1)
            del self._rows[:excess]
            self._count = len(self._rows)
            self.endRemoveRows()

    def release(self) -> None:
        """Show what waited."""
        self.held = False
        rows, self.waiting = self.waiting, []
        self.append(rows)

    def restart(self) -> None:
        """Forget everything (another filter)."""
        self.beginResetModel()
        self._rows, self.waiting = [], []
        self.skeleton, self._count = True, 24
        self.endResetModel()

    def row(self, number: int) -> Any | None:
        return self._rows[number] if not self.skeleton and 0 <= number < len(self._rows) else None

    def texts(self, number: int) -> tuple[str, ...] | None:
        """Return a row's texts; those of the last row are kept, since a row is painted cell by cell."""
        row = self.row(number)
        if row is None:
            return None
        if row is not self._told[0]:
            self._told = (row, tuple([column.text(row) for column in self.columns]))
        return self._told[1]

    def find(self, key: Hashable) -> int | None:
        return next((number for number, row in enumerate(self._rows) if row.id == key), None)

    def cached_rows(self) -> list[Any]:
        return self._rows

    def canFetchMore(self, parent: Any) -> bool:
        return False
