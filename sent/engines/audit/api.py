"""Reading the audit trail.

The entries are written by database triggers (revision 0003); nothing in Python can write, change or
remove one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sent.platform.context import Ctx
from sent.platform.db.uow import fetch, uow

Action = Literal["insert", "update", "delete", "truncate"]

PAGE_LIMIT = 2000


@dataclass(frozen=True, slots=True)
class Entry:
    """One change of one row; `before` is None for an insert, `after` for a delete.

    Secrets stand in the images as digests. `actor` is a person's id, or a worker's instance id.
    """

    id: UUID
    at: datetime
    actor: UUID | None
    actor_name: str
    action: Action
    table: str
    row_id: UUID | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    trace: UUID | None

    def changed(self) -> dict[str, tuple[Any, Any]]:
        """Return the columns that differ, as (before, after); bookkeeping columns are left out."""
        before, after = self.before or {}, self.after or {}
        names = [name for name in (before | after) if name not in ("version", "updated_at")]
        pairs = {name: (before.get(name), after.get(name)) for name in names}
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


async def entries(
    ctx: Ctx,
    *,
    before: tuple[datetime, UUID] | None = None,
    limit: int = 200,
    table: str | None = None,
    actor: UUID | None = None,
    action: str | None = None,
    text: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[Entry]:
    """Return at most `limit` (2,000) entries, newest first, older than `before` = (at, id) of the last.

    `text` is looked for in names and values, upper or lower case. Raises Denied without `audit:read`.
    """
    at, identity = before or (None, None)
    async with uow(ctx) as tx:
        return await fetch(
            tx,
            Entry,
            "select id, at, actor, actor_name, action, table_name as table, row_id, before, after, trace"
            " from audit.page(%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [at, identity, min(limit, PAGE_LIMIT), table, actor, action, text or None, since, until],
        )


async def tables(ctx: Ctx) -> list[str]:
    """Return the names of all audited tables."""
    async with uow(ctx) as tx:
        found = await tx.execute("select * from audit.tables()")
        return [str(row[0]) for row in await found.fetchall()]
