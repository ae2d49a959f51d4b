"""Notices for tests: whoever raises them, the channels they go over, and a wire instead of peers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from tenants import MemberDb, OrgFixture

from sent.engines.notifications import api
from sent.platform.context import Ctx
from sent.platform.db.uow import uow
from sent.platform.notify.api import notify
from sent.platform.notify.channel import Message
from sent.platform.notify.sender import Sender
from sent.platform.tasks import spawn
from sent.platform.telemetry.log import Secret

SECRET = "open sesame 4711"
SMTP = {"host": "mail.test", "username": "sent", "sender": "sent@alpha.test"}


class Wire:
    """Takes what is sent, with the configuration of its channel; `answers` are raised first, in order."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Message]] = []
        self.secrets: list[str | None] = []
        self.configs: list[Mapping[str, Any]] = []
        self.answers: list[BaseException] = []

    def adapter(self, kind: str, config: Mapping[str, Any], secret: Secret | None) -> Any:
        self.configs.append(config)
        self.secrets.append(secret.reveal() if secret else None)
        wire = self

        class Channel:
            async def send(self, message: Message) -> None:
                wire.sent.append((kind, message))
                if wire.answers:
                    raise wire.answers.pop(0)

        return Channel()


async def as_owner(org: OrgFixture, member_db: MemberDb) -> Ctx:
    """Return the context of the organisation's owner, logged in as himself."""
    return Ctx(await member_db(org), org.org, org.owner)


async def mail_channel(me: Ctx, sender: Sender, *, secret: str | None = SECRET, rate: int = 60) -> UUID:
    """Make a mail channel as its administrator, with the sender running beside."""
    draft = api.ChannelDraft(
        "smtp", "Mail", SMTP, secret=Secret(secret) if secret else None, rate_per_minute=rate
    )
    return await beside(sender, api.save_channel(me, draft))


async def beside(sender: Sender, work: Any) -> Any:
    """Await `work` while the sender works."""
    task = spawn(work, name="beside")
    async with asyncio.timeout(30):
        while not task.done():
            await sender.work()
            await asyncio.wait({task}, timeout=0.05)
    await sender.work()
    return task.result()


async def tell(ctx: Ctx, topic: str = "radar.alert.raised", **how: Any) -> UUID:
    """Raise a notice as a worker does."""
    async with uow(ctx) as tx:
        return await notify(tx, topic, **({"title": "T", "body": "B", "severity": "critical"} | how))


async def due_now(ctx: Ctx) -> None:
    """Let every wait be over."""
    async with uow(ctx) as tx:
        await tx.execute(
            "update notify.delivery set next_at = now() - interval '1 second', attempted_at = null"
        )
