"""Reminders: who would get one today, of what, at which level; those that are ticked are sent, once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QCheckBox, QFrame, QWidget

from sent.platform.errors import SentError
from sent.platform.i18n import tr, trn
from sent.ui.kit.widgets import button, clear, column, label, line, restyle, row, scrolled
from sent.ui.pages.capital.fields import today
from sent.ui.pages.capital.money import day_shown, shown
from sent.ui.shell.overlay import Overlay
from sent.ui.shell.shell import error_text

if TYPE_CHECKING:
    from sent.engines.capital.billing.api import DunningLetter
    from sent.ui.kit.page import Page

USUAL = ((1, 7), (2, 21), (3, 35))
"""Levels and days over due that are proposed where nobody set any."""
ITEMS = 6


class DunLayer(Overlay):
    """See the module; `sent_` hears the letters that were kept."""

    sends = True

    def __init__(self, page: Page, sent: Callable[[Sequence[DunningLetter]], object]) -> None:
        card = QFrame()
        card.setFixedSize(640, 560)
        super().__init__(page.window(), card)
        self._page, self._sent = page, sent
        self.letters: Sequence[DunningLetter] = ()
        self.ticks: dict[UUID, QCheckBox] = {}
        self.said = label("", tone="2", wrap=True)
        self._box = column(gap=10)
        inner = QWidget()
        inner.setLayout(column(self._box, None, margins=(0, 0, 8, 0)))
        self.send = button(tr("Send reminders"), self.run, kind="primary")
        self.levels = button(tr("Take the usual three levels"), self.set_levels)
        leave = button(tr("Cancel"), self.close_layer, kind="quiet")
        area = scrolled(inner, tr("Reminders"))
        body = column(
            label(tr("Reminders"), type="l"), self.said, line(), area, line(),
            row(self.levels, None, leave, self.send, gap=8), gap=10, margins=(20, 16, 20, 16),
        )  # fmt: skip
        body.setStretch(3, 1)
        card.setLayout(body)
        for keys in ("Ctrl+Return", "Ctrl+Enter"):
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(self.run)

    def open_proposal(self) -> None:
        """Ask who would get a reminder today, and show it."""
        self._show((), levels=True)
        self._tell(tr("Loading"))
        self.open()
        self.setFocus()

        async def load() -> tuple[bool, Sequence[DunningLetter]]:
            api = self._page.api("capital.billing")
            ctx = self._page.ctx
            return bool(await api.levels(ctx)), await api.dunning_proposal(ctx, today())

        self._page.run(load, done=lambda found: self._show(found[1], levels=found[0]), failed=self._failed)

    def _show(self, letters: Sequence[DunningLetter], *, levels: bool) -> None:
        self.letters = letters
        clear(self._box)
        self.ticks = {}
        for one in letters:
            self._box.addWidget(self._card(one))
        self.levels.setVisible(not levels)
        self.send.setVisible(levels)
        self.send.setEnabled(bool(letters))
        if not levels:
            self._tell(tr("There are no levels of reminders yet: after 7, 21 and 35 days is usual."))
            self.levels.setFocus()
        elif not letters:
            self._tell(tr("Nobody has to be reminded today."))
        else:
            self._count()
            next(iter(self.ticks.values())).setFocus()

    def _card(self, one: DunningLetter) -> QWidget:
        made = QFrame()
        made.setProperty("kind", "card")
        tick = QCheckBox(one.party_name)
        tick.setAccessibleName(tr("Remind {party}", party=one.party_name))
        tick.setChecked(True)
        tick.toggled.connect(lambda _on: self._count())
        self.ticks[one.id] = tick
        total = label(f"{shown(one.total, one.commodity)} {one.commodity}", weight="bold")
        level = label(tr("Level {n}: {title}", n=one.level, title=one.title), tone="2", type="s", wrap=True)
        lines = [
            tr(
                "{number}, due {day}, {n} days late: {amount}", number=item.number, day=day_shown(item.due),
                n=item.overdue, amount=shown(item.open, one.commodity),
            )
            for item in one.items[:ITEMS]
        ]  # fmt: skip
        if len(one.items) > ITEMS:
            lines.append(tr("and {n} more", n=len(one.items) - ITEMS))
        if one.fee or one.interest:
            lines.append(
                tr("Fee {fee}, interest {interest}", fee=shown(one.fee, one.commodity),
                   interest=shown(one.interest, one.commodity))
            )  # fmt: skip
        made.setLayout(
            column(
                row(tick, None, total), level, label("\n".join(lines), tone="3", type="s", wrap=True), gap=4,
                margins=(12, 8, 12, 8),
            )
        )  # fmt: skip
        return made

    def chosen(self) -> list[DunningLetter]:
        """Return the letters that are ticked."""
        return [one for one in self.letters if self.ticks[one.id].isChecked()]

    def _count(self) -> None:
        found = self.chosen()
        sums: dict[str, Decimal] = {}
        for one in found:
            sums[one.commodity] = sums.get(one.commodity, Decimal(0)) + one.total
        amounts = ", ".join(f"{shown(amount, commodity)} {commodity}" for commodity, amount in sums.items())
        text = trn("{n} reminder", "{n} reminders", n=len(found))
        self._tell(f"{text} · {amounts}" if amounts else text)
        self.send.setEnabled(bool(found))

    def run(self) -> None:
        """Keep the letters that are ticked; who hears it prints them."""
        found = self.chosen()
        if not found or not self.send.isEnabled():
            return
        self.send.setEnabled(False)
        parties = [one.party for one in found]

        async def keep() -> Sequence[DunningLetter]:
            kept: Sequence[DunningLetter] = await self._page.api("capital.billing").dunning_run(
                self._page.ctx, today(), parties
            )
            return kept

        def done(kept: Sequence[DunningLetter]) -> None:
            self.close_layer()
            self._sent(kept)

        self._page.run(keep, done=done, failed=self._failed)

    def set_levels(self) -> None:
        """Keep three levels as most companies have them."""
        texts = (
            (tr("Payment reminder"), tr("You may have overlooked the amounts below. Please pay them now.")),
            (tr("Second reminder"), tr("The amounts below are still open. Please pay within seven days.")),
            (tr("Last reminder"), tr("Please pay within seven days, or we hand the matter over.")),
        )

        async def keep() -> None:
            api = self._page.api("capital.billing")
            wanted: list[Any] = [
                api.DunningLevel(n, days, title, body)
                for (n, days), (title, body) in zip(USUAL, texts, strict=True)
            ]
            await api.save_levels(self._page.ctx, wanted)

        self._page.run(keep, done=lambda _: self.open_proposal(), failed=self._failed)

    def _failed(self, error: SentError) -> None:
        restyle(self.said, tone="bad")
        self.said.setText(error_text(error))
        self.send.setEnabled(bool(self.letters))

    def _tell(self, text: str) -> None:
        restyle(self.said, tone="2")
        self.said.setText(text)
