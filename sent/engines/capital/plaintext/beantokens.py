"""beancount's words: a file cut into lines of tokens, in one pass and without backtracking.

What counts as which token follows beancount 3's lexer. Lines that begin with `*`, `:`, `#` or a flag are
headings and left out, as is what follows `;`. A text in quotes may go over several lines.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Context, Decimal, DivisionByZero, InvalidOperation, Overflow

from sent.engines.capital.plaintext.model import Place, wrong
from sent.platform.errors import Invalid

DEEPEST = 64
"""Brackets and signs within each other."""
LONGEST_NUMBER = 40

EXACT = Context(prec=28)

_WIDE = r"\u0080-\U0010ffff"
_PATTERNS = (
    ("end", r"\n"),
    ("comment", r";[^\n]*"),
    ("date", r"[0-9]{4,8}[-/][0-9]{1,4}[-/][0-9]{1,4}"),
    ("text", r'"[^"\\]*(?:\\.[^"\\]*)*"'),
    ("account", f"[A-Z{_WIDE}][A-Za-z0-9{_WIDE}-]*(?::[A-Z0-9{_WIDE}][A-Za-z0-9{_WIDE}-]*)+"),
    ("commodity", r"[A-Z][A-Z0-9'._-]*[A-Z0-9]|/[A-Z0-9'._-]{0,40}?[A-Z](?:[A-Z0-9'._-]{0,40}[A-Z0-9])?"),
    ("capital", r"[A-Z](?![A-Za-z0-9:])"),
    ("key", r"[a-z][a-zA-Z0-9_-]+(?=:)"),
    ("word", r"[a-z]+"),
    ("tag", r"#[A-Za-z0-9_/.-]+"),
    ("link", r"\^[A-Za-z0-9_/.-]+"),
    ("number", r"(?:[0-9][0-9,]*[0-9]|[0-9])(?:\.[0-9]*)?"),
    ("sign", r"@@|@|\{\{|\}\}|[{}|,~+\-/()#*:]"),
    ("flag", r"[!&?%]"),
)
_TOKEN = re.compile(
    r"[ \t\r\f]*(?:" + "|".join(f"(?P<{name}>{pattern})" for name, pattern in _PATTERNS) + r"|(?P<last>\Z))",
    re.DOTALL,
)
_HEADING = frozenset("*:#!&?%")


@dataclass(frozen=True, slots=True)
class Line:
    """A line's tokens as (kind, text); one that is indented belongs to what stands above."""

    place: Place
    indented: bool
    tokens: tuple[tuple[str, str], ...]


def lines(file: str, text: str) -> list[Line]:
    """Return the lines that say something."""
    found: list[Line] = []
    at, number, began = 0, 1, 1
    fresh, indented = True, False
    tokens: list[tuple[str, str]] = []
    match = _TOKEN.match
    while True:
        if fresh:
            sign = text[at : at + 1]
            indented, fresh = sign in (" ", "\t"), False
            if sign in _HEADING and text[at + 1 : at + 2] not in ("", "\n"):
                end = text.find("\n", at)
                at = len(text) if end < 0 else end
        fits = match(text, at)
        if fits is None:
            raise _strange(Place(file, number), text[at:].lstrip(" \t\r\f")[:30])
        kind = str(fits.lastgroup)
        at = fits.end()
        if kind in ("end", "last"):
            if tokens:
                found.append(Line(Place(file, began), indented, tuple(tokens)))
                tokens = []
            if kind == "last":
                return found
            number += 1
            fresh = True
        elif kind != "comment":
            word = fits[kind]
            began = began if tokens else number
            tokens.append((kind, word))
            if kind == "text":
                number += word.count("\n")


def _strange(place: Place, rest: str) -> Invalid:
    cure = "end the text with a quote" if rest[:1] == '"' else "is no word of beancount's"
    first = rest.split("\n")[0]
    return wrong(place, f"{first!r}: {cure}")


class Cursor:
    """Takes tokens of a line one after the other."""

    def __init__(self, line: Line) -> None:
        self.place = line.place
        self._kinds = [word if kind == "sign" else kind for kind, word in line.tokens] + [""]
        self._words = [word for _, word in line.tokens] + [""]
        self._at = 0

    @property
    def kind(self) -> str:
        """What comes next; a sign is its own kind, the end is empty."""
        return self._kinds[self._at]

    @property
    def word(self) -> str:
        """The text that comes next."""
        return self._words[self._at]

    def take(self, *kinds: str) -> str | None:
        """Return the next word if it is of one of these kinds, and go on."""
        if self._kinds[self._at] not in kinds:
            return None
        self._at += 1
        return self._words[self._at - 1]

    def expect(self, what: str, *kinds: str) -> str:
        """Return the next word; raises Invalid saying `what` stands here."""
        found = self.take(*kinds)
        if found is None:
            raise wrong(self.place, f"expected {what}, found {self.word or 'the end of the line'!r}")
        return found

    def end(self) -> None:
        """Make sure that nothing follows."""
        if self.kind:
            raise wrong(self.place, f"{self.word!r} is not expected here: remove it")

    def day(self) -> date:
        """Take a date."""
        return read_day(self.expect("a date", "date"), self.place)

    def text(self) -> str:
        """Take a text in quotes."""
        return unquoted(self.expect("a text in quotes", "text"))

    def commodity(self) -> str | None:
        """Take a commodity if there is one."""
        return self.take("commodity", "capital")

    def number(self) -> Decimal | None:
        """Take a number, or sums, products and brackets of numbers, if there is one."""
        if self.kind not in ("number", "+", "-", "("):
            return None
        try:
            return self._sum(0)
        except (DivisionByZero, InvalidOperation, Overflow) as error:
            raise wrong(self.place, "the number cannot be computed: it divides by nothing") from error

    def _sum(self, depth: int) -> Decimal:
        left = self._product(depth)
        while sign := self.take("+", "-"):
            right = self._product(depth)
            left = EXACT.add(left, right) if sign == "+" else EXACT.subtract(left, right)
        return left

    def _product(self, depth: int) -> Decimal:
        left = self._signed(depth)
        while sign := self.take("*", "/"):
            right = self._signed(depth)
            left = EXACT.multiply(left, right) if sign == "*" else EXACT.divide(left, right)
        return left

    def _signed(self, depth: int) -> Decimal:
        if depth > DEEPEST:
            raise wrong(self.place, f"brackets go at most {DEEPEST} deep: write the result")
        if self.take("-"):
            return EXACT.copy_negate(self._signed(depth + 1))
        if self.take("+"):
            return self._signed(depth + 1)
        if self.take("("):
            inner = self._sum(depth + 1)
            self.expect("a closing bracket", ")")
            return inner
        word = self.expect("a number", "number").replace(",", "")
        if len(word) > LONGEST_NUMBER:
            raise wrong(self.place, f"a number has at most {LONGEST_NUMBER} digits")
        return Decimal(word)


def unquoted(word: str) -> str:
    """Return what a text in quotes says."""
    return re.sub(
        r"\\(.)", lambda found: {"n": "\n", "t": "\t"}.get(found[1], found[1]), word[1:-1], flags=re.S
    )


def read_day(word: str, place: Place) -> date:
    """Return the day of a date with dashes or slashes."""
    try:
        year, month, day = (int(part) for part in word.replace("/", "-").split("-"))
        return date(year, month, day)
    except ValueError as error:
        raise wrong(place, f"there is no day {word}") from error
