"""Writing rules: the list with hits, a rule's text, its problems; save, delete, switch on and off.

What an organisation writes stands in the set `Own rules` (its filters in `Own filters`), one document to a
text. Rules of other sets are never changed: editing one makes a copy of its own that says what it derives
from and keeps the author, as the Detection Rule License 1.1 asks. A save names the text that was read by
its digest, so what somebody else changed meanwhile is never lost; switching a rule on or off is no change of
its text. Workers see a change by the signature of the rules, within seconds.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sent.engines.radar.model import Level, LogSource, RuleKind, RuleSet
from sent.engines.radar.rulebook.placeholders import look_again
from sent.engines.radar.rulebook.problems import NAME, Checked, checked
from sent.engines.radar.rulebook.ruletext import (
    MAX_TEXT,
    alone,
    body_of,
    derived,
    id_of,
    with_author,
    with_id,
)
from sent.engines.radar.rulebook.tuning import OWN_FILTERS
from sent.engines.radar.store import authoring as store
from sent.engines.radar.store.authoring import Stored, Told
from sent.engines.radar.store.placeholders import values as placeholder_values
from sent.platform.bus.events import publish
from sent.platform.context import Ctx
from sent.platform.db.uow import Tx, uow
from sent.platform.errors import Conflict, Invalid, NotFound

OWN_RULES = "Own rules"
"""Name of the rule set that rules written here go to."""

OWN_SETS = (OWN_RULES, OWN_FILTERS)

MAX_OWN = 2000
MAX_CHANGED = 5000
"""Rules that are switched or deleted at once."""

MAX_CHAIN = 5
"""How deep correlations of correlations are followed."""

File = tuple[str, str | None, str]

_LOGSOURCE = ("product", "category", "service")


@dataclass(frozen=True, slots=True)
class ListedRule:
    """A rule of the list; `reason` says why it cannot run, hits are those of the last 7 and 30 days."""

    id: UUID
    rule_id: str
    title: str
    level: str
    author: str
    status: str
    logsource: str
    tags: tuple[str, ...]
    rule_set: str
    own: bool
    enabled: bool
    reason: str | None
    kind: str
    hits_7: int
    hits_30: int
    changed_at: datetime

    @property
    def product(self) -> str:
        """The product of its log source, empty for any."""
        first = self.logsource.partition("/")[0]
        return "" if first == "*" else first

    @property
    def state(self) -> str:
        """`enabled`, `off`, or `broken`: it cannot run."""
        return "off" if not self.enabled else "broken" if self.reason else "enabled"


@dataclass(frozen=True, slots=True)
class RuleText:
    """A rule's own document and what it says of itself; `version` goes with what is saved over it."""

    id: UUID
    rule_id: str
    title: str
    rule_set: str
    own: bool
    enabled: bool
    reason: str | None
    kind: str
    text: str
    version: str
    description: str
    references: tuple[str, ...]
    falsepositives: tuple[str, ...]
    derived_from: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SavedRule:
    """A rule that was saved; `before` is the text it had (None: it is new), for Undo."""

    id: UUID
    rule_id: str
    title: str
    text: str
    version: str
    reason: str | None
    before: str | None
    switched_off: UUID | None


@dataclass(frozen=True, slots=True)
class RemovedRule:
    """A rule that was deleted; `save_rule(text, enabled=..)` brings it back."""

    rule_id: str
    title: str
    text: str
    enabled: bool


async def rule_list(ctx: Ctx) -> list[ListedRule]:
    """Return all rules, correlations and filters by title, with their hits."""
    async with uow(ctx) as tx:
        hits = await store.hits(tx)
    found: list[ListedRule] = []
    after: tuple[str, UUID] | None = None
    while True:
        async with uow(ctx) as tx:
            page = await store.listed(tx, after)
        for row in page:
            fired = hits.get(row.rule_id)
            found.append(
                ListedRule(
                    row.id, row.rule_id, row.title, row.level, row.author, row.status, row.logsource,
                    tuple(row.tags), row.rule_set, row.rule_set in OWN_SETS, row.enabled, row.reason,
                    row.kind, fired.week if fired else 0, fired.month if fired else 0, row.updated_at,
                )
            )  # fmt: skip
        if len(page) < store.PAGE:
            return found
        after = (page[-1].title, page[-1].id)


async def rule_text(ctx: Ctx, rule: UUID | str) -> RuleText:
    """Return a rule by its row, or by its own id (a text); raises NotFound."""
    async with uow(ctx) as tx:
        found = await store.stored(tx, rule) if isinstance(rule, UUID) else await store.named(tx, rule)
    if found is None:
        raise NotFound("radar.rule.missing", "the rule is not there, or not yours to see")
    return await asyncio.to_thread(_described, found)


async def check_rule(ctx: Ctx, text: str) -> Checked:
    """Return what is wrong with a text, line by line, and whether it would run here; changes nothing."""
    if len(text) > MAX_TEXT:
        return checked(text, RuleSet())
    async with uow(ctx) as tx:
        files, values = await context(tx, text)
    found = await asyncio.to_thread(_parsed, text, files, values)
    return await asyncio.to_thread(checked, text, found)


async def save_rule(
    ctx: Ctx,
    text: str,
    *,
    rule: UUID | None = None,
    expected: str | None = None,
    enabled: bool = True,
    switch_off: bool = False,
) -> SavedRule:
    """Save a rule into the organisation's own: a new one, over its `rule`, or as a copy of another set's.

    `expected` is the `version` of the text that was edited; `switch_off` the original of a copy as well.
    Raises Invalid (it does not run, with the reason), Conflict (it changed, or its id is taken), Denied.
    """
    body_of(text)
    async with uow(ctx) as tx:
        origin = await _origin(tx, rule, expected)
        own = origin is not None and origin.rule_set in OWN_SETS
        text = await _completed(ctx, tx, text, None if own else origin)
        body = body_of(text)
        rule_id = id_of(body) or ""
        told = await _told(tx, text, body, rule_id)
        home = OWN_FILTERS if told.kind == "filter" else OWN_RULES
        rule_set, amount = await store.set_named(tx, home)
        other = await store.taken(tx, rule_id, origin.id if own and origin else None)
        if other is not None:
            raise Conflict(
                "radar.rule.id",
                f"{other.title} ({other.rule_set}) has this id already; give it one of its own",
            )
        if not own and amount >= MAX_OWN:
            raise Invalid("radar.rule.many", f"at most {MAX_OWN} own rules")
        made = await store.put(tx, origin.id if own and origin else None, rule_set, told, enabled=enabled)
        off = None
        if switch_off and origin is not None and not own:
            _, changed = await store.enable(tx, [origin.id], enabled=False)
            off = changed[0] if changed else None
        waiting = await store.others_wait_for(tx, [made, *([off] if off else [])])
        await publish(tx, ctx, "radar.rules.changed", {})
    if waiting:
        await look_again(ctx)
    before = origin.body if own and origin is not None else None
    return SavedRule(made, rule_id, told.title, text, version_of(text), told.reason, before, off)


async def remove_rules(ctx: Ctx, rules: Sequence[UUID]) -> list[RemovedRule]:
    """Delete own rules, all or none; raises NotFound for what is not one of them."""
    _bound(rules)
    async with uow(ctx) as tx:
        waiting = await store.others_wait_for(tx, rules)
        gone = await store.remove(tx, rules, OWN_SETS)
        if len(gone) != len(set(rules)):
            raise NotFound("radar.rule.missing", "only rules of your own can be deleted; switch others off")
        await publish(tx, ctx, "radar.rules.changed", {})
    if waiting:
        await look_again(ctx)
    return [RemovedRule(each.rule_id, each.title, each.body, each.enabled) for each in gone]


async def enable_rules(ctx: Ctx, rules: Sequence[UUID], enabled: bool) -> list[UUID]:
    """Switch rules on or off, all or none; return those that changed, for Undo. Raises NotFound."""
    _bound(rules)
    async with uow(ctx) as tx:
        there, changed = await store.enable(tx, rules, enabled)
        if there != len(set(rules)):
            raise NotFound("radar.rule.missing", "a rule is not there, or not yours to change")
        waiting = bool(changed) and await store.others_wait_for(tx, changed)
        if changed:
            await publish(tx, ctx, "radar.rules.changed", {})
    if waiting:
        await look_again(ctx)
    return changed


def version_of(text: str) -> str:
    """Return the version of a stored text."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


async def context(tx: Tx, text: str) -> tuple[list[File], dict[str, tuple[str, ...]]]:
    """Return what a text has to be read together with: what it refers to, and the placeholders' values."""
    values = await placeholder_values(tx)
    try:
        body = body_of(text)
    except Invalid:
        return [], values
    own = id_of(body) or ""
    if "filter" in body and isinstance(body["filter"], dict):
        names = _texts(body["filter"].get("rules"))
        if names and names != ["any"]:
            return _files(await store.referred(tx, names, own)), values
        given = body.get("logsource")
        source: dict[str, Any] = given if isinstance(given, dict) else {}
        asked = LogSource(*(str(source[k]) if source.get(k) else None for k in _LOGSOURCE))
        return _files(await store.of_logsource(tx, asked)), values
    found: dict[str, str] = {}
    wanted = _references(body)
    for _ in range(MAX_CHAIN):
        fresh = dict(await store.referred(tx, wanted, own)) if wanted else {}
        wanted = [name for text in fresh.values() if text not in found.values() for name in _named_in(text)]
        found |= fresh
    return _files(list(found.items())), values


def _files(found: Sequence[tuple[str, str]]) -> list[File]:
    return [(f"{number}/{path}", text, "") for number, (path, text) in enumerate(found)]


def _references(body: dict[str, Any]) -> list[str]:
    correlation = body.get("correlation")
    return _texts(correlation.get("rules")) if isinstance(correlation, dict) else []


def _named_in(text: str) -> list[str]:
    from sent.engines.radar.sigma.yamltext import documents

    return [name for body in documents(text) if isinstance(body, dict) for name in _references(body)]


def _parsed(text: str, files: Sequence[File], values: dict[str, tuple[str, ...]]) -> RuleSet:
    from sent.engines.radar.sigma.ruleset import parse_rules

    return parse_rules([(NAME, text, ""), *files], values)


async def _origin(tx: Tx, rule: UUID | None, expected: str | None) -> Stored | None:
    """Return the rule that is edited, locked; raises Conflict when it is not as it was read."""
    if rule is None:
        return None
    found = await store.stored(tx, rule, lock=True)
    if found is None:
        raise Conflict("radar.rule.gone", "somebody deleted or replaced the rule meanwhile")
    if expected is not None and version_of(found.body) != expected:
        raise Conflict("radar.rule.changed", "somebody else changed the rule meanwhile; look again")
    return found


async def _completed(ctx: Ctx, tx: Tx, text: str, source: Stored | None) -> str:
    """Return the text with its id and author; of another set's rule as what derives from it."""
    body, name = body_of(text), await store.person_name(tx, ctx.actor)
    author = str(body.get("author") or "")
    if source is not None:
        first = str(body_of(alone(source.body, source.rule_id)).get("author") or "")
        return with_author(derived(text, source.rule_id, str(uuid4())), [first, author, name])
    given = id_of(body)
    text = with_id(text, given or str(uuid4()))
    return text if author or not name else with_author(text, [name])


async def _told(tx: Tx, text: str, body: dict[str, Any], rule_id: str) -> Told:
    """Return what is written of a rule; raises Invalid with the reason when it neither runs nor waits."""
    files, values = await context(tx, text)
    found = await asyncio.to_thread(_parsed, text, files, values)
    path = f"{rule_id}.yml"
    kind: RuleKind = "filter" if "filter" in body else "correlation" if "correlation" in body else "rule"
    bad = next((each for each in found.rejected if each.source == NAME), None)
    if bad is not None and not bad.depends:
        raise Invalid("radar.rule.refused", bad.reason)
    reason = None if bad is None else bad.reason
    correlations = [each.rule for each in found.correlations]
    rule = next((each for each in (*found.rules, *correlations) if each.source == NAME), None)
    if rule is not None:
        depends = kind == "correlation" or bool(rule.placeholders)
        return Told(
            rule_id, rule.title, rule.level, rule.author, rule.status, str(rule.logsource), rule.tags,
            reason, depends, kind, path, text,
        )  # fmt: skip
    source = next((str(each.logsource) for each in found.filters if each.source == NAME), "")
    level: Level = "informational" if kind == "filter" else "medium"
    return Told(
        rule_id, str(body.get("title") or "(no title)")[:300], level, str(body.get("author") or ""),
        str(body.get("status") or ""), source, (), reason, True, kind, path, text,
    )  # fmt: skip


def _described(found: Stored) -> RuleText:
    text = alone(found.body, found.rule_id)
    try:
        body = body_of(text)
    except Invalid:
        body = {}
    related = body.get("related") if isinstance(body.get("related"), list) else []
    links = [str(each.get("id")) for each in related or [] if isinstance(each, dict) and each.get("id")]
    return RuleText(
        found.id,
        found.rule_id,
        found.title,
        found.rule_set,
        found.rule_set in OWN_SETS,
        found.enabled,
        found.reason,
        found.kind,
        text,
        version_of(found.body),
        str(body.get("description") or "").strip(),
        tuple(_texts(body.get("references"))),
        tuple(_texts(body.get("falsepositives"))),
        tuple(links[:20]),
    )


def _texts(value: object) -> list[str]:
    items = value if isinstance(value, list) else [value] if value else []
    return [str(item) for item in items[:100]]


def _bound(rules: Sequence[UUID]) -> None:
    if len(rules) > MAX_CHANGED:
        raise Invalid("radar.rule.many", f"change at most {MAX_CHANGED} rules at once")
