"""ledger's automated transactions: postings that follow from others.

A rule's query is made of account patterns (`/Food/`, `^Expenses:Books`), payee patterns (`@shop`,
`payee shop`), `and`, `or`, `not` and brackets, or `expr 'account =~ /Food/'`; patterns run in RE2. A number
without a commodity is a multiple of the matched amount.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sent.engines.capital.plaintext.beantokens import DEEPEST
from sent.engines.capital.plaintext.entries import Leg, Price, read_leg, split_note
from sent.engines.capital.plaintext.model import Amount, Place, wrong
from sent.engines.capital.plaintext.names import Names, compiled
from sent.engines.capital.plaintext.quantities import Reader, Styles

Query = Callable[[str, str], bool]
"""Whether an account and a payee are meant."""
MOST_RULES = 200


@dataclass(frozen=True, slots=True)
class Rule:
    """What is booked beside each posting that is meant."""

    matches: Query
    legs: tuple[Leg, ...]
    place: Place
    styles: Styles

    def follow(self, leg: Leg, payee: str) -> list[Leg]:
        """Return the postings that follow from a posting."""
        if leg.amount is None or not self.matches(leg.account, payee):
            return []
        return [self._of(template, leg, leg.amount) for template in self.legs]

    def _of(self, template: Leg, leg: Leg, amount: Amount) -> Leg:
        account = template.account.replace("$account", leg.account).replace("%(account)", leg.account)
        reader = Reader(template.text, self.styles, template.place)
        reader.variable = lambda name: amount if name in ("amount", "a") else None
        found = reader.amount()
        reader.end()
        price: Price | None = None
        if not found.commodity:
            found = Amount(found.number * amount.number, amount.commodity)
            price = leg.price if leg.price and not leg.price.whole else None
        return Leg(account, leg.place, found, None, price, None, template.brackets, template.note)


def read_rule(query: str, place: Place, below: list[tuple[Place, str]], styles: Styles, names: Names) -> Rule:
    """Read an automated transaction; raises Invalid for a query that is not understood."""
    legs: list[Leg] = []
    for at, line in below:
        if line[0] == ";":
            continue
        text, note = split_note(line, styles.dialect)
        account, gap, rest = text.partition("\t") if "\t" in text else text.partition("  ")
        if not gap or not rest.strip():
            raise wrong(at, "a posting of an automated transaction needs an amount or a multiple")
        shell = read_leg(account, at, styles)
        name = shell.account if "$account" in shell.account else names.full(shell.account, at)
        probe = Reader(rest.strip(), styles, at)
        probe.variable = _unit
        probe.amount()
        probe.end()
        legs.append(Leg(name, at, None, None, None, None, shell.brackets, note, rest.strip()))
    if not legs:
        raise wrong(place, "an automated transaction needs postings")
    return Rule(read_query(query, place), tuple(legs), place, styles)


def _unit(name: str) -> Amount | None:
    return Amount(Decimal(1), "") if name in ("amount", "a") else None


def read_query(text: str, place: Place) -> Query:
    """Return what a query means."""
    inner = text.strip()
    if inner.startswith("expr "):
        inner = inner[5:].strip()
        if inner[:1] in "'\"" and inner.endswith(inner[:1]):
            inner = inner[1:-1]
    words = _words(inner, place)
    if not words:
        raise wrong(place, "an automated transaction needs a query")
    query, at = _either(words, 0, place, 0)
    if at < len(words):
        raise wrong(place, f"{words[at]!r} is not understood in a query: use patterns, and, or, not")
    return query


def _words(text: str, place: Place) -> list[str]:
    found: list[str] = []
    at = 0
    while at < len(text):
        char = text[at]
        if char.isspace():
            at += 1
        elif char in "()|&!" or text.startswith("=~", at):
            found.append(text[at : at + 2] if char == "=" else char)
            at += len(found[-1])
        elif char in "/'\"":
            end = text.find(char, at + 1)
            if end < 0:
                raise wrong(place, f"a closing {char} is missing in the query")
            found.append("/" + text[at + 1 : end])
            at = end + 1
        elif char == "@":
            found.append("@")
            at += 1
        else:
            end = at
            while end < len(text) and not text[end].isspace() and text[end] not in "()|&!'\"":
                end += 1
            found.append(text[at:end])
            at = end
    return found


def _either(words: list[str], at: int, place: Place, depth: int) -> tuple[Query, int]:
    left, at = _both(words, at, place, depth)
    while at < len(words) and words[at] != ")":
        at += words[at] in ("or", "|")
        right, at = _both(words, at, place, depth)
        left = _or(left, right)
    return left, at


def _both(words: list[str], at: int, place: Place, depth: int) -> tuple[Query, int]:
    left, at = _term(words, at, place, depth)
    while at < len(words) and words[at] in ("and", "&"):
        right, at = _term(words, at + 1, place, depth)
        left = _and(left, right)
    return left, at


def _or(left: Query, right: Query) -> Query:
    return lambda account, payee: left(account, payee) or right(account, payee)


def _and(left: Query, right: Query) -> Query:
    return lambda account, payee: left(account, payee) and right(account, payee)


def _term(words: list[str], at: int, place: Place, depth: int) -> tuple[Query, int]:
    if depth > DEEPEST:
        raise wrong(place, f"brackets go at most {DEEPEST} deep")
    word = words[at] if at < len(words) else ""
    if word in ("not", "!"):
        inner, at = _term(words, at + 1, place, depth + 1)
        return (lambda account, payee: not inner(account, payee)), at
    if word == "(":
        inner, at = _either(words, at + 1, place, depth + 1)
        if at >= len(words):
            raise wrong(place, "a closing ) is missing in the query")
        return inner, at + 1
    if word in ("@", "payee", "account"):
        at += 2 if words[at + 1 : at + 2] == ["=~"] else 1
        if at >= len(words):
            raise wrong(place, f"a pattern is missing after {word!r}")
        pattern = _pattern(words[at], place)
        if word == "account":
            return (lambda account, payee: bool(pattern.search(account))), at + 1
        return (lambda account, payee: bool(pattern.search(payee))), at + 1
    if not word or word in (")", "and", "or", "&", "|", "=~") or word.startswith(("%", "#", "=")):
        raise wrong(place, f"{word or 'the end'!r} is not understood in a query: use patterns, and, or, not")
    pattern = _pattern(word, place)
    return (lambda account, payee: bool(pattern.search(account))), at + 1


def _pattern(word: str, place: Place) -> Any:
    return compiled(word.removeprefix("/").removesuffix("/"), place)
