"""Which movements settle which open items: hypotheses from amounts, references and names, then the best.

Pure: the same input gives the same result, nothing is booked here. Hypotheses are 1:1 (equal amount, part
payment, overpayment), 1:n (a transfer pays several items), n:1 (several transfers pay one), and a card
company's settlement less its fee. Bounded: candidates per movement, sets per candidate list.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from sent.engines.capital.bank import evidence
from sent.engines.capital.bank.assignment import Hypothesis, choose
from sent.engines.capital.bank.evidence import Read
from sent.engines.capital.bank.model import Learned, Match, Movement, Open, Taken
from sent.engines.capital.bank.sums import subsets
from sent.engines.capital.bank.words import similar

MAX_EQUAL = 60
MAX_POOL = 24
MAX_PARTIES = 5
PART_CAP = 0.97
ASK_CAP = 0.9
MAX_FEE = Decimal("0.04")
SETTLED_WITHIN = timedelta(days=10)
NEAR = timedelta(days=15)
WHOLE = 7.0
"""A reference of this weight is the item's, whole."""
FOR_ANOTHER = -1.0
"""Who tells the whole reference may pay for somebody else."""
INSTEAD = -5.0
"""A part payment that happens to be the amount of another item of the same party is seldom one."""
_SCALE = 10**8
_UNIT = 10**6
_UNTIL = frozenset({"bis", "to", "until", "thru", "through", "till"})


class Candidates:
    """Open items as they are looked up: by amount, reference and party."""

    def __init__(self, opens: Sequence[Open]) -> None:
        self.opens = opens
        self.numbers = [evidence.number(one.reference) for one in opens]
        self.by_amount: dict[tuple[str, Decimal], list[int]] = defaultdict(list)
        self.by_number: dict[str, list[int]] = defaultdict(list)
        self.by_party: dict[str, list[int]] = defaultdict(list)
        self.party_names: dict[str, str] = {}
        self.by_start: dict[str, set[str]] = defaultdict(set)
        self._near: dict[tuple[str, str], list[str]] = {}
        for n, one in enumerate(opens):
            self.by_amount[one.commodity, one.amount].append(n)
            for key in {self.numbers[n].full, self.numbers[n].core} - {""}:
                if len(key) >= 4:
                    self.by_number[key].append(n)
            if one.party:
                key = evidence.party_key(one.party)
                self.by_party[key].append(n)
                self.party_names.setdefault(key, one.party)
        for key, name in self.party_names.items():
            for start in evidence.starts([name]):
                self.by_start[start].add(key)

    @cached_property
    def automaton(self) -> Any:
        """References of eight characters and more, found inside text without blanks."""
        import ahocorasick

        made = ahocorasick.Automaton()
        for n, wanted in enumerate(self.numbers):
            if len(wanted.full) >= 8:
                made.add_word(wanted.full, (*made.get(wanted.full, ()), n))
        if len(made):
            made.make_automaton()
        return made

    def cited(self, read: Read) -> list[int]:
        """Return the items that a movement's text names."""
        found: dict[int, None] = {}
        for window in read.windows:
            for n in self.by_number.get(window, ())[:MAX_EQUAL]:
                found[n] = None
        if len(self.automaton):
            for _, several in self.automaton.iter(read.glued):
                for n in several[:MAX_EQUAL]:
                    found[n] = None
        way = read.movement.amount > 0
        return [
            n
            for n in found
            if self.opens[n].commodity == read.movement.commodity
            and ((self.opens[n].amount > 0) == way or self.opens[n].kind == "credit_note")
            and evidence.reference(read, self.numbers[n]) >= evidence.CITED
        ]

    def parties(self, movement: Movement, learned: Learned) -> list[str]:
        """Return the parties that a movement's counterparty may be, the likest first."""
        known = learned.parties.get(movement.iban, "") if movement.iban else ""
        key = (movement.counterparty, known)
        if key not in self._near:
            names = [name for name in key if name]
            near = {one for start in evidence.starts(names) for one in self.by_start.get(start, ())}
            rated = [
                (max(similar(name, self.party_names[one]) for name in names), one) for one in near if names
            ]
            good = sorted((one for one in rated if one[0] >= 0.7), reverse=True)
            self._near[key] = [one for _, one in good[:MAX_PARTIES]]
        return self._near[key]


def match(
    movements: Sequence[Movement], opens: Sequence[Open], learned: Learned | None = None
) -> list[Match]:
    """Return what belongs together, the surest first; every movement is in one match at most."""
    if not movements or not opens:
        return []
    known = learned or Learned()
    candidates = Candidates(opens)
    reads = [evidence.read(movement) for movement in movements]
    hypotheses: list[Hypothesis] = []
    for n, read in enumerate(reads):
        hypotheses += _of_movement(n, read, candidates, known)
    hypotheses += _of_several(reads, candidates, known)
    chosen = choose(hypotheses, [one.amount for one in opens])
    found = [
        Match(
            tuple(movements[m].id for m in one.hypothesis.movements),
            tuple(Taken(opens[o], amount) for o, amount in one.hypothesis.taken),
            one.hypothesis.charge,
            round(one.confidence, 4),
            one.hypothesis.why,
        )
        for one in chosen
    ]
    return sorted(found, key=lambda one: (-one.confidence, one.movements))


def _of_movement(n: int, read: Read, candidates: Candidates, learned: Learned) -> Iterator[Hypothesis]:
    """Yield what one movement may settle."""
    movement = read.movement
    cited = candidates.cited(read)
    parties = candidates.parties(movement, learned)
    equal = candidates.by_amount.get((movement.commodity, movement.amount), [])
    if len(equal) > MAX_EQUAL:
        equal = sorted(equal, key=lambda o: abs(candidates.opens[o].day - movement.day))[:MAX_EQUAL]
    theirs = [o for o in equal if o not in cited and candidates.opens[o].party]
    instead = any(evidence.name(read, candidates.opens[o].party, learned.parties) >= 2.0 for o in theirs)
    for o in dict.fromkeys([*equal, *cited]):
        one = _single(n, read, o, cited, candidates, learned, instead=instead)
        if one is not None:
            yield one
    cited = _listed(read, cited, candidates)
    pool = _pool(movement, cited, parties, candidates)
    yield from _sets(n, read, pool, cited, candidates, learned)
    for party in parties:
        yield from _settlements(n, read, candidates.by_party[party], candidates, learned)


def _listed(read: Read, cited: Sequence[int], candidates: Candidates) -> list[int]:
    """Return what a text names, with what only its list or range does: "RE-100/101/102", "RE-100 bis 105"."""
    if not cited:
        return []
    opens, numbers = candidates.opens, candidates.numbers
    theirs = candidates.by_party[evidence.party_key(opens[cited[0]].party)] if opens[cited[0]].party else []
    found = dict.fromkeys(cited)
    lasts = sorted(int(numbers[o].last) for o in cited if numbers[o].last.isdigit())
    ranged = len(lasts) >= 2 and bool(_UNTIL & read.words) and lasts[-1] - lasts[0] <= MAX_POOL
    group = numbers[cited[0]].group
    for o in theirs:
        if numbers[o].group != group or opens[o].commodity != read.movement.commodity:
            continue
        between = ranged and lasts[0] <= int(numbers[o].last or 0) <= lasts[-1]
        if between or (len(numbers[o].last) >= 2 and numbers[o].last in read.short):
            found[o] = None
    return list(found)


def _single(
    n: int,
    read: Read,
    o: int,
    cited: Sequence[int],
    candidates: Candidates,
    learned: Learned,
    *,
    instead: bool,
) -> Hypothesis | None:
    """Return what speaks for one item; `instead` says that the party has another of just that amount."""
    open_, movement = candidates.opens[o], read.movement
    named = evidence.reference(read, candidates.numbers[o])
    who = evidence.name(read, open_.party, learned.parties) or evidence.booked_words(read, open_)
    if named >= WHOLE:
        who = max(who, FOR_ANOTHER)
    score = evidence.PRIOR + named + who + evidence.when(movement.day, open_)
    missed = sum(1 for other in cited if other != o and named < WHOLE)
    score += evidence.MISSED * missed
    if not missed and named < evidence.NEARLY and evidence.other_of_series(read, candidates.numbers[o]):
        score += evidence.OTHER_NUMBER
    why = _why(named, who)
    rest = abs(open_.amount) - abs(movement.amount)
    if rest == 0 and open_.amount == movement.amount:
        same = len(candidates.by_amount[open_.commodity, open_.amount])
        score += evidence.exact(open_.amount, same, len(candidates.opens))
        return Hypothesis((n,), ((o, open_.amount),), score, why=("amount", *why))
    if (open_.amount > 0) != (movement.amount > 0) or named < evidence.CITED:
        return None
    if instead:
        score += INSTEAD
    if rest > 0 and open_.kind != "line":
        cap = PART_CAP if evidence.in_parts(read) else ASK_CAP
        return Hypothesis((n,), ((o, movement.amount),), score, cap, why=("part", *why))
    charge = movement.amount - open_.amount
    close = abs(charge) <= abs(open_.amount) * MAX_FEE
    return Hypothesis(
        (n,), ((o, open_.amount),), score + (1.5 if close else -1.0), ASK_CAP, charge, ("charge", *why)
    )


def _why(named: float, who: float) -> tuple[str, ...]:
    found = []
    if named >= evidence.CITED:
        found.append("reference")
    elif named > 0:
        found.append("reference~")
    if who >= 2.0:
        found.append("name")
    elif who < 0:
        found.append("other name")
    return tuple(found)


def _pool(
    movement: Movement, cited: Sequence[int], parties: Sequence[str], candidates: Candidates
) -> list[int]:
    """Return the items of which a movement may pay several: those it names, and its party's."""
    theirs = [o for party in parties[:1] for o in candidates.by_party[party]]
    if not parties and cited:
        party = candidates.opens[cited[0]].party
        theirs = candidates.by_party[evidence.party_key(party)] if party else []
    way = movement.amount > 0
    fitting = [
        o
        for o in theirs
        if o not in cited
        and candidates.opens[o].commodity == movement.commodity
        and -3 <= (movement.day - candidates.opens[o].day).days <= 400
        and ((candidates.opens[o].amount > 0) == way or candidates.opens[o].kind == "credit_note")
        and (
            candidates.opens[o].kind == "credit_note"
            or abs(candidates.opens[o].amount) < abs(movement.amount)
        )
    ]
    fitting.sort(key=lambda o: abs((movement.day - candidates.opens[o].day).days - 20))
    return [*cited[:MAX_POOL], *fitting[: max(0, MAX_POOL - len(cited))]]


def _sets(
    n: int,
    read: Read,
    pool: Sequence[int],
    cited: Sequence[int],
    candidates: Candidates,
    learned: Learned,
) -> Iterator[Hypothesis]:
    """Yield the sets of items that come to a movement's amount."""
    if len(pool) < 2:
        return
    movement, opens = read.movement, candidates.opens
    amounts = [int(opens[o].amount * _SCALE) for o in pool]
    found, complete = subsets(amounts, int(movement.amount * _SCALE))
    everything = [pool.index(o) for o in cited]
    if len(cited) >= 2 and sum(amounts[at] for at in everything) == int(movement.amount * _SCALE):
        found = [*found, tuple(sorted(everything))]
    for places in dict.fromkeys(found):
        chosen = [pool[at] for at in places]
        if len({opens[o].kind == "line" for o in chosen}) > 1:
            continue
        named = [evidence.reference(read, candidates.numbers[o]) for o in chosen]
        who = sum(evidence.name(read, opens[o].party, learned.parties) for o in chosen) / len(chosen)
        free = [o for o in chosen if o not in cited]
        others = len(pool) - len(cited)
        tried = sum(math.comb(others, k) for k in range(1, len(free) + 1)) if free else 1
        days = sum(evidence.when(movement.day, opens[o]) for o in chosen) / len(chosen)
        said = evidence.exact_set([amounts[at] // _UNIT for at in places])
        score = evidence.PRIOR + said + min(14.0, sum(named)) + who + days - math.log(tried)
        score += evidence.MISSED * len(set(cited) - set(chosen))
        # Who names some names all: what only makes up the sum may stand in for something not open.
        guessed = bool(cited or max(named) >= evidence.NEARLY) and any(
            weight < evidence.NEARLY and o in free for o, weight in zip(chosen, named, strict=True)
        )
        if not cited and max(named) < evidence.NEARLY:
            numbers = (candidates.numbers[o] for o in chosen)
            score += evidence.OTHER_NUMBER * any(evidence.other_of_series(read, one) for one in numbers)
        yield Hypothesis(
            (n,),
            tuple((o, opens[o].amount) for o in chosen),
            score,
            ASK_CAP if guessed or (free and not complete) else 1.0,
            why=("amounts", *_why(max(named), who)),
        )


def _settlements(
    n: int, read: Read, theirs: Sequence[int], candidates: Candidates, learned: Learned
) -> Iterator[Hypothesis]:
    """Yield runs of days whose items come to a movement and a fee."""
    movement, opens = read.movement, candidates.opens
    days: dict[Any, list[int]] = defaultdict(list)
    for o in theirs:
        one = opens[o]
        near = timedelta(0) <= movement.day - one.day <= SETTLED_WITHIN
        if near and one.commodity == movement.commodity and (one.amount > 0) == (movement.amount > 0):
            days[one.day].append(o)
    ordered = sorted(days)
    told = evidence.amounts_in(movement.text)
    for first in range(len(ordered)):
        items: list[int] = []
        for last in range(first, min(first + 7, len(ordered))):
            items = [*items, *days[ordered[last]]]
            gross = sum((opens[o].amount for o in items), Decimal(0))
            fee = gross - movement.amount
            if not items or not 0 < fee / gross <= MAX_FEE or opens[items[0]].kind == "invoice":
                continue
            confirmed = gross in told
            who = evidence.name(read, opens[items[0]].party, learned.parties)
            score = evidence.PRIOR + who + (7.0 if confirmed else 2.0) + (2.0 if abs(fee) in told else 0.0)
            yield Hypothesis(
                (n,),
                tuple((o, opens[o].amount) for o in items),
                score,
                PART_CAP if confirmed else ASK_CAP,
                -fee,
                ("settlement", *(("gross",) if confirmed else ()), *_why(0.0, who)),
            )


def _of_several(reads: Sequence[Read], candidates: Candidates, learned: Learned) -> Iterator[Hypothesis]:
    """Yield several movements of one party that together settle one item."""
    by_party: dict[str, list[int]] = defaultdict(list)
    naming: dict[int, list[int]] = defaultdict(list)
    for n, read in enumerate(reads):
        for o in candidates.cited(read):
            naming[o].append(n)
        for party in candidates.parties(read.movement, learned)[:1]:
            by_party[party].append(n)
    for o, open_ in enumerate(candidates.opens):
        pool = list(naming.get(o, ()))
        if open_.party and open_.kind == "line":
            theirs = by_party.get(evidence.party_key(open_.party), ())
            pool += [n for n in theirs if n not in pool and abs(reads[n].movement.day - open_.day) <= NEAR]
        pool = [
            n
            for n in pool
            if reads[n].movement.commodity == open_.commodity
            and (reads[n].movement.amount > 0) == (open_.amount > 0)
            and abs(reads[n].movement.amount) < abs(open_.amount)
        ][:12]
        if len(pool) >= 2:
            yield from _several(reads, pool, o, candidates, learned)


def _several(
    reads: Sequence[Read], pool: Sequence[int], o: int, candidates: Candidates, learned: Learned
) -> Iterator[Hypothesis]:
    open_ = candidates.opens[o]
    amounts = [int(reads[n].movement.amount * _SCALE) for n in pool]
    found, complete = subsets(amounts, int(open_.amount * _SCALE), most=6)
    for places in found:
        several = tuple(pool[at] for at in places)
        named = [evidence.reference(reads[n], candidates.numbers[o]) for n in several]
        who = sum(evidence.name(reads[n], open_.party, learned.parties) for n in several) / len(several)
        tried = 1 if min(named) >= evidence.CITED else math.comb(len(pool), len(several))
        said = evidence.exact_set([amounts[at] // _UNIT for at in places])
        score = evidence.PRIOR + said + min(14.0, sum(named)) + who - math.log(tried)
        yield Hypothesis(
            several,
            ((o, open_.amount),),
            score,
            1.0 if complete else ASK_CAP,
            why=("amounts", *_why(min(named), who)),
        )
