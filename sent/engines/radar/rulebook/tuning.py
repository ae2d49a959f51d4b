"""Filter out like this: a Sigma filter that keeps one rule from firing on events like an alert's.

The filters an organisation writes so stand in a rule set of their own (`OWN_FILTERS`), as Sigma documents
like any other: they can be read, exported and switched off, and they hold in `sent radar scan`, too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from sent.engines.radar.rulebook.library import digest
from sent.engines.radar.rulebook.placeholders import look_again
from sent.engines.radar.store import alerts as queue
from sent.engines.radar.store import catalogue
from sent.engines.radar.store.placeholders import values as placeholder_values
from sent.platform.bus.events import publish
from sent.platform.context import Ctx
from sent.platform.db.uow import Tx, uow
from sent.platform.errors import Conflict, Invalid, NotFound

OWN_FILTERS = "Own filters"
"""Name of the rule set that filters made at the desk go to."""

MAX_FIELDS = 20
MAX_VALUE = 4096
MAX_FILTERS = 2000

_LOGSOURCE = ("product", "category", "service")


async def filter_text(ctx: Ctx, alert_id: UUID, fields: tuple[str, ...], title: str = "") -> str:
    """Return the filter that leaves out events whose `fields` are as in the alert's event, as YAML.

    Raises NotFound (alert, or its rule is gone), Invalid (no fields, a field the event lacks, a correlation).
    """
    async with uow(ctx) as tx:
        found = await queue.detail(tx, alert_id)
    if found is None:
        raise NotFound("radar.alert.missing", "the alert is not there, or not yours to see")
    rule = rule_document(found.rule_yaml, found.alert.rule_id)
    name = title.strip() or f"Leave out: {found.alert.title}"
    return composed(rule, found.alert.rule_id, name, _chosen(found.event, fields), str(uuid4()))


def rule_document(text: str, rule_id: str) -> Mapping[str, Any]:
    """Return the rule's document out of its file; raises NotFound, or Invalid for a correlation."""
    found = [part for part in _read(text) if isinstance(part, dict)]
    rule = next((part for part in found if str(part.get("id")) == rule_id), None)
    if rule is None and len(found) == 1:
        rule = found[0]
    if rule is None:
        raise NotFound("radar.rule.missing", "the alert's rule is not there any more")
    if "detection" not in rule:
        raise Invalid("radar.filter.kind", "a filter narrows rules; narrow those the correlation refers to")
    return rule


def composed(
    rule: Mapping[str, Any], rule_id: str, title: str, selection: Mapping[str, str | None], filter_id: str
) -> str:
    """Return the filter's YAML (Sigma specification 2.1, filters)."""
    import yaml

    named = rule.get("logsource") or {}
    source = {key: str(named[key]) for key in _LOGSOURCE if named.get(key)}
    # A rule without an id of its own is known by a digest, which a filter cannot name; then by its name.
    reference = str(rule.get("id") or rule.get("name") or rule_id)
    document = {
        "title": title[:256],
        "id": filter_id,
        "description": f"Made from an alert of the rule {rule.get('title') or rule_id}.",
        "date": datetime.now(UTC).date().isoformat(),
        "logsource": source,
        "filter": {
            "rules": [reference],
            "selection": {name: None if value is None else plain(value) for name, value in selection.items()},
            "condition": "not selection",
        },
    }
    return str(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100))


def plain(value: str) -> str:
    """Return a value as Sigma reads it literally: wildcards and backslashes escaped."""
    return "".join(f"\\{char}" if char in "\\*?" else char for char in value)


async def add_filter(ctx: Ctx, text: str) -> str:
    """Add one Sigma filter to the organisation's own; returns its id.

    Raises Invalid with the reason when it does not read or narrows nothing, Conflict when its id is taken,
    Denied without `radar:manage`.
    """
    filter_id, path = _identity(text)
    await _must_narrow(ctx, filter_id, path, text)
    async with uow(ctx) as tx:
        await catalogue.alone_with(tx, OWN_FILTERS)
        mine = await catalogue.texts_of(tx, OWN_FILTERS)
        if any(kept.path == path for kept in mine):
            raise Conflict("radar.filter.there", "a filter of this id is there already")
        if len(mine) >= MAX_FILTERS:
            raise Invalid("radar.filter.many", f"at most {MAX_FILTERS} own filters")
        await _replace(tx, ctx, [*mine, catalogue.RuleText(path, text)])
        await publish(tx, ctx, "radar.rules.changed", {})
    await look_again(ctx)
    return filter_id


async def _must_narrow(ctx: Ctx, filter_id: str, path: str, text: str) -> None:
    """Raise Invalid with the reason when the filter narrows none of the rules it names."""
    from sent.engines.radar.sigma.reading import parsed

    async with uow(ctx) as tx:
        texts = await catalogue.rule_texts(tx)
        off = await catalogue.disabled_ids(tx)
        values = await placeholder_values(tx)
    named = _read(text)[0]["filter"].get("rules")
    named = named if isinstance(named, list) else [named]
    about = [kept for kept in texts if "any" in named or any(str(name) in kept.body for name in named)]
    files = [*((kept.path, kept.body, "") for kept in about), (path, text, "")]
    found = await asyncio.to_thread(parsed, files, values, off)
    for bad in found.rejected:
        if (bad.source, bad.rule_id) == (path, filter_id):
            raise Invalid("radar.filter.refused", bad.reason)


async def remove_filter(ctx: Ctx, filter_id: str) -> None:
    """Take one of the organisation's own filters away; raises NotFound."""
    async with uow(ctx) as tx:
        await catalogue.alone_with(tx, OWN_FILTERS)
        mine = await catalogue.texts_of(tx, OWN_FILTERS)
        left = [kept for kept in mine if kept.path != _path(filter_id)]
        if len(left) == len(mine):
            raise NotFound("radar.filter.missing", "the filter is not there, or not yours to change")
        await _replace(tx, ctx, left)
        await publish(tx, ctx, "radar.rules.changed", {})
    await look_again(ctx)


async def _replace(tx: Tx, ctx: Ctx, texts: list[catalogue.RuleText]) -> None:
    from sent.engines.radar.sigma.ruleset import parse_rules

    files = [(kept.path, kept.body, "") for kept in texts]
    found = await asyncio.to_thread(parse_rules, files, await placeholder_values(tx))
    await catalogue.replace_rule_set(tx, OWN_FILTERS, digest(found), found, shipped=False)


def _identity(text: str) -> tuple[str, str]:
    read = _read(text)
    if len(read) != 1 or not isinstance(read[0], dict) or not isinstance(read[0].get("filter"), dict):
        raise Invalid("radar.filter.text", "this is not one Sigma filter")
    given = str(read[0].get("id") or "")
    try:
        filter_id = str(UUID(given))
    except ValueError:
        raise Invalid("radar.filter.id", "a filter has an id, which is a UUID") from None
    return filter_id, _path(filter_id)


def _read(text: str) -> list[Any]:
    import yaml

    from sent.engines.radar.sigma.yamltext import documents

    try:
        return documents(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Invalid("radar.filter.text", " ".join(str(error).split())[:300]) from error


def _path(filter_id: str) -> str:
    return f"{filter_id}.yml"


def _chosen(event: Mapping[str, Any], fields: tuple[str, ...]) -> dict[str, str | None]:
    if not 1 <= len(fields) <= MAX_FIELDS:
        raise Invalid("radar.filter.fields", f"choose 1 to {MAX_FIELDS} fields")
    chosen: dict[str, str | None] = {}
    for name in fields:
        if name not in event or "|" in name or not name.strip():
            raise Invalid("radar.filter.field", f"the event has no field {name!r} a filter could name")
        value = event[name]
        chosen[name] = None if value is None else str(value)
        if len(chosen[name] or "") > MAX_VALUE:
            raise Invalid("radar.filter.value", f"the value of {name} is longer than {MAX_VALUE} characters")
    return chosen
