"""CSV with a saved mapping, and the proposal of one from what a file's head and values look like.

There is no standard: a mapping says which column is what, how days and amounts are written and where the
sign is. Names of columns are compared folded, so a mapping survives a bank's change of case or order.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from sent.engines.capital.bank.readers.statement import (
    MAX_ID,
    MAX_LINES,
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
from sent.platform.errors import Invalid

FIELDS = (
    "day", "value_day", "amount", "debit", "credit", "sign", "commodity", "counterparty", "iban", "text",
    "reference", "end_to_end", "bank_id", "code", "balance", "account",
)  # fmt: skip
DAY_FORMATS = (
    "%Y-%m-%d", "%d.%m.%Y", "%d.%m.%y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%Y/%m/%d", "%Y%m%d", "%d/%m/%y",
    "%m/%d/%y", "%d %b %Y",
)  # fmt: skip
DELIMITERS = (";", ",", "\t", "|")
HEAD_ROWS = 40
MAX_COLUMNS = 100
MAX_CELL = 10_000
_DEBIT = {"d", "dr", "debit", "s", "soll", "-", "dbit", "af", "out", "payment"}
_NAMES: dict[str, tuple[str, ...]] = {
    "day": ("buchungstag", "buchungsdatum", "booking date", "date", "transaction date", "datum", "posted"),
    "value_day": ("valuta", "wertstellung", "valutadatum", "value date", "wertstellungstag"),
    "amount": ("betrag", "umsatz", "amount", "betrag (eur)", "transaction amount", "bedrag", "value"),
    "debit": ("soll", "debit", "paid out", "money out", "debit amount", "withdrawal", "ausgaben"),
    "credit": ("haben", "credit", "paid in", "money in", "credit amount", "deposit", "einnahmen"),
    "sign": ("soll/haben", "s/h", "debit/credit", "dr/cr", "af bij", "type of amount"),
    "commodity": ("wahrung", "currency", "ccy"),
    "counterparty": (
        "beguenstigter/zahlungspflichtiger", "begunstigter/zahlungspflichtiger", "auftraggeber/empfanger",
        "name zahlungsbeteiligter", "counterparty", "payee", "name", "empfanger", "beneficiary",
        "counter party", "zahlungsempfanger",
    ),
    "iban": (
        "iban", "kontonummer/iban", "iban zahlungsbeteiligter", "counterparty iban", "account number",
        "gegenkonto",
    ),
    "text": (
        "verwendungszweck", "description", "details", "memo", "narrative", "buchungstext", "transaction",
    ),
    "reference": ("kundenreferenz", "reference", "referenz", "payment reference"),
    "end_to_end": ("end-to-end-referenz", "end to end id", "kundenreferenz (end-to-end)", "end to end"),
    "bank_id": ("transaction id", "transaktions-id", "bank reference", "id", "fitid", "bankreferenz"),
    "code": ("transaction type", "type", "umsatzart", "transaktionstyp"),
    "balance": ("saldo", "balance", "saldo nach buchung", "running balance"),
    "account": ("auftragskonto", "iban auftragskonto", "account", "own account"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class CsvMapping:
    """How a bank writes its CSV; `columns` names for each field one column, for `text` several.

    `charset` "" guesses; `account` and `commodity` stand in where no column tells them.
    """

    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    delimiter: str = ";"
    mark: Literal[".", ","] = ","
    day_format: str = "%d.%m.%Y"
    charset: str = ""
    account: str = ""
    commodity: str = ""

    def __post_init__(self) -> None:
        if unknown := set(self.columns) - set(FIELDS):
            raise unreadable("mapping", f"{sorted(unknown)[0]!r} is no field: {', '.join(FIELDS)}")
        if "day" not in self.columns or not ({"amount", "debit", "credit"} & set(self.columns)):
            raise unreadable("mapping", "name the columns of day and amount (or debit and credit)")
        if self.delimiter not in DELIMITERS:
            raise unreadable("mapping", "the delimiter is one of ; , tab |")
        if self.mark not in (".", ","):
            raise unreadable("mapping", "the decimal mark is . or ,")
        if self.day_format not in DAY_FORMATS:
            raise unreadable("mapping", f"the date format is one of {' '.join(DAY_FORMATS)}")


def read(data: bytes, mapping: CsvMapping) -> list[Statement]:
    """Return one statement of a CSV file; raises Invalid with the row."""
    rows = _rows(decoded(bounded(data), *filter(None, [mapping.charset])), mapping.delimiter)
    places, at = _head(rows, mapping)
    lines, balances, account = [], [], mapping.account
    for n, row in enumerate(rows[at + 1 :], at + 2):
        if not any(cell.strip() for cell in row):
            continue
        cells = {name: [row[x].strip() for x in found if x < len(row)] for name, found in places.items()}
        if not any(cells.get("day", ())):
            continue  # sums and remarks below the lines
        place = f"row {n}"
        lines.append(_line(cells, mapping, place))
        account = account or next(iter(cells.get("account", ())), "")
        if len(lines) > MAX_LINES:
            raise unreadable(place, f"more than {MAX_LINES} rows: ask the bank for shorter periods")
        told = next(iter(cells.get("balance", ())), "")
        balances.append(amount(told, f"{place}, balance", mark=mapping.mark) if told else None)
    starts, ends = span([line.day for line in lines], "file")
    opening, closing = _balances(lines, balances)
    commodity = lines[0].commodity
    return [checked(Statement(account[:MAX_ID], commodity, opening, closing, starts, ends, tuple(lines)))]


def _balances(
    lines: Sequence[StatementLine], balances: Sequence[Decimal | None]
) -> tuple[Decimal | None, Decimal | None]:
    """Return opening and closing from running balances; rows may stand newest first."""
    first, last = balances[0], balances[-1]
    if first is None or last is None:
        return None, None
    total = sum((line.amount for line in lines), Decimal(0))
    if last - first + lines[0].amount == total and not (len(lines) > 1 and lines[0].day > lines[-1].day):
        return first - lines[0].amount, last
    if first - last + lines[-1].amount == total or lines[0].day > lines[-1].day:
        return last - lines[-1].amount, first
    return first - lines[0].amount, last


def _rows(text: str, delimiter: str) -> list[list[str]]:
    reader = csv.reader(text.splitlines(), delimiter=delimiter)
    rows: list[list[str]] = []
    try:
        for row in reader:
            if len(row) > MAX_COLUMNS or any(len(cell) > MAX_CELL for cell in row):
                raise unreadable(f"row {reader.line_num}", "too many columns or too long: wrong delimiter?")
            rows.append(row)
    except csv.Error as error:
        raise unreadable(f"row {reader.line_num}", f"{error}: choose another delimiter") from error
    return rows


def folded(name: str) -> str:
    """Return a column's name as names are compared."""
    plain = name.strip().strip('"\ufeff').lower()
    return " ".join(plain.translate(str.maketrans("äöüéè", "aouee")).replace("ß", "ss").split())


def _head(rows: Sequence[Sequence[str]], mapping: CsvMapping) -> tuple[dict[str, list[int]], int]:
    """Return where each field's columns are, and the row of the head."""
    wanted = {folded(name) for names in mapping.columns.values() for name in names}
    best: set[str] = wanted
    for at, row in enumerate(rows[:HEAD_ROWS]):
        names = [folded(cell) for cell in row]
        missing = wanted - set(names)
        if not missing:
            return {
                field: [names.index(folded(name)) for name in columns]
                for field, columns in mapping.columns.items()
            }, at
        best = min(best, missing, key=len)
    raise unreadable(
        f"first {HEAD_ROWS} rows", f"no column {sorted(best)[0]!r}: correct the mapping or choose another"
    )


def _line(cells: dict[str, list[str]], mapping: CsvMapping, place: str) -> StatementLine:
    def one(name: str) -> str:
        return next((cell for cell in cells.get(name, ()) if cell), "")

    day = _day(one("day"), mapping.day_format, f"{place}, day")
    value_day = one("value_day")
    commodity = (one("commodity") or mapping.commodity).upper()
    if not commodity:
        raise unreadable(place, "no currency: name its column or write one into the mapping")
    return StatementLine(
        day=day,
        value_day=_day(value_day, mapping.day_format, f"{place}, value_day") if value_day else day,
        amount=_value(one, mapping, place),
        commodity=commodity,
        counterparty=words(one("counterparty"), most=MAX_NAME),
        iban=one("iban").replace(" ", "")[:MAX_ID],
        text=words(*cells.get("text", ())),
        reference=words(one("reference"), most=MAX_NAME),
        end_to_end=one("end_to_end")[:MAX_ID],
        bank_id=one("bank_id")[:MAX_ID],
        code=one("code")[:MAX_ID],
    )


def _value(one: Callable[[str], str], mapping: CsvMapping, place: str) -> Decimal:
    if "amount" in mapping.columns:
        value = amount(one("amount"), f"{place}, amount", mark=mapping.mark)
        if "sign" in mapping.columns:
            value = -abs(value) if one("sign").lower() in _DEBIT else abs(value)
        return value
    total = Decimal(0)
    for name, way in (("debit", -1), ("credit", 1)):
        if told := one(name):
            value = amount(told, f"{place}, {name}", mark=mapping.mark)
            total += value if value < 0 and way < 0 else way * value
    return total


def _day(text: str, form: str, place: str) -> date:
    try:
        return datetime.strptime(text[:20], form).date()  # noqa: DTZ007  (a day has no zone)
    except ValueError:
        raise unreadable(place, f"{text[:20]!r} is no day as {form}: correct the mapping") from None


def propose(data: bytes, *, commodity: str = "") -> CsvMapping:
    """Return the mapping that the head and values of a file suggest; raises Invalid where none does."""
    text = decoded(bounded(data)[:200_000])
    best: tuple[int, str, dict[str, tuple[str, ...]], list[list[str]]] | None = None
    for delimiter in DELIMITERS:
        try:
            rows = _rows(text, delimiter)
        except Invalid:
            continue  # not this delimiter
        for at, row in enumerate(rows[:HEAD_ROWS]):
            columns = _recognised(row)
            if "day" in columns and {"amount", "debit", "credit"} & set(columns):
                score = len(columns)
                if best is None or score > best[0]:
                    best = (score, delimiter, columns, rows[at:])
    if best is None:
        raise unreadable("file", "no head with a day and an amount: make the mapping by hand")
    _, delimiter, columns, rows = best
    return CsvMapping(columns, delimiter, _mark(rows, columns), _form(rows, columns), "", "", commodity)


def heading(data: bytes, delimiter: str) -> tuple[str, ...]:
    """Return the names of a file's columns: those of the first row that has as many as any near the top."""
    rows = _rows(decoded(bounded(data)[:200_000]), delimiter)[:HEAD_ROWS]
    filled = [sum(bool(cell.strip()) for cell in row) for row in rows]
    most = max(filled, default=0)
    return tuple(cell.strip() for cell in rows[filled.index(most)] if cell.strip()) if most else ()


def _recognised(row: Sequence[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    taken: set[str] = set()
    for name in FIELDS:
        for known in _NAMES[name]:
            here = [cell.strip() for cell in row if folded(cell) == known and cell not in taken]
            if here:
                found[name] = (*found.get(name, ()), here[0]) if name == "text" else (here[0],)
                taken.add(here[0])
                if name != "text":
                    break
    if "amount" in found:
        found.pop("debit", None)
        found.pop("credit", None)
    return found


def _values(
    rows: Sequence[Sequence[str]], columns: dict[str, tuple[str, ...]], *fields: str
) -> Iterator[str]:
    for name in fields:
        for column in columns.get(name, ()):
            at = [cell.strip() for cell in rows[0]].index(column)
            for row in rows[1:200]:
                if at < len(row) and row[at].strip():
                    yield row[at].strip()


def _mark(rows: Sequence[Sequence[str]], columns: dict[str, tuple[str, ...]]) -> Literal[".", ","]:
    votes = 0
    for value in _values(rows, columns, "amount", "debit", "credit"):
        last = max(value.rfind("."), value.rfind(","))
        if last >= 0 and len(value) - last - 1 <= 2:
            votes += 1 if value[last] == "," else -1
    return "," if votes > 0 else "."


def _form(rows: Sequence[Sequence[str]], columns: dict[str, tuple[str, ...]]) -> str:
    """Return the first format that all days have; 12/11/2025 says nothing, 31/12/2025 does."""
    days = list(_values(rows, columns, "day"))
    for form in DAY_FORMATS:
        try:
            for text in days:
                datetime.strptime(text[:20], form)  # noqa: DTZ007  (a day has no zone)
        except ValueError:
            continue
        return form
    raise unreadable("column of the day", f"its days are written in no known way ({' '.join(DAY_FORMATS)})")
