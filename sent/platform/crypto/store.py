"""Keys in `core.data_key`, and the sealed columns that `core.sealed_column` lists."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sent.platform.context import Ctx
from sent.platform.crypto.keys import ORGANIZATION, KeyRing, WrappedKey
from sent.platform.crypto.root import Roots
from sent.platform.crypto.vault import Vault
from sent.platform.db.uow import Tx, fetch, scalar, uow

COLUMNS = "number, purpose, state, wrapped, root_id, parent, emptied_at is not null as emptied"

_ADD = """
insert into core.data_key (number, purpose, state, wrapped, root_id, parent)
select %(number)s, %(purpose)s, %(state)s, %(wrapped)s, %(root)s::text, %(parent)s::integer
where %(parent)s::integer is null or exists (
  select from core.data_key p where p.number = %(parent)s and p.state = 'active' for share)
on conflict do nothing
"""


def ring(ctx: Ctx, *, roots: Roots | None = None, vault: Vault | None = None) -> KeyRing:
    """Return the keys of the context's organisation; for trusted services only."""
    return KeyRing(TenantKeys(ctx), roots or Roots(), shred(ctx.org, vault))


def shred(organization: UUID, vault: Vault | None = None) -> _Shred:
    """Return what gives the organisation's vault secret."""
    return _Shred(organization, vault)


class _Shred:
    def __init__(self, organization: UUID, vault: Vault | None) -> None:
        self._organization = organization
        self._vault = vault

    def __call__(self, make: bool) -> bytes:
        self._vault = self._vault or Vault()
        return self._vault.secret(self._organization) if make else self._vault.find(self._organization)


class TenantKeys:
    """`KeyStore` on the tenant table."""

    def __init__(self, ctx: Ctx) -> None:
        self._ctx = ctx

    async def keys(self) -> Iterable[WrappedKey]:
        """Return all keys of the organisation."""
        async with uow(self._ctx) as tx:
            return await fetch(tx, WrappedKey, f"select {COLUMNS} from core.data_key order by number")

    async def add(self, key: WrappedKey) -> None:
        """Store a key unless it is taken or its parent is not active any more."""
        async with uow(self._ctx) as tx:
            await add(tx, key)


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A row of `core.sealed_column`; `place` is the column's name in the additional data."""

    table: str
    column: str
    purpose: str
    place: str


@dataclass(frozen=True, slots=True)
class Cell:
    """A sealed value and the row it stands in."""

    id: UUID
    sealed: bytes


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key as an administrator sees it."""

    number: int
    purpose: str
    state: str
    root_id: str | None
    parent: int | None
    created_at: datetime
    retired_at: datetime | None
    emptied_at: datetime | None


async def add(tx: Tx, key: WrappedKey) -> None:
    """Insert a key unless number or active purpose is taken, or its parent was replaced."""
    await tx.execute(
        _ADD,
        {
            "number": key.number,
            "purpose": key.purpose,
            "state": key.state,
            "wrapped": key.wrapped,
            "root": key.root_id,
            "parent": key.parent,
        },
    )


async def rows(tx: Tx) -> list[KeyRow]:
    """Return the organisation's keys by number."""
    return await fetch(
        tx,
        KeyRow,
        "select number, purpose, state, root_id, parent, created_at, retired_at, emptied_at"
        " from core.data_key order by number",
    )


async def sealed_columns(tx: Tx, purpose: str | None = None) -> list[SealedColumn]:
    """Return the sealed columns, those of `purpose` only."""
    return await fetch(
        tx,
        SealedColumn,
        "select table_name as table, column_name as column, purpose, place_column as place"
        " from core.sealed_column where %s::text is null or purpose = %s order by 1, 2",
        [purpose, purpose],
    )


async def exclusive(tx: Tx) -> None:
    """Wait until nobody is in the middle of writing a sealed value of this organisation, and keep it so."""
    await tx.execute("set local lock_timeout = '30s'")
    await tx.execute("select core.lock_sealed()")


async def amounts(tx: Tx, purpose: str) -> dict[int, int]:
    """Return how many values of `purpose` are sealed with each key."""
    found: dict[int, int] = {}
    for column in await sealed_columns(tx, purpose):
        asked = await tx.execute(
            f"select number, amount from {_schema(column)}.sealed_numbers(%s, %s)",
            [column.table, column.column],
        )
        for number, amount in await asked.fetchall():
            found[number] = found.get(number, 0) + amount
    return found


async def batch(
    tx: Tx, column: SealedColumn, numbers: Sequence[int], after: UUID | None, most: int
) -> list[Cell]:
    """Return up to `most` cells sealed with one of the keys, ordered by row."""
    return await fetch(
        tx,
        Cell,
        f"select id, sealed from {_schema(column)}.sealed_cells(%s, %s, %s, %s, %s)",
        [column.table, column.column, list(numbers), after, most],
    )


async def reseal(tx: Tx, column: SealedColumn, changes: Sequence[tuple[UUID, bytes, bytes]]) -> int:
    """Replace values that are still what they were; return how many were."""
    return int(
        await scalar(
            tx,
            f"select count(*) filter (where {_schema(column)}.reseal(%s, %s, c.id, c.before, c.after))"
            " from unnest(%s::uuid[], %s::bytea[], %s::bytea[]) c(id, before, after)",
            [column.table, column.column, *(list(part) for part in zip(*changes, strict=True))],
        )
    )


async def rewrap(tx: Tx, before: WrappedKey, after: WrappedKey) -> bool:
    """Replace the wrapping of a key that is still wrapped as it was."""
    return bool(
        await scalar(
            tx,
            "update core.data_key set wrapped = %s, root_id = %s, parent = %s"
            " where number = %s and wrapped = %s returning true",
            [after.wrapped, after.root_id, after.parent, before.number, before.wrapped],
        )
    )


async def retire(tx: Tx, purpose: str) -> None:
    """Make the active key of `purpose` one that only opens."""
    await tx.execute(
        "update core.data_key set state = 'decrypt_only', retired_at = clock_timestamp()"
        " where purpose = %s and state = 'active'",
        [purpose],
    )


async def emptied(tx: Tx, numbers: Sequence[int]) -> None:
    """Note that no value is sealed with these keys any more."""
    await tx.execute(
        "update core.data_key set emptied_at = clock_timestamp()"
        " where number = any (%s) and state = 'decrypt_only' and emptied_at is null",
        [list(numbers)],
    )


async def destroy(tx: Tx, numbers: Sequence[int] | None = None) -> int:
    """Remove the wrapped bytes of these keys (None: of all); return how many there were."""
    found = await tx.execute(
        "update core.data_key set state = 'destroyed', wrapped = '', destroyed_at = clock_timestamp()"
        " where state <> 'destroyed' and (%s::integer[] is null or number = any (%s))",
        [None if numbers is None else list(numbers)] * 2,
    )
    return found.rowcount


async def organization_keys(tx: Tx) -> list[WrappedKey]:
    """Return the keys that the root wraps."""
    return await fetch(
        tx,
        WrappedKey,
        f"select {COLUMNS} from core.data_key where purpose = %s and state <> 'destroyed' order by number",
        [ORGANIZATION],
    )


def _schema(column: SealedColumn) -> str:
    """Return the schema whose role may reach the table: credentials belong to `sent_auth`."""
    return "auth" if column.table.startswith("auth.") else "core"
