"""The filter bar: typed chips and a text field with completion.

Typing `level:` offers the field's values; space or Enter makes a chip of a complete condition; Backspace at
the left edge takes the last chip back into the field as text, so nothing typed is ever lost; Esc clears the
text, then leaves. Tables feed it by clicks: filter for, filter out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, QRect, QStringListModel, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QCompleter, QFrame, QHBoxLayout, QLineEdit, QListView, QToolButton

from sent.platform.i18n import tr
from sent.ui.kit.query import Term, parse, unparse
from sent.ui.kit.text import tip
from sent.ui.kit.widgets import IconLabel, restyle, row, tool
from sent.ui.theme import theme
from sent.ui.theme.dressing import dress


@dataclass(frozen=True, slots=True)
class Field:
    """A field the filter knows: values are offered in this order."""

    name: str
    title: str
    values: tuple[str, ...] = ()


class FilterBar(QFrame):
    """Chips of conditions and a line to type more."""

    changed = Signal(object)
    """The conditions, a tuple of Term."""
    left = Signal()

    def __init__(self, fields: Sequence[Field], *, hint: str, name: str) -> None:
        super().__init__()
        self._fields = {field.name: field for field in fields}
        self._terms: list[Term] = []
        self.setProperty("kind", "field")
        self.edit = QLineEdit()
        self.edit.setProperty("kind", "bare")
        self.edit.setPlaceholderText(hint)
        self.edit.setAccessibleName(name)
        self.edit.setMinimumWidth(140)
        self.edit.installEventFilter(self)
        self.edit.textEdited.connect(self._edited)
        self._clear = tool("x", tr("Clear filter"), self.clear, size=14)
        self._clear.hide()
        self._chips = QHBoxLayout()
        self._chips.setSpacing(4)
        self.setLayout(
            row(
                IconLabel("list-filter", "text3", 15),
                self._chips,
                self.edit,
                self._clear,
                gap=8,
                margins=(10, 2, 4, 2),
            )
        )
        self._tools = row(gap=2)
        whole = self.layout()
        if isinstance(whole, QHBoxLayout):
            whole.addLayout(self._tools)
        self.setMinimumHeight(36)
        self._settle = QTimer(self, singleShot=True, interval=250)
        self._settle.timeout.connect(self._emit)
        self._last: tuple[Term, ...] = ()
        theme.state().changed.connect(self._rebuild)
        self._words = QStringListModel(self)
        self._completer = _completer(self._words, self)
        self._completer.activated.connect(self._accepted)
        self._popup = QListView()
        dress(self._popup)
        self._popup.setProperty("kind", "menu")
        self._completer.setPopup(self._popup)

    def terms(self) -> tuple[Term, ...]:
        """Return all conditions, also the text that is still being typed."""
        return tuple(self._terms) + parse(self.edit.text())

    def text(self) -> str:
        """Return the whole filter as text, for links and preferences."""
        return unparse(self.terms())

    def set_text(self, text: str) -> None:
        """Show a filter."""
        self._terms = list(parse(text))
        self.edit.clear()
        self._rebuild()

    def add(self, field: str, value: str, *, out: bool = False) -> None:
        """Filter for a value, or filter it out."""
        self._put(Term(field, value, out))

    def clear(self) -> None:
        """Take everything away."""
        self._terms = []
        self.edit.clear()
        self._rebuild()

    def put_tool(self, made: QToolButton) -> None:
        """Put a button at the right end."""
        self._tools.addWidget(made)
        self.setTabOrder(self._clear, made)

    def set_values(self, field: str, values: Sequence[str]) -> None:
        """Offer `values` for `field`; a field that is not known yet is added."""
        known = self._fields.get(field)
        self._fields[field] = Field(field, known.title if known else field, tuple(values))

    def suggestions(self, word: str) -> list[str]:
        """Return what may stand in place of `word`, best first."""
        sign, body = ("-", word[1:]) if word.startswith("-") else ("", word)
        field, colon, value = body.partition(":")
        if colon and field in self._fields:
            found = [v for v in self._fields[field].values if value.lower().rstrip("*") in v.lower()]
            return [str(Term(field, v, bool(sign))) for v in found[:12]]
        return [f"{sign}{name}:" for name in self._fields if name.startswith(body.lower())] if body else []

    def _put(self, term: Term) -> None:
        opposite = Term(term.field, term.value, not term.out)
        self._terms = [t for t in self._terms if t not in (term, opposite)] + [term]
        self._rebuild()

    def _edited(self, text: str) -> None:
        if text.endswith(" ") and text.count('"') % 2 == 0:
            self._commit(keep_words=True)
        word = self.edit.text().split(" ")[-1]
        offers = self.suggestions(word)
        self._words.setStringList(offers)
        if offers and offers != [word]:
            width = max(220, self.width() // 3)
            self._completer.complete(QRect(0, self.edit.height() + 6, width, 0))
        else:
            self._popup.hide()
        self._settle.start()

    def _accepted(self, offer: str) -> None:
        words = self.edit.text().split(" ")[:-1]
        QTimer.singleShot(0, self, lambda: self._replace([*words, offer]))

    def _replace(self, words: list[str]) -> None:
        self.edit.setText(" ".join(words))
        if words[-1].endswith(":"):
            self._edited(self.edit.text())
        else:
            self._commit(keep_words=True)

    def _commit(self, *, keep_words: bool) -> None:
        """Make chips of the complete conditions in the field; plain words stay text while typing goes on."""
        words: list[Term] = []
        for term in parse(self.edit.text()):
            if term.field or not keep_words:
                self._terms = [t for t in self._terms if t != term] + [term]
            else:
                words.append(term)
        rest = unparse(words)
        self.edit.setText(f"{rest} " if rest and keep_words else rest)
        self._rebuild()

    def _rebuild(self) -> None:
        while (item := self._chips.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for term in self._terms:
            self._chips.addWidget(_Chip(term, self._remove))
        self._emit()

    def _remove(self, term: Term) -> None:
        self._terms = [t for t in self._terms if t != term]
        self._rebuild()
        self.edit.setFocus()

    def _emit(self) -> None:
        self._settle.stop()
        terms = self.terms()
        self._clear.setVisible(bool(terms))
        if terms != self._last:
            self._last = terms
            self.changed.emit(terms)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.edit:
            if event.type() in (QEvent.Type.FocusIn, QEvent.Type.FocusOut):
                restyle(self, focused=event.type() == QEvent.Type.FocusIn)
            elif event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
                return self._key(event)
        return super().eventFilter(watched, event)

    def _key(self, event: QKeyEvent) -> bool:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._commit(keep_words=False)
            self.left.emit()
            return True
        if event.key() == Qt.Key.Key_Escape:
            if self.edit.text():
                self.edit.clear()
                self._emit()
            else:
                self.left.emit()
            return True
        if event.key() == Qt.Key.Key_Backspace and not self.edit.text() and self._terms:
            self.edit.setText(str(self._terms.pop()))
            self._rebuild()
            return True
        return False


class _Chip(QToolButton):
    """One condition; a click takes it away."""

    def __init__(self, term: Term, remove: Callable[[Term], None]) -> None:
        super().__init__()
        shown = str(term) if len(str(term)) <= 36 else str(term)[:35] + "…"
        self.setText(f"{shown}  ×")
        self.setToolTip(tip(tr("{term}: click to remove", term=str(term))))
        self.setAccessibleName(tr("Filter {term}, remove", term=str(term)))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        t = theme.tokens()
        ink, ground = (t.text2, t.hover) if term.out else (t.accent, t.selected)
        self.setStyleSheet(
            f"QToolButton {{ color: {ink}; background: {ground}; padding: 2px 7px; }}"
            f"QToolButton:focus {{ border-color: {ink}; }}"
        )
        self.clicked.connect(lambda _=False: remove(term))


def _completer(words: QStringListModel, bar: FilterBar) -> QCompleter:
    made = QCompleter(words, bar)
    made.setWidget(bar.edit)
    made.setCompletionMode(QCompleter.CompletionMode.UnfilteredPopupCompletion)
    made.setMaxVisibleItems(10)
    return made
