"""What is done with months and years: closing, opening again, rates, revaluation, verifying."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sent.platform.i18n import tr, trn
from sent.ui.pages.capital.close.aside import month_name
from sent.ui.pages.capital.close.yearcard import YearCard
from sent.ui.pages.capital.money import day_shown, typed
from sent.ui.shell.palette import Entry
from sent.ui.shell.shell import error_text

if TYPE_CHECKING:
    from sent.engines.capital.api import Period, Reopening, Verified
    from sent.engines.capital.reports.api import Check
    from sent.ui.pages.capital.close.page import ClosePage

CLOSE = "capital:close"


class Deeds:
    """Acts on the month and year that a page shows; the page loads again afterwards."""

    def __init__(self, page: ClosePage) -> None:
        self._page = page
        self.year_card: YearCard | None = None

    def enter_rate(self, check: Check) -> None:
        """Ask what one of a commodity is worth, and keep it for the last day of the month."""
        one, kept = self._page.period(), self._page.kept
        code = check.record.split(",")[0]
        if one is None or kept is None:
            return

        def entered(text: str) -> None:
            try:
                rate = typed(text)
            except ValueError as error:
                self._page.shell.toast(str(error), tone="bad")
                return
            self._do(lambda api: api.set_rate(self._page.ctx, code, one.ends, rate), tr("The rate is kept"))

        caption = tr("What one {code} was worth in {home} on {day}", code=code, home=kept.home,
                     day=day_shown(one.ends))  # fmt: skip
        self._page.shell.ask(tr("Exchange rate"), caption, entered, most=30)

    def revalue(self) -> None:
        """Book what exchange rates have won or lost, on the last day of the month."""
        if (one := self._page.period()) is not None:
            self._do(
                lambda api: api.revalue(self._page.ctx, one.ends), tr("Exchange gains and losses are booked")
            )

    def depreciate(self) -> None:
        """Book what assets lost up to the end of the month."""
        self._schedules(lambda api, day: api.depreciate(self._page.ctx, day), tr("Depreciation is booked"))

    def run_due(self) -> None:
        """Carry out what comes again and is due up to the end of the month."""
        self._schedules(lambda api, day: api.run(self._page.ctx, day), tr("What was due is booked"))

    def _schedules(self, what: Callable[[Any, date], Any], said: str) -> None:
        one = self._page.period()
        if one is None:
            return

        async def act() -> Any:
            return await what(self._page.api("capital.schedules"), one.ends)

        def done(found: Any) -> None:
            refused = getattr(found, "refused", ())
            self._page.shell.toast(refused[0][1] if refused else said, tone="bad" if refused else "ok")
            self._page.refresh()

        self._page.run(act, done=done)

    def verify(self) -> None:
        """Compare all entries with their seals."""

        async def act() -> Verified:
            found: Verified = await self._page.api("capital").verify(self._page.ctx)
            return found

        def done(found: Verified) -> None:
            if found.findings:
                first = found.findings[0]
                said = tr(
                    "Not as it was sealed: entry {n} of journal {journal}", n=first.seq, journal=first.journal
                )
                self._page.shell.toast(said, tone="bad")
            else:
                self._page.shell.toast(
                    trn(
                        "{n} entry is as it was sealed",
                        "{n} entries are as they were sealed",
                        n=found.entries,
                    )
                )

        self._page.run(act, done=done)

    def close_softly(self) -> None:
        """Close the month for everybody but those who may close; Undo opens it."""
        one = self._page.period()
        if one is not None and one.state == "open":
            self._set(one, "soft", undo=True)

    def close_for_good(self) -> None:
        """Close the month for everybody, after asking."""
        one = self._page.period()
        if one is None or one.state == "hard" or not self._page.shell.can(CLOSE):
            return
        if any(check.state == "bad" for check in self._page.checklist.checks):
            self._page.shell.toast(tr("Debits and credits differ: find out why first"), tone="bad")
            return
        left = sum(1 for check in self._page.checklist.checks if check.state != "ok")
        sure = (
            trn("Close it although {n} thing is left to do", "Close it although {n} things are left to do",
                n=left)
            if left
            else tr("Close it: only two people together open it again")
        )  # fmt: skip
        self._page.shell.choose(
            tr("Close {month} for good", month=month_name(one)),
            [
                Entry("close", sure, icon="lock", run=lambda: self._set(one, "hard")),
                Entry("leave", tr("Leave it as it is"), icon="x", run=self._page.strip.setFocus),
            ],
        )

    def open_again(self) -> None:
        """Open a softly closed month, or ask for one that is closed for good."""
        one = self._page.period()
        if one is None or one.state == "open":
            return
        if one.state == "soft":
            self._set(one, "open")
            return

        def asked(why: str) -> None:
            if why.strip():
                self._do(
                    lambda api: api.ask_reopening(self._page.ctx, one.id, why.strip()),
                    tr("Asked: another person has to grant it"),
                )

        self._page.shell.ask(
            tr("Open {month} again", month=month_name(one)), tr("Why it has to be opened"), asked
        )

    def grant(self, asked: Reopening) -> None:
        """Grant what another person asked for."""
        self._do(
            lambda api: api.grant_reopening(self._page.ctx, asked.id),
            tr("Granted: the month is softly closed now"),
        )

    def _set(self, one: Period, state: str, *, undo: bool = False) -> None:
        async def act() -> UUID:
            found: UUID = await self._page.api("capital").set_period(
                self._page.ctx, one.starts, one.ends, state, period=one.id
            )
            return found

        def done(_: UUID) -> None:
            said = {
                "open": tr("{month} is open again", month=month_name(one)),
                "soft": tr("{month} is softly closed", month=month_name(one)),
                "hard": tr("{month} is closed", month=month_name(one)),
            }
            self._page.shell.toast(said[state], undo=(lambda: self._set(one, "open")) if undo else None)
            self._page.refresh()

        self._page.run(act, done=done)

    def close_year(self) -> None:
        """Show the entry that closes the year, and book it when that is wanted."""
        if self._page.year is None or not self._page.shell.can(CLOSE):
            return
        ends = self._page.year[1]

        async def load() -> Any:
            return await self._page.api("capital.reports").closing_entry(self._page.ctx, ends)

        def show(lines: Any) -> None:
            if self.year_card is None:
                self.year_card = YearCard(self._page.window(), self._page.run)
            self.year_card.show_entry(ends, lines, lambda: self._book_year(ends))

        self._page.run(load, done=show)

    def _book_year(self, ends: date) -> None:
        shown = self.year_card

        async def act() -> UUID | None:
            found: UUID | None = await self._page.api("capital").close_year(self._page.ctx, ends)
            return found

        def done(_: UUID | None) -> None:
            if shown is not None:
                shown.close_layer()
            self._page.shell.toast(tr("The year is closed: its result stands in equity"))
            self._page.refresh()

        self._page.run(
            act, done=done, failed=lambda error: shown.refuse(error_text(error)) if shown else None
        )

    def _do(self, what: Callable[[Any], Any], said: str) -> None:
        async def act() -> Any:
            return await what(self._page.api("capital"))

        def done(_: Any) -> None:
            self._page.shell.toast(said)
            self._page.refresh()

        self._page.run(act, done=done)
