"""`sent audit`: the trail of changes and its proof."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from sent.platform.audit.verify import Report
    from sent.platform.auth.administration import Installation
    from sent.platform.context import Ctx

app = typer.Typer(no_args_is_help=True, help="Export and verify the audit trail.")

PAGE = 1000
SAY_EVERY_S = 1.0


@app.callback()
def group() -> None:
    """Export and verify the audit trail."""


@app.command()
def export(
    org: Annotated[str | None, typer.Option("--org", help="Slug of the organisation.")] = None,
    since: Annotated[datetime | None, typer.Option(help="From this time (UTC) on.")] = None,
    until: Annotated[datetime | None, typer.Option(help="Before this time (UTC).")] = None,
    table: Annotated[str | None, typer.Option(help="Only this table, such as core.client.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Write the sealed trail with its proof to this file.")
    ] = None,
) -> None:
    """Print one JSON line per entry, newest first; with --out write an export that can be verified."""
    if out is not None:
        asyncio.run(_export(org, out, _utc(since), _utc(until)))
        return
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


@app.command()
def verify(
    org: Annotated[
        str | None, typer.Option("--org", help="Slug, or 'platform'; without it all organisations.")
    ] = None,
    anchors: Annotated[
        Path | None, typer.Option(help="File of anchors (default: those that are set).")
    ] = None,
    file: Annotated[Path | None, typer.Option("--file", help="Verify an export, without a database.")] = None,
    key: Annotated[
        Path | None, typer.Option("--keys", help="Public keys to trust (default: this machine's own).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per organisation.")] = False,
) -> None:
    """Recompute everything; exit 1 and the first bad entry when something is not as it was sealed."""
    work = _verify_file(file, anchors, key) if file is not None else _verify_all(org, anchors, key)
    reports = asyncio.run(work)
    for name, report in reports:
        if as_json:
            print(json.dumps({"org": name, **report.line()}, ensure_ascii=False))
        else:
            print(_sentence(name, report))
    if not all(report.ok for _, report in reports):
        raise typer.Exit(1)


@app.command("rotate-key")
def rotate_key() -> None:
    """Sign with a new key from now on; restart the services afterwards. Former seals stay verifiable."""
    from sent.platform.audit.signing import Signing

    signing = Signing()
    print(json.dumps({"key": signing.rotate(), "public_keys": str(signing.file)}))


async def _verify_all(org: str | None, given: Path | None, key: Path | None) -> list[tuple[str, Report]]:
    from sent.platform.audit import proof
    from sent.platform.audit.signing import read_public_keys
    from sent.platform.auth.administration import installation

    heads = proof.read_anchors(given)
    keys = read_public_keys(key) if key is not None else proof.trusted_keys()
    found = []
    async with installation() as place:
        for name, ctx in await _contexts(place, org):
            found.append((name, await proof.check(ctx, keys, heads, _teller(name))))
    return found


async def _verify_file(file: Path, given: Path | None, key: Path | None) -> list[tuple[str, Report]]:
    from sent.platform.audit import anchors as heads
    from sent.platform.audit.export import ExportFile
    from sent.platform.audit.signing import read_public_keys
    from sent.platform.audit.verify import verify as check

    export = ExportFile(file)
    keys = export.keys
    if key is not None:
        keys = read_public_keys(key)
    else:
        names = ", ".join(sorted(keys))
        print(f"the export's own keys are trusted ({names}); compare them, or give --keys", file=sys.stderr)
    known = heads.read(given).get(export.organization) if given is not None else None
    name = str(export.organization)
    return [
        (name, await check(export.organization, export.blocks(), keys, known, _teller(name), partial=True))
    ]


async def _export(org: str | None, out: Path, since: datetime | None, until: datetime | None) -> None:
    from sent.platform.audit.export import export as write
    from sent.platform.auth.administration import installation

    aside = out.with_name(out.name + ".part")
    async with installation() as place:
        ((_, ctx),) = await _contexts(place, org) if org else [("", await place.ctx(None))]
        with aside.open("w", encoding="utf-8") as file:
            counts = await write(ctx, file, since=since, until=until)
    aside.replace(out)
    print(json.dumps({"export": str(out), **counts}))


async def _contexts(place: Installation, slug: str | None) -> list[tuple[str, Ctx]]:
    from sent.platform.auth import directory
    from sent.platform.auth.administration import ADMINISTRATOR
    from sent.platform.context import Ctx
    from sent.platform.ids import PLATFORM_ORG

    platform = ("platform", Ctx(place.system, PLATFORM_ORG, ADMINISTRATOR))
    if slug == "platform":
        return [platform]
    if slug is not None:
        one = await directory.find_organization(place.system, slug)
        return [(one.slug, Ctx(place.system, one.id, ADMINISTRATOR))]
    known = await directory.organizations(place.system)
    return [platform, *((one.slug, Ctx(place.system, one.id, ADMINISTRATOR)) for one in known)]


def _teller(name: str) -> Callable[[Report], None]:
    last = time.monotonic()

    def tell(report: Report) -> None:
        nonlocal last
        if time.monotonic() - last >= SAY_EVERY_S:
            last = time.monotonic()
            rate = report.entries / report.seconds if report.seconds else 0
            print(f"{name}: {report.entries} entries, {rate:.0f}/s", file=sys.stderr)

    return tell


def _sentence(name: str, report: Report) -> str:
    if report.finding is not None:
        bad = report.finding
        where = f"entry {bad.seq}" + (f" ({bad.table}, {bad.id})" if bad.id else "")
        return f"{name}: {bad.kind}: {where}: {bad.text}"
    begins = f", beginning after entry {report.begins_after} (retention)" if report.begins_after else ""
    rate = report.entries / report.seconds if report.seconds else 0
    return (
        f"{name}: {report.entries} entries under {report.seals} seals are as they were sealed{begins};"
        f" {report.anchors} anchors agree, {report.unsealed} entries not sealed yet, {rate:.0f} entries/s"
    )


def _utc(moment: datetime | None) -> datetime | None:
    from datetime import UTC

    return moment and moment.replace(tzinfo=UTC)
