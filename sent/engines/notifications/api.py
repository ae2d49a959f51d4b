"""Notifications for other layers: value types and functions `async f(ctx, ...)`.

Everybody has his own inbox and preferences; channels, defaults and the log need `notifications:manage`
(Denied without). A secret that is typed leaves this process sealed for the sender only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, time
from typing import Any, Literal, get_args
from uuid import UUID

from psycopg.types.json import Jsonb

from sent.platform.context import Ctx
from sent.platform.db.uow import Tx, fetch, fetch_one, scalar, uow
from sent.platform.errors import Invalid, Unavailable
from sent.platform.ids import uuid7
from sent.platform.notify import channel as adapters
from sent.platform.notify import rules as hours
from sent.platform.notify.api import SEVERITIES, Severity
from sent.platform.notify.secrets import box
from sent.platform.notify.template import LANGUAGES, TEST
from sent.platform.telemetry.log import Secret

State = Literal["pending", "sent", "failed", "dead", "lapsed"]
STATES: tuple[State, ...] = get_args(State)
KINDS = ("desktop", "mail", "webhook")
MINIMA = (*SEVERITIES, "never")
LIMIT = 2000
KEY_WAIT_S = 20.0
Texts = dict[str, dict[str, str]]


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice in the asker's inbox; `texts` by language, always in English."""

    id: UUID
    topic: str
    severity: Severity
    texts: Texts
    link: str | None
    count: int
    created_at: datetime
    last_at: datetime
    read_at: datetime | None

    def text(self, language: str) -> tuple[str, str]:
        """Return title and body in a language, else in English."""
        words = self.texts.get(language) or self.texts["en"]
        return words["title"], words["body"]


@dataclass(frozen=True, slots=True)
class Unshown:
    """A notice that no console of the asker has shown yet."""

    delivery: UUID
    id: UUID
    topic: str
    severity: Severity
    texts: Texts
    link: str | None
    count: int


@dataclass(frozen=True, slots=True)
class Preferences:
    """The asker's language and quiet hours."""

    language: str = "en"
    zone: str = "UTC"
    quiet: bool = False
    quiet_from: time = time(22, 0)
    quiet_until: time = time(7, 0)
    through: bool = True


@dataclass(frozen=True, slots=True)
class Rule:
    """From which severity on a topic is told over desktop or mail."""

    id: UUID
    kind: str
    pattern: str
    minimum: str


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """A channel; nobody can read its secret."""

    id: UUID
    kind: str
    name: str
    enabled: bool
    config: dict[str, Any]
    pattern: str
    minimum: str
    rate_per_minute: int
    has_secret: bool
    last_sent_at: datetime | None
    last_error: str | None
    last_error_at: datetime | None
    version: int


@dataclass(frozen=True, slots=True)
class ChannelDraft:
    """A channel as it is saved; `secret` None leaves the one that is stored."""

    kind: str
    name: str
    config: Mapping[str, Any]
    enabled: bool = True
    pattern: str = "*"
    minimum: str = "info"
    rate_per_minute: int = 60
    secret: Secret | None = None
    id: UUID = field(default_factory=uuid7)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A line of the log; it names the topic of other people's notices, not what they say."""

    id: UUID
    notice_id: UUID
    topic: str
    severity: Severity
    texts: Texts
    kind: str
    channel: str | None
    person: str | None
    state: State
    attempts: int
    next_at: datetime
    reason: str
    created_at: datetime
    sent_at: datetime | None


async def inbox(
    ctx: Ctx,
    *,
    before: datetime | None = None,
    limit: int = 200,
    unread: bool = False,
    words: str | None = None,
) -> list[Notice]:
    """Return the asker's notices, latest first, before the moment `before`."""
    async with uow(ctx) as tx:
        return await fetch(
            tx,
            Notice,
            "select * from notify.inbox(%s, %s, %s, %s)",
            [before, min(limit, LIMIT), unread, words or None],
        )


async def unread(ctx: Ctx) -> int:
    """Return how many of the asker's notices are unread (1,000 at most)."""
    async with uow(ctx) as tx:
        return int(await scalar(tx, "select notify.unread()"))


async def mark(ctx: Ctx, notices: Sequence[UUID] | None, *, read: bool) -> int:
    """Mark own notices (None: all) as read or unread; return how many changed."""
    async with uow(ctx) as tx:
        ids = None if notices is None else list(notices)
        return int(await scalar(tx, "select notify.mark(%s, %s)", [ids, read]))


async def unshown(ctx: Ctx, *, now: datetime | None = None) -> list[Unshown]:
    """Return what a console should show now: nothing that the asker's quiet hours hold back."""
    async with uow(ctx) as tx:
        own = await _preferences(tx)
        found = await fetch(tx, Unshown, "select * from notify.unshown()")
    quiet = hours.Quiet(own.zone, own.quiet, own.quiet_from, own.quiet_until, own.through)
    moment = now or datetime.now(UTC)
    return [one for one in found if hours.quiet_until(quiet, one.severity, moment) is None]


async def shown(ctx: Ctx, deliveries: Sequence[UUID]) -> int:
    """Note that a console of the asker showed these."""
    async with uow(ctx) as tx:
        return int(await scalar(tx, "select notify.shown(%s)", [list(deliveries)]))


async def preferences(ctx: Ctx) -> Preferences:
    """Return the asker's language and quiet hours."""
    async with uow(ctx) as tx:
        return await _preferences(tx)


async def save_preferences(ctx: Ctx, wanted: Preferences) -> None:
    """Keep the asker's language and quiet hours; raises Invalid for an unknown zone or language."""
    hours.zone_named(wanted.zone)
    if wanted.language not in LANGUAGES:
        raise Invalid("notify.language", f"a language is {' or '.join(LANGUAGES)}")
    async with uow(ctx) as tx:
        await tx.execute(
            "select notify.save_settings(%s, %s, %s, %s, %s, %s)",
            [
                wanted.language,
                wanted.zone,
                wanted.quiet,
                wanted.quiet_from,
                wanted.quiet_until,
                wanted.through,
            ],
        )


async def rules(ctx: Ctx, *, defaults: bool = False) -> list[Rule]:
    """Return the asker's rules, or the organisation's defaults, which everybody may see."""
    async with uow(ctx) as tx:
        return await fetch(tx, Rule, "select * from notify.rules(%s)", [defaults])


async def set_rule(ctx: Ctx, kind: str, pattern: str, minimum: str | None, *, defaults: bool = False) -> None:
    """Set from which severity on topics like `pattern` come over `kind`; None takes the rule away."""
    if minimum is not None and minimum not in MINIMA:
        raise Invalid("notify.minimum", f"a minimum is {', '.join(MINIMA)}")
    async with uow(ctx) as tx:
        await tx.execute("select notify.set_rule(%s, %s, %s, %s)", [defaults, kind, pattern.strip(), minimum])


async def test_me(ctx: Ctx) -> UUID:
    """Send the asker a notice over desktop and mail; return its id."""
    async with uow(ctx) as tx:
        return UUID(str(await scalar(tx, "select notify.test_me(%s)", [_test_texts()])))


async def channels(ctx: Ctx) -> list[ChannelRow]:
    """Return the organisation's channels by name."""
    async with uow(ctx) as tx:
        return await fetch(tx, ChannelRow, "select * from notify.channels()")


async def save_channel(ctx: Ctx, draft: ChannelDraft) -> UUID:
    """Make or change a channel and return its id.

    Changing where a password goes drops the stored one. Raises Invalid naming the field, Unavailable while
    no sender answers.
    """
    config = adapters.checked(draft.kind, draft.config)
    sealed = None
    if draft.secret is not None:
        sealed = box(await _public_key(ctx), ctx.org, draft.id, draft.secret)
    async with uow(ctx) as tx:
        await tx.execute(
            "select notify.save_channel(%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                draft.id,
                draft.kind,
                draft.name.strip(),
                draft.enabled,
                Jsonb(config),
                draft.pattern.strip(),
                draft.minimum,
                draft.rate_per_minute,
                sealed,
            ],
        )
    return draft.id


async def remove_channel(ctx: Ctx, channel: UUID) -> None:
    """Remove a channel with its deliveries; raises NotFound."""
    async with uow(ctx) as tx:
        await tx.execute("select notify.remove_channel(%s)", [channel])


async def test_channel(ctx: Ctx, channel: UUID) -> UUID:
    """Send a test over a channel, to the asker or the site; return the delivery's id."""
    async with uow(ctx) as tx:
        return UUID(str(await scalar(tx, "select notify.test_channel(%s, %s)", [channel, _test_texts()])))


async def log(
    ctx: Ctx,
    *,
    before: UUID | None = None,
    limit: int = 200,
    states: Sequence[str] | None = None,
    kinds: Sequence[str] | None = None,
    words: str | None = None,
) -> list[Delivery]:
    """Return what became of deliveries, latest first."""
    async with uow(ctx) as tx:
        return await fetch(
            tx,
            Delivery,
            "select * from notify.log(%s, %s, %s, %s, %s)",
            [
                before,
                min(limit, LIMIT),
                list(states) if states else None,
                list(kinds) if kinds else None,
                words or None,
            ],
        )


async def retry(ctx: Ctx, deliveries: Sequence[UUID]) -> int:
    """Send dead ones again under the same key; return how many."""
    async with uow(ctx) as tx:
        return int(await scalar(tx, "select notify.retry(%s)", [list(deliveries)]))


async def dead(ctx: Ctx) -> int:
    """Return how many deliveries are dead (1,000 at most)."""
    async with uow(ctx) as tx:
        return int(await scalar(tx, "select notify.dead()"))


async def _preferences(tx: Tx) -> Preferences:
    found = await fetch_one(tx, Preferences, "select * from notify.my_settings()")
    return found or Preferences()


async def _public_key(ctx: Ctx) -> bytes:
    """Return the sender's public key; it is made when it is asked for the first time."""
    loop = asyncio.get_running_loop()
    give_up = loop.time() + KEY_WAIT_S
    while True:
        async with uow(ctx) as tx:
            found = await scalar(tx, "select notify.public_key()")
        if found is not None:
            return bytes(found)
        if loop.time() > give_up:
            raise Unavailable(
                "notify.no_sender",
                "nobody takes the secret: the database's owner (or `--service=core`) does not run",
            )
        await asyncio.sleep(0.3)


def _test_texts() -> Jsonb:
    return Jsonb({language: asdict(text) for language, text in TEST.render().items()})
