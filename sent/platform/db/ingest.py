"""Writing many rows through a tenant's view: one INSERT .. SELECT unnest(..) with binary arrays.

COPY is refused by guarded tables and cannot skip what is there already; lists given to the driver are
turned into arrays value by value in Python, which costs three times the insert itself. So columns are
encoded here in the array format of the wire (PostgreSQL's array_recv), each with one tight loop. The
view's check applies to every row as for any other statement.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from uuid import UUID

import psycopg
from psycopg.adapt import Buffer, Dumper
from psycopg.pq import Format

from sent.platform.db.uow import Tx

PIECE = 1000
"""Rows in one statement."""

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_length = struct.Struct(">i").pack
_int8 = struct.Struct(">iq").pack
_NULL = b"\xff\xff\xff\xff"


class Column:
    """An encoded column: the values of one array parameter."""

    __slots__ = ("data",)

    def __init__(self, kind: str, values: Sequence[Any]) -> None:
        """Encode `values` of the SQL type `kind` (see `KINDS`); None is null."""
        oid, encode = KINDS[kind]
        body = b"".join(encode(values))
        nulls = 1 if None in values else 0
        self.data = struct.pack(">iiIii", 1, nulls, oid, len(values), 1) + body


class _ColumnDumper(Dumper):
    """Hands the bytes over; the cast beside the parameter tells the server their type."""

    format = Format.BINARY

    def dump(self, obj: Column) -> Buffer:
        return obj.data


psycopg.adapters.register_dumper(Column, _ColumnDumper)


async def insert_rows(
    tx: Tx,
    view: str,
    columns: Sequence[tuple[str, str]],
    rows: Iterable[Sequence[Any]],
    *,
    skip_existing: bool = True,
    returning: str | None = None,
) -> list[tuple[Any, ...]]:
    """Insert `rows` into `view`; return `returning` of the new ones.

    Rows whose key is there are skipped, for batches that may come twice; where the ids are fresh,
    `skip_existing=False` saves a fifth and makes a duplicate an error (Conflict). `columns` are
    (name, SQL type) in the order of the rows' values. Call it with some thousand rows.
    """
    query = statement(view, columns, skip_existing=skip_existing, returning=returning)
    waiting = iter(rows)
    cursors = []
    # The server works on one piece while the next is encoded here.
    async with tx.pipeline():
        while piece := list(islice(waiting, PIECE)):
            values = zip(*piece, strict=True)
            encoded = [Column(kind, column) for (_, kind), column in zip(columns, values, strict=True)]
            cursors.append(await tx.execute(query, encoded))
    return [row for cursor in cursors for row in await cursor.fetchall()] if returning else []


def statement(
    view: str,
    columns: Sequence[tuple[str, str]],
    *,
    skip_existing: bool = True,
    returning: str | None = None,
) -> str:
    """Return the INSERT with one array parameter per column."""
    names = ", ".join(name for name, _ in columns)
    arrays = ", ".join(f"%b::{kind}[]" for _, kind in columns)
    skip = " on conflict do nothing" if skip_existing else ""
    tail = f" returning {returning}" if returning else ""
    return f"insert into {view} ({names}) select {names} from unnest({arrays}) as given ({names}){skip}{tail}"


def _texts(values: Sequence[str | None]) -> Iterable[bytes]:
    known: dict[str | None, bytes] = {None: _NULL}
    for value in values:
        found = known.get(value)
        if found is None:
            assert value is not None  # noqa: S101  (None is known)
            data = value.encode()
            found = _length(len(data)) + data
            if len(known) < 256:
                known[value] = found
        yield found


def _jsons(values: Sequence[str | None]) -> Iterable[bytes]:
    for value in values:
        if value is None:
            yield _NULL
        else:
            data = value.encode()
            yield _length(len(data) + 1) + b"\x01" + data


def _uuids(values: Sequence[UUID | None]) -> Iterable[bytes]:
    return [_NULL if value is None else b"\x00\x00\x00\x10" + value.bytes for value in values]


def _times(values: Sequence[datetime | None]) -> Iterable[bytes]:
    for value in values:
        if value is None:
            yield _NULL
        else:
            passed = value - _EPOCH
            micros = (passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds
            yield _int8(8, micros)


def _numbers(code: str, size: int) -> Callable[[Sequence[int | None]], Iterable[bytes]]:
    pack = struct.Struct(f">i{code}").pack

    def encode(values: Sequence[int | None]) -> Iterable[bytes]:
        return [_NULL if value is None else pack(size, value) for value in values]

    return encode


def _booleans(values: Sequence[bool | None]) -> Iterable[bytes]:
    both = {True: b"\x00\x00\x00\x01\x01", False: b"\x00\x00\x00\x01\x00", None: _NULL}
    return [both[value] for value in values]


KINDS: dict[str, tuple[int, Callable[[Sequence[Any]], Iterable[bytes]]]] = {
    "uuid": (2950, _uuids),
    "timestamptz": (1184, _times),
    "text": (25, _texts),
    "jsonb": (3802, _jsons),
    "smallint": (21, _numbers("h", 2)),
    "integer": (23, _numbers("i", 4)),
    "bigint": (20, _numbers("q", 8)),
    "double precision": (701, _numbers("d", 8)),
    "boolean": (16, _booleans),
}
"""SQL types by name: the element type's fixed OID and its encoder. jsonb is given as JSON text."""
