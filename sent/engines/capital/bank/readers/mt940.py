"""MT940, SWIFT's customer statement, with or without its envelope, several statements in a file.

Sources: SWIFT Standards MT940; the German banks' structured :86: (DFÜ agreement, appendix 3, ?20 to ?63 and
SEPA words such as EREF+ and SVWZ+); the Dutch one with /EREF/ and /REMI/. Pages (:60M:, :62M:) are statements
of their own: their balances chain.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
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
    decoded,
    span,
    unreadable,
    words,
)

_SEPA = (
    "EREF",
    "KREF",
    "MREF",
    "CRED",
    "DEBT",
    "COAM",
    "OAMT",
    "SVWZ",
    "ABWA",
    "ABWE",
    "IBAN",
    "BIC",
    "PURP",
)
_SLASHED = (
    "EREF", "REMI", "NAME", "IBAN", "BIC", "TRTP", "CSID", "MARF", "BENM", "ORDP", "ADDR", "PREF", "TRCD",
    "ISDT", "USTD", "CNTP", "ID", "PURP", "ULTB", "ULTD", "SVCL",
)  # fmt: skip


@dataclass(slots=True)
class _Field:
    tag: str
    value: str
    line: int


@dataclass(slots=True)
class _Page:
    account: str = ""
    number: str = ""
    opening: tuple[Decimal, str, date] | None = None
    closing: tuple[Decimal, str, date] | None = None
    lines: list[tuple[_Field, str]] = field(default_factory=list)


def read(data: bytes) -> list[Statement]:
    """Return the statements of an MT940 file; raises Invalid."""
    page: _Page | None = None
    found = []
    for each in _fields(decoded(bounded(data), "cp1252")):
        if each.tag == "20":
            if page is not None:
                raise unreadable(f"line {each.line}", "a statement begins before the last one's :62F:")
            page = _Page()
        elif page is None:
            if each.tag not in ("64", "65", "86", "21", "13D", "NS"):
                raise unreadable(f"line {each.line}", f":{each.tag}: stands outside a statement (no :20:)")
        elif each.tag in ("62F", "62M"):
            page.closing = _balance(each)
            found.append(_statement(page, each.line))
            page = None
        else:
            _take(page, each)
    if page is not None:
        raise unreadable("end of file", "the closing balance :62F: is missing: the file is cut off")
    if not found:
        raise unreadable("file", "it has no statement (:20: to :62F:): choose the MT940 download")
    return found


def _fields(text: str) -> Iterator[_Field]:
    """Yield the fields; what does not begin with a tag goes on with the field before."""
    last: _Field | None = None
    for n, raw in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1):
        row = raw.rstrip("\x03\x00")  # a blank at the end of :86: belongs to the text
        if row.startswith("{"):
            row = row.rpartition("{4:")[2] if "{4:" in row else ""
        if row.strip() in ("-", "") or row.startswith("-}"):
            continue
        tag, colon, _ = row[1:5].partition(":") if row.startswith(":") else ("", "", "")
        if colon and 2 <= len(tag) <= 3 and (tag[:2].isdigit() or tag == "NS"):
            if last is not None:
                yield last
            last = _Field(tag, row[len(tag) + 2 :], n)
        elif last is not None and len(last.value) < 20_000:
            last.value += "\n" + row
    if last is not None:
        yield last


def _take(page: _Page, each: _Field) -> None:
    if each.tag == "25":
        page.account = each.value.strip().replace(" ", "")
    elif each.tag in ("28C", "28"):
        page.number = each.value.strip()
    elif each.tag in ("60F", "60M"):
        page.opening = _balance(each)
    elif each.tag == "61":
        page.lines.append((each, ""))
    elif each.tag == "86" and page.lines:
        page.lines[-1] = (page.lines[-1][0], each.value)


def _statement(page: _Page, line: int) -> Statement:
    place = f"statement {page.number or '(no :28C:)'} that ends in line {line}"
    if page.opening is None or page.closing is None:
        raise unreadable(place, "its opening balance :60F: is missing")
    if not page.account:
        raise unreadable(place, "its account :25: is missing")
    commodity = page.opening[1]
    if page.closing[1] != commodity:
        raise unreadable(place, f"it begins in {commodity} and ends in {page.closing[1]}")
    lines = tuple(_line(each, told, commodity) for each, told in page.lines)
    days = [each.day for each in lines]
    starts, ends = span([*days, page.closing[2]], place)
    account = page.account.partition("/")[2] or page.account if page.account[:1].isdigit() else page.account
    return checked(
        Statement(
            account[:MAX_ID],
            commodity,
            page.opening[0],
            page.closing[0],
            starts,
            ends,
            lines,
            page.number[:MAX_ID],
        )
    )


def _balance(each: _Field) -> tuple[Decimal, str, date]:
    place = f"line {each.line}, :{each.tag}:"
    value = each.value.strip()
    if value[:1] not in ("C", "D") or len(value) < 11:
        raise unreadable(place, "C or D, YYMMDD, currency and amount are expected")
    number = amount(value[10:], place, mark=",")
    return (number if value[0] == "C" else -number), value[7:10], _short_day(value[1:7], place)


def _short_day(text: str, place: str) -> date:
    try:
        if not (text.isascii() and text.isdigit()):
            raise ValueError
        year = int(text[:2])
        return date(year + (1900 if year >= 80 else 2000), int(text[2:4]), int(text[4:6]))
    except ValueError:
        raise unreadable(place, f"{text!r} is no day: YYMMDD is expected") from None


def _booked(value: date, text: str, place: str) -> date:
    """Return the day MMDD nearest to the value day: it may lie in the year before or after."""
    near = []
    for year in (value.year - 1, value.year, value.year + 1):
        try:
            near.append(date(year, int(text[:2]), int(text[2:])))
        except ValueError:
            continue
    if not near:
        raise unreadable(place, f"{text!r} is no booking day: MMDD is expected")
    return min(near, key=lambda day: abs(day - value))


def _line(each: _Field, told: str, commodity: str) -> StatementLine:
    place = f"line {each.line}, :61:"
    head, _, more = each.value.partition("\n")
    value_day = _short_day(head[:6], place)
    rest = head[6:]
    day = value_day
    if rest[:4].isdigit() and len(rest[:4]) == 4:
        day, rest = _booked(value_day, rest[:4], place), rest[4:]
    mark = rest[:2] if rest[:2] in ("RC", "RD", "EC", "ED") else rest[:1]
    if mark not in ("C", "D", "RC", "RD", "EC", "ED"):
        raise unreadable(place, f"{rest[:2]!r} is no mark: C, D, RC or RD is expected")
    rest = rest[len(mark) :]
    if rest[:1].isalpha():
        rest = rest[1:]
    digits = next((n for n, c in enumerate(rest) if not (c.isdigit() or c in ",.")), len(rest))
    number = amount(rest[:digits], place, mark=",")
    rest = rest[digits:]
    customer, _, bank = rest[4:].partition("//")
    positive = mark in ("C", "RD", "EC")
    line = _information(told)
    reference = "" if customer.strip() in ("NONREF", "") else customer.strip()
    return StatementLine(
        day=day,
        value_day=value_day,
        amount=number if positive else -number,
        commodity=commodity,
        counterparty=words(line.name, most=MAX_NAME),
        iban=line.iban.replace(" ", "")[:MAX_ID],
        text=words(line.text, "" if line.structured else more),
        reference=words(reference, most=MAX_NAME),
        end_to_end=line.end_to_end[:MAX_ID],
        bank_id=bank.strip()[:MAX_ID],
        code=(line.code or rest[:4])[:MAX_ID],
        reversal=mark in ("RC", "RD"),
    )


@dataclass(slots=True)
class _Told:
    text: str = ""
    name: str = ""
    iban: str = ""
    end_to_end: str = ""
    code: str = ""
    structured: bool = False


def _information(value: str) -> _Told:
    """Return what :86: tells: the German way, the Dutch way, or as plain text."""
    if value[:3].isdigit() and value[3:4] and not value[3:4].isalnum() and value[4:6].isdigit():
        return _german(value)
    joined = value.replace("\n", "")
    if joined.startswith("/") and any(f"/{name}/" in joined for name in ("EREF", "REMI", "NAME", "BENM")):
        return _slashed(joined)
    return _Told(text=value.replace("\n", " "))


def _german(value: str) -> _Told:
    parts: dict[str, str] = {}
    for piece in value.replace("\n", "")[4:].split(value[3])[:100]:
        parts[piece[:2]] = parts.get(piece[:2], "") + piece[2:]
    chunks = [parts[key] for key in sorted(parts) if key[:1] == "2" or key in ("60", "61", "62", "63")]
    pieces = _sepa("".join(chunks))
    return _Told(
        text=words(pieces.get("SVWZ", pieces.get("", "")), parts.get("00", "")),
        name=parts.get("32", "") + parts.get("33", ""),
        iban=parts.get("31", "") or pieces.get("IBAN", ""),
        end_to_end="" if pieces.get("EREF", "") in ("NOTPROVIDED", "") else pieces["EREF"].strip(),
        code=value[:3],
        structured=True,
    )


def _sepa(text: str) -> dict[str, str]:
    """Return the parts of a remittance by their SEPA word; "" is what stands before the first."""
    places = sorted((at, name) for name in _SEPA if (at := text.find(f"{name}+")) >= 0)
    found = {"": text[: places[0][0]] if places else text}
    for n, (at, name) in enumerate(places):
        until = places[n + 1][0] if n + 1 < len(places) else len(text)
        found[name] = text[at + len(name) + 1 : until].strip()
    return found


def _slashed(text: str) -> _Told:
    places = sorted((at, name) for name in _SLASHED if (at := text.find(f"/{name}/")) >= 0)
    found: dict[str, str] = {}
    for n, (at, name) in enumerate(places):
        until = places[n + 1][0] if n + 1 < len(places) else len(text)
        found[name] = text[at + len(name) + 2 : until].strip("/ ")
    remittance = found.get("REMI", "")
    if remittance.startswith(("USTD//", "STRD/")):
        remittance = remittance.partition("/")[2].strip("/")
    ref = found.get("EREF", "")
    return _Told(
        text=remittance or found.get("USTD", ""),
        name=found.get("NAME", ""),
        iban=found.get("IBAN", ""),
        end_to_end="" if ref == "NOTPROVIDED" else ref,
        code=found.get("TRTP", found.get("TRCD", "")),
        structured=True,
    )
