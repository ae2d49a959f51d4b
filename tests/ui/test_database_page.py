"""The Database page: true figures, orders with progress, nothing offered that cannot be done."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from PySide6.QtGui import QGuiApplication
from ui.conftest import Desk
from ui.test_text_fits import all_cut, wide_desk

from sent.engines.database import api
from sent.platform.errors import Denied
from sent.platform.ids import uuid7
from sent.ui.pages.database import DatabasePage
from sent.ui.pages.database.lists import (
    growth_text,
    operation_state,
    seconds_text,
    session_state,
    verified_text,
)

__all__ = ["wide_desk"]

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
MADE = NOW - timedelta(hours=3)
BASE = api.Backup("base", "2026-11-21T050000", "/b", MADE, 5 << 20, "0014", True, MADE, "")
DUMP = replace(BASE, kind="logical", folder="/backups/d", verified=None, verified_at=None)


def an_order(**changes: Any) -> api.Operation:
    """Return a running verification."""
    made = api.Operation(
        uuid7(), "verify", {"name": "base/x"}, "running", "Anna Berg", NOW, NOW, None, 0.4, "restoring", NOW,
        False, None, None,
    )  # fmt: skip
    return replace(made, **changes)


def a_session(**changes: Any) -> api.Session:
    """Return a session that waits for another."""
    made = api.Session(
        7, "Anna Berg", "sent console", "active", 3.0, 3.0, "Lock", [9], 0, "select ?", "d", False
    )
    return replace(made, **changes)


class FakeDatabaseApi:
    """The engine's api, and what was asked of it."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.denied = False
        self.kept: api.Kept | None = api.Kept(
            NOW, 60 << 30, 1 << 30, True, 1 << 20, 0.0, False, [BASE, DUMP], [], [], "/b", []
        )
        self.orders = [an_order()]
        self.open_sessions = [a_session(), a_session(pid=9, state="idle", blocked_by=[], who="sent_app")]

    async def health(self, _ctx: Any) -> api.Health:
        if self.denied:
            raise Denied("database.operator", "the database is looked after by the operator")
        server = api.Server("18.4", NOW - timedelta(days=2), 48 << 20, 19, 80, 0, 100)
        growth = [((NOW - timedelta(days=n)).date(), (48 - n) << 20) for n in range(5, -1, -1)]
        return api.Health(NOW, server, [api.Budget("staff", 3, 47)], growth, self.kept)

    async def operations(self, _ctx: Any) -> list[api.Operation]:
        return self.orders

    async def sessions(self, _ctx: Any) -> list[api.Session]:
        return self.open_sessions

    async def slow_queries(self, _ctx: Any) -> list[api.SlowQuery]:
        return []

    async def tables(self, _ctx: Any) -> list[api.Table]:
        return [api.Table("ts.radar_event", 30 << 20, None, 10 << 20)]

    async def back_up(self, _ctx: Any) -> UUID:
        self.asked.append("backup")
        return uuid7()

    async def verify(self, _ctx: Any, kind: str, name: str) -> UUID:
        self.asked.append((kind, name))
        return uuid7()

    async def cancel(self, _ctx: Any, operation: UUID) -> str:
        self.asked.append(operation)
        return "running"

    async def end_query(self, _ctx: Any, pid: int, *, close: bool) -> bool:
        self.asked.append((pid, close))
        return True


@pytest.fixture
def database(desk: Desk) -> FakeDatabaseApi:
    """Return the api of a desk whose person looks after the database."""
    desk.backend.permissions |= {"database:read", "database:manage"}
    made = FakeDatabaseApi()
    desk.console.bridge.apis["database"] = made
    return made


def opened(desk: Desk) -> DatabasePage:
    """Sign in and open the page."""
    desk.sign_in()
    desk.window.show_page("database")
    desk.settle()
    page = desk.window.pages["database"]
    assert isinstance(page, DatabasePage)
    desk.until(lambda: page.tables["backups"].model_.known() > 0 or page.head.backup._value[0] is not None)
    return page


def shown(page: DatabasePage) -> list[str]:
    """Return the figures of the cards."""
    return [str(card._value[0]) for card in page.head.cards]


def test_the_head_shows_the_figures(desk: Desk, database: FakeDatabaseApi) -> None:
    page = opened(desk)
    assert shown(page) == ["3 h ago", "3 h ago", "Up to date", "48.0 MB", "19 / 80", "18.4"]
    assert "+5.0 MB in a week" in page.head.size_._value[1]
    assert page.notice.isHidden()


def test_what_needs_a_look_stands_above_the_lists(desk: Desk, database: FakeDatabaseApi) -> None:
    assert database.kept is not None
    database.kept = replace(
        database.kept, reasons=["the disk is nearly full"], free_bytes=1 << 20, archive_failing=True
    )
    page = opened(desk)
    assert page.notice.text() == "the disk is nearly full"
    assert page.head.archive._value[2] == "bad"
    assert page.head.size_._value[2] == "bad"


def test_an_external_server_shows_no_backups_of_ours(desk: Desk, database: FakeDatabaseApi) -> None:
    database.kept = None
    page = opened(desk)
    assert shown(page)[:3] == ["–", "–", "–"]


def test_verify_orders_it_and_shows_its_progress(desk: Desk, database: FakeDatabaseApi) -> None:
    page = opened(desk)
    page.tables["backups"].selectRow(0)
    page._act()
    desk.until(lambda: page.view == "operations")
    assert database.asked == [("base", BASE.name)]
    desk.until(lambda: page.tables["operations"].model_.known() == 1)
    assert operation_state(database.orders[0]) == "40% · restoring"
    page.tables["operations"].selectRow(0)
    page._act()
    desk.until(lambda: database.asked[-1] == database.orders[0].id)


def test_only_what_runs_can_be_ended(desk: Desk, database: FakeDatabaseApi) -> None:
    page = opened(desk)
    page.show_view("sessions")
    table = page.tables["sessions"]
    desk.until(lambda: table.model_.known() == 2)
    table.selectRow(1)
    page._offer()
    assert not page.act.isEnabled()
    page._act()
    table.selectRow(0)
    page._offer()
    assert page.act.isEnabled()
    page._act()
    desk.until(lambda: database.asked == [(7, False)])
    assert "3 / 47" in page.budget.text()


def test_the_restore_command_names_a_moment_the_base_backup_covers(
    desk: Desk, database: FakeDatabaseApi
) -> None:
    page = opened(desk)
    page.tables["backups"].selectRow(0)
    page.copy_restore()
    assert QGuiApplication.clipboard().text() == "sent db restore --at 2026-11-21T05:00:01Z --into swap"
    page.tables["backups"].selectRow(1)
    page.copy_restore()
    assert QGuiApplication.clipboard().text() == "sent db restore /backups/d --replace sent"


def test_who_is_not_of_the_operator_is_told_so(desk: Desk, database: FakeDatabaseApi) -> None:
    database.denied = True
    desk.sign_in()
    desk.window.show_page("database")
    page = desk.window.pages["database"]
    assert isinstance(page, DatabasePage)
    states = page.stack.currentWidget()
    desk.until(lambda: states.state() == "error")
    assert not page._timer.isActive()


def test_words() -> None:
    assert verified_text(DUMP) == "Not yet"
    assert verified_text(replace(BASE, verified=False, remark="rows differ")) == "Failed: rows differ"
    assert session_state(a_session()) == "Waits for 9"
    assert session_state(a_session(blocked_by=[], blocking=2)) == "Working, holds up 2"
    assert [seconds_text(s) for s in (None, 1.25, 120, 7200)] == ["–", "1.2 s", "2 min", "2 h"]
    assert growth_text(api.Table("t", 30 << 20, 1, 10 << 20)) == "+20.0 MB"
    assert growth_text(api.Table("t", 1, 1, None)) == "–"
    assert operation_state(an_order(cancel_asked=True)) == "Stopping"


def test_no_text_is_cut(wide_desk: Desk) -> None:
    wide_desk.backend.permissions |= {"database:read", "database:manage"}
    wide_desk.console.bridge.apis["database"] = FakeDatabaseApi()
    page = opened(wide_desk)
    for view in page.tables:
        page.show_view(view)
        wide_desk.settle()
        assert all_cut(page) == [], view
