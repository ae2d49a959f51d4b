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
_SURE = 28.0
ROUNDS = 6


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
        n
        for n, one in enumerate(hypotheses)
        if one.score > 0 and all(one.score > top[m] - HOPELESS for m in one.movements)
    ]
    chosen: list[int] = []
    unsure: set[int] = set()
    for group in _groups(good, hypotheses):
        best, complete = _best(group, hypotheses, room)
        chosen += best
        if not complete:
            unsure |= set(best)
    beliefs = _beliefs(hypotheses, room)
    found = []
    for n in chosen:
        sure = beliefs[n]
        if n in unsure and sure < BEYOND_DOUBT:
            sure *= UNSURE
        found.append(Chosen(hypotheses[n], min(sure, hypotheses[n].cap)))
    return found


def _groups(places: Sequence[int], hypotheses: Sequence[Hypothesis]) -> list[list[int]]:
    """Return groups of the hypotheses at `places` that touch each other over movements or items."""
    parent = {n: n for n in places}

    def root(n: int) -> int:
        while parent[n] != n:
            parent[n] = parent[parent[n]]
            n = parent[n]
        return n

    seen: dict[tuple[str, int], int] = {}
    for n in places:
        one = hypotheses[n]
        for key in [("m", m) for m in one.movements] + [("o", o) for o, _ in one.taken]:
            if key in seen:
                parent[root(n)] = root(seen[key])
            seen[key] = n
    groups = defaultdict(list)
    for n in places:
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


def _beliefs(hypotheses: Sequence[Hypothesis], room: Sequence[Decimal]) -> list[float]:
    """Return how likely each hypothesis is, given all others: belief propagation, a few rounds.

    A movement weighs its hypotheses by their odds and by how far their items are free; an item is free as
    far as other movements, with what else they could be, do not claim it.
    """
    odds = [math.exp(min(one.score, _SURE)) for one in hypotheses]
    by_open: dict[int, list[int]] = defaultdict(list)
    for n, one in enumerate(hypotheses):
        for o, _ in one.taken:
            by_open[o].append(n)
    shared = {o for o, some in by_open.items() if any(_apart(hypotheses[n], o, room) for n in some)}
    free = [1.0] * len(hypotheses)
    for _ in range(ROUNDS):
        total = _totals(hypotheses, odds, free)
        claims = [
            odds[n] / max(1.0, *(total[m] - odds[n] * free[n] for m in one.movements))
            for n, one in enumerate(hypotheses)
        ]
        claimed: dict[int, float] = defaultdict(float)
        own: dict[tuple[int, int], float] = defaultdict(float)
        for n, one in enumerate(hypotheses):
            for o, _ in one.taken:
                claimed[o] += claims[n]
                for m in one.movements:
                    own[o, m] += claims[n]
        for n, one in enumerate(hypotheses):
            left = 1.0
            for o, _ in one.taken:
                if o in shared or len(one.movements) > 1:
                    others = sum(claims[r] for r in by_open[o] if _rivals(one, hypotheses[r], o, room))
                else:
                    others = max(0.0, claimed[o] - own[o, one.movements[0]])
                left /= 1.0 + others
            free[n] = math.sqrt(free[n] * left)
    total = _totals(hypotheses, odds, free)
    return [min(odds[n] * free[n] / total[m] for m in one.movements) for n, one in enumerate(hypotheses)]


def _totals(
    hypotheses: Sequence[Hypothesis], odds: Sequence[float], free: Sequence[float]
) -> dict[int, float]:
    """Return for each movement the odds of all that it could be, "something else" included."""
    total: dict[int, float] = defaultdict(lambda: 1.0)
    for n, one in enumerate(hypotheses):
        for m in one.movements:
            total[m] += odds[n] * free[n]
    return total


def _apart(one: Hypothesis, o: int, room: Sequence[Decimal]) -> bool:
    """Whether a hypothesis takes only a part of an item."""
    return abs(dict(one.taken)[o]) < abs(room[o])


def _rivals(one: Hypothesis, other: Hypothesis, o: int, room: Sequence[Decimal]) -> bool:
    """Whether two hypotheses of other movements want more of an item than there is."""
    if set(one.movements) & set(other.movements):
        return False
    return abs(dict(one.taken)[o] + dict(other.taken)[o]) > abs(room[o])
