"""`sent radar search`: stored events by the search line's language, on standard output."""

from __future__ import annotations

import csv
import sys
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from sent.platform.auth.commandline import administer
from sent.platform.terminal import json_line

if TYPE_CHECKING:
    from sent.platform.context import Ctx


class Kind(StrEnum):
    """How events are written."""

    jsonl = "jsonl"
    csv = "csv"


Organisation = Annotated[
    str | None, typer.Option("--org", help="Slug of the organisation; not needed if there is one.")
]
Query = Annotated[str, typer.Argument(help="For example 'user:mal* failed -host:web-01'; empty: everything.")]
Since = Annotated[datetime | None, typer.Option(help="From then on (UTC; default: --hours before the end).")]
Until = Annotated[datetime | None, typer.Option(help="Up to then (UTC; default: now).")]
Hours = Annotated[float, typer.Option(min=0.01, help="How far back, where --since is not given.")]


def search(
    query: Query = "",
    since: Since = None,
    until: Until = None,
    hours: Hours = 24.0,
    limit: Annotated[int, typer.Option(min=0, help="At most so many, newest first; 0: all.")] = 200,
    format: Annotated[Kind, typer.Option(help="How events are written.")] = Kind.jsonl,
    org: Organisation = None,
) -> None:
    """Print stored events that fit a search line, newest first."""
    start, end = _span(since, until, hours)

    async def work(ctx: Ctx) -> None:
        from sent.engines.radar.searching.explore import CSV_COLUMNS, all_events, write_events

        if format is Kind.csv:
            csv.writer(sys.stdout).writerow(CSV_COLUMNS)
        left = limit
        async for events in all_events(ctx, query, start, end):
            shown = events[:left] if limit else events
            write_events(sys.stdout, shown, format.value, terminal=sys.stdout.isatty())
            left -= len(events)
            if limit and left <= 0:
                return

    administer(org, work)


def values(
    field: Annotated[
        str, typer.Argument(help="A field, or host, program, source, severity, channel, event.")
    ],
    query: Query = "",
    since: Since = None,
    until: Until = None,
    hours: Hours = 24.0,
    org: Organisation = None,
) -> None:
    """Print the most frequent values of a field in the events that fit: one JSON line each.

    Of many events a share is counted: amounts are then estimates, and stderr says so.
    """
    start, end = _span(since, until, hours)

    async def work(ctx: Ctx) -> None:
        from sent.engines.radar import api

        found = await api.field_values(ctx, query, start, end, field)
        for each in found.values:
            print(json_line({"value": each.value, "events": each.amount}))
        if found.share > 1:
            print(f"estimated from one event in {found.share}", file=sys.stderr)

    administer(org, work)


def _span(since: datetime | None, until: datetime | None, hours: float) -> tuple[datetime, datetime]:
    end = until.replace(tzinfo=UTC) if until else datetime.now(UTC)
    start = since.replace(tzinfo=UTC) if since else end - timedelta(hours=hours)
    if start >= end:
        raise typer.BadParameter("--since lies behind --until")
    return start, end
