"""Words of banks: names and references as they are compared, after what banks and people do to them.

Folding: case, accents, German umlauts both ways (ü, ue, u), legal forms. References: letters that people
and scanners mistake for digits become digits, so that `RE-2O26-OO123` is `RE202600123`.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

_FORMS = """
gmbh mbh ag kg ohg gbr ug eg ev ek kgaa co cie und and the inc llc llp lp ltd limited plc corp corporation
company bv nv sa sarl sas srl spa ab as oy aps haftungsbeschrankt group gruppe holding inhaber inh herr frau
fa firma dr
"""
LEGAL = frozenset(_FORMS.split())
_LOOKS = str.maketrans("OQDILZSGB", "000112568")
_SPELT = str.maketrans({"ä": "a", "ö": "o", "ü": "u", "ß": "ss", "æ": "a", "ø": "o", "å": "a", "ł": "l"})


@lru_cache(maxsize=65536)
def fold(text: str) -> str:
    """Return the text in lower case without accents; ue, ae, oe as u, a, o: both spellings are one."""
    plain = text.lower().translate(_SPELT)
    plain = "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))
    return plain.replace("ue", "u").replace("ae", "a").replace("oe", "o")


@lru_cache(maxsize=65536)
def tokens(text: str) -> frozenset[str]:
    """Return the folded words of a text."""
    return frozenset("".join(c if c.isalnum() else " " for c in fold(text)).split())


@lru_cache(maxsize=65536)
def name_tokens(name: str) -> tuple[str, ...]:
    """Return the words of a name that tell it: without legal forms, unless nothing else is there."""
    every = "".join(c if c.isalnum() else " " for c in fold(name)).split()
    return tuple(word for word in every if word not in LEGAL) or tuple(every)


@lru_cache(maxsize=262144)
def compact(text: str) -> str:
    """Return letters and digits only, in upper case, with look-alikes as digits."""
    plain = "".join(c for c in text.upper() if c.isalnum() and c.isascii())
    return plain.translate(_LOOKS)


@lru_cache(maxsize=262144)
def similar(one: str, other: str) -> float:
    """Return how alike two names are in [0, 1]: words may be in another order, cut off or misspelt."""
    mine, theirs = list(name_tokens(one)), list(name_tokens(other))
    if not mine or not theirs:
        return 0.0
    if mine == theirs:
        return 1.0
    if len(mine) > len(theirs):
        mine, theirs = theirs, mine
    weight = 0.0
    left = list(theirs)
    for word in mine:
        rated = max(((_alike(word, each), each) for each in left), default=(0.0, ""))
        if rated[0] > 0:
            weight += rated[0] * len(word)
            left.remove(rated[1])
    total = sum(map(len, mine))
    missing = sum(map(len, left))
    covered = weight / total
    joined = _joined(one, other)
    return max(joined, covered * (1 - 0.35 * missing / (missing + total)))


def _joined(one: str, other: str) -> float:
    """Return how alike two names are written as one word: a bank's field ends anywhere."""
    a, b = "".join(name_tokens(one)), "".join(name_tokens(other))
    short, long = sorted((a, b), key=len)
    if len(short) >= 8 and long.startswith(short):
        return 0.8 + 0.18 * len(short) / len(long)
    return 0.0


@lru_cache(maxsize=262144)
def _alike(a: str, b: str) -> float:
    if a == b:
        return 1.0
    short, long = sorted((a, b), key=len)
    if len(short) >= 3 and long.startswith(short):
        return 0.7 + 0.3 * len(short) / len(long)
    if len(short) >= 4 and edits(a, b, 1 if len(short) < 8 else 2) is not None:
        return 0.85
    return 0.0


def edits(a: str, b: str, most: int) -> int | None:
    """Return how many edits (insert, delete, change, swap of neighbours) lie between; None above `most`."""
    if abs(len(a) - len(b)) > most:
        return None
    start = 0
    while start < min(len(a), len(b)) and a[start] == b[start]:
        start += 1
    end = 0
    while end < min(len(a), len(b)) - start and a[-1 - end] == b[-1 - end]:
        end += 1
    a, b = a[start : len(a) - end], b[start : len(b) - end]
    if max(len(a), len(b)) <= 1:
        return max(len(a), len(b)) if max(len(a), len(b)) <= most else None
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        older, before, row = before, row, [i]
        for j, y in enumerate(b, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return None
    return row[-1] if row[-1] <= most else None
