"""The SQL of sending: what is due, what it says, what became of it.

As `sent_system`: claims across organisations, everything else inside one. A claim counts as an attempt and
sets the delivery aside for `LEASE_S`; who dies meanwhile leaves it to the next, and whoever lost his claim
cannot say what became of it.

Organisations take turns, the one that waits longest first, and none has more than `SHARE` on their way at a
time: neither many mails nor slow sites of one hold up another's. A person is sent only what he is still a
recipient of, and private addresses are reached only for who operates the installation now.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from uuid import UUID

from sent.platform.context import Ctx
from sent.platform.db.engine import Database
from sent.platform.db.uow import fetch, fetch_one, scalar, transaction, uow
from sent.platform.ids import uuid7

TEST = "notifications.test"
"""The topic of a channel's test, which only its sender gets."""
LEASE_S = 90.0
AT_ONCE = 20
SHARE = 5

_CLAIM = f"""
with due as materialized (
  select x.organization_id, x.id from (
  select d.organization_id, d.id, d.due_at, d.going
    + row_number() over (partition by d.organization_id order by d.due_at, d.id) as turn
  from notify.channel c cross join lateral (
    select d.organization_id, d.id, d.next_at as due_at, (
      select count(*) from notify.delivery g where g.organization_id = c.organization_id
        and g.claim is not null and g.next_at > clock_timestamp()) as going
    from notify.delivery d
    where d.organization_id = c.organization_id and d.channel_id = c.id
      and d.state in ('pending', 'failed') and d.next_at <= clock_timestamp()
    order by d.next_at
    limit greatest(0, least(5, c.rate_per_minute - (
      select count(*) from notify.delivery t where t.organization_id = c.organization_id
        and t.channel_id = c.id and t.attempted_at > clock_timestamp() - interval '1 minute')))
    for update skip locked
  ) d) x where x.turn <= {SHARE} order by x.turn, x.due_at limit %(most)s)
update notify.delivery d set claim = %(claim)s, attempts = attempts + 1, attempted_at = clock_timestamp(),
  next_at = clock_timestamp() + make_interval(secs => %(lease)s)
from due where d.organization_id = due.organization_id and d.id = due.id
returning d.organization_id as organization, d.id, d.claim
"""

_PARCEL = f"""
select d.id, d.attempts, d.kind, n.id as notice, n.topic, n.severity, n.texts, coalesce(n.link, '') as link,
  n.count, n.last_at, o.name as organization, o.slug, c.id as channel, c.kind as adapter,
  case when o.operator then c.config else c.config - 'allow_private' end as config, c.secret,
  c.box is not null as boxed, c.enabled, p.email, p.name as person, s.language, s.zone, s.quiet, s.quiet_from,
  s.quiet_until, s.through,
  d.person_id is not null and not exists (select from core.membership m
    where m.organization_id = d.organization_id and m.person_id = d.person_id and m.state = 'active') as gone,
  d.person_id is not null and n.topic <> '{TEST}' and not exists (select from notify.recipient r
    where r.organization_id = d.organization_id and r.notice_id = d.notice_id
      and r.person_id = d.person_id) as lost
from notify.delivery d
join notify.notice n on n.organization_id = d.organization_id and n.id = d.notice_id
join notify.channel c on c.organization_id = d.organization_id and c.id = d.channel_id
join core.organization o on o.organization_id = d.organization_id
left join core.person p on p.id = d.person_id
left join notify.person_setting s
  on s.organization_id = d.organization_id and s.person_id = d.person_id
where d.organization_id = (select sec.org()) and d.id = %s and d.claim = %s
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery that is ours until the lease ends."""

    organization: UUID
    id: UUID
    claim: UUID


@dataclass(frozen=True, slots=True)
class Parcel:
    """All that is needed to send one delivery."""

    id: UUID
    attempts: int
    kind: str
    notice: UUID
    topic: str
    severity: str
    texts: dict[str, dict[str, str]]
    link: str
    count: int
    last_at: datetime
    organization: str
    slug: str
    channel: UUID
    adapter: str
    config: dict[str, Any]
    secret: bytes | None
    boxed: bool
    enabled: bool
    email: str | None
    person: str | None
    language: str | None
    zone: str | None
    quiet: bool | None
    quiet_from: time | None
    quiet_until: time | None
    through: bool | None
    gone: bool
    lost: bool


@dataclass(frozen=True, slots=True)
class BoxKey:
    """An organisation's key pair for secrets; `private` is sealed."""

    id: UUID
    public: bytes | None
    private: bytes | None


async def claim(system: Database, *, lease: float = LEASE_S, most: int = AT_ONCE) -> list[Claim]:
    """Take what is due: a few of each channel, so that none waits for another, within its rate."""
    async with transaction(system) as tx:
        return await fetch(tx, Claim, _CLAIM, {"claim": uuid7(), "lease": lease, "most": most})


async def secrets_waiting(system: Database) -> tuple[list[UUID], list[tuple[UUID, UUID]]]:
    """Return organisations that want a key pair, and (organisation, channel) of secrets in a box."""
    async with transaction(system) as tx:
        keys = await tx.execute("select organization_id from notify.box_key where public is null limit 20")
        wanted = [row[0] for row in await keys.fetchall()]
        boxes = await tx.execute(
            "select organization_id, id from notify.channel where box is not null limit 20"
        )
        return wanted, [(row[0], row[1]) for row in await boxes.fetchall()]


async def parcel(ctx: Ctx, claimed: Claim) -> Parcel | None:
    """Return what to send, or None when it is not ours any more."""
    async with uow(ctx) as tx:
        return await fetch_one(tx, Parcel, _PARCEL, [claimed.id, claimed.claim])


async def sent(ctx: Ctx, claimed: Claim, channel: UUID) -> bool:
    """Note that it was sent; False when somebody else has it now."""
    async with uow(ctx) as tx:
        done = await tx.execute(
            "update notify.delivery set state = 'sent', sent_at = clock_timestamp(), claim = null,"
            " reason = '' where organization_id = (select sec.org()) and id = %s and claim = %s",
            [claimed.id, claimed.claim],
        )
        await tx.execute(
            "update notify.channel set last_sent_at = clock_timestamp(), last_error = null,"
            " last_error_at = null where organization_id = (select sec.org()) and id = %s and"
            " (last_error is not null or last_sent_at is null"
            "  or last_sent_at < clock_timestamp() - interval '1 minute')",
            [channel],
        )
        return done.rowcount == 1


async def failed(
    ctx: Ctx, claimed: Claim, channel: UUID, reason: str, *, wait: float | None, blame: bool = True
) -> None:
    """Note that an attempt failed; without `wait` it is dead. `blame`: it is the channel's fault."""
    async with uow(ctx) as tx:
        await tx.execute(
            "update notify.delivery set state = case when %(wait)s::float8 is null then 'dead'"
            " else 'failed' end, claim = null, reason = %(reason)s, next_at = clock_timestamp()"
            " + make_interval(secs => coalesce(%(wait)s::float8, 0))"
            " where organization_id = (select sec.org()) and id = %(id)s and claim = %(claim)s",
            {"wait": wait, "reason": reason[:500], "id": claimed.id, "claim": claimed.claim},
        )
        if blame:
            await tx.execute(
                "update notify.channel set last_error = %s, last_error_at = clock_timestamp()"
                " where organization_id = (select sec.org()) and id = %s",
                [reason[:500], channel],
            )


async def hold(ctx: Ctx, claimed: Claim, until: datetime, reason: str) -> None:
    """Put it back without an attempt until `until`."""
    async with uow(ctx) as tx:
        await tx.execute(
            "update notify.delivery set attempts = greatest(attempts - 1, 0), attempted_at = null,"
            " claim = null, next_at = %s, reason = %s"
            " where organization_id = (select sec.org()) and id = %s and claim = %s",
            [until, reason, claimed.id, claimed.claim],
        )


async def lapse(ctx: Ctx, claimed: Claim, reason: str) -> None:
    """Note that it is not sent, and that nobody needs to do anything about it."""
    async with uow(ctx) as tx:
        await tx.execute(
            "update notify.delivery set state = 'lapsed', claim = null, reason = %s"
            " where organization_id = (select sec.org()) and id = %s and claim = %s",
            [reason, claimed.id, claimed.claim],
        )


async def box_key(ctx: Ctx) -> BoxKey | None:
    """Return the organisation's key pair for secrets."""
    async with uow(ctx) as tx:
        return await fetch_one(
            tx,
            BoxKey,
            "select id, public, private from notify.box_key where organization_id = (select sec.org())",
        )


async def save_box_key(ctx: Ctx, row: UUID, public: bytes, private: bytes) -> None:
    """Store a fresh pair unless somebody else was first."""
    async with uow(ctx) as tx:
        await tx.execute(
            "update notify.box_key set public = %s, private = %s"
            " where organization_id = (select sec.org()) and id = %s and public is null",
            [public, private, row],
        )


async def boxed(ctx: Ctx, channel: UUID) -> bytes | None:
    """Return a secret in its box."""
    async with uow(ctx) as tx:
        found = await scalar(
            tx,
            "select box from notify.channel where organization_id = (select sec.org()) and id = %s",
            [channel],
        )
    return None if found is None else bytes(found)


async def save_secret(ctx: Ctx, channel: UUID, box: bytes, sealed: bytes) -> None:
    """Put the sealed secret in the place of its box, if that is still the same."""
    async with uow(ctx) as tx:
        await tx.execute(
            "update notify.channel set secret = %s, box = null"
            " where organization_id = (select sec.org()) and id = %s and box = %s",
            [sealed, channel, box],
        )


async def drop_box(ctx: Ctx, channel: UUID, box: bytes, reason: str) -> None:
    """Throw away a box that nobody can open."""
    async with uow(ctx) as tx:
        await tx.execute(
            "update notify.channel set box = null, last_error = %s, last_error_at = clock_timestamp()"
            " where organization_id = (select sec.org()) and id = %s and box = %s",
            [reason, channel, box],
        )


async def prune(ctx: Ctx, days: int) -> int:
    """Forget old notices with all that belongs to them; what no console showed within a day lapses."""
    async with uow(ctx) as tx:
        await tx.execute(
            "update notify.delivery set state = 'lapsed', reason = 'no console was open'"
            " where organization_id = (select sec.org()) and kind = 'desktop' and state = 'pending'"
            " and created_at < clock_timestamp() - interval '24 hours'"
        )
        gone = await tx.execute(
            "delete from notify.notice where organization_id = (select sec.org()) and id in ("
            " select id from notify.notice where organization_id = (select sec.org())"
            "  and last_at < clock_timestamp() - make_interval(days => %s) order by last_at limit 5000)",
            [days],
        )
        return gone.rowcount
