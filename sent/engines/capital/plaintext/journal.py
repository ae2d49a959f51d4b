"""hledger's and ledger-cli's journals read: transactions as they are written; `journalbook` makes a book.

Read are transactions with status, code, secondary date, virtual postings, costs, lots, balance assertions and
assignments; aliases, `apply account`, default year, default commodity, decimal marks, `bucket`; automated
transactions of ledger (hledger applies them only when told to, so they are passed over there); include
(below the book's folder). Periodic transactions are forecasts in both and passed over. What would change
balances and is not known here is refused at its line.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from sent.engines.capital.model import AccountKind
from sent.engines.capital.plaintext.automated import MOST_RULES, Rule, read_rule
from sent.engines.capital.plaintext.entries import Entry, Leg, read_leg, split_note
from sent.engines.capital.plaintext.model import Amount, Place, wrong
from sent.engines.capital.plaintext.names import Names
from sent.engines.capital.plaintext.quantities import Dialect, Styles
from sent.engines.capital.plaintext.source import Source

_COMMENTS = {"hledger": ";#*", "ledger": ";#*%|"}
_IGNORED = {"tag", "payee", "N", "P", "assert", "check"}
_CHANGING = {
    "C": "write amounts in one unit",
    "capture": "write the account in each posting",
    "define": "write the value where it is used",
    "def": "write the value where it is used",
    "eval": "remove it",
    "expr": "remove it",
    "python": "remove it",
    "import": "remove it",
    "apply fixed": "write the price with each amount",
    "apply rate": "write the price with each amount",
    "i": "write the hours as transactions",
    "I": "write the hours as transactions",
    "o": "write the hours as transactions",
    "O": "write the hours as transactions",
}
_KINDS: dict[str, AccountKind] = {
    "A": "asset", "C": "asset", "L": "liability", "E": "equity", "V": "equity", "R": "income", "X": "expense",
    "ASSET": "asset", "CASH": "asset", "LIABILITY": "liability", "EQUITY": "equity", "CONVERSION": "equity",
    "REVENUE": "income", "INCOME": "income", "EXPENSE": "expense",
}  # fmt: skip


@dataclass(slots=True)
class Journal:
    """What a file and its includes say, in order."""

    dialect: Dialect
    styles: Styles
    entries: list[Entry] = field(default_factory=list)
    declared: list[str] = field(default_factory=list)
    kinds: dict[str, AccountKind] = field(default_factory=dict)
    precision: dict[str, int] = field(default_factory=dict)
    """Digits that a commodity directive sets."""


class JournalReader:
    """Reads a book's files into `journal`."""

    def __init__(self, source: Source, dialect: Dialect) -> None:
        self.journal = Journal(dialect, Styles(dialect))
        self._source = source
        self._dialect = dialect
        self._names = Names(dialect)
        self._rules: tuple[Rule, ...] = ()
        self._year: int | None = None
        self._bucket: str | None = None
        self._applied: list[str] = []

    def read(self, path: Path, by: Place | None = None) -> None:
        """Read a file and what it includes."""
        file = self._source.name(path)
        rows = self._source.read(path, by).split("\n")
        at = 0
        while at < len(rows):
            row, place = rows[at].rstrip(), Place(file, at + 1)
            end = at + 1
            word = row.split(None, 1)[0].lstrip("!@") if row else ""
            if word in ("comment", "test"):
                while end < len(rows) and rows[end].strip() != f"end {word}":
                    end += 1
                at = end + 1
                continue
            while (
                end < len(rows) and rows[end][:1] in (" ", "\t") and (rows[end].strip() or row[:1].isdigit())
            ):
                if not rows[end].strip():
                    break
                end += 1
            if row and row[0] not in _COMMENTS[self._dialect]:
                below = [(Place(file, n + 1), rows[n].strip()) for n in range(at + 1, end)]
                self._block(row, place, below)
            at = end
        self._source.done()

    def _include(self, path: Path, place: Place) -> None:
        """Read another file; what it applies ends with it, and in hledger its defaults do too."""
        styles = self.journal.styles
        names, year, bare, mark = self._names.kept(), self._year, styles.bare, styles.mark
        self.read(path, place)
        self._names.restore(names)
        if self._dialect == "hledger":
            self._year, styles.bare, styles.mark = year, bare, mark

    def _block(self, row: str, place: Place, below: list[tuple[Place, str]]) -> None:
        if row[0] in " \t":
            if row.strip()[0] not in _COMMENTS[self._dialect]:
                raise wrong(place, "an indented line belongs to a transaction: none stands above it")
        elif row[0].isdigit():
            self.journal.entries.append(self._entry(row, place, below))
        elif row[0] == "=":
            if self._dialect == "ledger":
                if len(self._rules) >= MOST_RULES:
                    raise wrong(place, f"a book has at most {MOST_RULES} automated transactions")
                rule = read_rule(row[1:].strip(), place, below, self.journal.styles, self._names)
                self._rules = (*self._rules, rule)
        elif row[0] != "~":
            self._directive(row, place, below)

    # Transactions

    def _entry(self, row: str, place: Place, below: list[tuple[Place, str]]) -> Entry:
        first, _, rest = row.partition(" ") if " " in row else row.partition("\t")
        day = self._day(first.partition("=")[0], place)
        if "=" in first:
            self._day(first.partition("=")[2], place, day.year)
        rest, note = split_note(rest.strip(), self._dialect, header=True)
        flag = ""
        while rest[:1] in ("*", "!") and rest:
            flag, rest = flag or rest[0], rest[1:].lstrip()
        code = ""
        if rest.startswith("(") and ")" in rest:
            code, _, rest = rest[1:].partition(")")
        payee, _, narration = rest.strip().partition("|") if "|" in rest else ("", "", rest.strip())
        legs: list[Leg] = []
        for at, line in below:
            if line[0] == ";" or (self._dialect == "hledger" and line[0] in "#"):
                if legs:
                    last = legs[-1]
                    legs[-1] = replace(last, note=f"{last.note} {line[1:].strip()}".strip())
                continue
            legs.append(self._named(read_leg(line, at, self.journal.styles)))
        return Entry(
            day, place, tuple(legs), flag, code.strip(), payee.strip(), narration.strip(), note,
            self._rules, self._bucket, tuple(self._applied),
        )  # fmt: skip

    def _named(self, leg: Leg) -> Leg:
        name = self._names.full(leg.account, leg.place)
        return leg if name == leg.account else replace(leg, account=name)

    def _day(self, word: str, place: Place, year: int | None = None) -> date:
        parts = word.replace("/", "-").replace(".", "-").split("-")
        if len(parts) == 2:
            standing = year or self._year
            if standing is None:
                raise wrong(place, f"{word} has no year: write it, or a line `Y2026` above")
            parts.insert(0, str(standing))
        try:
            if len(parts) != 3 or not all(part.isdecimal() and len(part) <= 4 for part in parts):
                raise ValueError
            return date(*(int(part) for part in parts))
        except ValueError as error:
            raise wrong(place, f"{word!r} is no day: write year-month-day") from error

    # Directives

    def _directive(self, row: str, place: Place, below: list[tuple[Place, str]]) -> None:
        text = row.lstrip("!@")
        if text[:1] in "YDANPC" and len(text) > 1 and not text[1].isalpha():
            word, rest = text[0], text[1:].strip()
        else:
            word, _, rest = text.partition(" ")
            rest = rest.strip()
        if word in ("apply", "end"):
            self._applying(word, rest, place)
            return
        rest = rest if word in ("alias", "include") else split_note(rest, self._dialect)[0]
        if word in ("Y", "year"):
            self._year = self._read_year(rest, place)
        elif word == "D":
            found = self.journal.styles.declare(rest, place)
            self._precise(found)
            if self._dialect == "hledger":
                self.journal.styles.bare = found.commodity
        elif word == "decimal-mark":
            if rest not in (",", "."):
                raise wrong(place, "the decimal mark is , or .")
            self.journal.styles.mark = rest
        elif word == "commodity":
            self._commodity(rest, place, below)
        elif word == "account":
            self._account(rest, row, place, below)
        elif word == "alias":
            self._names.alias(rest, place)
        elif word in ("bucket", "A") and self._dialect == "ledger":
            self._bucket = self._names.full(rest, place)
        elif word == "include":
            for path in self._source.included(rest.strip('"'), place):
                self._include(path, place)
        elif word in _CHANGING:
            raise wrong(place, f"{word!r} is not supported: {_CHANGING[word]}")
        elif word not in _IGNORED:
            raise wrong(place, f"{word[:30]!r} is no directive of {self._dialect}'s")

    def _applying(self, word: str, rest: str, place: Place) -> None:
        what, _, value = rest.partition(" ")
        if word == "apply":
            if what == "account":
                self._names.push(value.strip(), place)
            elif what == "year":
                self._year = self._read_year(value, place)
            elif what == "tag":
                self._applied.append(value.strip())
            else:
                raise wrong(
                    place, f"apply {what} is not supported: {_CHANGING.get(f'apply {what}', 'remove it')}"
                )
        elif rest in ("apply account", "account"):
            self._names.pop(place)
        elif rest == "aliases":
            self._names.forget()
        elif rest in ("apply tag", "tag", ""):
            if rest == "" and not self._applied:
                self._names.pop(place)
            elif not self._applied:
                raise wrong(place, "nothing is applied that could end here")
            else:
                self._applied.pop()
        elif rest not in ("apply year", "year"):
            raise wrong(place, f"end {rest[:30]!r} ends nothing that is known here")

    def _read_year(self, word: str, place: Place) -> int:
        if not word.strip().isdecimal() or not 1 <= len(word.strip()) <= 4:
            raise wrong(place, f"{word!r} is no year")
        return int(word)

    def _precise(self, example: Amount) -> None:
        exponent = example.number.as_tuple().exponent
        if isinstance(exponent, int):
            digits = max(0, -exponent)
            old = self.journal.precision.get(example.commodity, 0) if self._dialect == "ledger" else 0
            self.journal.precision[example.commodity] = max(digits, old)

    def _commodity(self, rest: str, place: Place, below: list[tuple[Place, str]]) -> None:
        styled = any(char.isdecimal() for char in rest.split('"')[-1])
        if styled and self._dialect == "hledger":
            self._precise(self.journal.styles.declare(rest, place))
        for at, line in below:
            word, _, value = line.partition(" ")
            if word == "format":
                self._precise(self.journal.styles.declare(split_note(value.strip(), self._dialect)[0], at))
            elif word == "default" and self._dialect == "ledger":
                continue
            elif word == "alias":
                raise wrong(at, "a commodity's alias is not supported: use one symbol")

    def _account(self, rest: str, row: str, place: Place, below: list[tuple[Place, str]]) -> None:
        name = self._names.full(rest, place, aliased=False)
        if name not in self.journal.declared:
            self.journal.declared.append(name)
        kind = _typed(row) or next((found for _, line in below if (found := _typed(line))), None)
        if kind is not None and self._dialect == "hledger":
            self.journal.kinds[name] = kind
        for at, line in below:
            word, _, value = line.partition(" ")
            if self._dialect == "ledger" and word == "alias":
                self._names.name(value.strip(), name, at)
            elif self._dialect == "ledger" and word == "default":
                self._bucket = name


def _typed(line: str) -> AccountKind | None:
    """Return what hledger's tag `type:` says."""
    _, found, value = line.partition("type:")
    return _KINDS.get(value.split(",")[0].strip().upper()) if found and ";" in line else None
