"""The queue by rule, host or user: how much, how bad, and what to look at first."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QWidget

from sent.platform.i18n import formats, tr
from sent.ui.kit.page import Page
from sent.ui.kit.query import Term
from sent.ui.kit.states import ListStates
from sent.ui.kit.table import Column
from sent.ui.kit.tableview import PagedTable
from sent.ui.kit.text import absolute, count, relative
from sent.ui.kit.widgets import card, column, label
from sent.ui.theme.tokens import LEVELS

if TYPE_CHECKING:
    from sent.engines.radar.api import Groups

Wanted = Callable[[Any], Any]


def groupings() -> list[tuple[str, str]]:
    """Return what the queue can be grouped by, nothing first."""
    return [("", tr("Alerts")), ("rule", tr("By rule")), ("host", tr("By host")), ("user", tr("By user"))]


class GroupList(QWidget):
    """Groups of alerts; `open_terms` shows the alerts of one, as terms of the filter."""

    def __init__(self, page: Page, wanted: Wanted, open_term: Callable[[Term], object]) -> None:
        super().__init__()
        self._page, self._wanted, self._open_term = page, wanted, open_term
        self.by = "rule"
        self.table = PagedTable(_columns(), run=page.run, name=tr("Alert groups"))
        self.table.model_.show_skeleton()
        self.table.opened.connect(self._opened)
        self.states = ListStates(
            self.table,
            empty=(
                "shield-check",
                tr("Nothing to group"),
                tr("No alert passes the filter, or none names what you group by."),
            ),
        )
        self.note = label(tone="warn", type="s", wrap=True)
        self.note.hide()
        frame = card()
        frame.setLayout(column(self.states, margins=(1, 4, 1, 4)))
        body = column(self.note, frame, gap=6)
        body.setStretch(1, 1)
        self.setLayout(body)
        self.table.remember_columns(page.shell.prefs, "radar.groups")

    def show_by(self, by: str) -> None:
        """Group by rule, host or user."""
        if by != self.by:
            self.by = by
            self.table.model_.show_skeleton()
        self.load()

    def load(self) -> None:
        """Load the groups; those on screen stay until the others are there."""
        if self._page.shell.person is None:
            return
        by = self.by

        async def load() -> Groups:
            radar = self._page.api("radar")
            found: Groups = await radar.groups(self._page.ctx, self._wanted(radar), by)
            return found

        def show(found: Groups) -> None:
            if by == self.by:
                self.table.show_rows(found.groups, lambda group: group.key)
                self.note.setText(tr("Only the latest 5,000 alerts are grouped: narrow the filter."))
                self.note.setVisible(not found.complete)

        self._page.run(load, done=show, failed=self.table.model_.failed.emit)

    def _opened(self, group: Any) -> None:
        self._open_term(Term(group.by, f"={group.key}"))


def _columns() -> list[Column]:
    return [
        Column(
            "risk",
            tr("Risk"),
            lambda g: formats().figure(round(g.risk)),
            76,
            "number",
            tip=lambda g: tr(
                "Level, halved each day, of each rule's strongest alert; a quarter more for each further rule"
            ),
        ),
        Column(
            "level", tr("Level"), lambda g: g.level, 86, "level", sort=lambda g: -LEVELS.index(g.level)
        ),
        Column("title", tr("Group"), lambda g: g.title or "–", 240, "strong", stretch=True,
               tip=lambda g: g.title),
        Column("alerts", tr("Alerts"), lambda g: count(g.alerts), 76, "number"),
        Column("hits", tr("Count"), lambda g: count(g.hits), 76, "number", drop=3),
        Column("rules", tr("Rules"), lambda g: count(g.rules), 70, "number", drop=2),
        Column("entities", tr("Entities"), lambda g: count(g.entities), 84, "number", drop=2),
        Column("samples", tr("Among them"), lambda g: ", ".join(g.samples), 260, "quiet", drop=4,
               tip=lambda g: "\n".join(g.samples)),
        Column("last_at", tr("Latest"), lambda g: relative(g.last_at), 100, "time",
               tip=lambda g: absolute(g.last_at)),
        Column("author", tr("Rule author"), lambda g: g.author or "–", 130, "quiet", drop=5, always=True,
               tip=lambda g: g.author),
    ]  # fmt: skip
