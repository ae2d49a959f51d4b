"""Six figures, what needs a look, and five lists: backups, orders, connections, slow queries, tables.

Everything an administrator may do here is an order that shows how far it is, or the end of one query. What
replaces the database (restore, upgrade) is done at the command line: this very page lives in it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QStackedWidget

from sent.platform.i18n import tr
from sent.ui.kit.choice import Segments
from sent.ui.kit.page import Page
from sent.ui.kit.states import ListStates
from sent.ui.kit.table import Column, Source
from sent.ui.kit.tableview import PagedTable
from sent.ui.kit.widgets import button, card, column, label, row, tool
from sent.ui.pages.database import lists
from sent.ui.pages.database.cards import Head
from sent.ui.shell.actions import Action

if TYPE_CHECKING:
    from sent.engines.database.api import Backup, Health, Operation, Session

EVERY_MS = 5000
QUICK_MS = 1000
"""While an order runs."""
SECOND = timedelta(seconds=1)
"""A moment is typed in whole seconds; a base backup is of use from a part of one on."""

Views = tuple[tuple[str, str], ...]


class DatabasePage(Page):
    """See the module."""

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self.head = Head()
        self.notice = label(tone="warn", wrap=True)
        self.notice.hide()
        self.budget = label(tone="3", type="s")
        self.budget.hide()
        self.backups: list[Backup] = []
        self.tables: dict[str, PagedTable] = {}
        self.stack = QStackedWidget()
        self._add_lists()
        self.view = "backups"
        self.segments = Segments(tr("What to show"), _views(), self.view, self.show_view)
        self._arrange()
        self._timer = QTimer(self, interval=EVERY_MS)
        self._timer.timeout.connect(self.refresh)
        self._busy = False

    def _add_lists(self) -> None:
        empty = {
            "backups": (
                "database",
                tr("No backup yet"),
                tr("The first one is made ten minutes after the start, then daily."),
            ),
            "operations": (
                "list-checks",
                tr("Nothing was ordered yet"),
                tr("Backups and verifications will stand here."),
            ),
            "sessions": ("user", tr("Nobody is connected"), ""),
            "slow": (
                "clock",
                tr("Nothing was slow"),
                tr("Nothing took over a second."),
            ),
            "tables": ("table", tr("No tables"), ""),
        }
        for view, columns in _columns().items():
            table = PagedTable(columns, run=self.run, name=dict(_views())[view])
            action = (tr("Back up now"), self.back_up) if view == "backups" else None
            self.stack.addWidget(ListStates(table, empty=empty[view], action=action))
            table.remember_columns(self.shell.prefs, f"database.{view}")
            table.model_.show_skeleton()
            table.model_.loaded.connect(self._offer)
            table.previewed.connect(lambda _row: self._offer())
            table.opened.connect(lambda _row: self._act())
            self.tables[view] = table

    def _arrange(self) -> None:
        self.now = button(tr("Back up now"), self.back_up, kind="primary", icon_name="download")
        self.act = button(tr("Verify"), self._act, kind="quiet")
        self.how = tool("copy", tr("Copy restore command"), self.copy_restore)
        frame = card()
        frame.setLayout(column(self.stack, margins=(1, 4, 1, 4)))
        bar = row(self.segments, None, self.how, self.act, self.now, gap=8)
        body = column(self.head, self.notice, bar, self.budget, frame, gap=12, margins=(20, 16, 20, 14))
        body.setStretch(4, 1)
        self.setLayout(body)

    def actions_(self) -> list[Action]:
        group = tr("Database")
        made = [
            Action(
                "database.backup", tr("Back up now"), self.back_up, "download", "B", "database:manage", group
            ),
            Action(
                "database.act",
                tr("Verify, or end what is chosen"),
                self._act,
                "check",
                "V",
                "database:manage",
                group,
            ),
            Action(
                "database.restore",
                tr("Copy restore command"),
                self.copy_restore,
                "copy",
                "R",
                "database:read",
                group,
            ),
        ]
        for number, (view, title) in enumerate(_views(), 1):
            made.append(
                Action(
                    f"database.{view}",
                    tr("Show {title}", title=title),
                    lambda v=view: self.show_view(v),  # type: ignore[misc]
                    "list",
                    str(number),
                    "database:read",
                    group,
                )
            )
        return made

    def activate(self) -> None:
        self._timer.start()
        self.refresh()
        self.tables[self.view].setFocus()

    def deactivate(self) -> None:
        self._timer.stop()

    def show_view(self, view: str) -> None:
        """Show one of the lists."""
        self.view = view
        self.segments.show_choice(view)
        self.stack.setCurrentIndex(list(self.tables).index(view))
        self.tables[view].setFocus()
        self._load_list()
        self._offer()

    def refresh(self) -> None:
        if self._busy or self.shell.person is None:
            return
        self._busy = self.run(self._health, done=self._show, failed=self._failed) is not None
        if self.view != "backups":
            self._load_list()

    async def _health(self) -> Health:
        found: Health = await self.api("database").health(self.ctx)
        return found

    def _show(self, health: Health) -> None:
        self._busy = False
        self.shell.mark_fresh()
        self.head.show_health(health)
        self.budget.setText(lists.budget_text(health.budget))
        self.backups = health.kept.backups if health.kept is not None else []
        reasons = health.kept.reasons if health.kept is not None else []
        self.notice.setText(" · ".join(reasons))
        self.notice.setVisible(bool(reasons))
        if self.view == "backups":
            self._load_list()

    def _failed(self, error: Any) -> None:
        self._busy = False
        if error.code == "database.operator":
            self._timer.stop()
            self.tables[self.view].model_.failed.emit(error)
            return
        self.shell.report(error)

    def _load_list(self) -> None:
        if self.shell.person is None:
            return
        view, key = self.view, _KEYS[self.view]

        async def load(before: Any, limit: int) -> Sequence[Any]:
            if view == "backups":
                return self.backups if before is None else []
            api = self.api("database")
            ask: dict[str, Callable[[Any], Awaitable[Sequence[Any]]]] = {
                "operations": api.operations,
                "sessions": api.sessions,
                "slow": api.slow_queries,
                "tables": api.tables,
            }
            # These lists are bounded and come whole.
            return await ask[view](self.ctx) if before is None else []

        source = Source(load=load, cursor=lambda _row: True, key=key)
        self.tables[view].set_source(source, keep=True)

    def _offer(self) -> None:
        """Show what can be done with the chosen row."""
        chosen = self.tables[self.view].current_row()
        words = {"backups": tr("Verify"), "operations": tr("Cancel"), "sessions": tr("End query")}
        self.act.setText(words.get(self.view, ""))
        self.act.setVisible(self.view in words and self.shell.can("database:manage"))
        self.act.setEnabled(chosen is not None and _can_end(self.view, chosen))
        self.budget.setVisible(self.view == "sessions")
        self.how.setVisible(self.view == "backups")
        self.how.setEnabled(chosen is not None)
        self.now.setVisible(self.shell.can("database:manage"))
        orders = self.tables["operations"].model_
        running = self.view == "operations" and any(o.open for o in orders.cached_rows())
        self._timer.setInterval(QUICK_MS if running else EVERY_MS)

    def _act(self) -> None:
        chosen = self.tables[self.view].current_row()
        if chosen is None or not self.shell.can("database:manage") or not _can_end(self.view, chosen):
            return
        if self.view == "backups":
            self._order(lambda: self.api("database").verify(self.ctx, chosen.kind, chosen.name))
        elif self.view == "operations":
            self._cancel(chosen)
        elif self.view == "sessions":
            self._end(chosen)

    def back_up(self) -> None:
        """Order both backups."""
        self._order(lambda: self.api("database").back_up(self.ctx))

    def _order(self, make: Callable[[], Awaitable[Any]]) -> None:
        async def order() -> Any:
            return await make()

        self.run(order, done=lambda _id: self.show_view("operations"))

    def _cancel(self, operation: Operation) -> None:
        async def cancel() -> Any:
            return await self.api("database").cancel(self.ctx, operation.id)

        self.run(cancel, done=lambda _state: self._load_list())

    def _end(self, session: Session) -> None:
        """Cancel the query; a session that is idle in a transaction is closed: there is nothing to cancel."""

        async def end() -> Any:
            return await self.api("database").end_query(
                self.ctx, session.pid, close=session.state != "active"
            )

        def done(_ended: Any) -> None:
            self.shell.toast(tr("Ended the query of {who}", who=session.who))
            self._load_list()

        self.run(end, done=done)

    def copy_restore(self) -> None:
        """Put the command that brings the chosen backup back on the clipboard."""
        chosen = self.tables["backups"].current_row()
        if self.view != "backups" or chosen is None:
            return
        command = (
            f"sent db restore --at {chosen.made_at + SECOND:%Y-%m-%dT%H:%M:%SZ} --into swap"
            if chosen.kind == "base"
            else f"sent db restore {chosen.folder} --replace sent"
        )
        QGuiApplication.clipboard().setText(command)
        self.shell.toast(tr("Copied: {command}", command=command))

    def set_stale(self, since: datetime | None) -> None:
        self.head.set_stale(since is not None)
        for table in self.tables.values():
            table.set_dimmed(since is not None)


_KEYS: dict[str, Callable[[Any], Any]] = {
    "backups": lambda b: (b.kind, b.name),
    "operations": lambda o: o.id,
    "sessions": lambda s: s.pid,
    "slow": lambda q: q.digest,
    "tables": lambda t: t.name,
}


def _can_end(view: str, chosen: Any) -> bool:
    """Say whether there is anything to end: an open order, a query, an open transaction."""
    if view == "operations":
        return bool(chosen.open)
    return view != "sessions" or chosen.state != "idle"


def _views() -> Views:
    return (
        ("backups", tr("Backups")),
        ("operations", tr("Orders")),
        ("sessions", tr("Connections")),
        ("slow", tr("Slow queries")),
        ("tables", tr("Tables")),
    )


def _columns() -> dict[str, list[Column]]:
    return {
        "backups": lists.backup_columns(),
        "operations": lists.operation_columns(),
        "sessions": lists.session_columns(),
        "slow": lists.slow_columns(),
        "tables": lists.table_columns(),
    }
