"""Capital's figures, reports and close over a real database, as a member with his own login."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from datetime import date
from decimal import Decimal
from importlib import import_module
from typing import TYPE_CHECKING, Any

from tenants import OrgFixture, make_org, member_database
from ui.conftest import Desk
from ui.fakes import ALL

from sent.engines.capital import api as ledger
from sent.platform.config.secrets import role_password
from sent.platform.context import Ctx
from sent.platform.db.engine import Database, fixed
from sent.ui.pages.capital import routes
from sent.ui.pages.capital.close.checklist import words

if TYPE_CHECKING:
    from sent.platform.db.engine import Server

TODAY = date(2026, 5, 20)


def service(server: Server, role: str) -> Database:
    return Database(server, role, fixed(role_password(role)), trusted=True, name=f"test {role}")


async def company(server: Server) -> OrgFixture:
    """Make an organisation that sells for 200 and spends 300 a month, with one amount in suspense."""
    async with service(server, "sent_system") as system, service(server, "sent_app") as app:
        made = await make_org(system, app, "alpha")
        await ledger.set_up(made.ctx, "uk", year_starts=(4, 1))
        roles = {one.role: one.id for one in reversed(await ledger.accounts(made.ctx))}
        journal = (await ledger.journals(made.ctx))[0].id
        booked = [
            (date(2025, 6, 2), "cash", "capital", "3000"),
            (date(2026, 4, 9), "suspense", "cash", "12.50"),
        ]
        for month in (*range(7, 13), *range(1, 6)):
            day = date(2025 if month > 6 else 2026, month, 10)
            booked += [(day, "cost_of_sales", "cash", "300"), (day, "cash", "sales", "200")]
        drafts = [
            ledger.Draft(
                journal, day,
                [ledger.Line(roles[debit], Decimal(amount), "GBP"),
                 ledger.Line(roles[credit], -Decimal(amount), "GBP")],
                memo=f"{debit} of {day}",
            )
            for day, debit, credit, amount in booked
        ]  # fmt: skip
        assert all(outcome.booked for outcome in await ledger.post_batch(made.ctx, drafts))
        for _ in range(3):
            await ledger.upkeep(made.ctx)
        await ledger.open_year(made.ctx, TODAY)
        return made


class Member:
    """Gives the bridge the real apis, each call as the organisation's owner with his own login."""

    def __init__(self, server: Server, org: OrgFixture) -> None:
        self._server, self._org = server, org
        self._stack = AsyncExitStack()
        self._ctx: Ctx | None = None

    async def ctx(self) -> Ctx:
        if self._ctx is None:
            database = await self._stack.enter_async_context(
                member_database(self._server, self._org.membership)
            )
            self._ctx = Ctx(database, self._org.org, self._org.owner)
        return self._ctx

    async def close(self) -> None:
        await self._stack.aclose()

    def api(self, engine: str) -> Any:
        return Really(self, import_module(f"sent.engines.{engine}.api"))


class Really:
    """An engine's api whose first argument is the member's context."""

    def __init__(self, member: Member, module: Any) -> None:
        self._member, self._module = member, module

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._module, name)
        if not inspect.iscoroutinefunction(found):
            return found

        async def call(_ctx: Any, *args: Any, **more: Any) -> Any:
            return await found(await self._member.ctx(), *args, **more)

        return call


@contextmanager
def real_books(desk: Desk, server: Server) -> Iterator[None]:
    """Make Capital real for a desk."""
    member = Member(server, asyncio.run(company(server)))
    desk.backend.permissions = ALL | {f"capital:{right}" for right in ("read", "post", "manage", "close")}
    schedules = ["capital.schedules"] if routes.has("schedules") else []
    for engine in ["capital", "capital.reports", "capital.billing", *schedules]:
        desk.console.bridge.apis[engine] = member.api(engine)
    desk.sign_in("overview")
    yield
    desk.console.bridge.run(member.close, owner=desk.window.shell, done=lambda _: None)
    desk.settle()


def show(desk: Desk, name: str) -> Any:
    desk.window.show_page(name)
    page: Any = desk.window.pages[name]
    desk.settle()
    page.today = lambda: TODAY
    page.year = None
    page.refresh()
    desk.settle()
    return page


def look_at_figures(real: Desk) -> None:
    page = show(real, "capital")
    told = [made.accessibleDescription() for made in page.cards]
    assert told[0].startswith("1,888 GBP") and told[4] == "-200 GBP -200 against last year"
    assert told[3] == "18.5 months 102 less a month"


def go_down_from_a_report(real: Desk) -> None:
    page = show(real, "reports")
    page.open_record("profit_and_loss/2026-04-01/2026-05-20")
    real.settle()
    model = page.sheet.model_
    rows = {model.text(n, 0): n for n in range(model.rowCount())}
    assert model.text(rows["Net result"], 1) == "(200.00)"
    cost = next(
        n for name, n in rows.items() if name.startswith("5") and model.shown[n].row.kind == "account"
    )
    page.go_down(model.shown[cost].row, 0)
    real.until(lambda: page.table.model_.known() == 2 and page.table.model_.row(1) is not None)
    assert page.table.model_.row(1).balance == 600 == model.shown[cost].row.amounts[0]


def close_a_month_and_the_year(real: Desk) -> None:
    page = show(real, "close")
    assert page.period().starts == date(2026, 4, 1)
    found = {one.id: words(one) for one in page.checklist.checks}
    assert found["trial_balance"] == "Debits equal credits" and found["seal"] == "Every entry is sealed"
    assert found["suspense"] == "12.50 GBP waits to be booked where it belongs"
    page.deeds.close_softly()
    real.settle()
    assert page.period().state == "soft"
    page.deeds.verify()
    real.settle()
    page.deeds.close_year()
    real.until(lambda: page.deeds.year_card is not None and page.deeds.year_card.isVisible())
    page.deeds.year_card.send()
    real.until(lambda: not page.deeds.year_card.isVisible())
    real.settle()
    assert "Closed" in page.aside.year_told.text()


def test_figures_reports_and_the_close_of_a_month(desk: Desk, server: Server) -> None:
    with real_books(desk, server):
        look_at_figures(desk)
        go_down_from_a_report(desk)
        close_a_month_and_the_year(desk)
