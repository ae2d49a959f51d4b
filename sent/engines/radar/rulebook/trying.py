"""A rule tried on events: which fire it, and for each what of the rule holds, selection by selection.

Events come from a paste (JSON lines, a JSON document, or plain lines as syslog brings them), from the latest
stored ones, from an alert, or are one stored event. Stored events are looked at as they were when they came;
the organisation's filters take part and are named where one keeps the rule quiet.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from sent.engines.radar.model import FieldMatch
from sent.engines.radar.rulebook import authoring
from sent.engines.radar.rulebook.problems import NAME
from sent.engines.radar.rulebook.ruletext import body_of, id_of, with_id
from sent.engines.radar.store import authoring as store
from sent.engines.radar.store import past
from sent.engines.radar.store.past import PastEvent
from sent.platform.context import Ctx
from sent.platform.db.uow import Tx, uow
from sent.platform.errors import Invalid, NotFound

if TYPE_CHECKING:
    from sent.engines.radar.rulebook.backtest import Backtest, Progress
    from sent.engines.radar.sigma.explanation import Verdict

MAX_EVENTS = 500
MAX_PASTED = 1_000_000
"""Characters of a paste."""

UNSAVED = "00000000-0000-4000-8000-000000000000"
"""The id of a rule that has none yet, while it is tried."""


@dataclass(frozen=True, slots=True)
class Pasted:
    """Events as text."""

    text: str


@dataclass(frozen=True, slots=True)
class Latest:
    """The stored events that came last."""

    amount: int = 100


@dataclass(frozen=True, slots=True)
class OfAlert:
    """The event that raised an alert."""

    alert_id: UUID


@dataclass(frozen=True, slots=True)
class OneEvent:
    """A stored event."""

    event_id: UUID
    at: datetime


Subject = Pasted | Latest | OfAlert | OneEvent


@dataclass(frozen=True, slots=True)
class Judged:
    """A selection of a rule and how an event stands to it."""

    name: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class TriedEvent:
    """An event and the rule's verdict on it.

    `looks`: the rule asks for the event's log source (`route`). `missing`: tests that would have to turn out
    otherwise. `quieted`: titles of filters that keep it from firing.
    """

    title: str
    at: datetime
    host: str
    event_id: UUID | None
    fires: bool
    looks: bool
    route: str
    missing: int
    quieted: tuple[str, ...]
    selections: tuple[Judged, ...]
    whole: Verdict
    matched: tuple[FieldMatch, ...]
    fields: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of trying a rule; `unreadable` lines with the reason, `left_out` events beyond the limit."""

    title: str
    logsource: str
    condition: str
    events: tuple[TriedEvent, ...]
    unreadable: tuple[str, ...]
    left_out: int

    @property
    def fired(self) -> int:
        """How many events fire it."""
        return sum(event.fires for event in self.events)


async def try_rule(ctx: Ctx, text: str, subject: Subject) -> Outcome:
    """Try the rule of a YAML text on events.

    Raises Invalid when it does not run, is no rule of single events, or the events do not read; NotFound when
    the event is gone.
    """
    body = body_of(text)
    if "detection" not in body:
        raise Invalid("radar.try.kind", "only a rule fires on an event; try correlations with a backtest")
    async with uow(ctx) as tx:
        _, values = await authoring.context(tx, text)
        about = [part for part in (id_of(body), str(body.get("name") or "")) if part]
        filters = await store.filters_about(tx, about) if about else []
        found = await _events(tx, subject)
    from sent.engines.radar.rulebook.judging import judged

    pasted = subject.text if isinstance(subject, Pasted) else None
    return await asyncio.to_thread(judged, text, values, filters, pasted, found)


async def backtest_rule(
    ctx: Ctx, text: str, since: datetime, until: datetime, progress: Progress | None = None
) -> Backtest:
    """Try one rule, or a correlation with the rules it refers to, on the stored events in [since, until).

    The outcome's first entry is the rule itself. Filters of the organisation narrow it. See `backtest`.
    """
    from sent.engines.radar.rulebook.backtest import over_past

    body = body_of(text)
    if "filter" in body:
        raise Invalid("radar.try.kind", "a filter fires on nothing; try the rule it narrows")
    if id_of(body) is None:
        text = with_id(text, UNSAVED)
    rule_id = id_of(body_of(text)) or UNSAVED
    async with uow(ctx) as tx:
        files, _ = await authoring.context(tx, text)
        filters = await store.filters_about(tx, [rule_id, str(body.get("name") or rule_id)])
    more = [(f"f{number}/{path}", part, "") for number, (path, part) in enumerate(filters)]
    found = await over_past(ctx, [(NAME, text, ""), *files, *more], since, until, progress)
    itself = next((each for each in found.tried if each.rule_id == rule_id), None)
    if itself is None:
        why = next((bad.reason for bad in found.rejected if bad.source == NAME), "it does not run")
        raise Invalid("radar.backtest.rules", why)
    return replace(found, tried=(itself,))


async def _events(tx: Tx, subject: Subject) -> list[PastEvent]:
    if isinstance(subject, Latest):
        return await past.latest(tx, max(1, min(subject.amount, MAX_EVENTS)))
    if isinstance(subject, Pasted):
        return []
    found = (
        await past.of_alert(tx, subject.alert_id)
        if isinstance(subject, OfAlert)
        else await past.one(tx, subject.event_id, subject.at)
    )
    if found is None:
        raise NotFound("radar.event.missing", "the event is not there (any more), or not yours to see")
    return [found]
