"""What is new in a statement: the same movement is added once, whatever file or format tells it again.

What the bank calls a movement decides where both sides have a name of one kind. Otherwise day and amount must
be equal and nothing else may speak against it; two equal movements on one day are two, by counting. When a
statement has the same days and the same balances at both ends as a known one, both tell the same movements:
then day and amount suffice.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sent.engines.capital.bank.readers.statement import StatementLine
from sent.engines.capital.bank.words import tokens

_ENOUGH = 0.6


@dataclass(frozen=True, slots=True)
class Known:
    """A movement that stands in the books' statements already, and the format that told it."""

    line: StatementLine
    format: str


@dataclass(frozen=True, slots=True)
class Fresh:
    """A movement to add; `fingerprint` (32 bytes) is unique per bank account."""

    line: StatementLine
    fingerprint: bytes


def fresh(
    lines: Sequence[StatementLine], known: Sequence[Known], *, format: str, same_period: bool = False
) -> list[Fresh]:
    """Return which of a statement's `lines` are not `known` (all known ones of these days)."""
    left, unused = _by_bank_id(lines, known)
    by_amount: dict[tuple[date, Decimal, str], list[Known]] = defaultdict(list)
    for one in unused:
        by_amount[one.line.day, one.line.amount, one.line.commodity].append(one)
    new = []
    for line in left:
        rivals = by_amount[line.day, line.amount, line.commodity]
        ranked = [(_likeness(line, one, format, same_period), n) for n, one in enumerate(rivals)]
        best, at = max(ranked, default=(0.0, 0))
        if best >= _ENOUGH:
            del rivals[at]
        else:
            new.append(line)
    return _numbered(new, known)


def _by_bank_id(
    lines: Sequence[StatementLine], known: Sequence[Known]
) -> tuple[list[StatementLine], list[Known]]:
    """Take out what has the same name at the bank: line by line, or as a batch against its parts."""
    here: dict[tuple[str, date], list[StatementLine]] = defaultdict(list)
    there: dict[tuple[str, date], list[Known]] = defaultdict(list)
    for line in lines:
        here[_root(line), line.day].append(line)
    for one in known:
        there[_root(one.line), one.line.day].append(one)
    gone: set[int] = set()
    spent: set[int] = set()
    for key, group in here.items():
        others = there.get(key, []) if key[0] else []
        if not others:
            continue
        if sum(x.amount for x in group) == sum(x.line.amount for x in others):
            gone |= {id(x) for x in group}
            spent |= {id(x) for x in others}
            continue
        waiting = defaultdict(list)
        for one in others:
            waiting[one.line.amount].append(one)
        for line in group:
            if waiting[line.amount]:
                spent.add(id(waiting[line.amount].pop()))
                gone.add(id(line))
    return [x for x in lines if id(x) not in gone], [x for x in known if id(x) not in spent]


def _root(line: StatementLine) -> str:
    return line.bank_id.partition("#")[0]


def _likeness(line: StatementLine, known: Known, format: str, same_period: bool) -> float:
    """Return how much two movements of one day and amount look like one, in [0, 1]."""
    other = known.line
    if format == known.format and line.bank_id and other.bank_id:
        return 0.0  # the bank tells them apart
    mine, theirs = tokens(_said(line)), tokens(_said(other))
    if line.end_to_end and line.end_to_end == other.end_to_end:
        alike = 1.0
    elif not mine or not theirs:
        alike = _ENOUGH
    else:
        alike = len(mine & theirs) / min(len(mine), len(theirs))
    if same_period:
        return max(alike, _ENOUGH)
    if line.end_to_end and other.end_to_end and line.end_to_end != other.end_to_end:
        return 0.0
    return alike


def _said(line: StatementLine) -> str:
    return f"{line.counterparty} {line.text} {line.reference}"


def _numbered(new: Iterable[StatementLine], known: Iterable[Known]) -> list[Fresh]:
    counted = Counter(_base(one.line) for one in known)
    found = []
    for line in new:
        base = _base(line)
        found.append(Fresh(line, hashlib.sha256(base + counted[base].to_bytes(4, "big")).digest()))
        counted[base] += 1
    return found


def _base(line: StatementLine) -> bytes:
    told = line.bank_id or " ".join(sorted(tokens(_said(line))))
    text = f"{line.day}|{line.amount.normalize():f}|{line.commodity}|{told}"
    return hashlib.sha256(text.encode()).digest()
