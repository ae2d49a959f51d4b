"""The sealer: signs the trail behind the writers, at most a few seconds behind.

Numbers are drawn inside transactions, so a late commit can carry a smaller number than entries that are
long visible. The sealer therefore notes the highest number given and the transaction that follows all of
its writers, waits until those are over, and seals up to that number: nothing can appear there any more. A
transaction that stays open for minutes holds it up for as long (`sealed_until` on the page tells).

Any number may run: one takes the lock of the round, and a seal that does not continue the chain is refused
by the database.
"""

from __future__ import annotations

import asyncio
import time

from sent.platform.audit import anchors, store
from sent.platform.audit.canonical import START, Line, Seal, chain, microseconds
from sent.platform.audit.personal import Personals
from sent.platform.audit.signing import Signing
from sent.platform.clock import SYSTEM_CLOCK, Clock
from sent.platform.context import Ctx
from sent.platform.crypto.root import Roots
from sent.platform.crypto.vault import Vault
from sent.platform.db.engine import Database
from sent.platform.db.uow import transaction, uow
from sent.platform.errors import Conflict, SentError
from sent.platform.ids import PLATFORM_ORG, OrgId
from sent.platform.telemetry.log import get_logger

TICK_S = 0.5
BATCH = 1000
ANCHOR_S = 300.0
BACKOFF_LIMIT_S = 15.0

_log = get_logger("audit")


class Sealer:
    """Runs as `sent_system`."""

    def __init__(
        self,
        db: Database,
        *,
        signing: Signing | None = None,
        roots: Roots | None = None,
        vault: Vault | None = None,
        clock: Clock = SYSTEM_CLOCK,
        anchor_every: float = ANCHOR_S,
    ) -> None:
        self._db = db
        self._signing = signing or Signing()
        self._personal = Personals(db, roots or Roots(), vault)
        self._clock = clock
        self._anchor_every = anchor_every
        self._anchored_at = -anchor_every
        self._pending: tuple[int, str] | None = None
        self._done = -1
        self._key_noted = False
        self._recalled = False
        self._fresh: dict[OrgId, Seal] = {}
        self.sealed = 0
        """Entries sealed by this sealer."""

    async def run(self) -> None:
        """Seal until cancelled; goes on after any outage."""
        pause = TICK_S
        while True:
            try:
                await self.turn()
                pause = TICK_S
            except SentError as error:
                _log.warning("audit.sealer", reason=error.message, again_in_s=pause)
                pause = min(pause * 2, BACKOFF_LIMIT_S)
            await asyncio.sleep(pause)

    async def turn(self) -> int:
        """Do what can be done now; returns how many entries were sealed."""
        await self._personal.turn()
        if not self._recalled:
            # What a former sealer signed and could not anchor any more.
            async with transaction(self._db) as tx:
                self._fresh = {OrgId(seal.organization): seal for seal in await store.newest_seals(tx)}
            self._recalled = True
        sealed = 0
        if self._pending is None:
            async with transaction(self._db) as tx:
                seen = await store.horizon(tx)
            self._pending = seen if seen[0] != self._done else None
        if self._pending is not None:
            upto, xmax = self._pending
            async with transaction(self._db) as tx:
                if await store.passed(tx, xmax):
                    wanted = await store.waiting(tx, upto)
                else:
                    wanted = None
            if wanted is not None:
                amounts = [await self._seal(OrgId(one.organization), upto) for one in wanted]
                sealed = sum(amount for amount in amounts if amount is not None)
                if None not in amounts:
                    self._done, self._pending = upto, None
        if time.monotonic() - self._anchored_at >= self._anchor_every:
            await self.anchor()
        self.sealed += sealed
        return sealed

    async def _seal(self, organization: OrgId, upto: int) -> int | None:
        """Seal up to a number; returns how many entries, None when another sealer is at it."""
        ctx = Ctx(self._db, organization, PLATFORM_ORG)
        total = 0
        while True:
            try:
                async with uow(ctx) as tx:
                    if not await store.alone(tx):
                        return None
                    last = await store.last_seal(tx)
                    found = await store.lines(tx, last.to_seq if last else 0, upto, BATCH)
                    if not found:
                        return total
                    seal = self.signed(organization, last, found)
                    await store.add_seal(tx, seal, max(line.at for line in found))
            except Conflict:
                return None
            await self._note_key()
            self._fresh[organization] = seal
            total += len(found)

    def signed(self, organization: OrgId, last: Seal | None, found: list[Line]) -> Seal:
        """Return the seal over entries that follow `last`."""
        self._signing.load()
        expected = [(line.seq, line.digest()) for line in found]
        prev = last.head if last else START
        bare = Seal(
            organization=organization,
            number=last.number + 1 if last else 1,
            from_seq=found[0].seq,
            to_seq=found[-1].seq,
            entries=len(found),
            prev=prev,
            head=chain(prev, expected),
            signature=b"",
            key_id=self._signing.key_id,
            at=self._clock.now(),
            seqs=[seq for seq, _ in expected],
            digests=b"".join(digest for _, digest in expected),
        )
        return _with(bare, self._signing.sign(bare.message()))

    async def _note_key(self) -> None:
        if not self._key_noted:
            async with uow(Ctx(self._db, PLATFORM_ORG, PLATFORM_ORG)) as tx:
                await store.add_signing_key(tx, self._signing.key_id, self._signing.public)
            self._key_noted = True

    async def anchor(self) -> int:
        """Write the newest heads that were sealed since the last time outside the database."""
        fresh, self._fresh = self._fresh, {}
        if not fresh:
            return 0
        self._anchored_at = time.monotonic()
        if not await asyncio.to_thread(anchors.write, list(fresh.values())):
            self._fresh = fresh | self._fresh
            return 0
        for organization, seal in fresh.items():
            async with uow(Ctx(self._db, organization, PLATFORM_ORG)) as tx:
                result = {"number": seal.number, "to_seq": seal.to_seq, "sealed": microseconds(seal.at)}
                await store.put_proof(tx, "anchor", self._clock.now(), result)
        return len(fresh)


def _with(seal: Seal, signature: bytes) -> Seal:
    from dataclasses import replace

    return replace(seal, signature=signature)
