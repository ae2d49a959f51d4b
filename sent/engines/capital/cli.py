"""`sent capital`: text books in and out, the trial balance, and whether the ledger is as it was sealed."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sent.engines.capital.bank.commands import app as bank_commands
from sent.engines.capital.schedules.commands import app as schedule_commands
from sent.platform.auth.commandline import administer
from sent.platform.errors import Conflict, Invalid
from sent.platform.terminal import harmless, json_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sent.engines.capital.plaintext.api import Choices, Total
    from sent.platform.context import Ctx

app = typer.Typer(help="The ledger: import, export, trial balance, verification.", no_args_is_help=True)
app.add_typer(bank_commands, name="bank")
app.add_typer(schedule_commands, name="schedules")

Org = Annotated[
    str | None, typer.Option("--org", help="Slug of the organisation; not needed if there is one.")
]
Until = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The last day that counts (default: all).")
]


class BookFormat(StrEnum):
    """What writes and reads such files."""

    beancount = "beancount"
    hledger = "hledger"
    ledger = "ledger"


class RowFormat(StrEnum):
    """How rows are written."""

    csv = "csv"
    json = "json"


class Kind(StrEnum):
    """What an account is."""

    asset = "asset"
    liability = "liability"
    equity = "equity"
    income = "income"
    expense = "expense"


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="The book's first file (also .gz, or - for standard input).")],
    format: Annotated[BookFormat, typer.Option(help="What the file is written for.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Book it in a scratch organisation and leave nothing.")
    ] = False,
    trial_balance: Annotated[
        bool, typer.Option("--trial-balance", help="Print account,commodity,amount of what is booked.")
    ] = False,
    fallback: Annotated[
        Kind, typer.Option(help="What accounts are whose first part is no known root.")
    ] = Kind.equity,
    finer: Annotated[
        bool, typer.Option("--finer", help="Count currencies to more digits where the file does.")
    ] = False,
    commodity: Annotated[
        list[str] | None, typer.Option(help="The code of a symbol: '£=GBP'; several times.")
    ] = None,
    org: Org = None,
) -> None:
    """Book the transactions of a beancount, hledger or ledger file; what was imported before is left out."""
    from sent.engines.capital.plaintext import api

    with _refusals("import"):
        choices = api.Choices(fallback.value, finer, _codes(commodity or []), _say)
        book = api.read(file, format.value)
        if dry_run:
            totals = asyncio.run(_tried(book, choices))
            if trial_balance:
                _rows(totals, RowFormat.csv)
            return

        async def work(ctx: Ctx) -> None:
            done = await api.import_book(ctx, book, choices)
            if trial_balance:
                _rows(await api.trial_balance(ctx), RowFormat.csv)
                return
            counts = {
                "booked": done.booked,
                "known": done.known,
                "accounts": done.accounts,
                "commodities": done.commodities,
            }
            print(json.dumps(counts))

        administer(org, work)


@app.command()
def export(
    format: Annotated[BookFormat, typer.Option(help="What is to read the file.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to write (default: standard output).")
    ] = None,
    until: Until = None,
    org: Org = None,
) -> None:
    """Write the books as a file for beancount, hledger or ledger."""
    from sent.engines.capital.plaintext import api

    async def pieces(ctx: Ctx, write: Callable[[str], Any]) -> None:
        async for piece in api.export(ctx, format.value, until.date() if until else None):
            write(piece)

    async def work(ctx: Ctx) -> None:
        if output is None or str(output) == "-":
            await pieces(ctx, sys.stdout.write)
            return
        await _written(output, lambda write: pieces(ctx, write))

    with _refusals("export"):
        administer(org, work)


@app.command("trial-balance")
def trial_balance_(
    until: Until = None,
    known: Annotated[
        str | None, typer.Option(help="As it was known at a moment, 2026-03-31T12:00:00Z.")
    ] = None,
    format: Annotated[RowFormat, typer.Option(help="How rows are written.")] = RowFormat.csv,
    org: Org = None,
) -> None:
    """Print what each account holds, account,commodity,amount; debits are positive."""
    from sent.engines.capital.plaintext import api

    with _refusals("trial-balance"):
        moment = _moment(known) if known else None

        async def work(ctx: Ctx) -> None:
            _rows(await api.trial_balance(ctx, until.date() if until else None, moment), format)

        administer(org, work)


@app.command()
def verify(org: Org = None) -> None:
    """Compare all journals with their seals; one JSON line for each finding, then one of counters."""
    from sent.engines.capital import api

    wrong = 0

    async def work(ctx: Ctx) -> None:
        nonlocal wrong
        found = await api.verify(ctx)
        wrong = len(found.findings)
        for one in found.findings:
            entry = None if one.entry is None else str(one.entry)
            print(json_line({"journal": one.journal, "seq": one.seq, "entry": entry, "what": one.what}))
        counts = {"entries": found.entries, "blocks": found.blocks, "unsealed": found.unsealed}
        print(json.dumps({**counts, "findings": wrong}))

    administer(org, work)
    if wrong:
        _say(f"sent capital verify: {wrong} findings: restore the journal from a backup before this")
        raise typer.Exit(1)


async def _written(output: Path, pieces: Callable[[Callable[[str], Any]], Awaitable[None]]) -> None:
    """Write a file beside and put it in place when it is whole; only its owner may read it.

    Its name cannot be foreseen, so nobody can lay a link there that is followed.
    """
    part: Path | None = None
    try:
        handle, name = tempfile.mkstemp(prefix=".sent-", suffix=".part", dir=output.absolute().parent)
        part = Path(name)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            await pieces(file.write)
        part.replace(output)
    except OSError as error:
        raise Invalid("capital.export", f"{output} cannot be written: {error.strerror}") from error
    finally:
        if part is not None:
            part.unlink(missing_ok=True)


async def _tried(book: Any, choices: Choices) -> Sequence[Total]:
    from sent.engines.capital.plaintext import api
    from sent.platform.auth.administration import installation

    async with installation() as place:
        return await api.try_book(place.system, book, choices)


def _codes(given: Sequence[str]) -> dict[str, str]:
    from sent.engines.capital.plaintext.symbols import fits

    codes: dict[str, str] = {}
    for one in given:
        symbol, sign, code = one.rpartition("=")
        if not sign or not fits(code):
            raise Invalid("capital.commodity", f"{one!r}: write symbol=CODE, the code of letters and digits")
        codes[symbol] = code
    return codes


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise Invalid("capital.moment", f"{text!r} is no moment: write 2026-03-31T12:00:00Z") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _rows(totals: Sequence[Total], format: RowFormat) -> None:
    from sent.engines.capital.plaintext.writing import plain

    if format is RowFormat.json:
        for one in totals:
            print(
                json_line({"account": one.account, "commodity": one.commodity, "amount": plain(one.amount)})
            )
        return
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(("account", "commodity", "amount"))
    for one in totals:
        out.writerow((harmless(one.account), harmless(one.commodity), plain(one.amount)))


@contextmanager
def _refusals(verb: str) -> Iterator[None]:
    """Say what was wrong with the input, and end with 1."""
    try:
        yield
    except (Invalid, Conflict) as error:
        _say(f"sent capital {verb}: {error.message}")
        raise typer.Exit(1) from error


def _say(text: str) -> None:
    print(harmless(text.replace("\n", " ")), file=sys.stderr)
