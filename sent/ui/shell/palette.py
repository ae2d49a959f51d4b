"""The command palette (Ctrl+K): actions, pages, choices of an action; fuzzy, recent first.

Backspace in the empty field goes one step back (from an action's choices to all, from all to closed).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRectF,
    QSize,
    Qt,
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
from sent.ui.kit.widgets import IconLabel, cap_width, caps, column, label, line, paint_caps, row
from sent.ui.shell.overlay import Overlay
from sent.ui.theme import theme
from sent.ui.theme.icons import pixmap

SHOWN = 60


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


def score(query: str, text: str) -> int | None:
    """Return how well `query` fits `text` (higher is better), or None when a letter is missing.

    Letters must come in order; starts of words and runs of letters count more, gaps less.
    """
    query, lower = query.lower().replace(" ", ""), text.lower()
    if not query:
        return 0
    if query in lower:
        at = lower.index(query)
        return 1000 - at + (200 if at == 0 or not lower[at - 1].isalnum() else 0) - len(lower) // 4
    total, place, run = 0, -1, 0
    for letter in query:
        found = lower.find(letter, place + 1)
        if found < 0:
            return None
        run = run + 1 if found == place + 1 else 0
        start = found == 0 or not lower[found - 1].isalnum()
        total += 8 + run * 6 + (14 if start else 0) - min(6, found - place - 1)
        place = found
    return total - len(lower) // 8


def ranked(query: str, entries: Sequence[Entry], recent: Sequence[str] = ()) -> list[Entry]:
    """Return the entries that fit, best first; without a query the recent ones lead."""
    order = {id: place for place, id in enumerate(recent)}
    scored: list[tuple[int, int, Entry]] = []
    for number, entry in enumerate(entries):
        found = score(query, entry.title)
        other = found is None and len(query) > 2 and query.lower() in f"{entry.group} {entry.words}".lower()
        value = found if found is not None else (-300 if other else None)
        if value is not None:
            bonus = max(0, 40 - 4 * order[entry.id]) + (500 if not query else 0) if entry.id in order else 0
            scored.append((-(value + bonus), number, entry))
    return [entry for _, _, entry in sorted(scored, key=lambda item: item[:2])[:SHOWN]]


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
            return self.entries[index.row()].title
        return None


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
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        chosen = bool(view.state & QStyle.StateFlag.State_Selected)
        if chosen:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("selected"))
            painter.drawRoundedRect(box, 6, 6)
        shade = str(getattr(theme.tokens(), "accent" if chosen else "text3"))
        painter.drawPixmap(
            round(box.left()) + 10,
            round(box.center().y()) - 8,
            pixmap(entry.icon, shade, 16, painter.device().devicePixelRatioF()),
        )
        right = box.right() - 10
        font = QFont(view.font)
        tiny = QFont(font)
        tiny.setPixelSize(round(11 * theme.state().scale))
        painter.setFont(tiny)
        if entry.shortcut:
            keys = caps(entry.shortcut)
            right -= cap_width(QFontMetrics(tiny), keys)
            paint_caps(painter, QRectF(right, box.top(), 200, box.height()), keys)
            right -= 12
        if entry.group:
            painter.setPen(theme.colour("text3"))
            width = QFontMetrics(tiny).horizontalAdvance(entry.group)
            right -= width
            painter.drawText(
                QRectF(right, box.top(), width + 2, box.height()),
                int(Qt.AlignmentFlag.AlignVCenter),
                entry.group,
            )
            right -= 12
        painter.setFont(font)
        painter.setPen(theme.colour("text"))
        room = right - box.left() - 38
        text = QFontMetrics(font).elidedText(entry.title, Qt.TextElideMode.ElideRight, round(room))
        painter.drawText(
            QRectF(box.left() + 38, box.top(), room, box.height()), int(Qt.AlignmentFlag.AlignVCenter), text
        )


class Palette(Overlay):
    """The floating field with its list."""

    def __init__(
        self, window: QWidget, entries: Callable[[], Sequence[Entry]], recent: Callable[[], Sequence[str]]
    ) -> None:
        card = QFrame()
        card.setFixedSize(620, 420)
        super().__init__(window, card, top=96)
        self._entries, self._recent = entries, recent
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
        card.setLayout(column(head, line(), self.list, self._empty, gap=6, margins=(0, 6, 0, 8)))
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
        self.field.setPlaceholderText(
            tr("Choose") if self._steps else tr("Type a command, a page, an action")
        )
        self.field.clear()
        self._filter("")
        self.field.setFocus()

    def _filter(self, text: str) -> None:
        pool = self._steps[-1][1] if self._steps else self._entries()
        found = ranked(text.strip(), pool, self._recent() if not self._steps else ())
        self._model.show_entries(found)
        self._empty.setVisible(not found)
        self.list.setVisible(bool(found))
        if found:
            self.list.setCurrentIndex(self._model.index(0))
            self.list.scrollToTop()

    def _choose(self, number: int) -> None:
        if not 0 <= number < len(self._model.entries):
            return
        entry = self._model.entries[number]
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
            self.list.setCurrentIndex(self._model.index(number))
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
