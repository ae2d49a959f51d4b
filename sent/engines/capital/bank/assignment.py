"""The best of many hypotheses that contradict each other, and how sure each is then.

A hypothesis says that some movements settle some open items; its score is the logarithm of the odds against
"something else". Chosen is the set without contradiction with the highest sum, in each group of hypotheses
that touch each other: branch and bound from a greedy start, so that a first comer never takes what fits
another better. The confidence of a chosen one is its share among all that could be instead.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

MAX_STEPS = 4_000
UNSURE = 0.8
"""What confidence is multiplied by where the search was cut short and others come near."""
BEYOND_DOUBT = 0.99
"""From here on nothing comes near: neither the movement's others nor the items' others."""
HOPELESS = 9.0
"""What lies so far below a movement's best (1 : 8000) is not searched; it still counts for confidence."""
_SURE = 40.0


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """Positions of movements, positions of open items with what is taken, and the score.

    Confidence is at most `cap`; `why` tells the evidence.
    """

    movements: tuple[int, ...]
    taken: tuple[tuple[int, Decimal], ...]
    score: float
    cap: float = 1.0
    charge: Decimal = Decimal(0)
    why: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Chosen:
    """A hypothesis that was taken, and how sure it is in [0, 1]."""

    hypothesis: Hypothesis
    confidence: float


def choose(hypotheses: Sequence[Hypothesis], room: Sequence[Decimal]) -> list[Chosen]:
    """Return the best hypotheses without contradiction; `room` is what each open item has left.

    Two may share an open item while what they take of it is within its amount.
    """
    top: dict[int, float] = defaultdict(float)
    for one in hypotheses:
        for m in one.movements:
            top[m] = max(top[m], one.score)
    good = [
        one
        for one in hypotheses
        if one.score > 0 and all(one.score > top[m] - HOPELESS for m in one.movements)
    ]
    chosen: list[int] = []
    unsure: set[int] = set()
    for group in _groups(good):
        best, complete = _best(group, good, room)
        chosen += best
        if not complete:
            unsure |= set(best)
    shares = _shares(hypotheses)
    by_open: dict[int, list[Hypothesis]] = defaultdict(list)
    for one in hypotheses:
        for open_, _ in one.taken:
            by_open[open_].append(one)
    found = []
    for n in chosen:
        one = good[n]
        sure = _confidence(one, by_open, shares, room)
        if n in unsure and sure < BEYOND_DOUBT:
            sure *= UNSURE
        found.append(Chosen(one, min(sure, one.cap)))
    return found


def _groups(hypotheses: Sequence[Hypothesis]) -> list[list[int]]:
    """Return positions of hypotheses that touch each other over movements or items."""
    parent = list(range(len(hypotheses)))

    def root(n: int) -> int:
        while parent[n] != n:
            parent[n] = parent[parent[n]]
            n = parent[n]
        return n

    seen: dict[tuple[str, int], int] = {}
    for n, one in enumerate(hypotheses):
        for key in [("m", m) for m in one.movements] + [("o", o) for o, _ in one.taken]:
            if key in seen:
                parent[root(n)] = root(seen[key])
            seen[key] = n
    groups = defaultdict(list)
    for n in range(len(hypotheses)):
        groups[root(n)].append(n)
    return list(groups.values())


class _State:
    """What is taken on the way through the tree."""

    def __init__(self, room: Sequence[Decimal]) -> None:
        self.room = room
        self.busy: set[int] = set()
        self.used: dict[int, Decimal] = defaultdict(Decimal)

    def fits(self, one: Hypothesis) -> bool:
        """Whether nothing that is taken contradicts."""
        return not any(m in self.busy for m in one.movements) and all(
            abs(self.used[o] + amount) <= abs(self.room[o]) for o, amount in one.taken
        )

    def take(self, one: Hypothesis, way: int = 1) -> None:
        """Take a hypothesis, or give it back (`way` -1)."""
        if way > 0:
            self.busy.update(one.movements)
        else:
            self.busy.difference_update(one.movements)
        for o, amount in one.taken:
            self.used[o] += way * amount


def _best(
    group: Sequence[int], hypotheses: Sequence[Hypothesis], room: Sequence[Decimal]
) -> tuple[list[int], bool]:
    """Return the best set of a group, and whether all were looked at."""
    if len(group) == 1:
        return list(group), True
    ordered = sorted(group, key=lambda n: -hypotheses[n].score / len(hypotheses[n].movements))
    state = _State(room)
    best: list[int] = []
    for n in ordered:
        if state.fits(hypotheses[n]):
            state.take(hypotheses[n])
            best.append(n)
    best_value = sum(hypotheses[n].score for n in best)
    # What the hypotheses from a place on can add at most: per movement only its best one.
    bounds = [0.0] * (len(ordered) + 1)
    top: dict[int, float] = defaultdict(float)
    for at in range(len(ordered) - 1, -1, -1):
        one = hypotheses[ordered[at]]
        for m in one.movements:
            top[m] = max(top[m], one.score / len(one.movements))
        bounds[at] = sum(top.values())
    state, steps = _State(room), 0
    path: list[int] = []

    def walk(at: int, value: float) -> bool:
        nonlocal best, best_value, steps
        steps += 1
        if steps > MAX_STEPS:
            return False
        if value > best_value + 1e-9:
            best, best_value = list(path), value
        if at == len(ordered) or value + bounds[at] <= best_value + 1e-9:
            return True
        one = hypotheses[ordered[at]]
        if state.fits(one):
            state.take(one)
            path.append(ordered[at])
            complete = walk(at + 1, value + one.score)
            path.pop()
            state.take(one, -1)
            if not complete:
                return False
        return walk(at + 1, value)

    complete = len(ordered) <= 300 and walk(0, 0.0)
    return best, complete


def _odds(score: float) -> float:
    return math.exp(min(score, _SURE))


def _shares(hypotheses: Sequence[Hypothesis]) -> dict[int, float]:
    """Return for each movement the odds of all that could be, "something else" included."""
    total: dict[int, float] = defaultdict(lambda: 1.0)
    for one in hypotheses:
        for m in one.movements:
            total[m] += _odds(one.score)
    return total


def _confidence(
    one: Hypothesis,
    by_open: dict[int, list[Hypothesis]],
    shares: dict[int, float],
    room: Sequence[Decimal],
) -> float:
    """Return how likely a hypothesis is, given what else its movements and its items could be.

    Of two that exclude each other over an item, with shares q and r among their movements' others, the first
    is true with q(1 - r) / (1 - qr): a rival that has something better elsewhere takes nothing away.
    """
    sure = min(_share(one.score, shares[m]) for m in one.movements)
    mine = set(one.movements)
    for o, amount in one.taken:
        for other in by_open[o]:
            if mine & set(other.movements):
                continue
            if abs(dict(other.taken)[o] + amount) <= abs(room[o]):
                continue
            rival = min(_share(other.score, shares[m]) for m in other.movements)
            sure = sure * (1 - rival) / (1 - sure * rival)
    return sure


def _share(score: float, total: float) -> float:
    return min(_odds(score) / total, 1 - 1e-12)
