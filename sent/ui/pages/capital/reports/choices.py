"""The line above a report in which it is chosen: which one, of which days, compared with what."""

from __future__ import annotations

from datetime import date

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLineEdit, QWidget

from sent.platform.i18n import tr
from sent.ui.kit.choice import Dropdown
from sent.ui.kit.flow import Flow
from sent.ui.kit.text import tip
from sent.ui.kit.widgets import restyle
from sent.ui.pages.capital.money import day_shown, day_typed
from sent.ui.pages.capital.reports import spans, wording


class Choices(QWidget):
    """See the module; `changed` when another report is wanted."""

    changed = Signal()

    def __init__(self, today: date) -> None:
        super().__init__()
        self.today = today
        self.year: spans.Year = spans_year
        self.kind = Dropdown(tr("Report"), wording.kinds(), "profit_and_loss", lambda _: self._chosen())
        self.span = Dropdown(tr("Days"), wording.presets(), "month", self._preset)
        self.compare = Dropdown(tr("Comparison"), wording.comparisons(), "none", lambda _: self._chosen())
        self.starts, self.ends = QLineEdit(), QLineEdit()
        for field, name in ((self.starts, tr("From day")), (self.ends, tr("To day"))):
            field.setAccessibleName(name)
            field.setToolTip(name)
            field.setFixedWidth(104)
            field.setAlignment(Qt.AlignmentFlag.AlignCenter)
            field.editingFinished.connect(self._typed)
        self.days = spans.preset("month", today, self.year)
        self.setLayout(Flow(self.kind, self.span, self.starts, self.ends, self.compare))
        self._show()

    def set_year(self, today: date, year: spans.Year) -> None:
        """Say when business years begin; presets follow."""
        self.today, self.year = today, year
        if self.span.choice() != "custom":
            self.days = spans.preset(self.span.choice(), today, year)
            self._show()

    def set_report(self, kind: str, starts: date, ends: date) -> None:
        """Choose a report and its days."""
        self.kind.show_choice(kind)
        self.days = (starts, ends)
        fits = (id for id in spans.PRESETS[:-1] if spans.preset(id, self.today, self.year) == self.days)
        self.span.show_choice(next(fits, "custom"))
        self._show()

    def take(self, kind: str) -> None:
        """Choose a report of the same days, as if with the mouse."""
        self.kind.show_choice(kind)
        self._chosen()

    def columns(self) -> list[spans.Span]:
        """Return the columns that are wanted."""
        kind = self.kind.choice()
        comparison = "none" if kind in wording.LISTS else self.compare.choice()
        return spans.columns(*self.days, comparison, moment=kind in wording.AT_A_DAY)

    def _preset(self, id: str) -> None:
        if id == "custom":
            field = self.ends if self.kind.choice() in wording.AT_A_DAY else self.starts
            field.setFocus()
            field.selectAll()
        else:
            self.days = spans.preset(id, self.today, self.year)
        self._chosen()

    def _chosen(self) -> None:
        self._show()
        self.changed.emit()

    def _show(self) -> None:
        kind = self.kind.choice()
        for field, day in zip((self.starts, self.ends), self.days, strict=True):
            field.setText(day_shown(day))
            restyle(field, invalid=False)
        self.starts.setVisible(kind not in wording.AT_A_DAY or self._splits())
        self.compare.setVisible(kind not in wording.LISTS)

    def _splits(self) -> bool:
        kind = self.kind.choice()
        return kind in wording.MOMENTS and self.compare.choice() in ("months", "quarters")

    def _typed(self) -> None:
        found = []
        for field, day in zip((self.starts, self.ends), self.days, strict=True):
            try:
                found.append(day_typed(field.text(), day))
                restyle(field, invalid=False)
            except ValueError as error:
                restyle(field, invalid=True)
                field.setToolTip(tip(str(error)))
        if len(found) < 2 or (found[0], found[1]) == self.days:
            return
        if self.starts.isHidden() and found[0] > found[1]:
            found[0] = found[1].replace(day=1)
        if found[0] > found[1]:
            restyle(self.starts, invalid=True)
            self.starts.setToolTip(tr("The first day comes after the last"))
            return
        self.days = (found[0], found[1])
        self.span.show_choice("custom")
        self._chosen()


def spans_year(day: date) -> tuple[date, date]:
    """Return the calendar year, until it is known how the books are kept."""
    return date(day.year, 1, 1), date(day.year, 12, 31)
