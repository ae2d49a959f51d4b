"""What every reader returns, and what a reader checks before it returns.

A reader takes bytes and gives statements, or raises Invalid that names the place and the cure. Amounts are
Decimal as the account holder sees them: money that comes is positive. A statement that does not add up is
refused: opening and lines make the closing balance, or something was lost on the way.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from sent.platform.errors import Invalid

MAX_BYTES = 32 * 1024 * 1024
MAX_LINES = 200_000
MAX_TEXT = 1000
MAX_NAME = 200
MAX_ID = 100
_LARGEST = Decimal(10) ** 18


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One movement on a bank account.

    `bank_id` is what the bank calls it (FITID, AcctSvcrRef, the bank's part of :61:); parts of one booking
    share it before a "#". `code` is the bank's kind of movement; `reversal` that it takes another back.
    """

    day: date
    value_day: date
    amount: Decimal
    commodity: str
    counterparty: str = ""
    iban: str = ""
    text: str = ""
    reference: str = ""
    end_to_end: str = ""
    bank_id: str = ""
    code: str = ""
    reversal: bool = False


@dataclass(frozen=True, slots=True)
class Statement:
    """What a bank says about an account (IBAN or number) between two days, both included.

    A balance is None where the format does not tell it.
    """

    account: str
    commodity: str
    opening: Decimal | None
    closing: Decimal | None
    starts: date
    ends: date
    lines: tuple[StatementLine, ...]
    number: str = ""


def unreadable(place: str, cure: str) -> Invalid:
    """Return the error for a statement that cannot be read: where, and what to do."""
    return Invalid("capital.statement", f"{place[:200]}: {cure}", place=place[:200])


def checked(statement: Statement) -> Statement:
    """Return the statement when it adds up; raises Invalid with its name and the difference."""
    name = f"statement {statement.number or '(no number)'} of {statement.account or '(no account)'}"
    if statement.starts > statement.ends:
        raise unreadable(name, f"it ends on {statement.ends}, before it starts ({statement.starts})")
    if len(statement.lines) > MAX_LINES:
        raise unreadable(name, f"it has more than {MAX_LINES} lines: ask the bank for shorter periods")
    if statement.opening is None or statement.closing is None:
        return statement
    strange = {line.commodity for line in statement.lines} - {statement.commodity}
    if strange:
        raise unreadable(name, f"lines in {sorted(strange)[0]} on an account in {statement.commodity}")
    total = sum((line.amount for line in statement.lines), statement.opening)
    if total != statement.closing:
        raise unreadable(
            name,
            f"opening {statement.opening} and lines make {total}, not the closing balance"
            f" {statement.closing} (difference {statement.closing - total}): fetch the statement again",
        )
    return statement


def bounded(data: bytes) -> bytes:
    """Return the data when it is neither empty nor larger than a statement can be."""
    if not data.strip():
        raise unreadable("file", "it is empty: download the statement again")
    if len(data) > MAX_BYTES:
        raise unreadable("file", f"more than {MAX_BYTES // 2**20} MiB: ask the bank for shorter periods")
    return data


def decoded(data: bytes, *charsets: str) -> str:
    """Return the text in the first charset that fits, tried after UTF-8; Windows-1252 takes what is left."""
    for charset in ("utf-8-sig", *charsets):
        try:
            return data.decode(charset)
        except (UnicodeDecodeError, LookupError):
            continue
    return data.decode("cp1252", "replace")


def amount(text: str, place: str, *, mark: str = ".") -> Decimal:
    """Return the number in `text` with the decimal `mark`; the other one and blanks group thousands."""
    plain = "".join(text.replace("'", "").replace("\u2019", "").split())
    plain = plain.replace("," if mark == "." else ".", "")
    if mark != ".":
        plain = plain.replace(mark, ".")
    try:
        found = Decimal(plain) if 0 < len(plain) <= 40 and "_" not in plain else None
    except InvalidOperation:
        found = None
    if found is None or not found.is_finite() or abs(found) >= _LARGEST:
        raise unreadable(place, f"{text[:40]!r} is no amount")
    if -found.normalize().as_tuple().exponent > 8:  # type: ignore[operator]  # finite, so a number
        raise unreadable(place, f"{text[:40]!r} has more than 8 decimals")
    return found


def day_of(text: str, place: str) -> date:
    """Return the day that a text begins with: YYYY-MM-DD or YYYYMMDD."""
    plain = text.strip()
    plain = plain[:10].replace("-", "") if plain[4:5] == "-" else plain[:8]
    try:
        if len(plain) != 8 or not (plain.isascii() and plain.isdigit()):
            raise ValueError
        return date(int(plain[:4]), int(plain[4:6]), int(plain[6:]))
    except ValueError:
        raise unreadable(place, f"{text[:40]!r} is no day: YYYY-MM-DD is expected") from None


def words(*parts: str, most: int = MAX_TEXT) -> str:
    """Return what the parts say on one line, without control characters, each part once."""
    said: list[str] = []
    for part in parts:
        plain = " ".join("".join(c if c.isprintable() else " " for c in part).split())
        if plain and plain not in said:
            said.append(plain)
    return " ".join(said)[:most].rstrip()


def span(days: Iterable[date], place: str) -> tuple[date, date]:
    """Return the first and the last of some days; raises Invalid when there is none."""
    found = sorted(days)
    if not found:
        raise unreadable(place, "it tells neither a period nor lines: download the statement again")
    return found[0], found[-1]
