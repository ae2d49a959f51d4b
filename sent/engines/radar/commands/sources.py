"""`sent radar sources`: where logs come from, how the sources fare, what their fields are called."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sent.platform.auth.commandline import administer
from sent.platform.errors import Invalid, NotFound
from sent.platform.terminal import json_line

if TYPE_CHECKING:
    from sent.engines.radar.fieldmap.applied import Mapped
    from sent.engines.radar.fieldmap.pipelines import Imported
    from sent.engines.radar.sources import SourceHealth
    from sent.platform.context import Ctx

commands = typer.Typer(help="Where an organisation's logs come from.", no_args_is_help=True)

Organisation = Annotated[
    str | None, typer.Option("--org", help="Slug of the organisation; not needed if there is one.")
]
Zone = Annotated[str | None, typer.Option(help="Time zone of times without one.")]
Product = Annotated[str | None, typer.Option(help="Sigma product of its events.")]
Category = Annotated[str | None, typer.Option(help="Sigma category of its events.")]
Service = Annotated[str | None, typer.Option(help="Sigma service of its events.")]
Identity = Annotated[
    str | None, typer.Option(help="Serve TLS as this identity: NAME.crt and NAME.key in tls_dir.")
]
Allow = Annotated[
    list[str] | None, typer.Option(help="Take these only: sha256:..., cn:NAME or dns:NAME; several.")
]
CLIENTS = "Client certificates: none, optional or required (by NAME-clients.crt)."


class SourceKindOption(StrEnum):
    """How a source's events come in."""

    syslog_udp = "syslog_udp"
    syslog_tcp = "syslog_tcp"
    syslog_tls = "syslog_tls"
    http = "http"
    file = "file"
    jsonl = "jsonl"
    evtx = "evtx"


@commands.command("list")
def list_sources(org: Organisation = None) -> None:
    """Print one JSON line per source, with how it fares."""

    async def work(ctx: Ctx) -> None:
        from sent.engines.radar import api

        for one in await api.source_board(ctx):
            source, fares = one.source, one.fares
            _line(
                {
                    "name": source.name,
                    "kind": source.kind,
                    "address": source.address,
                    "enabled": source.enabled,
                    "state": one.state,
                    "problem": fares.problem or None,
                    "client": source.client_name,
                    "last_event_at": fares.last_event_at and fares.last_event_at.isoformat(),
                    "events_24h": sum(one.hours),
                    "keep_days": fares.keep_days,
                    "mapping_steps": fares.steps,
                    "dead_letters": fares.letters,
                }
            )

    administer(org, work)


@commands.command("add")
def add_source(
    name: str,
    kind: SourceKindOption,
    address: Annotated[
        str, typer.Argument(help="host:port for syslog and http, else the absolute path of a file.")
    ],
    org: Organisation = None,
    product: Product = None,
    category: Category = None,
    service: Service = None,
    zone: Zone = None,
    tls_identity: Identity = None,
    tls_clients: Annotated[str, typer.Option(help=CLIENTS)] = "required",
    tls_allow: Allow = None,
) -> None:
    """Add a source; workers open it within seconds. For http a token is made and printed once."""

    async def work(ctx: Ctx) -> None:
        from sent.engines.radar import api
        from sent.engines.radar.receiving.access import new_token

        tls = {"identity": tls_identity, "clients": tls_clients, "allow": tls_allow or []}
        token = new_token() if kind is SourceKindOption.http else None
        made = await api.add_source(
            ctx,
            name,
            kind.value,
            address,
            product=product,
            category=category,
            service=service,
            zone=zone or "UTC",
            tls=tls if tls_identity else None,
            token=token,
        )
        said = {"id": str(made.id), "name": made.name, "address": made.address}
        _line(said | ({"token": token} if token else {}))

    administer(org, work)


@commands.command()
def edit(
    name: str,
    org: Organisation = None,
    rename: Annotated[str | None, typer.Option(help="Its new name.")] = None,
    address: Annotated[str | None, typer.Option(help="Its new address.")] = None,
    product: Product = None,
    category: Category = None,
    service: Service = None,
    zone: Zone = None,
    tls_identity: Identity = None,
    tls_clients: Annotated[str | None, typer.Option(help=CLIENTS)] = None,
    tls_allow: Allow = None,
) -> None:
    """Change a source; what is not given stays. An empty product, category or service is taken away."""

    async def work(ctx: Ctx) -> None:
        from sent.engines.radar import api

        one = await _named(ctx, name)
        old, tls = one.source, dict(one.source.tls or {})
        given = {"identity": tls_identity, "clients": tls_clients, "allow": tls_allow}
        tls |= {key: value for key, value in given.items() if value is not None}
        await api.edit_source(
            ctx,
            old.id,
            old.version,
            name=rename or old.name,
            address=address or old.address,
            product=old.product if product is None else product,
            category=old.category if category is None else category,
            service=old.service if service is None else service,
            client_id=old.client_id,
            zone=zone or one.fares.zone,
            tls=tls or None,
            keep_days=one.fares.keep_days,
        )
        _line({"name": rename or old.name, "changed": True})

    administer(org, work)


@commands.command()
def remove(name: str, org: Organisation = None) -> None:
    """Delete a source; its events and alerts stay."""

    async def work(ctx: Ctx) -> None:
        from sent.engines.radar import api

        await api.remove_source(ctx, (await _named(ctx, name)).id)
        _line({"name": name, "removed": True})

    administer(org, work)


@commands.command()
def keep(
    name: str,
    days: Annotated[int, typer.Argument(min=0, max=3650, help="Days; 0: as the organisation keeps.")],
    org: Organisation = None,
) -> None:
    """Say for how many days a source's events are kept."""

    async def work(ctx: Ctx) -> None:
        from sent.engines.radar import api

        await api.keep_source(ctx, (await _named(ctx, name)).id, days or None)
        _line({"name": name, "keep_days": days or None})

    administer(org, work)


@commands.command()
def token(name: str, org: Organisation = None) -> None:
    """Give an http source a fresh token and print it once; the old one ends within seconds."""

    async def work(ctx: Ctx) -> None:
        from sent.engines.radar import api

        one = await _named(ctx, name)
        _line({"name": name, "token": await api.rotate_token(ctx, one.id, one.source.version)})

    administer(org, work)


@commands.command("map")
def map_source(
    name: str,
    org: Organisation = None,
    file: Annotated[
        Path | None,
        typer.Option(help="Steps, a preset or a pipeline of pySigma (YAML); - for standard input."),
    ] = None,
    show: Annotated[bool, typer.Option("--show", help="Print the steps.")] = False,
    clear: Annotated[bool, typer.Option("--clear", help="Take all steps away.")] = False,
) -> None:
    """Show, replace or take away the steps that give a source's events other names."""
    if (file is not None) + show + clear != 1:
        _say("sent radar sources map: give one of --file, --show and --clear")
        raise typer.Exit(2)

    async def work(ctx: Ctx) -> None:
        from sent.engines.radar import api

        one = await _named(ctx, name)
        if show:
            mapping, _ = await api.source_mapping(ctx, one.id)
            _line({"name": name} | json.loads(mapping.stored()))
            return
        found = _imported(file) if file is not None else None
        for reason in found.left_out if found is not None else ():
            _say(f"left out: {reason}")
        mapping = api.FieldMapping() if found is None else found.mapping
        await api.set_mapping(ctx, one.id, mapping, one.source.version)
        _line({"name": name, "steps": len(mapping.steps)})

    administer(org, work)


@commands.command()
def enable(name: str, org: Organisation = None) -> None:
    """Switch a source on."""
    _switch(org, name, on=True)


@commands.command()
def disable(name: str, org: Organisation = None) -> None:
    """Switch a source off; its events stay."""
    _switch(org, name, on=False)


def _switch(org: str | None, name: str, *, on: bool) -> None:
    async def work(ctx: Ctx) -> None:
        from sent.engines.radar import api

        await api.enable_source(ctx, (await _named(ctx, name)).id, on)
        _line({"name": name, "enabled": on})

    administer(org, work)


async def _named(ctx: Ctx, name: str) -> SourceHealth:
    from sent.engines.radar import api

    board = await api.source_board(ctx)
    for one in board:
        if one.source.name == name:
            return one
    known = ", ".join(one.source.name for one in board) or "none yet"
    raise NotFound("radar.source.missing", f"no source {name!r}; there are: {known}")


def _imported(file: Path) -> Imported:
    from sent.engines.radar.fieldmap.pipelines import MAX_FILE, imported

    try:
        if str(file) == "-":
            return imported(sys.stdin.read(MAX_FILE + 1))
        with file.open(encoding="utf-8") as opened:
            return imported(opened.read(MAX_FILE + 1))
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid("radar.mapping.file", f"{file} cannot be read: {error}") from error


def mapping_from(file: Path | None, say: Callable[[str], None]) -> Mapped | None:
    """Return the mapping of a file, ready to run; `say` hears what is left out. Raises SentError."""
    if file is None:
        return None
    from sent.engines.radar.fieldmap.applied import Mapped

    found = _imported(file)
    for reason in found.left_out:
        say(f"mapping: left out: {reason}")
    return Mapped(found.mapping.steps)


def _line(values: dict[str, Any]) -> None:
    print(json_line(values))


def _say(text: str) -> None:
    print("".join(char if char.isprintable() else "\ufffd" for char in text), file=sys.stderr)
