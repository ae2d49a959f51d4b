"""The radar's use cases; first parameter `ctx`, one transaction each. See `api` for the errors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sent.engines.radar.desk import (
    LETTER_STATES,
    SOURCE_KINDS,
    STATES,
    Alert,
    AlertDetail,
    AlertFilter,
    Backfilled,
    Counters,
    DeadLetter,
    Decision,
    EventRow,
    LetterState,
    PastMessage,
    RatePoint,
    RuleRow,
    SourceKind,
    SourceRow,
    State,
)
from sent.engines.radar.model import RuleSet
from sent.engines.radar.store import alerts as queue
from sent.engines.radar.store import catalogue, events, letters, states
from sent.platform.bus.events import publish
from sent.platform.context import Ctx
from sent.platform.db.uow import uow
from sent.platform.errors import Invalid, NotFound
from sent.platform.ids import uuid7

if TYPE_CHECKING:
    from sent.engines.radar.rulebook.backtest import Backtest

FIELDS_LISTED = 60
VALUES_LISTED = 8


async def alerts(
    ctx: Ctx, wanted: AlertFilter, *, before: tuple[datetime, UUID] | None = None, limit: int = 200
) -> list[Alert]:
    """Return a page of the alert queue, latest first; the next page starts `before` (at, id) of the last."""
    async with uow(ctx) as tx:
        return await queue.page(tx, wanted, before, limit)


async def alert_count(ctx: Ctx, wanted: AlertFilter) -> int:
    """Return how many alerts the filter shows."""
    async with uow(ctx) as tx:
        return await queue.count(tx, wanted)


async def alert(ctx: Ctx, alert_id: UUID) -> AlertDetail:
    """Return an alert with rule, event, why it fired and history; raises NotFound."""
    async with uow(ctx) as tx:
        found = await queue.detail(tx, alert_id)
    if found is None:
        raise NotFound("radar.alert.missing", "the alert is not there, or not yours to see")
    return _with_rule(found)


async def set_state(
    ctx: Ctx,
    ids: Sequence[UUID],
    state: State,
    expected: Mapping[UUID, int] | None = None,
    *,
    reason: str | None = None,
) -> list[Alert]:
    """Acknowledge, close or reopen alerts, all or none; `expected` are their versions as read (Conflict).

    `reason` says in at most 500 characters why, and stays with the alert while it has that state.
    """
    if state not in STATES:
        raise Invalid("radar.alert.state", f"an alert is {', '.join(STATES)}; not {state!r}")
    async with uow(ctx) as tx:
        await queue.set_state(tx, ids, state, expected, reason)
        for alert_id in ids:
            await publish(tx, ctx, "radar.alert.changed", {"alert_id": str(alert_id)})
        return await queue.by_ids(tx, ids)


async def assign(ctx: Ctx, ids: Sequence[UUID], person: UUID | None) -> list[Alert]:
    """Give alerts to a member of the organisation (None: to nobody)."""
    async with uow(ctx) as tx:
        await queue.assign(tx, ids, person)
        for alert_id in ids:
            await publish(tx, ctx, "radar.alert.changed", {"alert_id": str(alert_id)})
        return await queue.by_ids(tx, ids)


async def people_for_assignment(ctx: Ctx) -> list[tuple[UUID, str]]:
    """Return the people alerts can be given to, by name."""
    async with uow(ctx) as tx:
        return [(member.id, member.name) for member in await queue.members(tx)]


async def tail(
    ctx: Ctx, after: tuple[datetime, UUID] | None = None, limit: int = 2000, query: str = ""
) -> list[EventRow]:
    """Return events in the order of their arrival: those after (received_at, id), else the latest ones."""
    async with uow(ctx) as tx:
        return await events.tail(tx, after, limit, query)


async def rate(ctx: Ctx, since: datetime, until: datetime, bucket_seconds: int) -> list[RatePoint]:
    """Return events and alerts per bucket from the one with `since` on; at most 2000, empty ones left out.

    Buckets lie at multiples of their length since the epoch, so they stay where they are between two calls.
    """
    span = (until - since).total_seconds()
    if bucket_seconds < 1 or span / bucket_seconds > events.MAX_BUCKETS:
        raise Invalid("radar.rate.buckets", f"at most {events.MAX_BUCKETS} buckets of at least a second")
    if bucket_seconds % 60 and span > 6 * 3600:
        raise Invalid("radar.rate.span", "over more than six hours, take buckets of whole minutes")
    start = datetime.fromtimestamp(since.timestamp() // bucket_seconds * bucket_seconds, UTC)
    async with uow(ctx) as tx:
        return await events.rate(tx, start, until, bucket_seconds)


async def counters(ctx: Ctx, *, day_start: datetime | None = None) -> Counters:
    """Return the radar's figures; "today" starts at `day_start` (default: midnight here)."""
    midnight = day_start or datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    async with uow(ctx) as tx:
        active, rejected = await catalogue.rule_counts(tx)
        return Counters(
            events_per_second=await events.per_second(tx),
            events_today=await events.since(tx, midnight),
            open_alerts_by_level=await queue.open_by_level(tx),
            rules_active=active,
            rules_rejected=rejected,
            sources=(await states.counts(tx)).enabled,
            ingest_lag_ms=await events.lag_ms(tx),
        )


async def event_fields(ctx: Ctx) -> list[tuple[str, list[tuple[str, int]]]]:
    """Return the fields of the latest 1000 events with their most frequent values and how often."""
    async with uow(ctx) as tx:
        recent = await events.recent_fields(tx)
    values: dict[str, Counter[str]] = {}
    for fields in recent:
        for name, value in fields.items():
            if value and len(value) <= 120:
                values.setdefault(name, Counter())[value] += 1
    ranked = sorted(values.items(), key=lambda item: (-item[1].total(), item[0]))[:FIELDS_LISTED]
    return [(name, counted.most_common(VALUES_LISTED)) for name, counted in ranked]


async def rules(ctx: Ctx) -> list[RuleRow]:
    """Return all rules, rejected ones with their reason."""
    async with uow(ctx) as tx:
        return await catalogue.rules(tx)


async def enable_rule(ctx: Ctx, rule_id: UUID, enabled: bool) -> None:
    """Switch a rule on or off; raises NotFound."""
    async with uow(ctx) as tx:
        if not await catalogue.enable_rule(tx, rule_id, enabled):
            raise NotFound("radar.rule.missing", "the rule is not there, or not yours to change")
        await publish(tx, ctx, "radar.rules.changed", {})


async def import_rules(ctx: Ctx, path: Path, name: str) -> RuleSet:
    """Read rules from a file, folder or archive into the set `name` (what it held goes); return them."""
    from sent.engines.radar.rulebook.rulesets import apply_import, preview_import

    preview = await preview_import(ctx, path, name)
    await apply_import(ctx, preview)
    return preview.found


async def sources(ctx: Ctx) -> list[SourceRow]:
    """Return the sources by name."""
    async with uow(ctx) as tx:
        return await catalogue.sources(tx)


async def add_source(
    ctx: Ctx,
    name: str,
    kind: SourceKind,
    address: str,
    *,
    product: str | None = None,
    category: str | None = None,
    service: str | None = None,
    client_id: UUID | None = None,
    zone: str = "UTC",
    tls: Mapping[str, Any] | None = None,
    token: str | None = None,
) -> SourceRow:
    """Add a source: `address` is `host:port` for syslog and HTTP, else an absolute path.

    `zone` is the time zone of RFC 3164 times, `tls` that of `syslog_tls` and `http` (see `tls.TlsOptions`),
    `token` what HTTP senders show; only its digest is kept. Raises Invalid, Conflict (name taken).
    """
    from sent.engines.radar.receiving.access import digest_of
    from sent.engines.radar.receiving.address import checked_address, checked_tls, checked_zone

    if kind not in SOURCE_KINDS:
        raise Invalid("radar.source.kind", f"a source is {', '.join(SOURCE_KINDS)}; not {kind!r}")
    source = SourceRow(
        id=uuid7(),
        name=name.strip(),
        kind=kind,
        address=checked_address(kind, address),
        product=product,
        category=category,
        service=service,
        enabled=True,
        client_id=client_id,
        client_name=None,
        last_event_at=None,
        version=1,
        tls=checked_tls(kind, tls),
    )
    digest = digest_of(kind, token)
    async with uow(ctx) as tx:
        await catalogue.add_source(tx, source, checked_zone(zone), digest)
        await publish(tx, ctx, "radar.sources.changed", {})
    return source


async def enable_source(ctx: Ctx, source_id: UUID, enabled: bool) -> None:
    """Switch a source on or off; raises NotFound."""
    async with uow(ctx) as tx:
        if not await catalogue.enable_source(tx, source_id, enabled):
            raise NotFound("radar.source.missing", "the source is not there, or not yours to change")
        await publish(tx, ctx, "radar.sources.changed", {})


async def remove_source(ctx: Ctx, source_id: UUID) -> None:
    """Delete a source; its events and alerts stay. Raises NotFound."""
    async with uow(ctx) as tx:
        if not await catalogue.remove_source(tx, source_id):
            raise NotFound("radar.source.missing", "the source is not there, or not yours to change")
        await publish(tx, ctx, "radar.sources.changed", {})


async def dead_letters(
    ctx: Ctx,
    *,
    before: UUID | None = None,
    limit: int = 200,
    states: Sequence[LetterState] = ("dead", "replay"),
) -> list[DeadLetter]:
    """Return payloads that could not be read or stored, newest first; the next page is `before` an id."""
    async with uow(ctx) as tx:
        return await letters.page(tx, before, min(limit, 1000), states, None)


async def dead_letter(ctx: Ctx, letter_id: UUID) -> DeadLetter:
    """Return one letter; raises NotFound."""
    async with uow(ctx) as tx:
        found = await letters.page(tx, None, 1, LETTER_STATES, [letter_id])
    if not found:
        raise NotFound("radar.letter.missing", "the dead letter is not there, or not yours to see")
    return found[0]


async def replay_letters(ctx: Ctx, ids: Sequence[UUID]) -> None:
    """Have a worker read dead letters again, all or none; raises NotFound for what is not dead."""
    async with uow(ctx) as tx:
        await letters.decide(tx, ids, "replay")


async def discard_letters(ctx: Ctx, ids: Sequence[UUID]) -> None:
    """Give dead letters up, all or none: their payloads go, what is known of them stays."""
    async with uow(ctx) as tx:
        await letters.decide(tx, ids, "discarded")


async def backfill(ctx: Ctx, messages: Iterable[PastMessage]) -> Backfilled:
    """Store messages of the past as if they had arrived then, and match them (trusted services only)."""
    from sent.engines.radar.backfill import backfill as fill

    return await fill(ctx, messages)


async def backtest(
    ctx: Ctx,
    text: str,
    since: datetime,
    until: datetime,
    progress: Callable[[int, int], object] | None = None,
) -> Backtest:
    """Try the rules of a YAML text on the stored events in [since, until); `progress` hears (done, about).

    Raises Invalid when no rule of it runs.
    """
    from sent.engines.radar.rulebook.backtest import backtest as run

    return await run(ctx, text, since, until, progress)


async def record_decisions(ctx: Ctx, decisions: Sequence[Decision]) -> None:
    """Enter decisions of the past into alerts and their histories (trusted services only)."""
    from sent.engines.radar.backfill import record_decisions as record

    await record(ctx, decisions)


def _with_rule(found: AlertDetail) -> AlertDetail:
    """Add what the rule's own text says: description, references, known false positives."""
    import yaml

    from sent.engines.radar.sigma.yamltext import documents

    try:
        document = next(
            (
                part
                for part in documents(found.rule_yaml)
                if isinstance(part, dict) and str(part.get("id")) == found.alert.rule_id
            ),
            {},
        )
    except (yaml.YAMLError, ValueError, RecursionError):
        document = {}
    return replace(
        found,
        description=str(document.get("description") or "").strip(),
        references=_texts(document.get("references")),
        falsepositives=_texts(document.get("falsepositives")),
    )


def _texts(value: object) -> tuple[str, ...]:
    items = value if isinstance(value, list) else [value] if value else []
    return tuple(str(item) for item in items[:100])
