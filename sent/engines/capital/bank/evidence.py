"""What speaks for a movement settling an open item, as logarithms of likelihood ratios.

Weights say how many times more often a sign is seen where both belong together than where they do not:
+7 is a thousand times, +2.3 ten times. They are cautious: a sign that two items share is worth little by
itself, because the other item competes (`assignment`).
"""

from __future__ import annotations

import math
import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sent.engines.capital.bank.model import Movement, Open
from sent.engines.capital.bank.words import compact, edits, fold, name_tokens, similar, tokens

PRIOR = -6.0
EXACT = 6.5
EXACT_ROUND = 4.5
FEW = 1000
"""Among fewer items how often an amount is seen says nothing."""
EXACT_SET_MOST = 12.0
CITED = 4.0
"""From this weight on a reference names the item."""
MISSED = -3.0
"""The text names an item that the hypothesis leaves out."""
OTHER_NUMBER = -3.5
"""The text names a number of the same series that is not open, and nothing like the item's."""
NEARLY = 2.0
"""From this weight on a reference is at least hinted at."""
_WINDOW = 3
_MAX_TOKENS = 80
_PARTS = """
rate raten teil teilzahlung teilbetrag rest restzahlung restbetrag anzahlung abschlag abschlagszahlung akonto
part partial instalment installment balance remaining remainder deposit acompte solde acconto saldo
"""
_PART = frozenset(fold(word) for word in _PARTS.split())
_AROUND = string.ascii_letters + "+-,.;()€£$"


@dataclass(frozen=True, slots=True)
class Read:
    """A movement's text as it is searched: single words with digits and neighbours joined, look-alikes as
    digits; `windows` in their order, `last` is the end of the text, which banks cut off;
    `short` are its numbers by themselves."""

    movement: Movement
    windows: tuple[str, ...]
    glued: str
    last: str
    words: frozenset[str]
    end_to_end: str
    short: frozenset[str]


def read(movement: Movement) -> Read:
    """Return a movement prepared for comparison."""
    said = " ".join((movement.text, movement.reference, movement.end_to_end))
    plain = "".join(c if c.isalnum() else " " for c in said).split()[:_MAX_TOKENS]
    windows: list[str] = []
    for n in range(len(plain)):
        for size in range(1, _WINDOW + 1):
            piece = plain[n : n + size]
            if len(piece) == size and any(c.isdigit() for word in (piece[0], piece[-1]) for c in word):
                windows.append(compact("".join(piece)))
    ending = "".join(c if c.isalnum() else " " for c in movement.text).split()[-_WINDOW:]
    return Read(
        movement,
        tuple(dict.fromkeys(windows)),
        compact(said),
        compact("".join(ending)),
        tokens(f"{movement.text} {movement.counterparty}"),
        compact(movement.end_to_end),
        frozenset(word.lstrip("0") for word in plain if word.isdigit()),
    )


@dataclass(frozen=True, slots=True)
class Number:
    """An open item's reference as it is looked for: whole, its digits, its last group of digits.

    `group` is what stands before that (items of one series share it), `tail` the last group as it is.
    """

    full: str
    core: str
    last: str
    group: str = ""
    tail: str = ""


def number(reference: str) -> Number:
    """Return a reference prepared for comparison; what has no digit is none."""
    if not any(c.isdigit() for c in reference):
        return Number("", "", "")
    groups = "".join(c if c.isdigit() else " " for c in reference).split()
    before = reference[: reference.rfind(groups[-1])]
    return Number(compact(reference), "".join(groups), groups[-1].lstrip("0"), compact(before), groups[-1])


def reference(read_: Read, wanted: Number) -> float:
    """Return what the movement's text says for a reference: named, nearly named, cut off, or 0."""
    if not wanted.full:
        return 0.0
    if len(wanted.full) >= 4 and read_.end_to_end == wanted.full:
        return 8.0
    best = 0.0
    for window in read_.windows:
        best = max(best, _named(window, wanted))
        if best >= 7.0:
            return best
    if best < CITED and len(wanted.full) >= 8 and wanted.full in read_.glued:
        best = 4.5
    if best < 3.5 and len(wanted.full) >= 7:
        best = max(best, _nearly(read_, wanted))
    return best


def other_of_series(read_: Read, wanted: Number) -> bool:
    """Whether the text names another number of the item's series: one that is not (or no longer) open."""
    if len(wanted.full) < 7:
        return False
    year = wanted.core[: len(wanted.core) - len(wanted.tail)]
    for window in read_.windows:
        for whole, before in ((wanted.full, wanted.group), (wanted.core, year)):
            of_series = before and len(window) == len(whole) >= 7 and window.startswith(before)
            if of_series and window != whole and window[len(before) :].isdigit():
                return True
    return False


def _named(window: str, wanted: Number) -> float:
    if window == wanted.full:
        return 7.0 if len(window) >= 6 else 4.0
    if window == wanted.core:
        return 5.5 if len(window) >= 7 else 4.0 if len(window) >= 5 else 2.0
    if window.lstrip("0") == wanted.last:
        return 3.0 if len(wanted.last) >= 5 else 2.2 if len(wanted.last) >= 3 else 0.5
    return 0.0


def _nearly(read_: Read, wanted: Number) -> float:
    best = 0.0
    long = len(wanted.full) >= 9
    for window in read_.windows:
        if abs(len(window) - len(wanted.full)) <= 1:
            apart = edits(window, wanted.full, 2 if long else 1)
            best = max(best, 0.0 if apart is None else 3.2 if apart == 1 else 1.2)
        if len(wanted.core) >= 7 and best < 2.5 and abs(len(window) - len(wanted.core)) <= 1:
            best = max(best, 0.0 if edits(window, wanted.core, 1) is None else 2.5)
    shortest = max(6, len(wanted.full) * 2 // 3, len(wanted.group) + 2)
    for at in range(max(0, len(read_.last) - len(wanted.full)), len(read_.last) - shortest + 1):
        if best < 2.0 and wanted.full.startswith(read_.last[at:]):
            best = 2.0
    return best


def name(read_: Read, party: str, parties: Mapping[str, str]) -> float:
    """Return what names and a known IBAN say for a party; negative when somebody else paid."""
    if not party:
        return 0.0
    movement = read_.movement
    known = parties.get(movement.iban, "") if movement.iban else ""
    if known and similar(known, party) >= 0.9:
        return 5.0
    alike = similar(movement.counterparty, party) if movement.counterparty else -1.0
    for least, weight in ((0.95, 4.5), (0.85, 3.8), (0.7, 2.0), (0.5, 0.5)):
        if alike >= least:
            return weight
    wanted = name_tokens(party)
    if wanted and all(word in read_.words for word in wanted) and sum(map(len, wanted)) >= 6:
        return 3.0
    if alike < 0:
        return 0.0
    return -3.5 if known else -2.5


def booked_words(read_: Read, open_: Open) -> float:
    """Return what the memo of a ledger line has in common with a movement."""
    if open_.party or not open_.text:
        return 0.0
    said = {word for word in tokens(open_.text) if len(word) >= 4}
    shared = said & read_.words
    if not said or not shared:
        return 0.0
    return min(3.5, 4.0 * len(shared) / len(said) + 0.5)


def when(paid: date, open_: Open) -> float:
    """Return what the days say: the bank follows the ledger within days, payments invoices within months."""
    late = (paid - open_.day).days
    if open_.kind == "line":
        return 1.0 if abs(late) <= 5 else 0.0 if abs(late) <= 14 else -1.5 if abs(late) <= 45 else -3.0
    if late < -3:
        return -3.0
    return 0.3 if late <= 45 else 0.3 - min(2.0, (late - 45) / 60)


def exact(amount: Decimal, same: int, every: int) -> float:
    """Return what an equal amount says when `same` of `every` open items have it.

    Prices of a list and round amounts say little: the item that is meant may not be there.
    """
    most = EXACT_ROUND if amount == amount.to_integral_value() and amount % 10 == 0 else EXACT
    return min(most, math.log((every + FEW) / max(1, same)))


def exact_set(amounts: Sequence[int]) -> float:
    """Return what it says that amounts, in the smallest unit, make a sum: little where all are round."""
    step = math.gcd(*amounts)
    return max(0.0, min(EXACT_SET_MOST, math.log(max(1, abs(sum(amounts)) // max(1, step))) - 2.0))


def amounts_in(text: str) -> set[Decimal]:
    """Return the amounts with two decimals that a text tells, in either way of writing them."""
    found = set()
    for word in text.replace(":", " ").split()[:_MAX_TOKENS]:
        plain = word.strip(_AROUND)
        if len(plain) >= 4 and plain[-3] in ".," and len(plain) <= 20:
            digits = plain[:-3].replace(".", "").replace(",", "").replace("'", "") + plain[-2:]
            if digits.isascii() and digits.isdigit():
                found.add(Decimal(int(digits)) / 100)
    return found


def in_parts(read_: Read) -> bool:
    """Whether a text says that it pays only a part."""
    return bool(_PART & read_.words)


def party_key(name_: str) -> str:
    """Return what names of one party have in common."""
    return " ".join(sorted(name_tokens(name_)))


def starts(names: Iterable[str]) -> set[str]:
    """Return the beginnings of a name's words: names that share none are not alike."""
    return {fold(word)[:3] for each in names for word in name_tokens(each) if len(word) >= 2}
