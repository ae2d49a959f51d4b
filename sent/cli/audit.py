"""`sent audit`: the trail of changes."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from uuid import UUID

app = typer.Typer(no_args_is_help=True, help="Export the audit trail.")

PAGE = 1000


@app.callback()
def group() -> None:
    """Export the audit trail."""


@app.command()
def export(
    org: Annotated[str | None, typer.Option("--org", help="Slug of the organisation.")] = None,
    since: Annotated[datetime | None, typer.Option(help="From this time (UTC) on.")] = None,
    until: Annotated[datetime | None, typer.Option(help="Before this time (UTC).")] = None,
    table: Annotated[str | None, typer.Option(help="Only this table, such as core.client.")] = None,
) -> None:
    """Print one JSON line per entry, newest first."""
    from sent.engines.audit.api import entries
    from sent.platform.auth.administration import installation

    async def work() -> None:
        async with installation() as place:
            ctx = await place.ctx(org)
            last: tuple[datetime, UUID] | None = None
            while page := await entries(
                ctx, before=last, limit=PAGE, table=table, since=_utc(since), until=_utc(until)
            ):
                for entry in page:
                    line = {
                        "id": str(entry.id),
                        "at": entry.at.isoformat(),
                        "actor": entry.actor and str(entry.actor),
                        "actor_name": entry.actor_name,
                        "action": entry.action,
                        "table": entry.table,
                        "row_id": entry.row_id and str(entry.row_id),
                        "before": entry.before,
                        "after": entry.after,
                        "trace": entry.trace and str(entry.trace),
                    }
                    print(json.dumps(line, ensure_ascii=False))
                last = (page[-1].at, page[-1].id)

    asyncio.run(work())


def _utc(moment: datetime | None) -> datetime | None:
    from datetime import UTC

    return moment and moment.replace(tzinfo=UTC)
