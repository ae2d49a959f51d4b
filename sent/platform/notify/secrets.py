"""Secrets of channels on their way from an administrator's console into the database.

The console seals what was typed for the organisation's public key (`box`), so neither the database nor any
log sees it. The sender, the only one who can open it, seals it anew under the organisation's data key, bound
to its row (`KeyRing.write`).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from uuid import UUID

from sent.platform.context import Ctx
from sent.platform.crypto.box import key_pair, open_box, seal
from sent.platform.crypto.envelope import Place
from sent.platform.crypto.keys import KeyRing
from sent.platform.crypto.store import ring
from sent.platform.errors import Conflict, Invalid
from sent.platform.ids import OrgId
from sent.platform.notify import store
from sent.platform.telemetry.log import Secret

PURPOSE = "notify"
LONGEST = 1000
RINGS = 50


def box(public: bytes, org: UUID, channel: UUID, secret: Secret) -> bytes:
    """Return `secret` sealed for the sender, bound to its channel."""
    plain = secret.reveal().encode()
    if not 0 < len(plain) <= LONGEST:
        raise Invalid("notify.secret", f"a secret has 1 to {LONGEST} characters")
    return seal(public, plain, _bound(org, channel))


class Secrets:
    """Keys and secrets as the sender uses them; keeps the key rings of the organisations used last."""

    def __init__(self, make: Callable[[Ctx], KeyRing] = ring) -> None:
        self._make = make
        self._rings: OrderedDict[OrgId, KeyRing] = OrderedDict()

    async def open(self, ctx: Ctx, channel: UUID, sealed: bytes) -> Secret:
        """Return a channel's secret; raises NotFound or Invalid when it cannot be opened any more."""
        plain = await self._ring(ctx).open(sealed, Place("notify.channel", "secret", ctx.org, channel))
        return Secret(plain.decode())

    async def make_key(self, ctx: Ctx) -> None:
        """Make the organisation's key pair where it was asked for."""
        row = await store.box_key(ctx)
        if row is None or row.public is not None:
            return
        private, public = key_pair()
        place = Place("notify.box_key", "private", ctx.org, row.id)

        def put(sealed: bytes) -> Awaitable[None]:
            return store.save_box_key(ctx, row.id, public, sealed)

        await self._ring(ctx).write(PURPOSE, private, place, put)

    async def take(self, ctx: Ctx, channel: UUID) -> None:
        """Take a secret out of its box and seal it where it stays."""
        row = await store.box_key(ctx)
        boxed = await store.boxed(ctx, channel)
        if boxed is None:
            return
        try:
            if row is None or row.private is None:
                raise Invalid("notify.box", "there is no key for it")
            place = Place("notify.box_key", "private", ctx.org, row.id)
            private = await self._ring(ctx).open(row.private, place)
            plain = open_box(private, boxed, _bound(ctx.org, channel))
            if not 0 < len(plain) <= LONGEST:
                raise Invalid("notify.box", "it is too long")
            plain.decode()
        except (Invalid, UnicodeDecodeError):
            await store.drop_box(ctx, channel, boxed, "the secret could not be opened: type it again")
            return

        def put(sealed: bytes) -> Awaitable[None]:
            return store.save_secret(ctx, channel, boxed, sealed)

        try:
            await self._ring(ctx).write(
                PURPOSE, plain, Place("notify.channel", "secret", ctx.org, channel), put
            )
        except Conflict:
            # Typed again meanwhile, or the keys were rotated just now: the next look takes it.
            return

    def _ring(self, ctx: Ctx) -> KeyRing:
        if ctx.org not in self._rings:
            self._rings[ctx.org] = self._make(ctx)
            if len(self._rings) > RINGS:
                self._rings.popitem(last=False)
        return self._rings[ctx.org]


def _bound(org: UUID, channel: UUID) -> bytes:
    return b"sent notify " + org.bytes + channel.bytes
