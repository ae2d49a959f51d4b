"""K2 t: a ciphertext that was swapped, cut, changed, of another key or put back is an error, always."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
import sealing
from hypothesis import given, settings
from hypothesis import strategies as st
from tenants import OrgFixture

from sent.platform.context import Ctx
from sent.platform.crypto import rotate
from sent.platform.crypto.envelope import DataKey, Place
from sent.platform.crypto.root import Roots
from sent.platform.crypto.store import ring
from sent.platform.crypto.vault import Vault
from sent.platform.db.engine import Database, Server
from sent.platform.db.uow import uow
from sent.platform.errors import Conflict, Invalid, NotFound, SentError
from sent.platform.ids import uuid7

if TYPE_CHECKING:
    from sent.platform.db.embedded.cluster import Cluster

KEY = DataKey(7, bytes(range(32)))
PLACE = Place("core.note", "body", UUID(int=1), UUID(int=2), generation=3)

places = st.builds(
    Place,
    st.sampled_from(["core.note", "core.not", "core.notes", "auth.credential"]),
    st.sampled_from(["body", "bod", "title"]),
    st.sampled_from([UUID(int=1), UUID(int=2)]),
    st.sampled_from([UUID(int=1), UUID(int=2)]),
    st.integers(0, 4),
)


@given(plain=st.binary(max_size=200), one=places, other=places)
@settings(max_examples=400, deadline=None)
def test_k2_a_value_opens_in_its_own_cell_and_generation_only(plain: bytes, one: Place, other: Place) -> None:
    sealed = KEY.seal(plain, one)
    if one == other:
        assert KEY.open(sealed, other) == plain
    else:
        with pytest.raises(Invalid):
            KEY.open(sealed, other)


@given(plain=st.binary(max_size=200), seed=st.integers(0, 2**32))
@settings(max_examples=400, deadline=None)
def test_k2_whatever_is_done_to_the_bytes_is_noticed(plain: bytes, seed: int) -> None:
    chance = random.Random(seed)
    sealed = KEY.seal(plain, PLACE)
    broken = mutated(sealed, chance)
    if broken != sealed:
        with pytest.raises(SentError):
            KEY.open(broken, PLACE)


def mutated(sealed: bytes, chance: random.Random) -> bytes:
    """Flip bits, cut, extend, repeat, exchange parts of two values."""
    found = bytearray(sealed)
    match chance.randrange(6):
        case 0:
            for _ in range(chance.randint(1, 8)):
                found[chance.randrange(len(found))] ^= 1 << chance.randrange(8)
        case 1:
            del found[chance.randrange(len(found)) :]
        case 2:
            found += chance.randbytes(chance.randint(1, 40))
        case 3:
            at = chance.randrange(len(found))
            del found[at : at + chance.randint(1, 4)]
        case 4:
            other = KEY.seal(b"another", PLACE)
            at = chance.randrange(6, min(len(found), len(other)))
            return bytes(found[:at]) + other[at:]
        case 5:
            one, two = chance.randrange(len(found)), chance.randrange(len(found))
            found[one], found[two] = found[two], found[one]
    return bytes(found)


@given(key=st.binary(min_size=32, max_size=32), number=st.sampled_from([7, 8]))
@settings(max_examples=100, deadline=None)
def test_k2_another_key_never_opens(key: bytes, number: int) -> None:
    if (key, number) != (bytes(range(32)), 7):
        with pytest.raises(Invalid):
            DataKey(number, key).open(KEY.seal(b"x", PLACE), PLACE)


async def stored(ctx: Ctx, row: UUID) -> bytes:
    """Return a note's sealed body."""
    async with uow(ctx) as tx:
        found = await (await tx.execute("select body from core.note where id = %s", [row])).fetchone()
    assert found is not None
    return bytes(found[0])


def put_back(cluster: Cluster, server: Server, row: UUID, sealed: bytes) -> None:
    """Put a value into a cell past every guard, as whoever owns the server can."""
    with cluster.connect(server.dbname) as admin:
        admin.execute("set session_replication_role = replica")
        admin.execute("update core.note set body = %s where id = %s", [sealed, row])


async def change(ctx: Ctx, row: UUID, plain: bytes) -> None:
    """Write a note's body as a service does."""

    async def put(sealed: bytes) -> None:
        async with uow(ctx) as tx:
            await tx.execute("update core.note set body = %s where id = %s", [sealed, row])

    await ring(ctx).write(sealing.PURPOSE, plain, sealing.place(ctx.org, row), put)


async def test_k2_a_former_value_put_back_after_a_rotation_is_an_error(
    cluster: Cluster, server: Server, org_a: OrgFixture, system_db: Database
) -> None:
    sealing.make_table(server)
    row = await sealing.insert(org_a.ctx, b"former")
    former = await stored(org_a.ctx, row)
    warm = ring(org_a.ctx)
    assert await warm.open(former, sealing.place(org_a.org, row)) == b"former"
    system = Ctx(system_db, org_a.org, org_a.owner)
    await rotate.rotate_data(system, sealing.PURPOSE, Roots(), Vault(), lambda _: None)
    with pytest.raises(Conflict) as refused:
        async with uow(org_a.ctx) as tx:
            await tx.execute("update core.note set body = %s where id = %s", [former, row])
    assert refused.value.code == "crypto.stale"
    put_back(cluster, server, row, former)
    for keys in (warm, ring(org_a.ctx)):
        with pytest.raises(Invalid) as replayed:
            await keys.open(await stored(org_a.ctx, row), sealing.place(org_a.org, row))
        assert replayed.value.code == "crypto.replayed"
    with pytest.raises(Conflict, match="again"):
        await rotate.destroy_unused(system, sealing.PURPOSE)
    await change(org_a.ctx, row, b"present")
    assert await rotate.destroy_unused(system, sealing.PURPOSE) == [2]
    put_back(cluster, server, row, former)
    with pytest.raises(NotFound):
        await warm.open(await stored(org_a.ctx, row), sealing.place(org_a.org, row))


async def test_k2_cells_exchanged_in_the_database_do_not_open(
    cluster: Cluster, server: Server, org_a: OrgFixture, org_b: OrgFixture
) -> None:
    sealing.make_table(server)
    one, two = await sealing.insert(org_a.ctx, b"one"), await sealing.insert(org_a.ctx, b"two")
    foreign = await sealing.insert(org_b.ctx, b"foreign")
    cells: list[tuple[Any, UUID]] = [(org_a, one), (org_a, two), (org_b, foreign)]
    sealed = {row: await stored(org.ctx, row) for org, row in cells}
    for org, row in cells:
        for other in sealed:
            if other == row:
                continue
            put_back(cluster, server, row, sealed[other])
            with pytest.raises(SentError):
                await ring(org.ctx).open(await stored(org.ctx, row), sealing.place(org.org, row))


async def test_k2_a_writer_with_an_old_key_in_mind_never_writes_with_it(
    server: Server, org_a: OrgFixture, system_db: Database
) -> None:
    """The writer begins before the rotation and commits after it would like to: the rotation waits."""
    import asyncio

    sealing.make_table(server)
    row = await sealing.insert(org_a.ctx, b"first")
    keys = ring(org_a.ctx)
    place = sealing.place(org_a.org, row)
    old = await keys.seal(sealing.PURPOSE, b"second", place)
    system = Ctx(system_db, org_a.org, org_a.owner)
    async with uow(org_a.ctx) as tx:
        await tx.execute("update core.note set body = %s where id = %s", [old, row])
        turning = asyncio.ensure_future(  # noqa: TID251  (awaited below)
            rotate.rotate_data(system, sealing.PURPOSE, Roots(), Vault(), lambda _: None)
        )
        done, _ = await asyncio.wait([turning], timeout=0.3)
        assert not done
    found = await turning
    assert found["still_used"] == [] and found["resealed"] == 1
    assert await keys.open(await stored(org_a.ctx, row), place) == b"second"
    with pytest.raises(Conflict):
        async with uow(org_a.ctx) as tx:
            await tx.execute("update core.note set body = %s where id = %s", [old, row])
    with pytest.raises(Invalid, match="sealed values"):
        async with uow(org_a.ctx) as tx:
            await tx.execute("update core.note set body = 'plain' where id = %s", [row])


def test_k2_a_generation_is_part_of_the_place() -> None:
    sealed = KEY.seal(b"x", PLACE)
    with pytest.raises(Invalid):
        KEY.open(sealed, replace(PLACE, generation=PLACE.generation + 1))
    assert KEY.open(sealed, PLACE) == b"x"
    assert uuid7() != PLACE.row
