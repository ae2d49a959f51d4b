"""The store of saved views in memory, for tests of the console alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from sent.platform.errors import Conflict, NotFound
from sent.platform.ids import uuid7
from sent.platform.views.model import Definition, View

SHELVES: list[ViewShelf] = []


class ViewShelf:
    """Views of one person."""

    def __init__(self) -> None:
        self.rows: dict[UUID, View] = {}
        SHELVES[:] = [self]

    def functions(self) -> dict[str, Callable[..., Any]]:
        names = ("slug", "views", "view", "add", "put_back", "change", "reorder", "remove")
        return {name: getattr(self, name) for name in names}

    async def slug(self, _ctx: object) -> str:
        return "northwind"

    async def views(self, _ctx: object, page: str) -> list[View]:
        return sorted((v for v in self.rows.values() if v.page == page), key=lambda v: (v.position, v.name))

    async def view(self, _ctx: object, view_id: UUID) -> View:
        if view_id not in self.rows:
            raise NotFound("view.missing", "this view is gone, or not yours to see")
        return self.rows[view_id]

    async def add(self, ctx: object, page: str, name: str, what: Definition, *, shared: bool = False) -> View:
        return await self.put_back(ctx, View(uuid7(), page, name, what, shared, True, 0, 1))

    async def put_back(self, _ctx: object, gone: View) -> View:
        self.rows[gone.id] = gone
        return gone

    async def change(self, ctx: object, before: View, wanted: View) -> View:
        now = await self.view(ctx, before.id)
        if now.version != before.version:
            raise Conflict("view.changed", "somebody else changed this view first", now=now)
        self.rows[before.id] = replace(wanted, version=now.version + 1)
        return self.rows[before.id]

    async def reorder(self, _ctx: object, ids: Sequence[UUID]) -> None:
        for place, id in enumerate(ids):
            self.rows[id] = replace(self.rows[id], position=place)

    async def remove(self, ctx: object, view_id: UUID) -> None:
        await self.view(ctx, view_id)
        del self.rows[view_id]
