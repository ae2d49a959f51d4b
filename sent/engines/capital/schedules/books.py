"""What schedules look for in the books: journal, home currency, closed days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sent.engines.capital import store as ledger
from sent.engines.capital.model import Account, Role, Setup
from sent.platform.db.uow import Tx
from sent.platform.errors import Invalid


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
    """Return the first and last days of periods that are closed, softly or hard."""
    return [(one.starts, one.ends) for one in await ledger.periods(tx) if one.state != "open"]


def only(chart: Sequence[Account], role: Role) -> UUID:
    """Return the first open account with a role; raises Invalid when there is none."""
    for one in chart:
        if one.role == role and one.closed_on is None:
            return one.id
    raise Invalid("capital.role.missing", f"no account has the role {role}: give one that role")
