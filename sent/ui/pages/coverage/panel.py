"""One technique beside the matrix: its rules, and the latest alerts they raised."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from sent.platform.i18n import tr, trn
from sent.ui.kit.cells import level_name
from sent.ui.kit.chips import Chip
from sent.ui.kit.detail import DetailPanel
from sent.ui.kit.text import absolute, relative
from sent.ui.kit.widgets import Elided, ElidedLink, button, clear, column, label, row, tool
from sent.ui.theme.tokens import LEVELS

if TYPE_CHECKING:
    from sent.engines.radar.api import Alert, Cell, CoveringRule

SHOWN = 150
"""Rules that are listed; the table of the export has all."""


class TechniquePanel(DetailPanel):
    """Signals hear ids: of the rule to open, the rule whose alerts are wanted, the alert, the technique."""

    rule_wanted = Signal(str)
    fired_wanted = Signal(str)
    alert_wanted = Signal(str)
    all_wanted = Signal(str)

    def __init__(self) -> None:
        super().__init__(tr("Technique"))
        self.cell: Cell | None = None
        self._alerts = column(gap=4)

    def show_cell(self, cell: Cell, tactics: Sequence[str]) -> None:
        """Show a technique; its alerts come later."""
        self.cell = cell
        clear(self.head)
        clear(self.body)
        id = label(cell.id, tone="2") if cell.name else label(cell.id, type="l")
        self.head.addLayout(row(id, None, *self.tools(cell.id, tr("Copy id")), gap=8))
        if cell.name:
            self.head.addWidget(label(cell.name, type="l", wrap=True))
        self.head.addWidget(label(", ".join(tactics), tone="2", wrap=True))
        rules = sorted(cell.all_rules(), key=_rank)
        self.section(trn("{n} rule", "{n} rules", n=len(rules)))
        if not rules:
            self.body.addWidget(label(tr("No rule of this choice looks for it."), tone="3", wrap=True))
        for rule in rules[:SHOWN]:
            self._rule(rule)
        if len(rules) > SHOWN:
            self.body.addWidget(label(tr("and {n} more", n=len(rules) - SHOWN), tone="3"))
        self.section(tr("Latest alerts"))
        self._alerts = column(gap=4)
        self._alerts.addWidget(label(tr("Loading"), tone="3"))
        self.body.addLayout(self._alerts)
        self.scroll_up()

    def _rule(self, rule: CoveringRule) -> None:
        said = [rule.rule_set]
        if not rule.runs:
            said.append(tr("cannot run"))
        elif not rule.enabled:
            said.append(tr("switched off"))
        if rule.author:
            said.append(tr("By {author}", author=rule.author))
        title = ElidedLink(rule.title, partial(self.rule_wanted.emit, rule.rule_id), tr("Open rule"))
        fired = tool("siren", tr("Show this rule's alerts"), partial(self.fired_wanted.emit, rule.rule_id))
        self.body.addLayout(_line(Chip(level_name(rule.level), rule.level), title, fired))
        self.body.addWidget(Elided(" · ".join(said), tone="3", type="s"))

    def show_alerts(self, id: str, alerts: Sequence[Alert], total: int, days: int) -> None:
        """Show the latest alerts of a technique, if it is still the one shown."""
        if self.cell is None or self.cell.id != id:
            return
        clear(self._alerts)
        if not alerts:
            text = trn("None in the last {n} day", "None in the last {n} days", n=days)
            self._alerts.addWidget(label(text, tone="3"))
            return
        for alert in alerts:
            title = ElidedLink(alert.title, partial(self.alert_wanted.emit, str(alert.id)), tr("Open alert"))
            when = label(relative(alert.at), tone="3", type="s")
            when.setToolTip(absolute(alert.at))
            self._alerts.addLayout(_line(Chip(level_name(alert.level), alert.level), title, when))
            self._alerts.addWidget(Elided(alert.host, tone="3", type="s"))
        text = trn("Show {n} alert in the queue", "Show {n} alerts in the queue", n=total)
        self._alerts.addLayout(row(button(text, partial(self.all_wanted.emit, id)), None))

    def show_problem(self, id: str, text: str) -> None:
        """Say why the alerts of a technique could not be had."""
        if self.cell is not None and self.cell.id == id:
            clear(self._alerts)
            self._alerts.addWidget(label(text, tone="bad", wrap=True))


def _line(chip: QWidget, title: ElidedLink, last: QWidget) -> QHBoxLayout:
    line = row(chip, title, last, gap=6)
    line.setStretch(1, 1)
    return line


def _rank(rule: CoveringRule) -> tuple[int, str]:
    place = list(LEVELS).index(rule.level) if rule.level in LEVELS else len(LEVELS)
    return place, rule.title.lower()
