"""Ranks tens of thousands of titles between two keystrokes.

Titles stand in one text, so that the interpreter's own search finds those that begin with what was typed,
those where a word does, and those that hold it; these go before all others, and when they fill the list, the
rest is not looked at. Otherwise titles that hold the letters in order follow: a bit mask of the letters sorts
most out, what a shorter query excluded stays excluded, and a time budget ends the search where a machine is
slow. Within each kind: what was used last, then the earlier place, the shorter title, the order given.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate

SHOWN = 60
HITS = 400
"""Of one kind, so many are compared: more would not change what stands at the top of a list of 60."""
BUDGET_S = 0.005
CHUNK = 512
EVERY = ~0

_BREAKS = {sign: " " for sign in range(128) if chr(sign) != "\n" and not chr(sign).isalnum()}


class Titles:
    """Titles ready to be ranked; `extra` are further words by which a title is found, ranked last."""

    def __init__(self, titles: Sequence[str], extra: Sequence[str] = ()) -> None:
        text, self._titles = _joined(titles)
        self._text = f"\n{text}"
        self._places = list(accumulate((len(title) + 1 for title in self._titles), initial=1))
        self._extra = extra
        self._masks = [EVERY] * len(self._titles)
        self._masked = 0
        self._last = ""
        self._survivors: list[int] | None = None

    @cached_property
    def _words(self) -> str:
        """The text with a space for every sign that begins a word; places stay."""
        return self._text.translate(_BREAKS)

    @cached_property
    def _further(self) -> tuple[str, list[int]]:
        """The further words as one text, and where each row's begin."""
        text, rows = _joined(self._extra)
        return f"\n{text}", list(accumulate((len(words) + 1 for words in rows), initial=1))

    def __len__(self) -> int:
        return len(self._titles)

    def prepare(self, rows: int = 2000) -> bool:
        """Make the masks of some more titles; True when all are made. Call it while nothing happens."""
        upto = min(len(self._titles), self._masked + rows)
        for row in range(self._masked, upto):
            self._masks[row] = mask(self._titles[row])
        self._masked = upto
        return upto == len(self._titles)

    def ranked(self, query: str, recent: dict[int, int] | None = None, shown: int = SHOWN) -> list[int]:
        """Return the rows that fit, best first; `recent` gives rows that were used a rank (0 = latest)."""
        used = recent or {}
        query = " ".join(query.lower().split())
        if not query:
            first = sorted(used, key=lambda row: used[row])[:shown]
            return (first + [row for row in range(min(len(self), shown * 2)) if row not in used])[:shown]
        found: dict[int, tuple[int, int]] = {}
        for tier, (text, wanted, lead) in enumerate(
            ((self._text, f"\n{query}", 1), (self._words, f" {query}", 1), (self._text, query, 0))
        ):
            self._collect(text, self._places, wanted, lead, tier, found)
            if len(found) >= shown and not any(row not in found for row in used):
                break
        if len(found) < shown:
            self._letters(query.replace(" ", ""), found)
        if len(query) > 2 and len(found) < shown:
            text, places = self._further
            self._collect(text, places, query, 0, 4, found)
        order = sorted(
            found,
            key=lambda row: (found[row][0], used.get(row, SHOWN), found[row][1], len(self._titles[row]), row),
        )
        return order[:shown]

    @staticmethod
    def _collect(
        text: str, places: list[int], wanted: str, lead: int, tier: int, found: dict[int, tuple[int, int]]
    ) -> None:
        at, hits = text.find(wanted), 0
        while at >= 0 and hits < HITS:
            row = bisect_right(places, at + lead) - 1
            if row not in found:
                found[row] = (tier, at + lead - places[row])
                hits += 1
            at = text.find(wanted, places[row + 1] - 1)

    def _letters(self, query: str, found: dict[int, tuple[int, int]]) -> None:
        """Add titles that hold the letters of `query` in order."""
        wanted, masks = mask(query), self._masks
        narrowed = self._survivors is not None and self._last and query.startswith(self._last)
        pool: Sequence[int] = (
            self._survivors if narrowed and self._survivors is not None else range(len(self))
        )
        left = [row for row in pool if masks[row] & wanted == wanted]
        keep: list[int] = []
        limit, hits, done = time.perf_counter() + BUDGET_S, 0, 0
        for start in range(0, len(left), CHUNK):
            for row in left[start : start + CHUNK]:
                worth = spread(query, self._titles[row])
                if worth is not None:
                    keep.append(row)
                    if row not in found:
                        found[row] = (3, worth)
                        hits += 1
            done = start + CHUNK
            if hits >= HITS or time.perf_counter() > limit:
                break
        # What was not reached may still fit: the next letter looks at it again.
        self._survivors, self._last = keep + left[done:], query


def _joined(texts: Sequence[str]) -> tuple[str, list[str]]:
    """Return the texts in small letters as lines of one text, and those lines."""
    text = "\n".join(texts).lower()
    lines = text.split("\n") if texts else []
    if len(lines) != len(texts):
        lines = [line.replace("\n", " ").lower() for line in texts]
        text = "\n".join(lines)
    return text, lines


def mask(text: str) -> int:
    """Return the letters of `text` as bits; other signs share a few."""
    found = 0
    for sign in set(text):
        found |= 1 << (ord(sign) % 61)
    return found


def spread(query: str, title: str) -> int | None:
    """Return how loosely the letters of `query` lie in `title` (less is better), None when one is missing.

    Starts of words and runs of letters count for it, gaps against it.
    """
    worth, place = 0, -1
    for letter in query:
        at = title.find(letter, place + 1)
        if at < 0:
            return None
        gap = at - place - 1
        if gap or place < 0:
            starts = at == 0 or not title[at - 1].isalnum()
            worth += min(gap, 6) - (8 if starts else 0)
        else:
            worth -= 6
        place = at
    return worth
