"""`sent radar`: scan files with Sigma rules; list and import rules and sources."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from sent.platform.errors import SentError

app = typer.Typer(help="Log radar: Sigma rules over logs.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Log radar: Sigma rules over logs."""


class OutputFormat(StrEnum):
    """How hits are written."""

    json = "json"
    csv = "csv"
    timeline = "timeline"


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
        list[Path], typer.Option(help="JSON lines (also .gz, or - for standard input) or .evtx; several.")
    ],
    format: Annotated[OutputFormat, typer.Option(help="How hits are written.")] = OutputFormat.json,
    stats: Annotated[bool, typer.Option("--stats", help="End with a line of counters on stderr.")] = False,
    map_4688: Annotated[
        bool, typer.Option("--map-4688", help="Security 4688 events feed process_creation rules too.")
    ] = False,
    wide: Annotated[
        bool, typer.Option("--wide", help="Run rules that look at every Windows channel too.")
    ] = False,
) -> None:
    """Run Sigma rules over files of events; one line for each hit on stdout."""
    from sent.engines.radar.rulefiles import rule_files
    from sent.engines.radar.ruleset import parse_rules
    from sent.engines.radar.scan import Scan, written

    try:
        run = Scan(parse_rules(rule_files(rules)), map_4688=map_4688, wide=wide, complain=_say)
        for rejected in run.rejected():
            _say(f"rule not run: {rejected.source}: {rejected.reason}")
        out = sys.stdout.buffer
        for line in written(run.hits(events), format.value):
            out.write(line)
        out.flush()
    except SentError as error:
        _say(f"sent radar scan: {error.message}")
        raise typer.Exit(1) from error
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(1) from None
    if run.unreadable:
        _say(f"{run.unreadable} unreadable lines were skipped")
    if stats:
        _say(run.statistics().decode())


def _say(text: str) -> None:
    print(text, file=sys.stderr)
