"""What schedules look for in the books: journal, home currency, closed days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

from sent.engines.capital import store as ledger
from sent.engines.capital.model import Account, Role, Setup
from sent.platform.db.uow import Tx
from sent.platform.errors import Invalid

FIRST_DAY = date(1900, 1, 1)


async def kept(tx: Tx) -> Setup:
    """Return how the books are kept; raises Invalid before they are set up."""
    found = await ledger.setup(tx)
    if found is None:
        raise Invalid("capital.setup.missing", "set up the books first: home currency and business year")
    return found


async def journal_of(tx: Tx) -> UUID:
    """Return the first general journal; raises Invalid when there is none."""
    for one in await ledger.journals(tx):
        if one.kind == "general":
            return one.id
    raise Invalid("capital.journal.missing", "there is no general journal: open one")


async def shut(tx: Tx) -> list[tuple[date, date]]:
    """Return the first and last days that are closed, softly or hard, or before such a period and in none."""
    periods = sorted(await ledger.periods(tx), key=lambda one: one.starts)
    closed: list[tuple[date, date]] = []
    free, waiting = FIRST_DAY, list[tuple[date, date]]()
    for one in periods:
        if free < one.starts:
            waiting.append((free, one.starts - timedelta(days=1)))
        free = one.ends + timedelta(days=1)
        if one.state != "open":
            closed += [*waiting, (one.starts, one.ends)]
            waiting = []
    return closed


def only(chart: Sequence[Account], role: Role) -> UUID:
    """Return the first open account with a role; raises Invalid when there is none."""
    for one in chart:
        if one.role == role and one.closed_on is None:
            return one.id
    raise Invalid("capital.role.missing", f"no account has the role {role}: give one that role")
