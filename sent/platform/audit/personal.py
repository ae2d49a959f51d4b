"""Personal values of the trail: sealed within seconds, shown to whoever may see them, gone when erased.

    sealed = organisation's key( person's vault secret( salt | value ) )

The inner layer is AES-256-GCM under the person's secret in the vault, which is in no backup; the outer one
is an ordinary sealed column, so rotation needs to know nothing of persons. Destroying the secret makes the
value unreadable in every dump that was made after it was sealed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable
from uuid import UUID

from sent.platform.audit import store
from sent.platform.audit.store import Personal
from sent.platform.context import Ctx
from sent.platform.crypto import box
from sent.platform.crypto.envelope import DataKey, Place
from sent.platform.crypto.keys import KeyRing
from sent.platform.crypto.root import Roots
from sent.platform.crypto.store import TenantKeys, shred
from sent.platform.crypto.vault import Vault
from sent.platform.db.engine import Database
from sent.platform.db.uow import Tx, scalar, transaction, uow
from sent.platform.errors import Conflict, Invalid, NotFound, SentError
from sent.platform.ids import PLATFORM_ORG, OrgId
from sent.platform.telemetry.log import get_logger

PURPOSE = "personal"
TABLE = "audit.personal"
BATCH = 500
SALT_BYTES = 32
REVEAL = b"sent reveal"

_log = get_logger("audit")


class Personals:
    """Seals, reveals and forgets; as `sent_system`, on the machine that has the vault."""

    def __init__(self, db: Database, roots: Roots, vault: Vault | None) -> None:
        self._db = db
        self._roots = roots
        self._vault = vault
        self._rings: dict[UUID, KeyRing] = {}
        self._told: set[str] = set()

    @property
    def vault(self) -> Vault:
        """Where the persons' secrets are."""
        self._vault = self._vault or Vault()
        return self._vault

    async def turn(self) -> None:
        """Seal what waits, answer questions, destroy the keys of whoever was erased."""
        async with transaction(self._db) as tx:
            waiting = await store.organizations_with_open_values(tx)
            questions = await self._questions(tx)
            erased = await self._erased(tx)
        for organization in waiting:
            await self._try(self._seal_all(OrgId(organization)))
        for organization, question in questions:
            await self._try(self._answer(OrgId(organization), question))
        for organization, person in erased:
            await self._try(self._destroy(OrgId(organization), person))

    async def _try(self, work: Awaitable[None]) -> None:
        """Do one thing; one organisation's trouble (a lost vault, a bad question) is not the others'."""
        try:
            await work
        except SentError as error:
            if error.message not in self._told:
                self._told.add(error.message)
                _log.warning("audit.personal", reason=error.message)

    async def _seal_all(self, organization: OrgId) -> None:
        try:
            while await self.seal(organization) == BATCH:
                pass
        except NotFound:
            # The organisation's keys were destroyed: what waits must not stay in clear.
            if not self.vault.destroyed(organization):
                raise
            async with uow(Ctx(self._db, organization, PLATFORM_ORG)) as tx:
                await tx.execute(
                    "delete from audit.personal where organization_id = sec.org() and value is not null"
                )

    async def seal(self, organization: OrgId) -> int:
        """Seal waiting values of an organisation; returns how many there were."""
        ctx = Ctx(self._db, organization, PLATFORM_ORG)
        ring = self._ring(ctx)
        sealer = await ring.sealer(PURPOSE)
        try:
            async with uow(ctx) as tx:
                found = await store.open_values(tx, BATCH)
                sealed, gone = [], []
                for value in found:
                    try:
                        sealed.append(
                            (value.id, sealer.seal(self._inner(value), _place(organization, value)))
                        )
                    except NotFound:
                        gone.append(value.id)
                await store.seal_values(tx, sealed)
                await store.remove_values(tx, gone)
        except Conflict:
            await ring.forget()
            return 0
        return len(found)

    async def opened(self, tx: Tx, ctx: Ctx, entries: list[UUID]) -> dict[str, str | None]:
        """Return the values of entries by commitment (hex); None where it cannot be read any more."""
        found: dict[str, str | None] = {}
        ring = self._ring(ctx)
        await ring.forget()
        for value in await store.values_of(tx, entries):
            found[value.commitment.hex()] = await self._value(ring, ctx.org, value)
        return found

    async def _value(self, ring: KeyRing, organization: OrgId, value: Personal) -> str | None:
        if value.sealed is None:
            return value.value
        try:
            inner = await ring.open(value.sealed, _place(organization, value))
            salted = self._key(value, make=False).open(inner, _inner_place(value))
        except SentError:
            return None
        if hashlib.sha256(salted).digest() != value.commitment:
            return None
        return salted[SALT_BYTES:].decode()

    def _inner(self, value: Personal) -> bytes:
        plain = (value.salt or b"") + (value.value or "").encode()
        return self._key(value, make=True).seal(plain, _inner_place(value))

    def _key(self, value: Personal, *, make: bool) -> DataKey:
        owner = value.person_id or PLATFORM_ORG
        return DataKey(1, self.vault.secret(owner) if make else self.vault.find(owner))

    def _ring(self, ctx: Ctx) -> KeyRing:
        if ctx.org not in self._rings:
            self._rings[ctx.org] = KeyRing(
                TenantKeys(Ctx(self._db, ctx.org, PLATFORM_ORG)),
                self._roots,
                shred(ctx.org, self.vault),
                remember=True,
            )
        return self._rings[ctx.org]

    async def _questions(self, tx: Tx) -> list[tuple[UUID, UUID]]:
        found = await tx.execute("select organization_id, id from audit.reveal where answer is null limit 50")
        return [(row[0], row[1]) for row in await found.fetchall()]

    async def _answer(self, organization: OrgId, question: UUID) -> None:
        ctx = Ctx(self._db, organization, PLATFORM_ORG)
        async with uow(ctx) as tx:
            row = await (
                await tx.execute("select entries, public_key from audit.reveal where id = %s", [question])
            ).fetchone()
            if row is None:
                return
            text = json.dumps(await self.opened(tx, ctx, row[0])).encode()
            try:
                answer = box.seal(bytes(row[1]), text, REVEAL)
            except Invalid:
                await tx.execute("delete from audit.reveal where id = %s", [question])
                return
            await tx.execute("update audit.reveal set answer = %s where id = %s", [answer, question])

    async def _erased(self, tx: Tx) -> list[tuple[UUID, UUID]]:
        found = await tx.execute(
            "select organization_id, person_id from audit.erasure where key_destroyed_at is null"
        )
        return [(row[0], row[1]) for row in await found.fetchall()]

    async def _destroy(self, organization: OrgId, person: UUID) -> None:
        """Destroy a person's secret; the order lets a crash in between only repeat it."""
        self.vault.destroy(person)
        async with uow(Ctx(self._db, organization, PLATFORM_ORG)) as tx:
            await tx.execute(
                "update audit.erasure set key_destroyed_at = clock_timestamp()"
                " where person_id = %s and key_destroyed_at is null",
                [person],
            )


async def reveal(ctx: Ctx, entries: list[UUID], *, wait: float = 5.0) -> dict[str, str | None] | None:
    """Return personal values of entries by commitment, as a member; None when nobody answers in time.

    The question carries a public key made for it alone, so the answer is for the asker only. Raises Denied
    without audit:read.
    """
    import asyncio

    private, public = box.key_pair()
    async with uow(ctx) as tx:
        question = await scalar(tx, "select audit.ask_reveal(%s, %s)", [entries, public])
    for _ in range(max(1, round(wait / 0.2))):
        await asyncio.sleep(0.2)
        async with uow(ctx) as tx:
            answer = await scalar(tx, "select audit.take_reveal(%s)", [question])
        if answer is not None:
            found: dict[str, str | None] = json.loads(box.open_box(private, bytes(answer), REVEAL))
            return found
    return None


async def erase(ctx: Ctx, person: UUID) -> dict[str, object]:
    """Erase a person and return what was done; the key is destroyed by the sealer within seconds.

    Raises Denied (audit:manage, or a role above the asker's), NotFound, Conflict (the last owner of an
    organisation; a member of another organisation too: the installation's administrator erases those).
    """
    async with uow(ctx) as tx:
        found: dict[str, object] = await scalar(tx, "select auth.erase_person(%s)", [person])
    return found


def _place(organization: OrgId, value: Personal) -> Place:
    return Place(TABLE, "sealed", organization, value.id)


def _inner_place(value: Personal) -> Place:
    return Place(TABLE, "value", value.person_id or PLATFORM_ORG, value.entry_id)
