"""Saved views in SQL. Row-level security decides who sees and changes which (revision 0014)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from sent.platform.context import Ctx
from sent.platform.db.uow import Tx, fetch_one, scalar, uow
from sent.platform.db.uow import fetch as fetch_rows
from sent.platform.errors import Conflict, NotFound
from sent.platform.ids import uuid7
from sent.platform.views.model import Definition, View, definition

MOST = 500

_COLUMNS = (
    "select id, page, name, definition, shared, person_id = sec.actor() as mine, position, version"
    " from core.view"
)


@dataclass(frozen=True, slots=True)
class _Row:
    id: UUID
    page: str
    name: str
    definition: dict[str, Any]
    shared: bool
    mine: bool
    position: int
    version: int

    def value(self) -> View:
        return View(
            self.id,
            self.page,
            self.name,
            definition(self.definition),
            self.shared,
            self.mine,
            self.position,
            self.version,
        )


async def slug(ctx: Ctx) -> str:
    """Return the short name of the organisation, which links begin with."""
    async with uow(ctx) as tx:
        return str(await scalar(tx, "select slug from core.organization where id = sec.org()") or "")


async def views(ctx: Ctx, page: str) -> list[View]:
    """Return the views of a page that the person may see: his own first, each in their order."""
    async with uow(ctx) as tx:
        rows = await fetch_rows(
            tx,
            _Row,
            f"{_COLUMNS} where page = %s"
            " order by person_id <> sec.actor(), position, lower(name), id limit %s",
            [page, MOST],
        )
    return [row.value() for row in rows]


async def view(ctx: Ctx, view_id: UUID) -> View:
    """Return one view; raises NotFound (also for another's private one)."""
    async with uow(ctx) as tx:
        return await _one(tx, view_id)


async def add(ctx: Ctx, page: str, name: str, what: Definition, *, shared: bool = False) -> View:
    """Save a view; raises Conflict (the person has one of that name), Denied (sharing without the right)."""
    return await put_back(ctx, View(uuid7(), page, name.strip(), what, shared, True, 0, 0))


async def put_back(ctx: Ctx, gone: View) -> View:
    """Save a view that was removed again, as the person's own, under the id it had."""
    async with uow(ctx) as tx:
        await tx.execute(
            "insert into core.view (id, page, name, definition, shared, position)"
            " values (%s, %s, %s, %s, %s, %s)",
            [gone.id, gone.page, gone.name, Jsonb(gone.definition.document()), gone.shared, gone.position],
        )
        return await _one(tx, gone.id)


async def change(ctx: Ctx, before: View, wanted: View) -> View:
    """Give a view the name, definition and sharing of `wanted`.

    Raises Conflict when it is not as `before` any more, with the present one as `data["now"]`; NotFound;
    Denied.
    """
    async with uow(ctx) as tx:
        found = await tx.execute(
            "update core.view set name = %s, definition = %s, shared = %s where id = %s and version = %s",
            [
                wanted.name.strip(),
                Jsonb(wanted.definition.document()),
                wanted.shared,
                before.id,
                before.version,
            ],
        )
        now = await _one(tx, before.id)
        if found.rowcount == 0:
            raise Conflict("view.changed", "somebody else changed this view first", now=now)
        return now


async def reorder(ctx: Ctx, ids: Sequence[UUID]) -> None:
    """Put the person's own views in this order."""
    async with uow(ctx) as tx:
        await tx.execute(
            "update core.view v set position = o.place from unnest(%s::uuid[]) with ordinality o (id, place)"
            " where v.id = o.id and v.person_id = sec.actor()",
            [list(ids)[:MOST]],
        )


async def remove(ctx: Ctx, view_id: UUID) -> None:
    """Remove a view; raises NotFound."""
    async with uow(ctx) as tx:
        found = await tx.execute("delete from core.view where id = %s", [view_id])
        if found.rowcount == 0:
            raise NotFound("view.missing", "this view is gone, or not yours to remove")


async def _one(tx: Tx, view_id: UUID) -> View:
    row = await fetch_one(tx, _Row, f"{_COLUMNS} where id = %s", [view_id])
    if row is None:
        raise NotFound("view.missing", "this view is gone, or not yours to see")
    return row.value()
