"""`sent radar`: scan files with Sigma rules; list and import rules and sources."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from sent.engines.radar.commands import attack as cli_attack
from sent.engines.radar.commands import letters as cli_letters
from sent.engines.radar.commands import rules as cli_rules
from sent.engines.radar.commands import rulesets as cli_rulesets
from sent.engines.radar.commands import search as cli_search
from sent.engines.radar.commands import sources as cli_sources
from sent.platform.auth.commandline import administer
from sent.platform.errors import SentError
from sent.platform.terminal import json_line

if TYPE_CHECKING:
    from sent.platform.context import Ctx

app = typer.Typer(help="Log radar: Sigma rules over logs.", no_args_is_help=True)
rule_commands = typer.Typer(help="The rules of an organisation.", no_args_is_help=True)
placeholder_commands = typer.Typer(help="Values of placeholders in rules.", no_args_is_help=True)
app.add_typer(rule_commands, name="rules")
app.add_typer(cli_sources.commands, name="sources")
app.add_typer(cli_sources.commands, name="source", hidden=True)  # as it was called
app.add_typer(placeholder_commands, name="placeholders")
app.add_typer(cli_letters.commands, name="letters")
app.add_typer(cli_attack.commands, name="attack")
app.command("search")(cli_search.search)
app.command("values")(cli_search.values)

Organisation = Annotated[
    str | None, typer.Option("--org", help="Slug of the organisation; not needed if there is one.")
]


@app.callback()
def _group() -> None:
    """Log radar: Sigma rules over logs."""


class OutputFormat(StrEnum):
    """How hits are written."""

    json = "json"
    csv = "csv"
    timeline = "timeline"
    summary = "summary"


class Level(StrEnum):
    """Sigma's levels, weakest first."""

    informational = "informational"
    low = "low"
    medium = "medium"
    high = "high"
    critical = "critical"


class _ManyEvents(TyperCommand):
    """Lets `--events` take several files: `--events a b` is `--events a --events b`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        spread: list[str] = []
        taking = False
        for word in args:
            if word == "--events":
                taking = True
            elif word.startswith("-") and word != "-":
                taking = False
                spread.append(word)
            elif taking:
                spread += ["--events", word]
            else:
                spread.append(word)
        return super().parse_args(ctx, spread)


@app.command(cls=_ManyEvents)
def scan(
    rules: Annotated[Path, typer.Option(help="A rule file, a folder, a tar.gz or a zip.")],
    events: Annotated[
        list[Path],
        typer.Option(help="JSON lines (also .gz, or - for standard input), .evtx, or a folder; several."),
    ],
    format: Annotated[OutputFormat, typer.Option(help="How hits are written.")] = OutputFormat.json,
    stats: Annotated[bool, typer.Option("--stats", help="End with a line of counters on stderr.")] = False,
    map_4688: Annotated[
        bool, typer.Option("--map-4688", help="Security 4688 events feed process_creation rules too.")
    ] = False,
    wide: Annotated[
        bool, typer.Option("--wide", help="Run rules that look at every Windows channel too.")
    ] = False,
    placeholder: Annotated[
        list[str] | None, typer.Option(help="A value of a placeholder, name=value; several times.")
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option(help="A field mapping: steps, a preset or a pipeline of pySigma (YAML).")
    ] = None,
    level: Annotated[Level, typer.Option(help="The lowest level of hits.")] = Level.informational,
    progress: Annotated[
        bool | None, typer.Option(help="Tell how far it is, on stderr (default: on a terminal).")
    ] = None,
) -> None:
    """Run Sigma rules over files of events; one line for each hit on stdout."""
    from sent.engines.radar.model import RuleSet
    from sent.engines.radar.scan import Scan, written
    from sent.engines.radar.scanprogress import ScanProgress, within
    from sent.engines.radar.sigma.expansion import given_values
    from sent.engines.radar.sigma.reading import read_rules

    files = within(events)
    shown = ScanProgress(files, sys.stderr)
    run = Scan(RuleSet((), ()), map_4688=map_4688, wide=wide, least=level.value, complain=shown.say)
    try:
        run.rules = read_rules(rules, given_values(placeholder or []))
        run.mapping = cli_sources.mapping_from(mapping, _say)
        if sys.stderr.isatty() if progress is None else progress:
            run.tell = shown.tell
        for rejected in run.rejected():
            _say(f"rule not run: {rejected.source}: {rejected.reason}")
        out = sys.stdout.buffer
        for line in written(shown.counted(run.hits(files)), format.value):
            if sys.stdout.isatty():
                shown.clear()
            out.write(line)
        out.flush()
    except KeyboardInterrupt:
        shown.clear()
        sys.stdout.buffer.flush()
        _say(f"stopped after {run.events:,} events")
        raise typer.Exit(130) from None
    except SentError as error:
        _say(f"sent radar scan: {error.message}")
        raise typer.Exit(1) from error
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(1) from None
    finally:
        shown.clear()
    if run.unmapped:
        _say(f"the mapping failed on {run.unmapped} events; they were looked at as they are")
    if run.unreadable:
        _say(f"{run.unreadable} unreadable lines were skipped")
    if stats:
        _say(run.statistics().decode())


@rule_commands.command("list")
def list_rules(org: Organisation = None) -> None:
    """Print one JSON line per rule; a rejected one says why it does not run."""

    async def work(ctx: Ctx) -> None:
        from sent.engines.radar import api

        for rule in await api.rules(ctx):
            _line(
                {
                    "rule_id": rule.rule_id,
                    "title": rule.title,
                    "level": rule.level,
                    "author": rule.author,
                    "set": rule.rule_set,
                    "kind": rule.kind,
                    "logsource": rule.logsource,
                    "enabled": rule.enabled,
                    "reason": rule.reason,
                }
            )

    administer(org, work)


@rule_commands.command()
def backtest(
    rule: Annotated[Path, typer.Argument(help="A file of rules, or - for standard input.")],
    hours: Annotated[float, typer.Option(help="How far back, in hours.", min=0.01)] = 24.0,
    org: Organisation = None,
) -> None:
    """Try rules on the events stored; one JSON line for each rule, nothing is written."""
    from datetime import UTC, datetime, timedelta

    try:
        text = sys.stdin.read() if str(rule) == "-" else rule.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        _say(f"sent radar rules backtest: {rule} cannot be read: {error}")
        raise typer.Exit(1) from error

    async def work(ctx: Ctx) -> None:
        from sent.engines.radar import api

        until = datetime.now(UTC)
        since = until - timedelta(hours=hours)
        found = await api.backtest(ctx, text, since, until, lambda done, all: _say(f"{done} of {all} events"))
        for bad in found.rejected:
            _say(f"rule not run: {bad.title or bad.rule_id}: {bad.reason}")
        for tried in found.tried:
            _line(
                {
                    "rule_id": tried.rule_id,
                    "title": tried.title,
                    "level": tried.level,
                    "author": tried.author,
                    "hits": tried.hits,
                    "alerts": tried.alerts,
                    "days": dict(tried.days),
                    "hosts": dict(tried.hosts),
                    "other_hosts": tried.other_hosts,
                    "events": found.events,
                }
            )

    administer(org, work)


rule_commands.command()(cli_rules.lint)
rule_commands.command()(cli_rules.test)
rule_commands.command()(cli_rules.coverage)
for _name, _command in cli_rulesets.COMMANDS.items():
    rule_commands.command(_name)(_command)
app.command()(cli_rules.explain)


@rule_commands.command("compile", hidden=True)
def compile_rules() -> None:
    """Parse the rules on standard input ({"name", "text"} a line) into the cache of this installation."""
    import orjson

    from sent.engines.radar.sigma.reading import parsed

    found = [orjson.loads(line) for line in sys.stdin.buffer]
    parsed((rule["name"], rule["text"], "") for rule in found)


@placeholder_commands.command("list")
def list_placeholders(org: Organisation = None) -> None:
    """Print one JSON line per placeholder; rules wait for those without values."""

    async def work(ctx: Ctx) -> None:
        from sent.engines.radar import api

        for row in await api.placeholders(ctx):
            _line({"name": row.name, "values": list(row.values)})

    administer(org, work)


@placeholder_commands.command("set")
def set_placeholder(
    name: Annotated[str, typer.Argument(help="The name between the percent signs.")],
    values: Annotated[list[str], typer.Argument(help="Its values; * and ? as in rules.")],
    org: Organisation = None,
) -> None:
    """Give a placeholder its values in place of what it had; rules that waited run within seconds."""

    async def work(ctx: Ctx) -> None:
        from sent.engines.radar import api

        await api.set_placeholder(ctx, name, values)
        _line({"name": name, "values": values})

    administer(org, work)


@placeholder_commands.command("unset")
def unset_placeholder(name: str, org: Organisation = None) -> None:
    """Take a placeholder's values away; rules that need them wait."""

    async def work(ctx: Ctx) -> None:
        from sent.engines.radar import api

        await api.unset_placeholder(ctx, name)
        _line({"name": name, "values": []})

    administer(org, work)


def _line(values: dict[str, Any]) -> None:
    print(json_line(values))


def _say(text: str) -> None:
    """Write to stderr; names out of archives and files cannot steer the terminal or add lines."""
    print("".join(char if char.isprintable() else "\ufffd" for char in text), file=sys.stderr)
