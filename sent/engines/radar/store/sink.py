"""What the worker writes, all in one transaction: events, the alerts they raise, how far a file was read.

Retrying a batch changes nothing: an event's id is made when it is received, a stored one is skipped, and
only newly stored events raise or count alerts.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import orjson

from sent.engines.radar.model import FieldMatch, Rule
from sent.platform.db.ingest import insert_rows
from sent.platform.db.uow import Tx, fetch_one
from sent.platform.ids import uuid7

MAX_MESSAGE = 65_536
MAX_FIELDS_BYTES = 262_144
MAX_NAME = 300
"""Characters of a field's name."""

MAX_PLAIN = 2_000
"""Bytes of fields up to which a name that is too long does not matter: most events are shorter."""

MAX_VALUE = 8_192
"""Characters of one value once an event's fields are too large together."""


class Line(NamedTuple):
    """An event ready to be stored: the columns of `_COLUMNS` in their order, then what stays here."""

    id: UUID
    at: datetime
    received_at: datetime
    source_id: UUID | None
    client_id: UUID | None
    severity: int
    host: str
    program: str
    channel: str | None
    event_code: int | None
    message: str
    fields: str
    """JSON text, see `fields_json`."""
    kind: str = ""
    payload: bytes = b""
    """What arrived, from a source of `kind`: kept as a dead letter when the database refuses the event."""


@dataclass(frozen=True, slots=True)
class Raised:
    """Hits of one rule that belong to one alert."""

    group_key: str
    rule: Rule
    source_id: UUID | None
    client_id: UUID | None
    host: str
    at: datetime
    last_at: datetime
    received_at: datetime
    count: int
    first_event_id: UUID
    last_event_id: UUID
    matched: Sequence[FieldMatch]
    event: str
    """The first event's fields as JSON text."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far a file was read: `head` is a digest of its first bytes, to know it from a successor."""

    source_id: UUID
    device: int
    inode: int
    position: int
    head: bytes


_COLUMNS = (
    ("id", "uuid"),
    ("at", "timestamptz"),
    ("received_at", "timestamptz"),
    ("source_id", "uuid"),
    ("client_id", "uuid"),
    ("severity", "smallint"),
    ("host", "text"),
    ("program", "text"),
    ("channel", "text"),
    ("event_code", "integer"),
    ("message", "text"),
    ("fields", "jsonb"),
)
"""Columns of an event with their SQL types; `Line` begins with them."""


@dataclass(frozen=True, slots=True)
class AlertWrite:
    """The alert that took the hits; `fresh`: it was raised, not counted up."""

    id: UUID
    fresh: bool


def storable(text: str) -> str:
    """Return text as PostgreSQL takes it: no NUL, no lone surrogates."""
    if "\x00" in text:
        text = text.replace("\x00", "\ufffd")
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def fields_json(fields: dict[str, str | None]) -> str:
    """Return an event's fields as JSON text of bounded size."""
    with contextlib.suppress(orjson.JSONEncodeError):  # a lone surrogate
        text = orjson.dumps(fields)
        if len(text) <= MAX_PLAIN and b"\\u0000" not in text:
            return text.decode()
    clean = {
        storable(name)[:MAX_NAME]: None if value is None else storable(value)
        for name, value in fields.items()
    }
    text = orjson.dumps(clean)
    if len(text) <= MAX_FIELDS_BYTES:
        return text.decode()
    clean = {name: value[:MAX_VALUE] if value else value for name, value in clean.items()}
    text = orjson.dumps(clean)
    if len(text) > MAX_FIELDS_BYTES:
        text = orjson.dumps(dict(list(clean.items())[: MAX_FIELDS_BYTES // MAX_VALUE // 8]))
    return text.decode()


async def store_lines(tx: Tx, lines: Sequence[Line], *, again: bool) -> set[UUID]:
    """Store the events and return the ids of those that were not stored before.

    Only a batch that is written `again` can meet rows of its own, so only that one looks for them: a
    first attempt is a third faster without.
    """
    rows = (line[: len(_COLUMNS)] for line in lines)
    if not again:
        await insert_rows(tx, "radar.event", _COLUMNS, rows, skip_existing=False)
        return {line.id for line in lines}
    return {id for (id,) in await insert_rows(tx, "radar.event", _COLUMNS, rows, returning="id")}


async def store_alert(tx: Tx, raised: Raised) -> AlertWrite:
    """Raise an alert, or count up the open one of its group; a source that is gone is left out."""
    rule = raised.rule
    matched = [
        {"field": m.field, "value": storable(m.value), "start": m.start, "end": m.end, "item": m.item}
        for m in raised.matched[:50]
    ]
    written = await fetch_one(
        tx,
        AlertWrite,
        "insert into radar.alert as a (id, at, last_at, received_at, level, rule_id, title, author, tags,"
        " source_id, client_id, host, count, group_key, first_event_id, last_event_id, matched, event)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, (select s.id from radar.source s where s.id = %s),"
        " %s, %s, %s, %s, %s, %s, %s::jsonb, %s::jsonb)"
        " on conflict (organization_id, group_key) where state <> 'closed' do update set"
        " count = a.count + excluded.count, last_at = greatest(a.last_at, excluded.last_at),"
        " at = least(a.at, excluded.at), last_event_id = excluded.last_event_id"
        " returning a.id, a.version = 1 as fresh",
        [
            uuid7(),
            raised.at,
            raised.last_at,
            raised.received_at,
            rule.level,
            rule.id,
            rule.title,
            rule.author,
            list(rule.tags),
            raised.source_id,
            raised.client_id,
            storable(raised.host),
            raised.count,
            raised.group_key,
            raised.first_event_id,
            raised.last_event_id,
            orjson.dumps(matched).decode(),
            raised.event,
        ],
    )
    if written is None:
        raise RuntimeError("an alert was neither inserted nor updated")
    return written


async def save_checkpoint(tx: Tx, point: Checkpoint) -> None:
    """Write how far a file was read; in the transaction that stores its lines."""
    await tx.execute(
        "insert into radar.checkpoint (source_id, device, inode, position, head)"
        " select s.id, %s, %s, %s, %s from radar.source s where s.id = %s"
        " on conflict (organization_id, source_id) do update set device = excluded.device,"
        " inode = excluded.inode, position = excluded.position, head = excluded.head",
        [point.device, point.inode, point.position, point.head, point.source_id],
    )


async def checkpoint(tx: Tx, source_id: UUID) -> Checkpoint | None:
    """Return how far the source's file was read."""
    cursor = await tx.execute(
        "select source_id, device, inode::bigint, position, head from radar.checkpoint where source_id = %s",
        [source_id],
    )
    row = await cursor.fetchone()
    return None if row is None else Checkpoint(row[0], row[1], row[2], row[3], bytes(row[4]))
