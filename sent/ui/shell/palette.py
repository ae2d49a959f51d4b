"""The command palette (Ctrl+K): actions, pages, records, choices of an action; fuzzy, recent first.

Backspace in the empty field goes one step back (from an action's choices to all, from all to closed).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRectF,
    QSize,
    Qt,
    QTimer,
)
from PySide6.QtGui import QFont, QFontMetrics, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from sent.platform.i18n import tr
from sent.ui.kit.keycaps import cap_width, caps, paint_caps
from sent.ui.kit.widgets import IconLabel, column, label, line, mirrored, row
from sent.ui.shell.overlay import Overlay
from sent.ui.shell.ranking import Titles
from sent.ui.theme import theme
from sent.ui.theme.icons import pixmap

if TYPE_CHECKING:
    from sent.ui.shell.search import Searcher


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the palette: `run` does it, `step` opens its choices."""

    id: str
    title: str
    group: str = ""
    icon: str = "chevron-right"
    shortcut: str = ""
    run: Callable[[], object] | None = None
    step: Callable[[], Sequence[Entry]] | None = None
    words: str = ""
    """Further words that find it."""
    detail: str = ""
    """What stands behind the title, paler."""
    heading: bool = False
    """A line between others that cannot be chosen."""


def ranked(query: str, entries: Sequence[Entry], recent: Sequence[str] = ()) -> list[Entry]:
    """Return the entries that fit, best first; without a query the recent ones lead."""
    return Pool(entries, recent).ranked(query)


class Pool:
    """Entries ready to be ranked at every keystroke."""

    def __init__(self, entries: Sequence[Entry], recent: Sequence[str] = ()) -> None:
        self.entries = entries
        self.titles = Titles(
            [e.title for e in entries], [f"{e.group} {e.words}" if e.words else e.group for e in entries]
        )
        places = {id: place for place, id in enumerate(recent)}
        self._used = {row: places[e.id] for row, e in enumerate(entries) if e.id in places} if places else {}

    def ranked(self, query: str) -> list[Entry]:
        """Return the entries that fit, best first."""
        return [self.entries[row] for row in self.titles.ranked(query, self._used)]


class _Model(QAbstractListModel):
    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.entries: list[Entry] = []

    def show_entries(self, entries: list[Entry]) -> None:
        self.beginResetModel()
        self.entries = entries
        self.endResetModel()

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = QModelIndex()) -> int:  # noqa: B008
        return len(self.entries)

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = 0) -> Any:
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            entry = self.entries[index.row()]
            return f"{entry.title}, {entry.detail}" if entry.detail else entry.title
        return None

    def flags(self, index: QModelIndex | QPersistentModelIndex) -> Qt.ItemFlag:
        heading = index.isValid() and self.entries[index.row()].heading
        return Qt.ItemFlag.NoItemFlags if heading else super().flags(index)


class _Delegate(QStyledItemDelegate):
    def __init__(self, model: _Model) -> None:
        super().__init__(model)
        self._model = model

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(100, round(36 * max(1.0, theme.state().scale)))

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        view: Any = option
        entry = self._model.entries[index.row()]
        box = QRectF(view.rect).adjusted(6, 1, -6, -1)

        def turned(place: QRectF) -> QRectF:
            return mirrored(place, box.width(), box.left())

        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if entry.heading:
            painter.setPen(theme.colour("text3"))
            painter.drawText(
                turned(box.adjusted(10, 4, 0, 0)), int(Qt.AlignmentFlag.AlignVCenter), entry.title
            )
            return
        chosen = bool(view.state & QStyle.StateFlag.State_Selected)
        if chosen:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("selected"))
            painter.drawRoundedRect(box, 6, 6)
        shade = str(getattr(theme.tokens(), "accent" if chosen else "text3"))
        place = turned(QRectF(round(box.left()) + 10, round(box.center().y()) - 8, 16, 16))
        painter.drawPixmap(
            place.topLeft(), pixmap(entry.icon, shade, 16, painter.device().devicePixelRatioF())
        )
        right = box.right() - 10
        font = QFont(view.font)
        tiny = QFont(font)
        tiny.setPixelSize(round(11 * theme.state().scale))
        painter.setFont(tiny)
        if entry.shortcut:
            keys = caps(entry.shortcut)
            wide = cap_width(QFontMetrics(tiny), keys)
            right -= wide
            paint_caps(painter, turned(QRectF(right, box.top(), wide, box.height())), keys)
            right -= 12
        if entry.group:
            painter.setPen(theme.colour("text3"))
            width = QFontMetrics(tiny).horizontalAdvance(entry.group)
            right -= width
            painter.drawText(
                turned(QRectF(right, box.top(), width + 2, box.height())),
                int(Qt.AlignmentFlag.AlignVCenter),
                entry.group,
            )
            right -= 12
        painter.setFont(font)
        painter.setPen(theme.colour("text"))
        room = right - box.left() - 38
        text = QFontMetrics(font).elidedText(entry.title, Qt.TextElideMode.ElideRight, round(room))
        painter.drawText(
            turned(QRectF(box.left() + 38, box.top(), room, box.height())),
            int(Qt.AlignmentFlag.AlignVCenter),
            text,
        )
        taken = QFontMetrics(font).horizontalAdvance(text) + 12
        if entry.detail and room - taken > 40:
            painter.setPen(theme.colour("text3"))
            rest = QFontMetrics(font).elidedText(
                entry.detail, Qt.TextElideMode.ElideRight, round(room - taken)
            )
            painter.drawText(
                turned(QRectF(box.left() + 38 + taken, box.top(), room - taken, box.height())),
                int(Qt.AlignmentFlag.AlignVCenter),
                rest,
            )


class Palette(Overlay):
    """The floating field with its list."""

    def __init__(
        self,
        window: QWidget,
        entries: Callable[[], Sequence[Entry]],
        recent: Callable[[], Sequence[str]],
        searcher: Searcher | None = None,
    ) -> None:
        card = QFrame()
        card.setFixedSize(620, 420)
        super().__init__(window, card, top=96)
        self._entries, self._recent, self._searcher = entries, recent, searcher
        self._pool = Pool(())
        self._own: list[Entry] = []
        self._moved = False
        """Whether the user chose a line himself: it stays chosen while records arrive."""
        self._ready = QTimer(self, interval=0)
        self._ready.timeout.connect(self._prepare)
        self.closed.connect(self._rest)
        self._steps: list[tuple[str, Sequence[Entry]]] = []
        self._crumb = label("", tone="accent", weight="medium")
        self.field = QLineEdit()
        self.field.setProperty("kind", "bare")
        self.field.setAccessibleName(tr("Search or run a command"))
        self.field.textChanged.connect(self._filter)
        self.field.installEventFilter(self)
        self.list = QListView()
        self.list.setAccessibleName(tr("Results"))
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setUniformItemSizes(True)
        self.list.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self._model = _Model(self)
        self.list.setModel(self._model)
        self.list.setItemDelegate(_Delegate(self._model))
        self.list.clicked.connect(lambda index: self._choose(index.row()))
        self._empty = label(tr("Nothing found. Backspace goes back, Esc closes."), tone="3")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        head = row(IconLabel("search", "text3", 17), self._crumb, self.field, gap=10, margins=(18, 6, 18, 2))
        self._status = label("", tone="3", type="s")
        self._status.setContentsMargins(18, 0, 18, 0)
        self._status.hide()
        card.setLayout(
            column(head, line(), self.list, self._empty, self._status, gap=6, margins=(0, 6, 0, 8))
        )
        theme.state().changed.connect(self.list.viewport().update)

    def open_palette(self, title: str = "", entries: Sequence[Entry] | None = None) -> None:
        """Open with everything, or with the choices of one step."""
        self._steps = [(title, entries)] if entries is not None else []
        self.open()
        self._enter()

    def visible_titles(self) -> list[str]:
        """Return the titles listed now, in order."""
        return [entry.title for entry in self._model.entries]

    def _enter(self) -> None:
        self._crumb.setText(self._steps[-1][0] if self._steps else "")
        self._crumb.setVisible(bool(self._steps))
        self.field.setPlaceholderText(tr("Choose") if self._steps else self.hint())
        step = self._steps[-1][1] if self._steps else None
        self._pool = Pool(self._entries() if step is None else step, self._recent() if step is None else ())
        self._ready.start()
        if self.field.text():
            self.field.clear()
        else:
            self._filter("")
        self.field.setFocus()

    def hint(self) -> str:
        """Return what the empty field says."""
        return tr("Type a command, a page, a record")

    def _prepare(self) -> None:
        """Make ready what ranks the letters of long lists, in small pieces."""
        if self._pool.titles.prepare():
            self._ready.stop()

    def _rest(self) -> None:
        self._ready.stop()
        if self._searcher is not None:
            self._searcher.cancel()

    def _filter(self, text: str) -> None:
        self._moved = False
        self._own = self._pool.ranked(text)
        self._fill(self._own)
        if self._searcher is not None and not self._steps:
            self._searcher_look(text)

    def _searcher_look(self, text: str) -> None:
        self._say("")
        if self._searcher is not None:
            self._searcher.look(text, self._add)

    def _add(self, records: list[Entry], status: str) -> None:
        """Show records beside what was there; what is chosen stays chosen."""
        if not self.isHidden():
            current = self.list.currentIndex().row()
            known = self._model.entries
            kept = known[current].id if self._moved and 0 <= current < len(known) else ""
            self._fill(self._shown(self._own, records), kept)
            self._say(status)

    def _shown(self, own: list[Entry], records: list[Entry]) -> list[Entry]:
        ids = {entry.id for entry in own}
        return own + [entry for entry in records if entry.id not in ids]

    def _say(self, status: str) -> None:
        self._status.setText(status)
        self._status.setVisible(bool(status))

    def _fill(self, found: list[Entry], kept: str = "") -> None:
        self._model.show_entries(found)
        self._empty.setVisible(not found)
        self.list.setVisible(bool(found))
        place = next((n for n, e in enumerate(found) if kept and e.id == kept), None)
        if place is None:
            place = next((n for n, e in enumerate(found) if not e.heading), None)
        if place is not None:
            self.list.setCurrentIndex(self._model.index(place))
            if not kept:
                self.list.scrollToTop()

    def _choose(self, number: int) -> None:
        if not 0 <= number < len(self._model.entries):
            return
        entry = self._model.entries[number]
        if entry.heading:
            return
        if entry.step is not None:
            self._steps.append((entry.title, entry.step()))
            self._enter()
            return
        self.close_layer()
        if entry.run is not None:
            entry.run()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.field and event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            return self._key(event)
        return super().eventFilter(watched, event)

    def _key(self, event: QKeyEvent) -> bool:
        key, count = Qt.Key(event.key()), self._model.rowCount()
        step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: 8, Qt.Key.Key_PageUp: -8}.get(key)
        if step is not None and count:
            number = self.list.currentIndex().row() + step
            number = number % count if abs(step) == 1 else max(0, min(count - 1, number))
            if self._model.entries[number].heading:
                number = (number + (1 if step > 0 else -1)) % count
            self.list.setCurrentIndex(self._model.index(number))
            self._moved = True
            return True
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._choose(self.list.currentIndex().row())
            return True
        if key == Qt.Key.Key_Backspace and not self.field.text():
            if self._steps:
                self._steps.pop()
                self._enter()
            else:
                self.close_layer()
            return True
        if key == Qt.Key.Key_Escape:
            self.close_layer()
            return True
        return False
