"""One entry beside the list: its lines as a small table of debits and credits, and where it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLabel

from sent.platform.i18n import tr
from sent.ui.kit.chips import Chip
from sent.ui.kit.detail import DetailPanel
from sent.ui.kit.text import absolute
from sent.ui.kit.widgets import ElidedLink, clear, label, row
from sent.ui.pages.capital.journal.lists import kind_name
from sent.ui.pages.capital.money import day_shown, shown

if TYPE_CHECKING:
    from sent.engines.capital.reports.api import EntryLine, EntryRow


class EntryPanel(DetailPanel):
    """The row's own facts at once, the lines when they are there."""

    account_wanted = Signal(str)
    """The id of an account whose name was clicked."""

    def __init__(self) -> None:
        super().__init__(tr("Entry"))
        self.entry: EntryRow | None = None

    def show_entry(self, entry: EntryRow) -> None:
        """Show what the list knows already."""
        changed = self.entry is None or self.entry.id != entry.id
        self.entry = entry
        clear(self.head)
        kind = Chip(tr("Reversed") if entry.reversed else kind_name(entry.kind))
        day = label(f"{day_shown(entry.day)}  ·  {entry.journal} {entry.seq}", tone="2")
        self.head.addLayout(row(kind, day, None, *self.tools(str(entry.id), tr("Copy entry id")), gap=8))
        title = label(entry.memo or kind_name(entry.kind), type="l", wrap=True)
        title.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.head.addWidget(title)
        if changed:
            clear(self.body)
            self.body.addWidget(label(tr("Loading"), tone="3"))
            self.scroll_up()

    def show_lines(self, entry: EntryRow, lines: Sequence[EntryLine]) -> None:
        """Show what the entry consists of."""
        if self.entry is None or self.entry.id != entry.id:
            return
        clear(self.body)
        self.body.addLayout(self._table(lines))
        if entry.reference:
            self.pair(tr("Reference"), entry.reference, field="")
        self.pair(tr("Booked"), absolute(entry.booked_at), field="")

    def _wanted(self, account: UUID) -> None:
        self.account_wanted.emit(str(account))

    def _table(self, lines: Sequence[EntryLine]) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(14)
        grid.setVerticalSpacing(7)
        grid.setColumnStretch(0, 1)
        for place, title in enumerate((tr("Account"), tr("Debit"), tr("Credit"))):
            heading = label(title, tone="3", type="s")
            if place:
                heading.setAlignment(Qt.AlignmentFlag.AlignRight)
            grid.addWidget(heading, 0, place)
        home = {line.commodity for line in lines}
        for number, line in enumerate(lines, 1):
            name = ElidedLink(f"{line.code} {line.name}", partial(self._wanted, line.account), tr("Open"))
            grid.addWidget(name, number * 2 - 1, 0)
            unit = f" {line.commodity}" if len(home) > 1 else ""
            grid.addWidget(_figure(shown(line.amount) + unit if line.amount > 0 else ""), number * 2 - 1, 1)
            grid.addWidget(_figure(shown(-line.amount) + unit if line.amount < 0 else ""), number * 2 - 1, 2)
            if line.note:
                grid.addWidget(label(line.note, tone="3", type="s", wrap=True), number * 2, 0, 1, 3)
        return grid


def _figure(text: str) -> QLabel:
    made = label(text)
    made.setProperty("figures", True)
    made.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    return made
