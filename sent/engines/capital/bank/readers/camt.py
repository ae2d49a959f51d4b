"""camt.053, the bank's statement of ISO 20022 (versions .02 to .08 and their relatives).

Sources: ISO 20022 message definition report "Bank-to-Customer Cash Management", camt.053.001.02 and .08.
Only booked entries count. An entry's sign is its CdtDbtInd, also for a reversal (RvslInd says that the
*original* had the other one). A batch is split into its transactions when their amounts make the entry's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal

from sent.engines.capital.bank.readers.statement import (
    MAX_ID,
    MAX_NAME,
    Statement,
    StatementLine,
    amount,
    bounded,
    checked,
    day_of,
    span,
    unreadable,
    words,
)
from sent.engines.capital.bank.readers.xmltree import Node, tree

_NOTHING = {"NOTPROVIDED", "NOTPROVIDED."}


def read(data: bytes) -> list[Statement]:
    """Return the statements of a camt.053 document; raises Invalid."""
    root = tree(bounded(data))
    message = root.first("BkToCstmrStmt") or root.first("BkToCstmrAcctRpt")
    if root.name != "Document" or message is None:
        raise unreadable("document", "it is no camt.053: ask the bank for the statement, not a payment")
    found = [_statement(node) for node in message.all("Stmt")] + [
        _statement(node) for node in message.all("Rpt")
    ]
    if not found:
        raise unreadable("document", "it has no statement (Stmt): download it again")
    return found


def _statement(node: Node) -> Statement:
    account = node.value("Acct/Id/IBAN", "Acct/Id/Othr/Id").replace(" ", "")
    number = node.value("LglSeqNb", "ElctrncSeqNb", "Id")
    place = f"Stmt {number} (line {node.line})"
    if not account:
        raise unreadable(place, "its account has neither IBAN nor number")
    opening, opened = _balance(node, ("OPBD", "PRCD"), first=True)
    closing, closed = _balance(node, ("CLBD",), first=False)
    lines = [line for entry in node.all("Ntry") for line in _entry(entry)]
    bounds = [
        day_of(text, place)
        for text in (node.value("FrToDt/FrDtTm", "FrToDt/FrDt"), node.value("FrToDt/ToDtTm", "FrToDt/ToDt"))
        if text
    ]
    days = [line.day for line in lines]
    balanced = [day for day in (closed, None if bounds or days else opened) if day is not None]
    starts, ends = span(bounds or days or balanced, place)
    commodity = node.value("Acct/Ccy") or next((x.attributes.get("Ccy", "") for x in _amounts(node)), "")
    if not commodity:
        raise unreadable(place, "no currency is told: Acct/Ccy or the balances' Ccy")
    starts, ends = min([starts, *days]), max([ends, *days])
    return checked(
        Statement(account[:MAX_ID], commodity, opening, closing, starts, ends, tuple(lines), number[:MAX_ID])
    )


def _amounts(node: Node) -> Iterator[Node]:
    yield from node.all("Bal/Amt")
    yield from node.all("Ntry/Amt")


def _balance(node: Node, kinds: tuple[str, ...], *, first: bool) -> tuple[Decimal | None, date | None]:
    """Return the balance of the first kind that is there; pages have interim ones (ITBD) at both ends."""
    balances = list(node.all("Bal"))
    interim = [one for one in balances if one.value("Tp/CdOrPrtry/Cd") == "ITBD"]
    for kind in kinds:
        for one in balances:
            if one.value("Tp/CdOrPrtry/Cd") == kind:
                return _signed(one), _day(one, "Dt")
    if interim and (len(interim) > 1 or len(balances) > 1):
        one = interim[0] if first else interim[-1]
        return _signed(one), _day(one, "Dt")
    return None, None


def _signed(node: Node) -> Decimal:
    place = f"{node.name} (line {node.line})"
    value = amount(node.value("Amt"), place)
    sign = node.value("CdtDbtInd")
    if sign not in ("CRDT", "DBIT"):
        raise unreadable(place, "CdtDbtInd must be CRDT or DBIT")
    return value if sign == "CRDT" else -value


def _day(node: Node, name: str) -> date | None:
    text = node.value(f"{name}/Dt", f"{name}/DtTm")
    return day_of(text, f"{name} (line {node.line})") if text else None


def _entry(node: Node) -> Iterator[StatementLine]:
    place = f"Ntry (line {node.line})"
    if (node.value("Sts/Cd", "Sts") or "BOOK") != "BOOK":
        return
    value = _signed(node)
    money = node.first("Amt")
    commodity = money.attributes.get("Ccy", "") if money is not None else ""
    day = _day(node, "BookgDt") or _day(node, "ValDt")
    if day is None:
        raise unreadable(place, "it has neither BookgDt nor ValDt")
    whole = StatementLine(
        day=day,
        value_day=_day(node, "ValDt") or day,
        amount=value,
        commodity=commodity,
        text=words(node.value("AddtlNtryInf")),
        reference=words(node.value("NtryRef"), most=MAX_NAME),
        bank_id=node.value("AcctSvcrRef")[:MAX_ID],
        code=_code(node),
        reversal=node.value("RvslInd") in ("true", "1"),
    )
    details = list(node.all("NtryDtls/TxDtls"))
    if len(details) > 1:
        parts = [_part(one, whole) for one in details]
        if all(part is not None for part in parts) and sum(part or 0 for part in parts) == value:
            for n, (one, part) in enumerate(zip(details, parts, strict=True), 1):
                yield _told(one, replace(whole, amount=part or Decimal(0)), n)
            return
        yield replace(whole, text=words(whole.text, *(one.value("RmtInf/Ustrd") for one in details)))
        return
    yield _told(details[0], whole, 0) if details else whole


def _part(node: Node, whole: StatementLine) -> Decimal | None:
    """Return what a transaction adds to its entry; None when it is not told in the account's money."""
    money = node.first("Amt", "AmtDtls/TxAmt/Amt", "AmtDtls/InstdAmt/Amt")
    if money is None or money.attributes.get("Ccy") != whole.commodity:
        return None
    value = amount(money.text, f"TxDtls (line {node.line})")
    sign = node.value("CdtDbtInd") or ("CRDT" if whole.amount > 0 else "DBIT")
    return value if sign == "CRDT" else -value


def _told(node: Node, line: StatementLine, n: int) -> StatementLine:
    """Return the line with what a transaction's details tell; `n` counts the parts of a batch."""
    paid = (line.amount > 0) != line.reversal
    side, ours = ("Dbtr", "UltmtDbtr") if paid else ("Cdtr", "UltmtCdtr")
    parties = f"RltdPties/{side}"
    end_to_end = node.value("Refs/EndToEndId")
    free = [one.text for one in node.all("RmtInf/Ustrd")]
    reference = node.value("RmtInf/Strd/CdtrRefInf/Ref", "RmtInf/Strd/RfrdDocInf/Nb")
    own = node.value("Refs/AcctSvcrRef")
    bank_id = line.bank_id or own
    return replace(
        line,
        counterparty=words(
            node.value(
                f"{parties}/Pty/Nm", f"{parties}/Nm", f"RltdPties/{ours}/Pty/Nm", f"RltdPties/{ours}/Nm"
            ),
            most=MAX_NAME,
        ),
        iban=node.value(f"{parties}Acct/Id/IBAN", f"{parties}Acct/Id/Othr/Id").replace(" ", "")[:MAX_ID],
        text=words(*free, node.value("AddtlTxInf"), line.text),
        reference=words(reference or line.reference, most=MAX_NAME),
        end_to_end="" if end_to_end.upper() in _NOTHING else end_to_end[:MAX_ID],
        bank_id=f"{bank_id}#{n}"[:MAX_ID] if n and bank_id else bank_id[:MAX_ID],
        code=line.code or _code(node),
    )


def _code(node: Node) -> str:
    parts = [
        node.value("BkTxCd/Domn/Cd"), node.value("BkTxCd/Domn/Fmly/Cd"),
        node.value("BkTxCd/Domn/Fmly/SubFmlyCd"),
    ]  # fmt: skip
    return ("-".join(part for part in parts if part) or node.value("BkTxCd/Prtry/Cd"))[:MAX_ID]
