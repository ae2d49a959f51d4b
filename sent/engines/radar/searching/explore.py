"""Use cases of the search over stored events. Times are aware; [since, until) is the events' own time.

Every function takes the search line as text (`query` has the language) and raises QueryError with the place
of the mistake, Denied without `radar:read`, Unavailable when the database does not answer in time.
"""

from __future__ import annotations

import asyncio
import csv
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Literal
from uuid import UUID

import orjson

from sent.engines.radar.searching.found import FieldUse, FieldValues, FoundEvent, Histogram, Page
from sent.engines.radar.searching.query import parse
from sent.engines.radar.store import search
from sent.platform.context import Ctx
from sent.platform.db.uow import uow
from sent.platform.errors import Invalid, NotFound
from sent.platform.terminal import harmless, harmless_json

ExportKind = Literal["csv", "jsonl"]

EXPORT_PAGE = 2000
STEPS = (1, 5, 10, 30, 60, 300, 600, 1800, 3600, 10_800, 21_600, 43_200, 86_400, 7 * 86_400)
"""Lengths of a histogram's buckets, in seconds."""

CSV_COLUMNS = ("at", "level", "source", "host", "program", "message", "fields", "id")


async def find_events(
    ctx: Ctx,
    query: str,
    since: datetime,
    until: datetime,
    *,
    before: tuple[datetime, UUID] | None = None,
    limit: int = 50,
) -> Page:
    """Return a page of events, newest first; the next one starts `before` (at, id) of the last.

    A search that only reading can answer stops after 200,000 events: the page then says how far it
    `looked_to`, and goes on from there with `until` set to it.
    """
    tree = parse(query)
    async with uow(ctx) as tx:
        return await search.page(tx, tree, since, until, before, limit)


async def whole_event(ctx: Ctx, event_id: UUID, at: datetime) -> FoundEvent:
    """Return one event with its whole message; raises NotFound."""
    async with uow(ctx) as tx:
        found = await search.whole(tx, event_id, at)
    if found is None:
        raise NotFound("radar.event.missing", "the event is not there (any more), or not yours to see")
    return found


async def event_histogram(
    ctx: Ctx, query: str, since: datetime, until: datetime, *, buckets: int = 120
) -> Histogram:
    """Return events by time and severity in at most about `buckets` buckets of a round length.

    The first begins at or before `since`, the last ends at or after `until`.
    """
    tree = parse(query)
    span = max(1.0, (until - since).total_seconds())
    step = next((step for step in STEPS if span / step <= max(1, buckets)), STEPS[-1])
    first = datetime.fromtimestamp(since.timestamp() // step * step, UTC)
    last = datetime.fromtimestamp(-(-until.timestamp() // step) * step, UTC)
    async with uow(ctx) as tx:
        found, share = await search.histogram(tx, tree, first, last, step)
    return Histogram(first, last, step, found, share)


async def field_values(
    ctx: Ctx, query: str, since: datetime, until: datetime, field: str, *, limit: int = 20
) -> FieldValues:
    """Return the most frequent values of a field among the events that fit."""
    if not field or len(field) > 300:
        raise Invalid("radar.search.field", "a field's name has 1 to 300 characters")
    tree = parse(query)
    async with uow(ctx) as tx:
        return await search.values(tx, tree, since, until, field, limit)


async def field_uses(ctx: Ctx, query: str, since: datetime, until: datetime) -> list[FieldUse]:
    """Return the fields of the events that fit, from a fair sample, the most frequent first."""
    tree = parse(query)
    async with uow(ctx) as tx:
        return await search.fields(tx, tree, since, until)


async def all_events(
    ctx: Ctx, query: str, since: datetime, until: datetime
) -> AsyncIterator[list[FoundEvent]]:
    """Yield all events that fit, newest first, in pages; each page is a transaction of its own."""
    before: tuple[datetime, UUID] | None = None
    while True:
        page = await find_events(ctx, query, since, until, before=before, limit=EXPORT_PAGE)
        if page.events:
            yield page.events
        if page.looked_to is not None:
            before, until = None, page.looked_to
        elif len(page.events) == EXPORT_PAGE:
            before = (page.events[-1].at, page.events[-1].id)
        else:
            return


async def export_events(
    ctx: Ctx,
    query: str,
    since: datetime,
    until: datetime,
    path: Path,
    kind: ExportKind,
    *,
    progress: Callable[[int, datetime], object] = lambda _written, _at: None,
) -> int:
    """Write all events that fit to `path`, newest first; return how many.

    `progress` hears how many are written and the time of the last. Cancelling, and errors, leave no file:
    it is written beside and put in place at the end.
    """
    written = 0
    beside = path.with_name(f".{path.name}.part")
    file = await asyncio.to_thread(beside.open, "w", encoding="utf-8", newline="")
    try:
        with file:
            if kind == "csv":
                csv.writer(file).writerow(CSV_COLUMNS)
            async for events in all_events(ctx, query, since, until):
                await asyncio.to_thread(write_events, file, events, kind)
                written += len(events)
                progress(written, events[-1].at)
        await asyncio.to_thread(beside.replace, path)
    finally:
        await asyncio.to_thread(beside.unlink, missing_ok=True)
    return written


def write_events(
    file: IO[str], events: list[FoundEvent], kind: ExportKind, *, terminal: bool = False
) -> None:
    """Write events as JSON lines or as rows of CSV (see `CSV_COLUMNS`).

    JSON never holds a raw control character; CSV has no way to escape one, so only what a `terminal` is
    shown loses them.
    """
    if kind == "jsonl":
        file.writelines(f"{harmless_json(_document(event))}\n" for event in events)
        return
    rows = csv.writer(file)
    for e in events:
        fields = orjson.dumps(e.fields).decode()
        row = (e.at.isoformat(), e.level, e.source_name, e.host, e.program, e.message, fields, str(e.id))
        cells = [_harmless(cell) for cell in row]
        rows.writerow(map(harmless, cells) if terminal else cells)


def _document(event: FoundEvent) -> str:
    return orjson.dumps(
        {
            "id": event.id,
            "at": event.at,
            "received_at": event.received_at,
            "level": event.level,
            "source": event.source_name,
            "host": event.host,
            "program": event.program,
            "message": event.message,
            "fields": event.fields,
        }
    ).decode()


def _harmless(cell: str) -> str:
    """Keep spreadsheets from taking a logged text for a formula."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
