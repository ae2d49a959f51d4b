"""A bank's statement (camt.053.001.08) of movements that were made up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from xml.sax.saxutils import escape

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"


@dataclass(frozen=True, slots=True)
class Moved:
    """A line of the statement; money that comes is positive. `id` is the bank's own number."""

    id: str
    day: date
    amount: Decimal
    party: str
    text: str


def camt053(
    number: str, iban: str, span: tuple[date, date], opening: Decimal, lines: Sequence[Moved]
) -> bytes:
    """Return the statement of an account in pounds; the closing balance is what the lines make of it."""
    closing = opening + sum((one.amount for one in lines), Decimal(0))
    starts, ends = span
    parts = [
        f'<?xml version="1.0" encoding="UTF-8"?><Document xmlns="{NAMESPACE}"><BkToCstmrStmt>',
        f"<GrpHdr><MsgId>{number}</MsgId><CreDtTm>{ends}T23:00:00Z</CreDtTm></GrpHdr><Stmt><Id>{number}</Id>",
        f"<FrToDt><FrDtTm>{starts}T00:00:00Z</FrDtTm><ToDtTm>{ends}T23:59:59Z</ToDtTm></FrToDt>",
        f"<Acct><Id><IBAN>{iban}</IBAN></Id><Ccy>GBP</Ccy></Acct>",
        _balance("OPBD", opening, starts),
        _balance("CLBD", closing, ends),
        *map(_entry, lines),
        "</Stmt></BkToCstmrStmt></Document>",
    ]
    return "".join(parts).encode()


def _balance(kind: str, amount: Decimal, day: date) -> str:
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp>{_amount(amount)}<Dt><Dt>{day}</Dt></Dt></Bal>"
    )


def _amount(amount: Decimal) -> str:
    return f'<Amt Ccy="GBP">{abs(amount):.2f}</Amt><CdtDbtInd>{"DBIT" if amount < 0 else "CRDT"}</CdtDbtInd>'


def _entry(one: Moved) -> str:
    side = "Dbtr" if one.amount > 0 else "Cdtr"
    return (
        f"<Ntry>{_amount(one.amount)}<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{one.day}</Dt></BookgDt>"
        f"<ValDt><Dt>{one.day}</Dt></ValDt><AcctSvcrRef>{escape(one.id)}</AcctSvcrRef><NtryDtls><TxDtls>"
        f"<RltdPties><{side}><Pty><Nm>{escape(one.party)}</Nm></Pty></{side}></RltdPties>"
        f"<RmtInf><Ustrd>{escape(one.text)}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"
    )
