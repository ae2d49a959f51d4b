"""The verdicts of a rule on events, pasted or stored. Pure.

Explained is the plain tree of the condition, as `explanation` does, and each selection by itself.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from sent.engines.radar.decoding.arrival import event_of as arrived
from sent.engines.radar.decoding.normalise import event_from
from sent.engines.radar.model import Event, Filter, LogSource, Rule
from sent.engines.radar.rulebook.backtest import event_of
from sent.engines.radar.rulebook.problems import NAME
from sent.engines.radar.rulebook.ruletext import body_of
from sent.engines.radar.rulebook.trying import MAX_EVENTS, MAX_PASTED, Judged, Outcome, TriedEvent
from sent.engines.radar.sigma.explanation import explained, verdict
from sent.engines.radar.sigma.expression import And, Node, Not, Or, View, explain, holds
from sent.engines.radar.sigma.logsource import syslog_route
from sent.engines.radar.sigma.ruleset import parse_rules
from sent.engines.radar.sigma.selections import Selection, selections
from sent.engines.radar.store.past import PastEvent
from sent.platform.errors import Invalid

SHOWN_FIELDS = 200
TITLE = 300

MAX_TESTS = 50_000
"""Tests of all events together: of a rule with thousands only few events are explained."""


def judged(
    text: str,
    values: dict[str, tuple[str, ...]],
    filters: Sequence[tuple[str, str]],
    text_of_events: str | None,
    stored: Sequence[PastEvent],
) -> Outcome:
    """Return the verdicts of a text's rule on pasted or on stored events.

    `filters` are (path, text) of those that may narrow it. Raises Invalid.
    """
    found = parse_rules([(NAME, text, "")], values)
    if not found.rules:
        raise Invalid("radar.try.refused", found.rejected[0].reason if found.rejected else "there is no rule")
    rule = found.rules[0]
    named = [(f"{number}/{path}", part, "") for number, (path, part) in enumerate(filters)]
    narrowing = parse_rules([(NAME, text, ""), *named], values).filters if named else ()
    parts = selections(text, values)
    unreadable: list[str] = []
    left_out = 0
    if text_of_events is not None:
        read, left_out = pasted(text_of_events, unreadable)
    else:
        read = [(event_of(each), each.message, each.id) for each in stored]
    most = max(1, MAX_TESTS // max(1, _tests(rule.condition)))
    tried = [_judged(rule, narrowing, parts, *each) for each in read[:most]]
    condition = body_of(text)["detection"].get("condition", "")
    told = " or ".join(map(str, condition)) if isinstance(condition, list) else str(condition)
    return Outcome(
        rule.title,
        str(rule.logsource),
        told[:2000],
        tuple(tried),
        tuple(unreadable[:20]),
        left_out + len(read) - len(tried),
    )


def _judged(
    rule: Rule,
    filters: Iterable[Filter],
    parts: Sequence[Selection],
    event: Event,
    message: str,
    event_id: UUID | None,
) -> TriedEvent:
    found = explained(rule, event, map_4688=True)
    view = View(found.event.fields)
    quieted = tuple(each.title for each in filters if not holds(each.condition, view)) if found.fires else ()
    fires = found.fires and not quieted
    shown = [(name, value) for name, value in found.event.fields.items() if value]
    title = message or next((value for name, value in shown if name in ("CommandLine", "Image")), "")
    title = title or " ".join(f"{name}={value}" for name, value in shown[:6])
    return TriedEvent(
        title=" ".join(title[: 4 * TITLE].split())[:TITLE],
        at=event.at,
        host=event.host,
        event_id=event_id,
        fires=fires,
        looks=found.looks,
        route=found.route,
        missing=found.missing,
        quieted=quieted,
        selections=tuple(Judged(part.name, verdict(part.condition, view)) for part in parts),
        whole=found.verdict,
        matched=tuple(explain(rule.condition, view)) if found.fires else (),
        fields=tuple((name, value[:2000]) for name, value in shown[:SHOWN_FIELDS]),
    )


def _tests(node: Node) -> int:
    """Return how many tests a condition holds."""
    if isinstance(node, And | Or):
        return sum(map(_tests, node.nodes))
    return _tests(node.node) if isinstance(node, Not) else 1


def pasted(text: str, unreadable: list[str]) -> tuple[list[tuple[Event, str, UUID | None]], int]:
    """Return the events of a paste with their messages, and how many more there are than are tried.

    Why lines are none goes to `unreadable`.
    """
    if len(text) > MAX_PASTED:
        raise Invalid("radar.try.long", f"paste at most {MAX_PASTED // 1000} KB of events")
    now = datetime.now(UTC)
    found: list[tuple[Event, str, UUID | None]] = []
    left_out = 0
    for item in _items(text):
        if len(found) >= MAX_EVENTS:
            left_out += 1
            continue
        try:
            event = _line(item, now) if isinstance(item, str) else _record(item)
        except (ValueError, RecursionError) as error:
            if len(unreadable) < MAX_EVENTS:
                unreadable.append(" ".join(str(error).split())[:200])
            continue
        found.append((event, event.message, None))
    if not found and not unreadable:
        raise Invalid("radar.try.empty", "paste events first: JSON, or lines as a log has them")
    return found, left_out


def _items(text: str) -> Iterable[dict[str, Any] | str]:
    """Yield the objects of a JSON document, else of each line its object, or the line itself."""
    try:
        whole = orjson.loads(text)
    except orjson.JSONDecodeError:
        whole = None
    if isinstance(whole, dict):
        yield whole
        return
    if isinstance(whole, list):
        yield from (item if isinstance(item, dict) else orjson.dumps(item).decode() for item in whole)
        return
    for line in io.StringIO(text):
        if not (stripped := line.strip()):
            continue
        try:
            value = orjson.loads(stripped)
        except orjson.JSONDecodeError:
            value = None
        yield value if isinstance(value, dict) else stripped


def _record(record: dict[str, Any]) -> Event:
    """Return the event of an object: bare, wrapped (`{"n", "src", "event"}`), or as the console copies it."""
    inner = record.get("event")
    if isinstance(inner, dict) and record.keys() <= {"n", "src", "event"}:
        record = inner
    fields = record.get("fields")
    if isinstance(fields, dict) and {"at", "message"} <= record.keys():
        record = {name: record[name] for name in ("host", "program", "message") if record.get(name)} | fields
    event = event_from(record)
    if not event.route.known and record.get("program"):
        event = replace(event, route=syslog_route(str(record["program"]), LogSource()))
    return event


def _line(line: str, now: datetime) -> Event:
    if line.startswith(("{", "[")):
        raise ValueError(f"is no JSON object: {line[:80]}")
    return arrived("syslog_udp", line.encode(), LogSource(), received=now)
