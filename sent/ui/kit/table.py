"""A table of any length over a bounded cache of pages.

    source = Source(load=load, cursor=lambda a: (a.at, a.id), key=lambda a: a.id)
    table = PagedTable(columns, run=page.run, name=tr("Alerts"))
    table.set_source(source)

Rows come in pages of `PAGE` through `load(cursor, limit)` (keyset: the cursor is made of the last row) or,
when `source.total` is known, through `load_at(offset, limit)` for any place at once. Texts are made once
per row when its page arrives; painting only draws. At most `CACHE_PAGES` pages are kept; what was dropped
is loaded again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from sent.platform.i18n import tr
from sent.ui.kit.text import tip

if TYPE_CHECKING:
    from sent.platform.errors import SentError

PAGE = 200
CACHE_PAGES = 50
SKELETON_ROWS = 24

Index = QModelIndex | QPersistentModelIndex
Run = Callable[..., Any]
"""`Page.run`: run(make, done=..., failed=...) -> Handle."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column: how a row's text is made and how the delegate draws it."""

    key: str
    title: str
    text: Callable[[Any], str]
    width: int = 120
    kind: Literal["text", "strong", "quiet", "mono", "level", "severity", "state", "number", "time"] = "text"
    stretch: bool = False
    field: str | None = None
    """Field of the filter bar that a click with Ctrl (for) or Alt (out) filters by."""
    tip: Callable[[Any], str] | None = None
    widest: str = ""
    """Texts, a line each, for which the column must have room in every language and text size."""
    newest_first: bool = False
    """The list's order follows this column; the header shows an arrow."""
    sort: Callable[[Any], Any] | None = None
    """What a list in memory is sorted by; without it the attribute called `key`, or the text."""
    drop: int = 0
    """Columns with a higher number make room first when the list is narrow; 0 stays."""
    always: bool = False
    """Copies and exports have it even where the list hides it: what is owed, such as an author."""

    @property
    def heading(self) -> str:
        """Return what stands in the header: an arrow shows the list's order."""
        return f"{self.title} ↓" if self.newest_first else self.title


@dataclass(slots=True)
class Source:
    """Where rows come from; `load_at` and `total` together give random access."""

    load: Callable[[Any, int], Awaitable[Sequence[Any]]] | None = None
    cursor: Callable[[Any], Any] = lambda row: None
    key: Callable[[Any], Hashable] = id
    load_at: Callable[[int, int], Awaitable[Sequence[Any]]] | None = None
    total: int | None = None


@dataclass(slots=True)
class _Page:
    rows: list[Any] = field(default_factory=list)
    texts: list[tuple[str, ...]] = field(default_factory=list)


class PagedModel(QAbstractTableModel):
    """The page cache; `loaded` after each page, `failed` with the error of the first page."""

    loaded = Signal()
    failed = Signal(object)

    def __init__(self, columns: Sequence[Column], run: Run, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.columns = tuple(columns)
        self._run = run
        self._source: Source | None = None
        self._pages: OrderedDict[int, _Page] = OrderedDict()
        self._cursors: list[Any] = [None]
        self._wanted: set[int] = set()
        self._count = 0
        self._ended = True
        self._generation = 0
        self.skeleton = True
        self.order: list[tuple[str, bool]] = []
        """Columns (key, descending) that the user sorts by, the first one first."""
        self.marked: set[Hashable] = set()

    def set_source(self, source: Source | None, *, keep: bool = False) -> None:
        """Show another source; with `keep` the old rows stay on screen until the first page has come."""
        self._source = source
        self._generation += 1
        self._wanted.clear()
        if source is None:
            self._reset([], skeleton=False)
        elif not keep or self.skeleton or not self._count:
            self._reset([], skeleton=True)
        if source is not None:
            self._request(0)

    def reload(self) -> None:
        """Load the first page again; rows stay until it is there."""
        self.set_source(self._source, keep=True)

    @property
    def source(self) -> Source | None:
        """The source shown."""
        return self._source

    def show_skeleton(self) -> None:
        """Show grey bars in place of rows (nothing is known yet)."""
        self._reset([], skeleton=True)

    def known(self) -> int:
        """Return how many real rows there are so far."""
        return 0 if self.skeleton else self._count

    def complete(self) -> bool:
        """Say whether the end of the list is known."""
        return self._ended

    def row(self, number: int) -> Any | None:
        """Return the row object, or None while its page is not in the cache."""
        page = self._pages.get(number // PAGE)
        offset = number % PAGE
        return page.rows[offset] if page is not None and offset < len(page.rows) else None

    def texts(self, number: int) -> tuple[str, ...] | None:
        """Return the row's cell texts; asks for its page when it is not in the cache."""
        page = self._pages.get(number // PAGE)
        if page is None:
            if not self.skeleton:
                self._request(number // PAGE)
            return None
        offset = number % PAGE
        return page.texts[offset] if offset < len(page.texts) else None

    def key(self, number: int) -> Hashable | None:
        """Return the row's key."""
        row = self.row(number)
        return None if row is None or self._source is None else self._source.key(row)

    def find(self, key: Hashable) -> int | None:
        """Return the number of the cached row with `key`."""
        if self._source is not None:
            for number, page in self._pages.items():
                for offset, row in enumerate(page.rows):
                    if self._source.key(row) == key:
                        return number * PAGE + offset
        return None

    def replace(self, rows: Sequence[Any]) -> None:
        """Put newer versions of cached rows in their places (optimistic edits, answers of the server)."""
        source = self._source
        for row in rows if source is not None else ():
            number = self.find(source.key(row)) if source is not None else None
            if number is not None:
                page = self._pages[number // PAGE]
                page.rows[number % PAGE] = row
                page.texts[number % PAGE] = self._texts_of(row)
                self.dataChanged.emit(self.index(number, 0), self.index(number, len(self.columns) - 1))

    def cached_rows(self) -> list[Any]:
        """Return all rows in the cache, in order."""
        return [row for number in sorted(self._pages) for row in self._pages[number].rows]

    def _texts_of(self, row: Any) -> tuple[str, ...]:
        return tuple([column.text(row) for column in self.columns])

    def _reset(self, rows: Sequence[Any], *, skeleton: bool) -> None:
        self.beginResetModel()
        self._pages.clear()
        self._cursors = [None]
        self.skeleton = skeleton
        self._count = SKELETON_ROWS if skeleton else len(rows)
        self._ended = True
        if not skeleton and self._source is not None:
            self._pages[0] = _Page(list(rows), [self._texts_of(row) for row in rows])
            if self._source.total is not None:
                self._count = self._source.total
            else:
                self._ended = len(rows) < PAGE
                if rows:
                    self._cursors.append(self._source.cursor(rows[-1]))
        self.endResetModel()

    def _request(self, number: int) -> None:
        source = self._source
        if source is None or number in self._wanted:
            return
        generation = self._generation
        if source.load_at is not None:
            load_at = source.load_at
            make: Callable[[], Awaitable[Sequence[Any]]] = lambda: load_at(number * PAGE, PAGE)  # noqa: E731
        elif source.load is not None and number < len(self._cursors):
            load, cursor = source.load, self._cursors[number]
            make = lambda: load(cursor, PAGE)  # noqa: E731
        else:
            return
        self._wanted.add(number)
        self._run(
            make,
            done=lambda rows: self._arrived(generation, number, rows),
            failed=lambda error: self._broken(generation, number, error),
        )

    def _arrived(self, generation: int, number: int, rows: Sequence[Any]) -> None:
        if generation != self._generation or self._source is None:
            return
        self._wanted.discard(number)
        if number == 0 and (self.skeleton or self._pages):
            self._first(self._source, rows)
        else:
            self._later(self._source, number, rows)
        self.loaded.emit()

    def _first(self, source: Source, rows: Sequence[Any]) -> None:
        key = source.key
        page = self._pages.get(0)
        same = (
            page is not None and not self.skeleton and [key(r) for r in page.rows] == [key(r) for r in rows]
        )
        if same and page is not None and source.total in (None, self._count):
            page.rows, page.texts = list(rows), [self._texts_of(row) for row in rows]
            if rows:
                self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, len(self.columns) - 1))
        else:
            self._reset(rows, skeleton=False)
            self.marked &= {key(row) for row in rows}

    def _later(self, source: Source, number: int, rows: Sequence[Any]) -> None:
        start = number * PAGE
        if source.total is None and start + len(rows) > self._count:
            self.beginInsertRows(QModelIndex(), self._count, start + len(rows) - 1)
            self._put(number, rows)
            self._count = start + len(rows)
            self.endInsertRows()
        else:
            self._put(number, rows)
            if rows:
                last = min(start + len(rows), self._count) - 1
                self.dataChanged.emit(self.index(start, 0), self.index(last, len(self.columns) - 1))
        if source.total is None and number == len(self._cursors) - 1:
            self._ended = len(rows) < PAGE
            if len(rows) == PAGE:
                self._cursors.append(source.cursor(rows[-1]))

    def _put(self, number: int, rows: Sequence[Any]) -> None:
        self._pages[number] = _Page(list(rows), [self._texts_of(row) for row in rows])
        self._pages.move_to_end(number)
        while len(self._pages) > CACHE_PAGES:
            oldest = next(candidate for candidate in self._pages if candidate not in (0, number))
            del self._pages[oldest]

    def _broken(self, generation: int, number: int, error: SentError) -> None:
        if generation != self._generation:
            return
        self._wanted.discard(number)
        if number == 0:
            self.failed.emit(error)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else self._count

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.columns)

    def canFetchMore(self, parent: Index) -> bool:
        return not self.skeleton and not self._ended and len(self._cursors) - 1 not in self._wanted

    def fetchMore(self, parent: Index) -> None:
        self._request(len(self._cursors) - 1)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            texts = self.texts(index.row())
            return texts[index.column()] if texts is not None else ""
        if role == Qt.ItemDataRole.ToolTipRole:
            row, told = self.row(index.row()), self.columns[index.column()].tip
            return tip(told(row)) if row is not None and told is not None else None
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        column = self.columns[section]
        if role == Qt.ItemDataRole.DisplayRole:
            place = next((n for n, (key, _) in enumerate(self.order) if key == column.key), None)
            if place is None:
                return column.title if self.order else column.heading
            arrow = "↓" if self.order[place][1] else "↑"
            return f"{column.title} {arrow}{place + 1 if len(self.order) > 1 else ''}"
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleDescriptionRole):
            order = (
                tr("Newest first") if any(c.newest_first for c in self.columns) else tr("In order of arrival")
            )
            return tr("{order}. Drag to move; right click for the columns shown", order=order)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            right = column.kind == "number"
            return Qt.AlignmentFlag.AlignVCenter | (
                Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
            )
        return None
