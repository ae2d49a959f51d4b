"""Sends what is due, at least once, each under its own idempotency key.

A chore: any number may run. What a dead one had begun is due again when its lease ends; the peer then gets
the same key, Message-ID and text once more. Waits between attempts grow; after eight a delivery is dead and
stands in the log until somebody sends it again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from sent.platform import links
from sent.platform.clock import SYSTEM_CLOCK, Clock
from sent.platform.context import Ctx
from sent.platform.db.engine import Database
from sent.platform.errors import Invalid, NotFound, SentError, Unavailable
from sent.platform.ids import OrgId
from sent.platform.notify import channel, rules, store
from sent.platform.notify.channel import Channel, Message, Rejected
from sent.platform.notify.secrets import Secrets
from sent.platform.telemetry.log import Secret, get_logger

Adapter = Callable[[str, Mapping[str, Any], Secret | None], Channel]

POLL_S = 1.0
OFF_S = 300.0
"""How long a delivery of a channel that is switched off waits until it is looked at again."""

NOBODY = UUID(int=0)
_log = get_logger("notify")


class Sender:
    """See the module."""

    def __init__(
        self,
        system: Database,
        *,
        adapter: Adapter = channel.adapter,
        secrets: Secrets | None = None,
        clock: Clock = SYSTEM_CLOCK,
        poll: float = POLL_S,
        lease: float = store.LEASE_S,
    ) -> None:
        self._system, self._adapter, self._clock = system, adapter, clock
        self._secrets = secrets or Secrets()
        self._poll, self._lease = poll, lease

    async def run(self) -> None:
        """Work until cancelled; slow peers keep their own places, the others go on."""
        going: set[asyncio.Task[None]] = set()
        async with asyncio.TaskGroup() as group:
            while True:
                began: set[asyncio.Task[None]] = set()
                try:
                    began = await self._begin(group, store.AT_ONCE - len(going))
                except SentError as error:
                    _log.warning("notify.waits", reason=error.message)
                except Exception as error:
                    _log.error("notify.failed", exc_info=error)
                going |= began
                if not going:
                    await asyncio.sleep(self._poll)
                elif not began:
                    await asyncio.wait(going, timeout=self._poll, return_when=asyncio.FIRST_COMPLETED)
                going = {task for task in going if not task.done()}

    async def work(self) -> int:
        """Take secrets out of their boxes and send what is due now; return how many were handled."""
        async with asyncio.TaskGroup() as group:
            began = await self._begin(group, store.AT_ONCE)
        return len(began)

    async def _begin(self, group: asyncio.TaskGroup, most: int) -> set[asyncio.Task[None]]:
        if most <= 0:
            return set()
        await self._take_secrets()
        claims = await store.claim(self._system, lease=self._lease, most=most)
        return {group.create_task(self._guarded(claimed)) for claimed in claims}

    def _ctx(self, organization: UUID) -> Ctx:
        return Ctx(self._system, OrgId(organization), NOBODY)

    async def _take_secrets(self) -> None:
        keys, boxes = await store.secrets_waiting(self._system)
        for organization in keys:
            await self._quietly(organization, self._secrets.make_key(self._ctx(organization)))
        for organization, of in boxes:
            await self._quietly(organization, self._secrets.take(self._ctx(organization), of))

    async def _quietly(self, organization: UUID, work: Any) -> None:
        """One organisation whose keys do not open must not stop the others."""
        try:
            await work
        except Unavailable:
            raise
        except SentError as error:
            _log.warning("notify.secret_failed", organization=str(organization), code=error.code)

    async def _guarded(self, claimed: store.Claim) -> None:
        try:
            await self._handle(claimed)
        except Exception as error:
            # Its lease ends, and it is tried again until the attempts are used up.
            _log.error("notify.delivery_failed", delivery=str(claimed.id), kind=type(error).__name__)

    async def _handle(self, claimed: store.Claim) -> None:
        ctx = self._ctx(claimed.organization)
        parcel = await store.parcel(ctx, claimed)
        if parcel is None:
            return
        if parcel.attempts > rules.ATTEMPTS:
            await store.failed(
                ctx, claimed, parcel.channel, "its sender died each time", wait=None, blame=False
            )
        elif parcel.gone:
            await store.lapse(ctx, claimed, "the person is no member any more")
        elif parcel.lost:
            await store.lapse(ctx, claimed, "the person may not see it any more")
        elif not await self._held(ctx, claimed, parcel):
            await self._attempt(ctx, claimed, parcel)

    async def _held(self, ctx: Ctx, claimed: store.Claim, parcel: store.Parcel) -> bool:
        """Put back what must not be sent now."""
        if parcel.topic == store.TEST:
            return False
        now = self._clock.now()
        if not parcel.enabled:
            await store.hold(ctx, claimed, now + timedelta(seconds=OFF_S), "the channel is switched off")
            return True
        until = rules.quiet_until(quiet_of(parcel), parcel.severity, now)
        if until is not None:
            await store.hold(ctx, claimed, until, "quiet hours")
        return until is not None

    async def _attempt(self, ctx: Ctx, claimed: store.Claim, parcel: store.Parcel) -> None:
        try:
            if parcel.boxed:
                raise Unavailable("notify.secret", "the new secret is being taken over")
            secret = None
            if parcel.secret is not None:
                secret = await self._secrets.open(ctx, parcel.channel, parcel.secret)
            await self._adapter(parcel.adapter, parcel.config, secret).send(message_of(parcel))
        except (Rejected, Invalid, NotFound) as error:
            blame = error.code != "notify.recipient"
            await store.failed(ctx, claimed, parcel.channel, error.message, wait=None, blame=blame)
            _log.warning("notify.dead", delivery=str(parcel.id), reason=error.message)
        except SentError as error:
            last = parcel.attempts >= rules.ATTEMPTS
            told = error.data.get("after")
            wait = rules.wait_after(parcel.attempts, told=told if isinstance(told, float) else None)
            await store.failed(ctx, claimed, parcel.channel, error.message, wait=None if last else wait)
            _log.info("notify.again", delivery=str(parcel.id), reason=error.message, dead=last)
        else:
            if not await store.sent(ctx, claimed, parcel.channel):
                _log.warning("notify.sent_late", delivery=str(parcel.id))


def quiet_of(parcel: store.Parcel) -> rules.Quiet:
    """Return the person's quiet hours; a webhook has none."""
    if parcel.quiet is None or parcel.quiet_from is None or parcel.quiet_until is None:
        return rules.Quiet()
    return rules.Quiet(
        parcel.zone or "UTC", parcel.quiet, parcel.quiet_from, parcel.quiet_until, bool(parcel.through)
    )


def message_of(parcel: store.Parcel) -> Message:
    """Return what is sent, in the person's language."""
    words = parcel.texts.get(parcel.language or "en") or parcel.texts["en"]
    link = ""
    if parcel.link:
        place = links.parse_inside(parcel.link)
        link = links.format(links.Link(parcel.slug, place.page, place.record, place.query))
    return Message(
        id=parcel.id,
        notice=parcel.notice,
        topic=parcel.topic,
        severity=parcel.severity,
        title=words["title"],
        body=words["body"],
        link=link,
        count=parcel.count,
        at=parcel.last_at,
        organization=parcel.organization,
        to_address=parcel.email or "",
        to_name=parcel.person or "",
    )
