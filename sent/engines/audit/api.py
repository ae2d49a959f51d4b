"""Reading and proving the audit trail.

The entries are written by database triggers (revision 0003); nothing in Python can write, change or
remove one. A member verifies the trail himself, with the public keys the database names; whether these and
the anchors are right is what `sent audit verify` and the nightly task at the server tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sent.platform.audit import personal as personal_values
from sent.platform.audit import store
from sent.platform.audit.personal import erase
from sent.platform.audit.verify import Finding, Progress, Report, blocks
from sent.platform.audit.verify import verify as verify_blocks
from sent.platform.context import Ctx
from sent.platform.db.uow import fetch, scalar, uow

__all__ = [
    "Entry",
    "Finding",
    "ProofState",
    "Report",
    "entries",
    "erase",
    "find",
    "personal",
    "proof_state",
    "tables",
    "verify",
]

Action = Literal["insert", "update", "delete", "truncate"]

PAGE_LIMIT = 2000
WAITING_LIMIT = 10_000
PERSONAL = "personal:"
"""What stands for a personal value in an image, with its commitment as hex behind it."""


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


@dataclass(frozen=True, slots=True)
class ProofState:
    """How far the trail is proved.

    `waiting` entries (counted to 10,000) have no seal yet; `anchored_at` and `verified_at` are when the
    server last wrote a head outside the database and verified, `verified` its report.
    """

    sealed_at: datetime | None
    seals: int
    waiting: int
    anchored_at: datetime | None
    verified_at: datetime | None
    verified: dict[str, Any] | None


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


async def find(ctx: Ctx, seq: int) -> Entry | None:
    """Return the entry of a number, or None when it is gone."""
    async with uow(ctx) as tx:
        found = await fetch(
            tx,
            Entry,
            "select id, at, actor, actor_name, action, table_name as table, row_id, before, after, trace"
            " from audit.find(%s)",
            [seq],
        )
    return found[0] if found else None


async def proof_state(ctx: Ctx) -> ProofState:
    """Return how far the trail is sealed, anchored and verified."""
    async with uow(ctx) as tx:
        last = await store.last_seal(tx)
        waiting = await scalar(
            tx,
            "select count(*) from (select from audit.entry where seq > %s limit %s) x",
            [last.to_seq if last else 0, WAITING_LIMIT],
        )
        proofs = await store.proofs(tx)
    anchor, verified = proofs.get("anchor"), proofs.get("verify")
    return ProofState(
        last.at if last else None,
        last.number if last else 0,
        int(waiting),
        anchor.at if anchor else None,
        verified.at if verified else None,
        verified.result if verified else None,
    )


async def verify(ctx: Ctx, progress: Progress | None = None) -> Report:
    """Recompute the whole trail as the asker may read it; `progress` hears of every seal."""
    async with uow(ctx) as tx:
        keys = await store.signing_keys(tx)
    return await verify_blocks(ctx.org, blocks(ctx), keys, None, progress)


async def personal(ctx: Ctx, entry: UUID) -> dict[str, str | None] | None:
    """Return an entry's personal values by what stands for them; None for what was erased.

    None when the service that holds the keys does not answer.
    """
    found = await personal_values.reveal(ctx, [entry])
    return None if found is None else {PERSONAL + name: value for name, value in found.items()}
