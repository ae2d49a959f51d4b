"""Statement files written from the published formats: what a bank would send for some movements.

camt.053 after the ISO 20022 message definitions (.001.02 and .001.08: from .04 on a party stands in `Pty`,
from .07 on a status in `Sts/Cd`), OFX after the specification's examples (1.6 SGML with unclosed elements,
2.3 XML), MT940 after SWIFT's field definitions with the German banks' :86:.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from xml.sax.saxutils import escape


@dataclass(frozen=True)
class Payment:
    """A movement as the bank's own system has it."""

    day: date
    amount: str
    name: str = ""
    iban: str = ""
    text: str = ""
    end_to_end: str = ""
    bank_id: str = ""
    value_day: date | None = None
    reversal: bool = False
    parts: tuple[Payment, ...] = field(default=())

    @property
    def value(self) -> Decimal:
        return Decimal(self.amount)


IBAN = "DE02120300000000202051"


def _balance(code: str, amount: Decimal, day: date) -> str:
    sign = "CRDT" if amount >= 0 else "DBIT"
    return (
        f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{abs(amount)}</Amt>'
        f"<CdtDbtInd>{sign}</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>"
    )


def camt(
    payments: Sequence[Payment], opening: str, *, version: str = "08", iban: str = IBAN, number: str = "7",
    closing: str | None = None, starts: date | None = None,
) -> bytes:  # fmt: skip
    """Return a camt.053 document with one statement."""
    days = [one.day for one in payments]
    last = Decimal(opening) + sum((one.value for one in payments), Decimal(0))
    end = Decimal(closing) if closing is not None else last
    entries = "".join(_entry(one, version) for one in payments)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}"><BkToCstmrStmt>'
        f"<GrpHdr><MsgId>M1</MsgId><CreDtTm>{max(days)}T23:00:00</CreDtTm></GrpHdr>"
        f"<Stmt><Id>S{number}</Id><ElctrncSeqNb>{number}</ElctrncSeqNb>"
        f"<CreDtTm>{max(days)}T23:00:00</CreDtTm><FrToDt><FrDtTm>{starts or min(days)}T00:00:00</FrDtTm>"
        f"<ToDtTm>{max(days)}T23:59:59</ToDtTm></FrToDt>"
        f"<Acct><Id><IBAN>{iban}</IBAN></Id><Ccy>EUR</Ccy></Acct>"
        f"{_balance('OPBD', Decimal(opening), min(days))}{_balance('CLBD', end, max(days))}"
        f"{entries}</Stmt></BkToCstmrStmt></Document>"
    ).encode()


def _entry(one: Payment, version: str) -> str:
    status = "<Sts><Cd>BOOK</Cd></Sts>" if version == "08" else "<Sts>BOOK</Sts>"
    details = "".join(_details(part, version, len(one.parts) > 1) for part in one.parts or (one,))
    return (
        f'<Ntry><Amt Ccy="EUR">{abs(one.value)}</Amt>'
        + f"<CdtDbtInd>{'CRDT' if one.value > 0 else 'DBIT'}</CdtDbtInd>"
        + ("<RvslInd>true</RvslInd>" if one.reversal else "")
        + f"{status}<BookgDt><Dt>{one.day}</Dt></BookgDt><ValDt><Dt>{one.value_day or one.day}</Dt></ValDt>"
        + (f"<AcctSvcrRef>{one.bank_id}</AcctSvcrRef>" if one.bank_id else "")
        + "<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn></BkTxCd>"
        + f"<NtryDtls>{details}</NtryDtls></Ntry>"
    )


def _details(one: Payment, version: str, part: bool) -> str:
    party = f"<Nm>{escape(one.name)}</Nm>"
    if version == "08":
        party = f"<Pty>{party}</Pty>"
    side = "Dbtr" if (one.value > 0) != one.reversal else "Cdtr"
    amount = f'<Amt Ccy="EUR">{abs(one.value)}</Amt>'
    if version == "02":
        amount = f"<AmtDtls><TxAmt>{amount}</TxAmt></AmtDtls>"
    else:
        amount += f"<CdtDbtInd>{'CRDT' if one.value > 0 else 'DBIT'}</CdtDbtInd>"
    account = f"<{side}Acct><Id><IBAN>{one.iban}</IBAN></Id></{side}Acct>" if one.iban else ""
    return (
        f"<TxDtls><Refs><EndToEndId>{one.end_to_end or 'NOTPROVIDED'}</EndToEndId></Refs>"
        f"{amount if part else ''}<RltdPties><{side}>{party}</{side}>{account}</RltdPties>"
        f"<RmtInf><Ustrd>{escape(one.text)}</Ustrd></RmtInf></TxDtls>"
    )


_OFX1 = (
    "OFXHEADER:100\r\nDATA:OFXSGML\r\nVERSION:102\r\nSECURITY:NONE\r\nENCODING:USASCII\r\nCHARSET:1252\r\n"
    "COMPRESSION:NONE\r\nOLDFILEUID:NONE\r\nNEWFILEUID:NONE\r\n\r\n"
)
_OFX2 = (
    '<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n'
    '<?OFX OFXHEADER="200" VERSION="220" SECURITY="NONE" OLDFILEUID="NONE" NEWFILEUID="NONE"?>\n'
)


def ofx(payments: Sequence[Payment], closing: str, *, version: int = 2, account: str = "0000202051") -> bytes:
    """Return an OFX file: version 1 leaves values without an end, as SGML does."""

    def value(name: str, text: str) -> str:
        return f"<{name}>{escape(text)}" + (f"</{name}>" if version == 2 else "\r\n")

    days = [one.day for one in payments]
    rows = "".join(
        "<STMTTRN>"
        + value("TRNTYPE", "CREDIT" if one.value > 0 else "DEBIT")
        + value("DTPOSTED", f"{one.day:%Y%m%d}120000.000[+1:CET]")
        + value("TRNAMT", one.amount)
        + value("FITID", one.bank_id)
        + value("NAME", one.name[:32])
        + value("MEMO", one.text)
        + "</STMTTRN>"
        for one in payments
    )
    status = "<STATUS>" + value("CODE", "0") + value("SEVERITY", "INFO") + "</STATUS>"
    body = (
        "<OFX><SIGNONMSGSRSV1><SONRS>" + status + value("DTSERVER", "20250401") + value("LANGUAGE", "ENG")
        + "</SONRS></SIGNONMSGSRSV1><BANKMSGSRSV1><STMTTRNRS>" + value("TRNUID", "1") + status + "<STMTRS>"
        + value("CURDEF", "EUR") + "<BANKACCTFROM>" + value("BANKID", "12030000") + value("ACCTID", account)
        + value("ACCTTYPE", "CHECKING") + "</BANKACCTFROM><BANKTRANLIST>"
        + value("DTSTART", f"{min(days):%Y%m%d}") + value("DTEND", f"{max(days):%Y%m%d}") + rows
        + "</BANKTRANLIST><LEDGERBAL>" + value("BALAMT", closing) + value("DTASOF", f"{max(days):%Y%m%d}")
        + "</LEDGERBAL></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>"
    )  # fmt: skip
    return (_OFX1 + body).encode("cp1252") if version == 1 else (_OFX2 + body).encode()


def _swift(amount: Decimal) -> str:
    return f"{abs(amount):.2f}".replace(".", ",")


def mt940(
    payments: Sequence[Payment], opening: str, *, number: str = "7/1", structured: bool = True,
    closing: str | None = None, account: str = "12030000/0000202051",
) -> bytes:  # fmt: skip
    """Return an MT940 message with one statement."""
    days = [one.day for one in payments]
    start = Decimal(opening)
    end = (
        Decimal(closing) if closing is not None else start + sum((one.value for one in payments), Decimal(0))
    )
    rows = [":20:STARTUMSE", f":25:{account}", f":28C:{number}"]
    rows.append(f":60F:{'C' if start >= 0 else 'D'}{min(days):%y%m%d}EUR{_swift(start)}")
    for one in payments:
        mark = "C" if one.value > 0 else "D"
        if one.reversal:
            mark = "RD" if one.value > 0 else "RC"
        value_day = one.value_day or one.day
        bank = f"//{one.bank_id}" if one.bank_id else ""
        rows.append(f":61:{value_day:%y%m%d}{one.day:%m%d}{mark}{_swift(one.value)}NTRFNONREF{bank}")
        if structured:
            rows += _german(one)
        else:
            rows.append(f":86:{one.text} {one.name}"[:65])
    rows.append(f":62F:{'C' if end >= 0 else 'D'}{max(days):%y%m%d}EUR{_swift(end)}")
    return ("\r\n".join([*rows, "-"]) + "\r\n").encode("cp1252")


def _german(one: Payment) -> list[str]:
    """Return :86: in its subfields of 27 characters, on lines of 65."""
    told = (f"EREF+{one.end_to_end}" if one.end_to_end else "") + f"SVWZ+{one.text}"
    pieces = [told[n : n + 27] for n in range(0, len(told), 27)][:10]
    text = "166?00GUTSCHRIFT" + "".join(f"?{20 + n}{piece}" for n, piece in enumerate(pieces))
    text += f"?31{one.iban}" if one.iban else ""
    text += f"?32{one.name[:27]}" + (f"?33{one.name[27:54]}" if len(one.name) > 27 else "")
    rows = [text[n : n + 61] for n in range(0, len(text), 61)]
    return [f":86:{rows[0]}", *rows[1:]]
