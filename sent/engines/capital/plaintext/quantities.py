"""Amounts as hledger and ledger-cli write them: `$1,000.00`, `1.000,50 EUR`, `-3 "some thing"`, `($10 / 4)`.

Which of comma and point is the decimal mark follows each program: hledger takes a lone mark for the decimal
mark unless the commodity's declared style says otherwise; ledger takes a lone comma before three digits for a
thousands mark, and any other comma for the decimal mark.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from sent.engines.capital.plaintext.beantokens import DEEPEST, EXACT, LONGEST_NUMBER
from sent.engines.capital.plaintext.model import Amount, Place, wrong

Dialect = Literal["hledger", "ledger"]

NEVER_IN_SYMBOL = {
    "hledger": frozenset('0123456789+-.@*;\t\n "{}=,()[]'),
    "ledger": frozenset("0123456789 \t\n.,;:?!-+*/^&|=<>{}[]()@\"'"),
}
_SPACES = frozenset(" \t\u00a0\u2007\u202f")
_ENDS_SYMBOL = {dialect: never | _SPACES for dialect, never in NEVER_IN_SYMBOL.items()}
LONGEST_SYMBOL = 100


@dataclass(slots=True)
class Styles:
    """What a file says about numbers: decimal marks by commodity, and the commodity of bare numbers."""

    dialect: Dialect
    mark: str | None = None
    marks: dict[str, str] = field(default_factory=dict)
    bare: str | None = None

    def number(self, word: str, commodity: str, place: Place) -> Decimal:
        """Return what digits with marks mean; raises Invalid naming what is odd."""
        if len(word) > LONGEST_NUMBER:
            raise wrong(place, f"a number has at most {LONGEST_NUMBER} digits")
        plain = "".join(char for char in word if char not in _SPACES)
        at = self._decimal_mark(plain, commodity, place)
        if self.dialect == "ledger" and at is not None and plain[at] == ",":
            self.marks[commodity] = ","
        whole, part = (plain, "") if at is None else (plain[:at], plain[at + 1 :])
        whole = whole.replace(",", "").replace(".", "")
        if not (whole + part).isdecimal() or not (whole + part).isascii():
            raise wrong(place, f"{word!r} is no number: one decimal mark, and groups of digits")
        return Decimal(f"{whole or '0'}.{part}" if part else whole)

    def _decimal_mark(self, word: str, commodity: str, place: Place) -> int | None:
        commas, points = word.count(","), word.count(".")
        known = self.mark or self.marks.get(commodity)
        if self.mark is not None:
            return self._single(word, self.mark, place)
        if commas and points:
            return self._single(word, max(",.", key=word.rfind), place)
        if commas + points != 1:
            return None
        sign = "," if commas else "."
        at = word.index(sign)
        if self.dialect == "ledger":
            after = len(word) - at - 1
            thousands = known == "," if sign == "." else known != ","
            return None if thousands and after == 3 and at else at
        return at if not at or known in (sign, None) else None

    def _single(self, word: str, mark: str, place: Place) -> int | None:
        if word.count(mark) > 1:
            raise wrong(place, f"{word!r} has the decimal mark {mark!r} twice")
        return word.index(mark) if mark in word else None

    def declare(self, amount: str, place: Place) -> Amount:
        """Keep the style of an amount written as an example (`D`, `commodity`, `format`)."""
        reader = Reader(amount, self, place)
        found = reader.amount()
        word = reader.digits.strip()
        reader.end()
        marks = [char for char in word if char in ",."]
        if len(set(marks)) == 2:
            self.marks[found.commodity] = marks[-1]
        elif len(marks) == 1:
            self.marks[found.commodity] = marks[0]
        return found


class Reader:
    """Takes amounts from a line, left to right."""

    def __init__(self, text: str, styles: Styles, place: Place) -> None:
        self.text = text
        self.at = 0
        self.styles = styles
        self.place = place
        self.digits = ""
        """The digits and marks of the number that was read last."""
        self.variable: Callable[[str], Amount | None] = lambda name: None
        """What a name stands for in a sum in brackets."""

    def skip(self) -> None:
        """Go over spaces."""
        while self.at < len(self.text) and self.text[self.at] in _SPACES:
            self.at += 1

    def next(self, sign: str) -> bool:
        """Take a sign if it comes next, after spaces."""
        self.skip()
        if self.text.startswith(sign, self.at):
            self.at += len(sign)
            return True
        return False

    @property
    def rest(self) -> str:
        """What is left."""
        return self.text[self.at :].strip()

    def end(self) -> None:
        """Make sure that nothing follows."""
        if self.rest:
            raise wrong(self.place, f"{self.rest[:30]!r} is not expected here")

    def until(self, sign: str) -> str:
        """Take all up to a closing sign, and the sign."""
        end = self.text.find(sign, self.at)
        if end < 0:
            raise wrong(self.place, f"a closing {sign} is missing")
        found = self.text[self.at : end]
        self.at = end + len(sign)
        return found

    def amount(self) -> Amount:
        """Take an amount; raises Invalid where there is none."""
        self.skip()
        if self.styles.dialect == "ledger" and self.text.startswith("(", self.at):
            self.at += 1
            found = self._sum(1)
            self._close()
            return found
        return self._plain()

    def _plain(self) -> Amount:
        negative = self._sign()
        symbol = self._symbol()
        if symbol is not None:
            self.skip()
            negative ^= self._sign()
            self.skip()
            word = self._digits()
        else:
            word = self._digits()
            back = self.at
            self.skip()
            symbol = self._symbol()
            if symbol is None:
                self.at = back
        commodity = symbol
        if commodity is None:
            commodity = self.styles.bare if self.styles.bare is not None else ""
        number = self.styles.number(word, commodity, self.place)
        return Amount(-number if negative else number, commodity)

    def _sign(self) -> bool:
        negative = False
        while self.at < len(self.text) and self.text[self.at] in "+-":
            negative ^= self.text[self.at] == "-"
            self.at += 1
            self.skip()
        return negative

    def _symbol(self) -> str | None:
        if self.text.startswith('"', self.at):
            self.at += 1
            found = self.until('"')
        else:
            start = self.at
            never = _ENDS_SYMBOL[self.styles.dialect]
            while self.at < len(self.text) and self.text[self.at] not in never:
                self.at += 1
            found = self.text[start : self.at]
            if not found:
                return None
        if len(found) > LONGEST_SYMBOL:
            raise wrong(self.place, f"a commodity has at most {LONGEST_SYMBOL} characters")
        return found

    def _digits(self) -> str:
        start = self.at
        spaced = self.styles.dialect == "hledger"
        while self.at < len(self.text):
            char = self.text[self.at]
            group = spaced and char in _SPACES and self.text[self.at + 1 : self.at + 2].isdecimal()
            if not (char.isdecimal() or char in ",." or (group and self.at > start)):
                break
            self.at += 1
        found = self.text[start : self.at]
        if not any(char.isdecimal() for char in found):
            raise wrong(self.place, f"expected an amount, found {self.rest[:30] or 'nothing'!r}")
        self.digits = found
        return found

    # Sums in brackets (ledger)

    def _close(self) -> None:
        if not self.next(")"):
            raise wrong(self.place, "a closing ) is missing")

    def _sum(self, depth: int) -> Amount:
        left = self._product(depth)
        while True:
            if self.next("+"):
                left = self._added(left, self._product(depth), 1)
            elif self.next("-"):
                left = self._added(left, self._product(depth), -1)
            else:
                return left

    def _added(self, left: Amount, right: Amount, sign: int) -> Amount:
        if left.commodity != right.commodity and left.number and right.number:
            raise wrong(
                self.place, f"{left.commodity!r} and {right.commodity!r} cannot be added: use postings"
            )
        return Amount(EXACT.add(left.number, sign * right.number), left.commodity or right.commodity)

    def _product(self, depth: int) -> Amount:
        left = self._factor(depth)
        while True:
            if self.next("*"):
                right = self._factor(depth)
                number = EXACT.multiply(left.number, right.number)
            elif self.next("/"):
                right = self._factor(depth)
                if not right.number:
                    raise wrong(self.place, "the number cannot be computed: it divides by nothing")
                number = EXACT.divide(left.number, right.number)
            else:
                return left
            left = Amount(number, left.commodity or right.commodity)

    def _factor(self, depth: int) -> Amount:
        if depth > DEEPEST:
            raise wrong(self.place, f"brackets go at most {DEEPEST} deep: write the result")
        if self.next("("):
            found = self._sum(depth + 1)
            self._close()
            return found
        if self.next("-"):
            inner = self._factor(depth + 1)
            return Amount(-inner.number, inner.commodity)
        self.skip()
        end = self.at
        while end < len(self.text) and self.text[end].isalpha():
            end += 1
        known = self.variable(self.text[self.at : end]) if end > self.at else None
        if known is not None:
            self.at = end
            return known
        return self._plain()
