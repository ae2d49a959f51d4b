"""What to do with each movement: the match, else the first rule, else what people did before. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from uuid import UUID

from sent.engines.capital.bank import rules as rulebook
from sent.engines.capital.bank.matching import match
from sent.engines.capital.bank.model import Learned, Match, Movement, Open, Proposal, Rule
from sent.engines.capital.bank.words import fold

LIKELY = 0.7
"""A match this sure keeps a rule from booking the movement a second time."""
BY_RULE = 0.8
LEARNED_CAP = 0.9


def proposals(
    movements: Sequence[Movement], opens: Sequence[Open], rules: Sequence[Rule], learned: Learned
) -> list[Proposal]:
    """Return one proposal at most for each movement, the surest first."""
    found = []
    matched: dict[UUID, Match] = {}
    for one in match(movements, opens, learned):
        matched.update(dict.fromkeys(one.movements, one))
    decided: set[UUID] = set()
    for movement in movements:
        if movement.id in decided:
            continue
        best = matched.get(movement.id)
        booked = None
        if best is None or best.confidence < LIKELY:
            booked = _by_rule(movement, rules) or (_by_habit(movement, learned) if best is None else None)
        if booked is not None:
            found.append(booked)
            decided.add(movement.id)
        elif best is not None and not decided & set(best.movements):
            found.append(
                Proposal("match", best.movements, best.confidence, best.why, best.taken, best.charge)
            )
            decided.update(best.movements)
    return sorted(found, key=lambda one: (-one.confidence, one.movements))


def taken_alone(proposal: Proposal, threshold: float) -> bool:
    """Whether a proposal may be carried out without asking: a sure match, or a rule that says so."""
    if proposal.kind == "book":
        return proposal.auto
    return proposal.confidence >= threshold


def _by_rule(movement: Movement, rules: Iterable[Rule]) -> Proposal | None:
    rule = rulebook.first(rules, movement)
    if rule is None:
        return None
    return Proposal(
        "book",
        (movement.id,),
        1.0 if rule.auto else BY_RULE,
        (f"rule {rule.name}",),
        account=rule.account,
        rule=rule.id,
        tax_code=rule.tax_code,
        memo=rule.memo,
        auto=rule.auto,
    )


def _by_habit(movement: Movement, learned: Learned) -> Proposal | None:
    """Return what people did with this counterparty; never sure enough to be done alone."""
    keys = (movement.iban, fold(movement.counterparty))
    counts = next((learned.accounts[key] for key in keys if key and key in learned.accounts), None)
    if not counts:
        return None
    account, often = max(counts.items(), key=lambda one: (one[1], str(one[0])))
    sure = min(LEARNED_CAP, (often - 0.5) / (sum(counts.values()) + 0.5))
    return Proposal("book", (movement.id,), round(sure, 4), ("habit",), charge=Decimal(0), account=account)
