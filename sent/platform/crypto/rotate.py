"""Changing keys while they are used; each step may be killed at any moment and is simply run again.

    root           the organisations' keys are re-wrapped; no value is touched
    organisation   its data keys are re-wrapped in one transaction
    data           a new active key for the purpose, then every sealed value in small batches, each value
                   replaced only where it still is what was read; writers go on meanwhile

All of it runs as `sent_system`. `say` gets one dictionary for each step that is worth telling.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sent.platform.context import Ctx
from sent.platform.crypto import recovery, store
from sent.platform.crypto.envelope import DataKey, Place
from sent.platform.crypto.keys import ORGANIZATION, KeyRing, WrappedKey, unwrap_below, wrap
from sent.platform.crypto.root import Roots, root_id
from sent.platform.crypto.vault import Vault
from sent.platform.db.uow import fetch, uow
from sent.platform.errors import Conflict, Invalid, NotFound, SentError

BATCH = 200
MESSAGES = 2**30
"""Values under one key after which it is due; NIST SP 800-38D ends at 2**32 with random nonces."""

AGE = timedelta(days=365)
Say = Callable[[dict[str, Any]], None]


async def status(ctx: Ctx) -> list[dict[str, Any]]:
    """Return one line per key of the organisation: state, age, values sealed with it, whether it is due."""
    async with uow(ctx) as tx:
        known = await store.rows(tx)
        amounts = {purpose: await store.amounts(tx, purpose) for purpose in {key.purpose for key in known}}
    now = datetime.now(UTC)
    lines = []
    for key in known:
        values = amounts[key.purpose].get(key.number, 0)
        old = key.state == "active" and (now - key.created_at > AGE or values >= MESSAGES)
        lines.append(
            {
                "key": key.number,
                "purpose": key.purpose,
                "state": key.state,
                "root": key.root_id,
                "wrapped_by": key.parent,
                "made": key.created_at.isoformat(),
                "values": values,
                "unused": key.emptied_at is not None or (key.purpose != ORGANIZATION and values == 0),
                "due": old or (key.purpose == ORGANIZATION and key.state == "active" and key.root_id is None),
            }
        )
    return lines


async def rotate_root(contexts: Iterable[Ctx], roots: Roots, vault: Vault, say: Say) -> str:
    """Put every organisation's key under a new root and return its id.

    Where SENT may write the place (file, keyring) it makes the root and removes the former one at the end;
    else the place must offer the new key first and the former second. A run that was killed goes on: as
    long as the place holds two keys, no third is made.
    """
    wanted = list(contexts)
    held = roots.all()
    if len(held) == 1:
        if not roots.place.writable:
            raise Invalid(
                "root.read_only",
                f"{roots.place.name} is not written by SENT: let it give the new key in the first line and"
                " the present one in the second, then run this again",
            )
        held = [secrets.token_bytes(32), *held]
        roots.store(held)
    fresh = root_id(held[0])
    recovery.follow(held, vault)
    for ctx in wanted:
        say({"organization": str(ctx.org), "rewrapped": await _rewrap(ctx, roots, vault), "root": fresh})
    if roots.place.writable:
        roots.store(held[:1])
    # Who made an organisation's key under the former root meanwhile did so before this look.
    for ctx in wanted:
        await _rewrap(ctx, roots, vault)
    recovery.follow(held[:1], vault)
    return fresh


async def _rewrap(ctx: Ctx, roots: Roots, vault: Vault) -> int:
    current = roots.current()
    ring = store.ring(ctx, roots=roots, vault=vault)
    changed = 0
    async with uow(ctx) as tx:
        for key in await store.organization_keys(tx):
            if key.root_id == root_id(current):
                continue
            opened = ring.organization_keys([key])[key.number]
            fresh = ring.wrapped_organization_key(key.number, opened, current)
            changed += await store.rewrap(tx, key, fresh)
    return changed


async def rotate_organization(ctx: Ctx, roots: Roots, vault: Vault) -> dict[str, Any]:
    """Make a new organisation's key, put the data keys under it and destroy the former one."""
    ring = store.ring(ctx, roots=roots, vault=vault)
    async with uow(ctx) as tx:
        await store.exclusive(tx)
        known = await fetch(tx, WrappedKey, f"select {store.COLUMNS} from core.data_key order by number")
        above = ring.organization_keys(known)
        if not above:
            raise NotFound("crypto.no_keys", "this organisation has no keys yet: nothing to rotate")
        number, fresh = max(key.number for key in known) + 1, secrets.token_bytes(32)
        await store.retire(tx, ORGANIZATION)
        await store.add(tx, ring.wrapped_organization_key(number, fresh))
        for key in known:
            if key.purpose == ORGANIZATION or key.state == "destroyed":
                continue
            opened = unwrap_below(above, key)
            await store.rewrap(tx, key, replace(key, wrapped=wrap(fresh, opened), parent=number))
        await store.destroy(tx, list(above))
    return {"organization": str(ctx.org), "key": number, "rewrapped": len(known) - len(above)}


async def purposes(ctx: Ctx) -> list[str]:
    """Return the purposes of which the organisation has data keys."""
    async with uow(ctx) as tx:
        return sorted({key.purpose for key in await store.rows(tx)} - {ORGANIZATION})


async def rotate_data(
    ctx: Ctx, purpose: str, roots: Roots, vault: Vault, say: Say, *, batch: int = BATCH
) -> dict[str, Any]:
    """Seal every value of `purpose` with a new key and prove that the former ones are unused.

    A run that was killed is finished first: as long as a retired key is in use no further key is made.
    Values that do not open are left, counted as `broken`, and keep their key from being called unused.
    """
    ring = KeyRing(store.TenantKeys(ctx), roots, store.shred(ctx.org, vault), remember=True)
    async with uow(ctx) as tx:
        rows = await store.rows(tx)
    mine = [key for key in rows if key.purpose == purpose and key.state != "destroyed"]
    if not mine:
        raise NotFound("crypto.no_keys", f"this organisation has no key for {purpose!r}")
    unfinished = [key for key in mine if key.state == "decrypt_only" and key.emptied_at is None]
    if not unfinished:
        await _replace_active(ctx, ring, purpose, max(key.number for key in rows) + 1)
    await ring.forget()
    active = await ring.sealer(purpose)
    async with uow(ctx) as tx:
        columns = await store.sealed_columns(tx, purpose)
        rows = await store.rows(tx)
    old = [
        key.number
        for key in rows
        if key.purpose == purpose and key.state == "decrypt_only" and key.emptied_at is None
    ]
    resealed = broken = 0
    for column in columns:
        done, bad = await _reseal(ctx, ring, active, column, old, say, batch)
        resealed, broken = resealed + done, broken + bad
    left = await _prove_unused(ctx, purpose, old)
    if left and not broken:
        # A value moved between two columns of its row while we passed: once more finds it.
        return await rotate_data(ctx, purpose, roots, vault, say, batch=batch)
    return {
        "organization": str(ctx.org),
        "purpose": purpose,
        "key": active.number,
        "resealed": resealed,
        "unused": [number for number in old if number not in left],
        "still_used": left,
        "broken": broken,
    }


async def _replace_active(ctx: Ctx, ring: KeyRing, purpose: str, number: int) -> None:
    keys = store.TenantKeys(ctx)
    above = ring.organization_key(list(await keys.keys()))
    if above is None:
        raise NotFound("crypto.destroyed", "this organisation's keys were destroyed")
    wrapped = wrap(above[1], secrets.token_bytes(32))
    async with uow(ctx) as tx:
        await store.exclusive(tx)
        await store.retire(tx, purpose)
        await store.add(tx, WrappedKey(number, purpose, "active", wrapped, parent=above[0]))
        fresh = [key for key in await store.rows(tx) if key.purpose == purpose and key.state == "active"]
        if not fresh:
            raise Conflict("crypto.busy", "somebody else changes this organisation's keys; try again")


async def _reseal(
    ctx: Ctx, ring: KeyRing, active: DataKey, column: store.SealedColumn, old: list[int], say: Say, batch: int
) -> tuple[int, int]:
    done = broken = 0
    after = None
    while True:
        async with uow(ctx) as tx:
            cells = await store.batch(tx, column, old, after, batch)
            changes = []
            for cell in cells:
                place = Place(column.table, column.place, ctx.org, cell.id)
                try:
                    plain = await ring.open(cell.sealed, place)
                except SentError:
                    broken += 1
                    say({"broken": f"{column.table}.{column.column}", "row": str(cell.id)})
                    continue
                changes.append((cell.id, cell.sealed, active.seal(plain, place)))
            if changes:
                done += await store.reseal(tx, column, changes)
        if not cells:
            return done, broken
        after = cells[-1].id
        say({"column": f"{column.table}.{column.column}", "resealed": done})


async def _prove_unused(ctx: Ctx, purpose: str, old: list[int]) -> list[int]:
    """Note which retired keys no value uses any more; return those that are still used."""
    async with uow(ctx) as tx:
        await store.exclusive(tx)
        used = await store.amounts(tx, purpose)
        await store.emptied(tx, [number for number in old if number not in used])
    return [number for number in old if number in used]


async def destroy_unused(ctx: Ctx, purpose: str) -> list[int]:
    """Remove retired keys that are proved unused; return their numbers.

    Raises Conflict when one came into use again (somebody went past the guard).
    """
    async with uow(ctx) as tx:
        await store.exclusive(tx)
        used = await store.amounts(tx, purpose)
        gone = [
            key.number
            for key in await store.rows(tx)
            if key.purpose == purpose and key.state == "decrypt_only" and key.emptied_at
        ]
        if back := [number for number in gone if number in used]:
            raise Conflict(
                "crypto.in_use", f"values are sealed with key {back[0]} again; look at sent keys status"
            )
        await store.destroy(tx, gone)
    return gone


async def destroy_organization(ctx: Ctx, vault: Vault) -> int:
    """Make everything sealed of an organisation unreadable for ever, in older backups too."""
    vault.destroy(ctx.org)
    async with uow(ctx) as tx:
        await store.exclusive(tx)
        return await store.destroy(tx)
