"""How a bank writes its CSV: which column is what, with the first lines as they would be read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QFrame, QGridLayout

from sent.platform.errors import SentError
from sent.platform.i18n import tr, trn
from sent.ui.kit.choice import Dropdown
from sent.ui.kit.table import Column
from sent.ui.kit.tableview import PagedTable
from sent.ui.kit.widgets import Elided, button, column, label, line, restyle, row
from sent.ui.pages.capital.fields import captioned
from sent.ui.pages.capital.money import day_shown, shown
from sent.ui.shell.overlay import Overlay
from sent.ui.shell.shell import error_text
from sent.ui.theme import theme

if TYPE_CHECKING:
    from sent.engines.capital.bank.api import CsvMapping, StatementLine
    from sent.ui.kit.page import Page

WIDTH, HEIGHT = 860, 640
SHOWN = 50
SETTLE_MS = 120


@dataclass(frozen=True, slots=True)
class Offer:
    """A file and what it suggests; no mapping where its head says nothing."""

    name: str
    data: bytes
    heads: Sequence[str]
    mapping: CsvMapping | None
    delimiters: Sequence[str]
    days: Sequence[str]
    commodity: str


class ImportLayer(Overlay):
    """See the module; `take` hears the file and the mapping."""

    sends = True

    def __init__(self, page: Page, take: Callable[[Offer, CsvMapping], object]) -> None:
        card = QFrame()
        card.setFixedSize(WIDTH, HEIGHT)
        super().__init__(page.window(), card)
        self._page, self._taken = page, take
        self.offer: Offer | None = None
        self.mapping: CsvMapping | None = None
        self.title = Elided("", type="l")
        self.said = label("", tone="2", wrap=True)
        self.choices: dict[str, Dropdown] = {}
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(8)
        self.preview = PagedTable(_columns(), run=page.run, name=tr("Lines as they are read"))
        self.take = button(tr("Import"), self.send, kind="primary", name=tr("Import the file"))
        leave = button(tr("Cancel"), self.close_layer, kind="quiet")
        body = column(
            self.title, label(tr("Say which column is what. The lines below follow."), tone="2", wrap=True),
            line(), self._grid, self.preview, self.said, row(None, leave, self.take, gap=8), gap=10,
            margins=(20, 16, 20, 16),
        )  # fmt: skip
        body.setStretch(4, 1)
        card.setLayout(body)
        self._timer = QTimer(self, singleShot=True, interval=SETTLE_MS)
        self._timer.timeout.connect(self._read)
        for keys in ("Ctrl+Return", "Ctrl+Enter"):
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(self.send)

    def open_offer(self, offer: Offer) -> None:
        """Show what a file suggests."""
        self.offer, self.mapping = offer, None
        self.title.setText(tr("Import {name}", name=offer.name))
        self._fill(offer)
        scale = max(1.0, theme.state().scale)
        self.card.setFixedSize(round(WIDTH * scale), round(HEIGHT * scale))
        self.preview.model_.show_skeleton()
        self.take.setEnabled(False)
        self.open()
        self.choices["day"].setFocus()
        self._read()

    def _fill(self, offer: Offer) -> None:
        while (item := self._grid.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        self.choices = {}
        found = offer.mapping
        none = [("", tr("None"))]
        heads = none + [(head, head[:40]) for head in offer.heads]
        columns = found.columns if found is not None else {}
        names = (
            ("day", tr("Day")), ("amount", tr("Amount")), ("debit", tr("Money out")),
            ("credit", tr("Money in")), ("counterparty", tr("Counterparty")), ("iban", tr("Their IBAN")),
            ("text", tr("Text")), ("reference", tr("Reference")),
        )  # fmt: skip
        for place, (field, name) in enumerate(names):
            current = next(iter(columns.get(field, ())), "")
            self._add(field, name, heads, current, place)
        signs = [(one, {"\t": tr("Tab"), "|": "|"}.get(one, one)) for one in offer.delimiters]
        self._add("delimiter", tr("Between columns"), signs, found.delimiter if found else ";", 8)
        marks = [(".", "1234.56"), (",", "1234,56")]
        self._add("mark", tr("Amounts"), marks, found.mark if found else ",", 9)
        days = [(one, _sample(one)) for one in offer.days]
        self._add("day_format", tr("Days"), days, found.day_format if found else offer.days[0], 10)

    def _add(
        self, field: str, name: str, choices: Sequence[tuple[str, str]], current: str, place: int
    ) -> None:  # fmt: skip
        made = Dropdown(name, choices, current, lambda _choice: self._timer.start())
        made.setMinimumWidth(120)
        made.setSizeAdjustPolicy(made.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        made.setMinimumContentsLength(9)
        self.choices[field] = made
        self._grid.addWidget(captioned(made), place // 4, place % 4)

    def _columns_chosen(self) -> dict[str, tuple[str, ...]]:
        offer, found = self.offer, {}
        kept = offer.mapping.columns if offer is not None and offer.mapping is not None else {}
        for field, made in self.choices.items():
            choice = made.choice()
            if field in ("delimiter", "mark", "day_format") or not choice:
                continue
            more = kept.get(field, ())
            # Text may stand in several columns; those that were found stay while the first one does.
            found[field] = tuple(more) if more[:1] == (choice,) else (choice,)
        rest = {name: names for name, names in kept.items() if name not in self.choices}
        return rest | found

    def _read(self) -> None:
        """Read the file as it is mapped now."""
        offer = self.offer
        if offer is None:
            return
        columns = self._columns_chosen()
        picked = {name: self.choices[name].choice() for name in ("delimiter", "mark", "day_format")}

        async def read() -> tuple[Any, Sequence[StatementLine], Sequence[str]]:
            api = self._page.api("capital.bank")
            heads = api.heading(offer.data, picked["delimiter"])
            if not set(heads) & {name for names in columns.values() for name in names}:
                return None, (), heads
            mapping = api.CsvMapping(columns, commodity=offer.commodity, **picked)
            _, found = api.read_statements(offer.data, format="csv", mapping=mapping)
            return mapping, found[0].lines, heads

        def done(found: tuple[Any, Sequence[StatementLine], Sequence[str]]) -> None:
            mapping, lines, heads = found
            if self.offer is not offer:
                return
            if mapping is None and tuple(heads) != tuple(offer.heads):
                self._again(offer, heads)
                return
            self.mapping = mapping
            self.take.setEnabled(mapping is not None)
            self.preview.show_rows(list(lines)[:SHOWN], key=id)
            self._tell(trn("{n} line is read", "{n} lines are read", n=len(lines)))

        def failed(error: SentError) -> None:
            if self.offer is offer:
                self.mapping = None
                self.take.setEnabled(False)
                self.preview.show_rows([], key=id)
                self._tell(error_text(error), bad=True)

        self._page.run(read, done=done, failed=failed)

    def _again(self, offer: Offer, heads: Sequence[str]) -> None:
        """The file has other columns when they end elsewhere: offer those."""
        delimiter = self.choices["delimiter"].choice()
        self.offer = Offer(
            offer.name, offer.data, heads, None, offer.delimiters, offer.days, offer.commodity
        )  # fmt: skip
        self._fill(self.offer)
        self.choices["delimiter"].show_choice(delimiter)
        self.take.setEnabled(False)
        self._tell(tr("Choose at least the columns of day and amount"))

    def send(self) -> None:
        """Import the file as it is mapped."""
        if self.offer is not None and self.mapping is not None and self.take.isEnabled():
            self.close_layer()
            self._taken(self.offer, self.mapping)

    def _tell(self, text: str, *, bad: bool = False) -> None:
        restyle(self.said, tone="bad" if bad else "2")
        self.said.setText(text)


def _columns() -> list[Column]:
    return [
        Column("day", tr("Day"), lambda one: day_shown(one.day), 96, "time"),
        Column("counterparty", tr("Counterparty"), lambda one: one.counterparty, 180, "strong"),
        Column("text", tr("Text"), lambda one: one.text, 200, stretch=True),
        Column("reference", tr("Reference"), lambda one: one.reference, 110, "mono", drop=1),
        Column("amount", tr("Amount"), lambda one: shown(one.amount, one.commodity), 110, "number"),
    ]  # fmt: skip


def _sample(form: str) -> str:
    """Return the last day of 2025 as a format writes it."""
    return date(2025, 12, 31).strftime(form)
