"""`sent capital bank`: import statements, match them, tell how a bank account stands."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sent.platform.auth.commandline import administer
from sent.platform.terminal import json_line

if TYPE_CHECKING:
    from sent.engines.capital.bank.model import BankAccount
    from sent.engines.capital.bank.readers.detect import Format
    from sent.platform.context import Ctx

app = typer.Typer(help="Bank statements: import, match, status.", no_args_is_help=True)

Organisation = Annotated[
    str | None, typer.Option("--org", help="Slug of the organisation; not needed if there is one.")
]
Account = Annotated[
    str | None, typer.Option("--account", help="IBAN, name or id; not needed if there is one.")
]


@app.callback()
def _group() -> None:
    """Bank statements: import, match, status."""


@app.command("import")
def import_(
    files: Annotated[list[str], typer.Argument(help="Statements; - is standard input, .gz is unpacked.")],
    account: Account = None,
    format: Annotated[
        str | None, typer.Option(help="camt053, ofx, mt940 or csv; found by content if not given.")
    ] = None,
    org: Organisation = None,
) -> None:
    """Add what is new in statements and print one JSON line per file; the same again adds nothing."""

    async def work(ctx: Ctx) -> None:
        from sent.engines.capital.bank import api

        bank = await _bank(ctx, account)
        kind = _format(format)
        for name in files:
            found = await api.import_statement(ctx, bank.id, _content(name), format=kind)
            _line({"file": name, "format": found.format, "added": found.added, "known": found.known})

    administer(org, work)


@app.command()
def match(
    account: Account = None,
    threshold: Annotated[float, typer.Option(min=0.5, max=1.0, help="How sure a match must be.")] = 0.95,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print proposals, change nothing.")] = False,
    org: Organisation = None,
) -> None:
    """Match what is sure, book what rules say, and print what came of it as JSON."""

    async def work(ctx: Ctx) -> None:
        from sent.engines.capital.bank import api

        bank = await _bank(ctx, account)
        if dry_run:
            for one in await api.propose(ctx, bank.id):
                _line(
                    {
                        "kind": one.kind,
                        "movements": [str(x) for x in one.movements],
                        "items": [x.open.id for x in one.taken],
                        "confidence": one.confidence,
                        "why": list(one.why),
                    }
                )
            return
        done = await api.auto_match(ctx, bank.id, threshold)
        for movement, reason in done.refused:
            print(f"{movement}: {reason}", file=sys.stderr)
        _line(
            {
                "matched": done.matched,
                "by_rule": done.by_rule,
                "left": done.left,
                "refused": len(done.refused),
            }
        )

    administer(org, work)


@app.command()
def status(
    account: Account = None,
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Day; today if not given.")
    ] = None,
    org: Organisation = None,
) -> None:
    """Print statement against ledger as one JSON line per bank account."""

    async def work(ctx: Ctx) -> None:
        from sent.engines.capital.bank import api

        day = (until or datetime.now(UTC)).date()
        chosen = [await _bank(ctx, account)] if account else await api.bank_accounts(ctx)
        for bank in chosen:
            found = await api.reconciled(ctx, bank.id, day)
            _line(
                {
                    "account": bank.name,
                    "iban": bank.iban,
                    "until": day.isoformat(),
                    "statement": str(found.statement),
                    "ledger": str(found.ledger),
                    "difference": str(found.difference),
                    "brought_forward": str(found.brought_forward),
                    "outstanding": len(found.ledger_items),
                    "unbooked": len(found.statement_items),
                    "timing": str(found.timing),
                    "gap": str(found.gap),
                }
            )

    administer(org, work)


async def _bank(ctx: Ctx, wanted: str | None) -> BankAccount:
    from sent.engines.capital.bank import api
    from sent.platform.errors import Invalid, NotFound

    every = await api.bank_accounts(ctx)
    if wanted is None:
        if len(every) == 1:
            return every[0]
        raise Invalid("capital.bank.which", f"there are {len(every)} bank accounts: name one with --account")
    plain = wanted.replace(" ", "").upper()
    for one in every:
        if plain in (one.iban.upper(), one.name.replace(" ", "").upper(), str(one.id).upper()):
            return one
    raise NotFound("capital.bank.missing", f"no bank account is called {wanted}")


def _format(name: str | None) -> Format | None:
    from sent.engines.capital.bank import api
    from sent.platform.errors import Invalid

    for known in api.FORMATS:
        if known == name:
            return known
    if name is None:
        return None
    raise Invalid("capital.statement", f"a format is one of {', '.join(api.FORMATS)}")


def _content(name: str) -> bytes:
    """Return a file's content, unpacked and bounded."""
    import gzip

    from sent.engines.capital.bank.readers.statement import MAX_BYTES
    from sent.platform.errors import Invalid

    try:
        if name == "-":
            return sys.stdin.buffer.read(MAX_BYTES + 1)
        with Path(name).open("rb") as plain:
            if name.endswith(".gz"):
                with gzip.open(plain) as packed:
                    return packed.read(MAX_BYTES + 1)
            return plain.read(MAX_BYTES + 1)
    except (OSError, EOFError) as error:
        raise Invalid("capital.statement", f"{name}: {error}: choose another file") from error


def _line(values: dict[str, object]) -> None:
    print(json_line(values))
