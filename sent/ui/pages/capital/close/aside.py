"""Beside the checks: how far the month is closed, the year's end, and who wants a month opened again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from PySide6.QtWidgets import QFrame, QWidget

from sent.platform.i18n import formats, tr
from sent.ui.kit.widgets import Dot, button, card, clear, column, label, row
from sent.ui.pages.capital.close.strip import state_name
from sent.ui.pages.capital.money import day_shown

if TYPE_CHECKING:
    from sent.engines.capital.api import Period, Reopening

TONES = {"open": "text3", "soft": "warn", "hard": "ok"}


def month_name(period: Period) -> str:
    """Return what a month is called."""
    return f"{formats().months[period.starts.month - 1]} {period.starts.year}"


class Deeds(Protocol):
    """What the buttons do."""

    def close_softly(self) -> None:
        """Close the month for most."""

    def close_for_good(self) -> None:
        """Close the month for everybody."""

    def open_again(self) -> None:
        """Open the month, or ask for it."""

    def close_year(self) -> None:
        """Close the year."""

    def grant(self, asked: Reopening) -> None:
        """Grant what another person asked for."""


class Aside(QWidget):
    """Three cards below each other."""

    def __init__(self, deeds: Deeds) -> None:
        super().__init__()
        self._deeds = deeds
        self.state, self.dot = label(""), Dot("text3", 9)
        self.month, self.meaning = label("", weight="bold"), label("", tone="2", type="s", wrap=True)
        self.soft = button(tr("Close softly"), deeds.close_softly, kind="primary")
        self.hard = button(tr("Close for good"), deeds.close_for_good)
        self.reopen = button(tr("Open again"), deeds.open_again, kind="quiet")
        self.year_told = label("", tone="2", type="s", wrap=True)
        self.year = button(tr("Close the year"), deeds.close_year)
        self._asked = column(gap=8)
        self.asked_card = self._card(tr("To be opened again"), self._asked)
        self.year_card = self._card(tr("Business year"), column(self.year_told, row(self.year, None)))
        month = card()
        month.setLayout(
            column(
                self.month, row(self.dot, self.state, None, gap=8), self.meaning,
                column(self.soft, self.hard, self.reopen, gap=6), gap=8, margins=(16, 12, 16, 14),
            )
        )  # fmt: skip
        self.setLayout(column(month, self.year_card, self.asked_card, None, gap=12))
        self.asked_card.hide()

    @staticmethod
    def _card(title: str, body: object) -> QFrame:
        made = card()
        made.setLayout(column(label(title, weight="bold"), body, gap=8, margins=(16, 12, 16, 14)))  # type: ignore[arg-type]
        return made

    def show_period(self, period: Period, *, may: bool, wrong: bool) -> None:
        """Show a month; `may` close it, unless its books are `wrong`."""
        meanings = {
            "open": tr("Everybody who may book can book in it."),
            "soft": tr("Only those who may close can book in it."),
            "hard": tr("Nobody books in it. Two people open it again: one asks, another grants."),
        }
        self.month.setText(month_name(period))
        self.state.setText(state_name(period.state))
        self.dot.set_tone(TONES[period.state])
        self.meaning.setText(meanings[period.state])
        self.soft.setVisible(may and period.state == "open")
        self.hard.setVisible(may and period.state != "hard")
        self.hard.setEnabled(not wrong)
        self.hard.setToolTip(tr("Debits and credits differ: find out why first") if wrong else "")
        self.reopen.setVisible(may and period.state != "open")
        self.reopen.setText(tr("Ask to open it again") if period.state == "hard" else tr("Open again"))

    def show_year(self, starts: date, ends: date, booked: date | None, *, may: bool) -> None:
        """Show the year; `booked` is when its closing entry was booked last."""
        span = tr("{starts} to {ends}", starts=day_shown(starts), ends=day_shown(ends))
        said = (
            tr("Closed: the entry was booked on {day}", day=day_shown(booked))
            if booked is not None
            else tr("Income and expenses are not taken into equity yet")
        )
        self.year_told.setText(f"{span}\n{said}")
        self.year.setVisible(may)
        self.year.setText(tr("Take what came since") if booked is not None else tr("Close the year"))

    def show_asked(self, asked: Sequence[tuple[Reopening, str]], me: UUID | None, *, may: bool) -> None:
        """Show who wants a month opened again; nobody grants what he asked for."""
        clear(self._asked)
        for one, name in asked:
            mine = one.asked_by == me
            self._asked.addWidget(label(name, weight="medium"))
            self._asked.addWidget(label(one.why, tone="2", type="s", wrap=True))
            if mine:
                waits = label(tr("You asked: another person has to grant it"), tone="3", type="s", wrap=True)
                self._asked.addWidget(waits)
            elif may:
                said = tr("Grant: {name}", name=name)
                grant = button(tr("Grant"), partial(self._deeds.grant, one), name=said)
                self._asked.addLayout(row(grant, None))
        self.asked_card.setVisible(bool(asked))
