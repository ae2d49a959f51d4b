"""OFX: 1.x (SGML, elements without an end) and 2.x (XML), bank accounts and credit cards.

Source: Open Financial Exchange specification 1.6 and 2.3, chapter 11. OFX tells the balance after the lines
only, so there is no opening balance. SGML values have no end tag: an element that is still open when its
aggregate ends was a value, and what was read into it belongs to the aggregate.
"""

from __future__ import annotations

import html
from collections.abc import Iterator
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
    decoded,
    span,
    unreadable,
    words,
)
from sent.engines.capital.bank.readers.xmltree import MAX_DEPTH, MAX_ELEMENTS, Node, tree

_CHARSETS = {"1252": "cp1252", "8859-1": "latin-1", "ISO-8859-1": "latin-1", "NONE": "ascii"}
_STATEMENTS = (
    "BANKMSGSRSV1/STMTTRNRS/STMTRS",
    "CREDITCARDMSGSRSV1/CCSTMTTRNRS/CCSTMTRS",
)


def read(data: bytes) -> list[Statement]:
    """Return the statements of an OFX file; raises Invalid."""
    bounded(data)
    root = tree(data) if _is_xml(data) else _sgml(data)
    if root.name != "OFX":
        raise unreadable("file", "no <OFX> in it: choose the OFX download of the bank")
    failed = next(
        (x for x in root.all("SIGNONMSGSRSV1/SONRS/STATUS") if x.value("SEVERITY") == "ERROR"), None
    )
    if failed is not None:
        raise unreadable(f"line {failed.line}", f"the bank refused: {words(failed.value('MESSAGE', 'CODE'))}")
    found = [_statement(node) for path in _STATEMENTS for node in root.all(path)]
    if not found:
        raise unreadable("file", "it has no statement of a bank account or card (STMTRS, CCSTMTRS)")
    return found


def _is_xml(data: bytes) -> bool:
    head = data[:400].lstrip(b"\xef\xbb\xbf \t\r\n")
    return head.startswith(b"<?xml") or b"<?OFX" in head


def _sgml(data: bytes) -> Node:
    header, found, _ = data.partition(b"<OFX>")
    if not found:
        raise unreadable("file", "no <OFX> in it: choose the OFX download of the bank")
    settings = {}
    for part in header.decode("ascii", "replace").replace("\r", "\n").split():
        name, _, value = part.partition(":")
        settings[name.strip().upper()] = value.strip()
    charset = _CHARSETS.get(settings.get("CHARSET", "").upper(), "cp1252")
    return _elements(decoded(data[len(header) :], charset), header.count(b"\n") + 1)


def _elements(text: str, line: int) -> Node:
    """Return the tree of an SGML body that begins in `line`."""
    top = Node("")
    stack = [top]
    pieces = text.split("<")
    if len(pieces) > MAX_ELEMENTS:
        raise unreadable("file", "too many elements: ask the bank for shorter periods")
    for n, piece in enumerate(pieces):
        tag, closed, value = piece.partition(">")
        if n and not closed:
            raise unreadable(f"line {line}", f"<{tag[:30].strip()!r} has no end: download the file again")
        name = tag.strip().upper()
        if name.startswith("/"):
            _close(stack, name[1:], line)
        elif n and not name.startswith(("?", "!")):
            node = Node(name, line)
            stack[-1].children.append(node)
            if value.strip():
                node.text = html.unescape(value.strip())
            else:
                stack.append(node)
                if len(stack) > MAX_DEPTH:
                    raise unreadable(f"line {line}", f"<{name[:30]}> is nested too deep")
        line += piece.count("\n")
    if len(stack) > 1:
        raise unreadable(f"line {stack[1].line}", f"<{stack[1].name[:30]}> has no end: the file is cut off")
    return top.children[0]


def _close(stack: list[Node], name: str, line: int) -> None:
    depth = next((n for n in range(len(stack) - 1, 0, -1) if stack[n].name == name), None)
    if depth is None:
        if stack[-1].children and stack[-1].children[-1].name == name:
            return  # the end of a value
        raise unreadable(f"line {line}", f"</{name[:30]}> ends what did not begin")
    for value in reversed(stack[depth + 1 :]):
        if value.children:
            stack[depth].children += value.children
            value.children = []
    del stack[depth:]


def _statement(node: Node) -> Statement:
    account = node.first("BANKACCTFROM", "CCACCTFROM")
    number = account.value("ACCTID") if account is not None else ""
    place = f"statement of {number or '(no ACCTID)'} (line {node.line})"
    commodity = node.value("CURDEF").upper()
    if not number or len(commodity) != 3:
        raise unreadable(place, "ACCTID and CURDEF (three letters) must be told")
    lines = tuple(_line(one, commodity) for one in node.all("BANKTRANLIST/STMTTRN"))
    balance = node.value("LEDGERBAL/BALAMT")
    asked = [node.value("BANKTRANLIST/DTSTART"), node.value("BANKTRANLIST/DTEND")]
    days = [day_of(text, place) for text in asked if text] + [line.day for line in lines]
    if not days and (at := node.value("LEDGERBAL/DTASOF")):
        days = [day_of(at, place)]
    starts, ends = span(days, place)
    closing = _amount(balance, f"{place}, BALAMT") if balance and _covers(node, ends, place) else None
    return checked(Statement(number[:MAX_ID], commodity, None, closing, starts, ends, lines))


def _covers(node: Node, ends: date, place: str) -> bool:
    at = node.value("LEDGERBAL/DTASOF")
    return not at or day_of(at, place) >= ends


def _amount(text: str, place: str) -> Decimal:
    return amount(text, place, mark="," if "," in text and "." not in text else ".")


def _line(node: Node, commodity: str) -> StatementLine:
    bank_id = node.value("FITID")
    place = f"STMTTRN {bank_id or '(no FITID)'} (line {node.line})"
    if node.value("CORRECTACTION"):
        raise unreadable(place, "it corrects an earlier line: undo that one and book the correction yourself")
    for name in ("DTPOSTED", "TRNAMT"):
        if not node.value(name):
            raise unreadable(place, f"{name} is missing: download the file again")
    day = day_of(node.value("DTPOSTED"), place)
    available = node.value("DTAVAIL")
    other = node.first("BANKACCTTO", "CCACCTTO")
    check = node.value("CHECKNUM")
    return StatementLine(
        day=day,
        value_day=day_of(available, place) if available else day,
        amount=_amount(node.value("TRNAMT"), f"{place}, TRNAMT"),
        commodity=node.value("CURRENCY/CURSYM").upper() or commodity,
        counterparty=words(node.value("PAYEE/NAME", "NAME"), most=MAX_NAME),
        iban=(other.value("ACCTID") if other is not None else "")[:MAX_ID],
        text=words(*_told(node)),
        reference=words(node.value("REFNUM") or check, most=MAX_NAME),
        bank_id=bank_id[:MAX_ID],
        code=node.value("TRNTYPE")[:MAX_ID],
    )


def _told(node: Node) -> Iterator[str]:
    for name in ("MEMO", "EXTDNAME"):
        yield node.value(name)
