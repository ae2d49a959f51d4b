"""SQL of the provable trail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from sent.platform.audit.canonical import Line, Seal
from sent.platform.db.uow import Tx, fetch, scalar

LOCK = 7304021020
LAST_ID = "ffffffff-ffff-ffff-ffff-ffffffffffff"

_LINES = """
select seq, organization_id::text as organization, id::text,
  (extract(epoch from at) * 1000000)::bigint as at, actor::text, action, table_name as "table",
  row_id::text as row, before::text, after::text, trace::text
from audit.entry where (seq, id) > (%s, %s) and seq <= %s order by seq, id limit %s
"""
_OWN = "organization_id = (select sec.org())"
"""Asked for explicitly: sent_system sees the seals of all organisations."""

_SEAL = """
organization_id as organization, number, from_seq, to_seq, entries, prev, head, signature, key_id, at, seqs,
digests, genesis
"""
_WAITING = """
select o.id as organization, coalesce(s.number, 0) as number, coalesce(s.to_seq, 0) as to_seq, s.head
from (
  select id from core.organization union all select '00000000-0000-0000-0000-000000000000'
) o left join lateral (
  select x.number, x.to_seq, x.head from audit.seal x where x.organization_id = o.id
  order by x.number desc limit 1
) s on true
where exists (select from ts.audit_entry e where e.organization_id = o.id
              and e.seq > coalesce(s.to_seq, 0) and e.seq <= %s)
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An organisation with entries behind its last seal."""

    organization: UUID
    number: int
    to_seq: int
    head: bytes | None


@dataclass(frozen=True, slots=True)
class Personal:
    """A personal value; before it is sealed `salt` and `value` are there, afterwards `sealed`."""

    id: UUID
    entry_id: UUID
    commitment: bytes
    person_id: UUID | None
    salt: bytes | None
    value: str | None
    sealed: bytes | None


@dataclass(frozen=True, slots=True)
class Proof:
    """What sealing or verifying last found."""

    kind: str
    at: datetime
    result: dict[str, Any]


async def horizon(tx: Tx) -> tuple[int, str]:
    """Return the highest number given so far, and the transaction that comes after all of its writers."""
    seq, xmax = (await (await tx.execute("select seq, xmax::text from audit.horizon()")).fetchall())[0]
    return int(seq), str(xmax)


async def passed(tx: Tx, xmax: str) -> bool:
    """Say whether every transaction before `xmax` is over."""
    return bool(await scalar(tx, "select pg_snapshot_xmin(pg_current_snapshot()) >= %s::xid8", [xmax]))


async def waiting(tx: Tx, upto: int) -> list[Waiting]:
    """Return the organisations that have entries up to a number which no seal covers."""
    return await fetch(tx, Waiting, _WAITING, [upto])


async def alone(tx: Tx) -> bool:
    """Take the sealers' lock for this transaction; False when another holds it."""
    return bool(await scalar(tx, "select pg_try_advisory_xact_lock(%s)", [LOCK]))


async def lines(tx: Tx, after: int, upto: int, most: int, after_id: str = LAST_ID) -> list[Line]:
    """Return entries of the organisation by number, behind (`after`, `after_id`)."""
    return await fetch(tx, Line, _LINES, [after, after_id, upto, most])


async def last_seal(tx: Tx) -> Seal | None:
    """Return the organisation's newest seal."""
    found = await fetch(tx, Seal, f"select {_SEAL} from audit.seal where {_OWN} order by number desc limit 1")
    return found[0] if found else None


async def newest_seals(tx: Tx) -> list[Seal]:
    """Return the newest seal of every organisation; as `sent_system`, outside an organisation."""
    return await fetch(
        tx,
        Seal,
        f"select distinct on (organization_id) {_SEAL} from audit.seal order by organization_id, number desc",
    )


async def seals(tx: Tx, after: int, most: int) -> list[Seal]:
    """Return seals of the organisation behind a number."""
    return await fetch(
        tx,
        Seal,
        f"select {_SEAL} from audit.seal where {_OWN} and number > %s order by number limit %s",
        [after, most],
    )


async def add_seal(tx: Tx, seal: Seal, last_at: int) -> None:
    """Append a seal; raises Conflict when it does not continue the chain."""
    await tx.execute(
        "insert into audit.seal (number, from_seq, to_seq, entries, prev, head, signature, key_id, at,"
        " last_at, seqs, digests) values (%s, %s, %s, %s, %s, %s, %s, %s, %s,"
        " timestamptz 'epoch' + %s * interval '1 microsecond', %s, %s)",
        [
            seal.number,
            seal.from_seq,
            seal.to_seq,
            seal.entries,
            seal.prev,
            seal.head,
            seal.signature,
            seal.key_id,
            seal.at,
            last_at,
            seal.seqs,
            seal.digests,
        ],
    )


async def signing_keys(tx: Tx) -> dict[str, bytes]:
    """Return the public keys that stand in the database."""
    found = await tx.execute("select key_id, public_key from audit.signing_keys()")
    return {str(name): bytes(public) for name, public in await found.fetchall()}


async def add_signing_key(tx: Tx, key_id: str, public: bytes) -> None:
    """Note a public key of this installation (in the platform's organisation)."""
    await tx.execute(
        "insert into audit.signing_key (key_id, public_key) values (%s, %s) on conflict do nothing",
        [key_id, public],
    )


async def put_proof(tx: Tx, kind: str, at: datetime, result: dict[str, Any]) -> None:
    """Keep the newest result of a kind."""
    await tx.execute(
        "insert into audit.proof (kind, at, result) values (%s, %s, %s) on conflict (organization_id, kind)"
        " do update set at = excluded.at, result = excluded.result",
        [kind, at, Jsonb(result)],
    )


async def proofs(tx: Tx) -> dict[str, Proof]:
    """Return the newest results by kind."""
    return {found.kind: found for found in await fetch(tx, Proof, "select kind, at, result from audit.proof")}


async def cut_number(tx: Tx, before: datetime) -> int | None:
    """Return the newest seal that covers nothing younger than `before`, unless the trail begins there."""
    number = await scalar(
        tx,
        "select max(s.number) from audit.seal s where s.organization_id = (select sec.org())"
        " and not s.genesis and not exists (select from audit.seal y"
        "  where y.organization_id = s.organization_id and y.number <= s.number"
        "  and greatest(y.last_at, y.at) >= %s)",
        [before],
    )
    return None if number is None else int(number)


async def cut(tx: Tx, number: int) -> int:
    """Remove what the seals up to `number` cover; return how many entries."""
    return int(await scalar(tx, "select audit.cut(%s)", [number]))


PERSONAL = "id, entry_id, commitment, person_id, salt, value, sealed"


async def organizations_with_open_values(tx: Tx) -> list[UUID]:
    """Return where personal values wait to be sealed."""
    found = await tx.execute("select distinct organization_id from audit.personal where value is not null")
    return [row[0] for row in await found.fetchall()]


async def open_values(tx: Tx, most: int) -> list[Personal]:
    """Return personal values of the organisation that are not sealed yet."""
    return await fetch(
        tx,
        Personal,
        f"select {PERSONAL} from audit.personal where organization_id = sec.org() and value is not null"
        " order by id limit %s for update skip locked",
        [most],
    )


async def seal_values(tx: Tx, values: Sequence[tuple[UUID, bytes]]) -> None:
    """Replace values by their sealed form."""
    await tx.execute(
        "update audit.personal p set sealed = v.sealed, value = null, salt = null"
        " from unnest(%s::uuid[], %s::bytea[]) v(id, sealed)"
        " where p.organization_id = sec.org() and p.id = v.id and p.value is not null",
        [[row for row, _ in values], [sealed for _, sealed in values]],
    )


async def remove_values(tx: Tx, values: Sequence[UUID]) -> None:
    """Remove values of somebody who was erased."""
    await tx.execute(
        "delete from audit.personal where organization_id = sec.org() and id = any (%s)", [list(values)]
    )


async def values_of(tx: Tx, entries: Sequence[UUID]) -> list[Personal]:
    """Return the personal values of entries."""
    return await fetch(
        tx,
        Personal,
        f"select {PERSONAL} from audit.personal where organization_id = sec.org() and entry_id = any (%s)",
        [list(entries)],
    )
