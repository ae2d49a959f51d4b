"""Events before and after a mapping, beside each other: what changed stands first, and is marked."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QBrush
from PySide6.QtWidgets import QHeaderView, QPlainTextEdit, QTableWidget, QTableWidgetItem, QWidget

from sent.platform.i18n import tr, trn
from sent.ui.kit.choice import Segments
from sent.ui.kit.text import absolute, tip
from sent.ui.kit.widgets import column, label, row, tool
from sent.ui.theme import theme

if TYPE_CHECKING:
    from sent.engines.radar.api import Looked, MappingPreview

LONGEST = 2000


class PreviewPane(QWidget):
    """`ask` hears that the preview is wanted anew; `pasted` is what was pasted, or nothing."""

    def __init__(self, ask: Callable[[], object]) -> None:
        super().__init__()
        self._ask, self.found, self.at = ask, None, 0  # type: Callable[[], object], MappingPreview | None, int
        choices = (("latest", tr("Latest events")), ("pasted", tr("A pasted event")))
        self.mode = "latest"
        self._chosen = False
        self.modes = Segments(tr("Events to try it on"), choices, self.mode, self.show_mode)
        self.place = label(tone="2", type="s")
        self.before = tool("arrow-left", tr("The event before"), lambda: self.go(-1))
        self.after = tool("arrow-right", tr("The next event"), lambda: self.go(1))
        self.paste = QPlainTextEdit()
        self.paste.setAccessibleName(tr("A pasted event"))
        self.paste.setPlaceholderText(tr("Paste a line as it arrives from the source"))
        self.paste.setProperty("type", "mono")
        self.paste.setTabChangesFocus(True)
        self.paste.setFixedHeight(84)
        self.paste.textChanged.connect(ask)
        self.paste.hide()
        self.told = label(tone="2", wrap=True)
        self.warned = label(tone="warn", type="s", wrap=True)
        self.table = _table()
        head = row(self.modes, None, self.before, self.place, self.after, gap=6)
        body = column(head, self.paste, self.told, self.warned, self.table, gap=8)
        body.setStretch(4, 1)
        self.setLayout(body)
        theme.state().changed.connect(self._show)
        self._show()

    @property
    def pasted(self) -> str:
        """What was pasted, while that is looked at."""
        return self.paste.toPlainText() if self.mode == "pasted" else ""

    def show_mode(self, mode: str) -> None:
        """Look at the latest events, or at a pasted one."""
        self.mode = mode
        self.modes.show_choice(mode)
        self.paste.setVisible(mode == "pasted")
        if mode == "pasted":
            self.paste.setFocus()
        self.at, self._chosen = 0, False
        self._ask()

    def show_preview(self, found: MappingPreview | None) -> None:
        """Show what a mapping does; None: nothing is known yet."""
        self.found = found
        if found is not None and not self._chosen:
            # The first event that the steps change says more than the latest one.
            self.at = next((n for n, looked in enumerate(found.events) if looked.changed), 0)
        self.at = min(self.at, max(0, len(found.events) - 1)) if found is not None else 0
        self._show()

    def go(self, by: int) -> None:
        """Show another event."""
        if self.found is not None and self.found.events:
            self.at = (self.at + by) % len(self.found.events)
            self._chosen = True
            self._show()

    def _show(self) -> None:
        events = self.found.events if self.found is not None else ()
        several = len(events) > 1
        self.before.setVisible(several)
        self.after.setVisible(several)
        self.place.setText(tr("{n} of {all}", n=self.at + 1, all=len(events)) if several else "")
        self.warned.hide()
        if not events:
            self.table.setRowCount(0)
            waits = tr("Paste an event to see what the steps do to it.")
            none = tr("This source has sent nothing within a week. Paste an event instead.")
            self.told.setText(waits if self.mode == "pasted" else none if self.found is not None else "")
            return
        looked = events[self.at]
        self._tell(looked)
        self._fill(looked)

    def _tell(self, looked: Looked) -> None:
        rules = trn("{n} rule looks at it", "{n} rules look at it", n=looked.rules)
        source = looked.source_after or tr("no log source: rules of all look at it")
        if looked.source_before != looked.source_after:
            source = f"{looked.source_before or tr('no log source')} → {source}"
        if looked.rules != looked.rules_before:
            rules += f" ({tr('before: {n}', n=looked.rules_before)})"
        self.told.setText(f"{absolute(looked.at)} · {source} · {rules}")
        said = []
        if looked.failed:
            said.append(tr("The steps fail on it, so it stays as it is: {reason}", reason=looked.failed))
        if self.found is not None and self.found.went_through:
            said.append(tr("It went through the saved steps already; what they moved or dropped is gone."))
        self.warned.setText("\n".join(said))
        self.warned.setVisible(bool(said))

    def _fill(self, looked: Looked) -> None:
        names = sorted(
            looked.before.keys() | looked.after.keys(), key=lambda n: (n not in looked.changed, n.lower())
        )
        self.table.setRowCount(len(names))
        mark, pale = QBrush(theme.colour("mark")), QBrush(theme.colour("text3"))
        for number, name in enumerate(names):
            texts = (name, _cell(looked.before, name), _cell(looked.after, name))
            for place, text in enumerate(texts):
                item = QTableWidgetItem(text)
                item.setToolTip(tip(text))
                if name in looked.changed:
                    item.setBackground(mark)
                    item.setForeground(QBrush(theme.colour("text")))
                elif place:
                    item.setForeground(pale)
                self.table.setItem(number, place, item)


def _table() -> QTableWidget:
    made = QTableWidget(0, 3)
    made.setAccessibleName(tr("Before and after"))
    made.setHorizontalHeaderLabels([tr("Field"), tr("Before"), tr("After")])
    made.verticalHeader().hide()
    made.verticalHeader().setDefaultSectionSize(26)
    made.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
    made.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
    made.setShowGrid(False)
    made.setTabKeyNavigation(False)
    made.setWordWrap(False)
    made.setHorizontalScrollMode(QTableWidget.ScrollMode.ScrollPerPixel)
    header = made.horizontalHeader()
    header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
    header.setSectionResizeMode(0, QHeaderView.ResizeMode.Interactive)
    header.resizeSection(0, 190)
    header.setHighlightSections(False)
    return made


def _cell(fields: dict[str, Any], name: str) -> str:
    if name not in fields:
        return "–"
    return str(fields[name] or "")[:LONGEST].replace("\n", " ⏎ ")
