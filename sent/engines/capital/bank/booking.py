"""Carrying out proposals: entries into the ledger and matches, in the caller's transaction.

Everything that a match explains stands on both sides with the same amount: what is not in the ledger yet is
booked under the key `bank:<line id>` in the transaction that keeps the match, so neither exists without the
other. A group of entries is booked whole or not at all.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from sent.engines.capital import store as ledger
from sent.engines.capital.bank import store
from sent.engines.capital.bank.model import BankAccount, How, Movement, Proposal, Taken
from sent.engines.capital.model import SENTENCES, Draft, Line
from sent.platform.db.uow import Tx
from sent.platform.errors import Conflict, Invalid
from sent.platform.ids import uuid7

Settle = Callable[[Tx, Proposal, Sequence[UUID]], Awaitable[None]]
"""Called with a proposal and the entries that were booked for it: billing allocates the payment."""
Unsettle = Callable[[Tx, Sequence[UUID]], Awaitable[None]]
"""Called with entries that are about to be reversed: billing takes the allocation back."""


@dataclass(slots=True)
class Outcome:
    """Matches made (in the order of what was carried out), movements refused with a reason."""

    matches: list[UUID] = field(default_factory=list)
    refused: list[tuple[UUID, str]] = field(default_factory=list)


@dataclass(slots=True)
class _Plan:
    proposal: Proposal
    drafts: list[Draft]
    ledger: list[tuple[int, int]]


async def carry_out(
    tx: Tx, bank: BankAccount, wanted: Sequence[Proposal], *, how: How, settle: Settle
) -> Outcome:
    """Book and match; the bank account is locked. Raises Conflict for what is matched already."""
    ids = [movement for one in wanted for movement in one.movements]
    found = {one.id: one for one in await store.movements(tx, bank.id, ids)}
    if set(ids) - set(found) or set(ids) - await store.free(tx, ids) or len(ids) != len(set(ids)):
        raise Conflict("capital.bank.matched", "a movement is matched already, or gone: look again")
    tries = await store.tries(tx, ids)
    fees = await _fees(tx) if any(one.charge for one in wanted) else None
    plans = [_plan(bank, one, [found[m] for m in one.movements], tries, fees) for one in wanted]
    drafts = [draft for plan in plans for draft in plan.drafts]
    outcomes = await ledger.post(tx, drafts) if drafts else []
    told = {draft.id: outcome for draft, outcome in zip(drafts, outcomes, strict=True)}
    entries = [outcome.entry for outcome in outcomes if outcome.booked]
    lines = await store.bank_lines_of(tx, entries, bank.account)
    result = Outcome()
    rows: list[dict[str, Any]] = []
    for plan in plans:
        bad = next((told[draft.id] for draft in plan.drafts if not told[draft.id].booked), None)
        if bad is not None:
            result.refused += [(movement, SENTENCES[bad.fault]) for movement in plan.proposal.movements]
            continue
        booked = [told[draft.id].entry for draft in plan.drafts]
        rows.append(_row(plan, how, [place for entry in booked for place in lines[entry]]))
        result.matches.append(rows[-1]["id"])
        if plan.proposal.taken:
            await settle(tx, plan.proposal, booked)
    if rows:
        await store.add_matches(tx, bank.id, rows)
    return result


async def _fees(tx: Tx) -> UUID:
    for one in await ledger.accounts(tx):
        if one.role == "bank_fees" and one.closed_on is None:
            return one.id
    raise Invalid("capital.bank.fees", "no open account has the role bank_fees: give it to one first")


def _row(plan: _Plan, how: How, booked: Sequence[tuple[int, int]]) -> dict[str, Any]:
    proposal = plan.proposal
    return {
        "id": uuid7(),
        "how": "rule" if proposal.rule is not None and how == "auto" else how,
        "confidence": f"{proposal.confidence:.4f}",
        "rule": proposal.rule,
        "why": ", ".join(proposal.why)[:500],
        "lines": list(proposal.movements),
        "ledger": [
            *({"seq": seq, "n": n, "booked": False} for seq, n in plan.ledger),
            *({"seq": seq, "n": n, "booked": True} for seq, n in booked),
        ],
        "opens": [
            {"kind": one.open.kind, "id": one.open.id, "amount": f"{one.amount:f}"}
            for one in proposal.taken
            if one.open.kind != "line"
        ],
    }


def _plan(
    bank: BankAccount,
    proposal: Proposal,
    movements: Sequence[Movement],
    tries: dict[UUID, int],
    fees: UUID | None,
) -> _Plan:
    """Return what a proposal books and which lines of the ledger it takes."""
    total = sum((one.amount for one in movements), Decimal(0))
    if proposal.kind == "match" and total != sum((x.amount for x in proposal.taken), proposal.charge):
        raise Invalid("capital.bank.sum", "movements and items do not come to the same amount: choose others")
    documents = [one for one in proposal.taken if one.open.kind != "line"]
    group = uuid7() if len(movements) > 1 else None

    def draft(movement: Movement, amount: Decimal, others: Sequence[Line]) -> Draft:
        again = tries.get(movement.id, 0)
        return Draft(
            bank.journal,
            movement.day,
            [Line(bank.account, amount, bank.commodity), *(one for one in others if one.amount)],
            memo=proposal.memo or f"{movement.counterparty} {movement.text}".strip()[:1000],
            reference=" ".join(one.open.reference for one in documents)[:200] or movement.reference[:200],
            key=f"bank:{movement.id}:{again}" if again else f"bank:{movement.id}",
            group=group,
        )

    if proposal.kind == "match" and not documents:
        places = [_place(one.open.id) for one in proposal.taken]
        charge = _charge(bank, proposal, fees)
        return _Plan(proposal, [draft(movements[0], proposal.charge, charge)] if charge else [], places)
    sides = _against(bank, proposal, movements, documents, fees)
    return _Plan(proposal, [draft(m, m.amount, lines) for m, lines in zip(movements, sides, strict=True)], [])


def _against(
    bank: BankAccount,
    proposal: Proposal,
    movements: Sequence[Movement],
    documents: Sequence[Taken],
    fees: UUID | None,
) -> list[list[Line]]:
    """Return for each movement the lines that it is booked against."""
    if proposal.kind == "book":
        if proposal.account is None:
            raise Invalid("capital.bank.account_missing", "choose the account to book against")
        note = f"tax {proposal.tax_code}" if proposal.tax_code else ""
        return [[Line(proposal.account, -one.amount, bank.commodity, note)] for one in movements]
    several = len(movements) > 1
    if len(documents) < len(proposal.taken) or (several and (len(documents) > 1 or proposal.charge)):
        raise Invalid(
            "capital.bank.mixed",
            "match ledger lines and documents, or several movements and documents, one after the other",
        )
    if several:
        return [[Line(_stands(documents[0]), -one.amount, bank.commodity)] for one in movements]
    lines = [Line(_stands(one), -one.amount, bank.commodity, one.open.reference[:300]) for one in documents]
    return [[*lines, *_charge(bank, proposal, fees)]]


def _charge(bank: BankAccount, proposal: Proposal, fees: UUID | None) -> list[Line]:
    return [Line(fees, -proposal.charge, bank.commodity)] if fees and proposal.charge else []


def _stands(taken: Taken) -> UUID:
    if taken.open.account is None:
        raise Invalid(
            "capital.bank.open_account",
            f"item {taken.open.reference or taken.open.id}: tell the account on which it is open",
        )
    return taken.open.account


def _place(id: str) -> tuple[int, int]:
    try:
        _, seq, n = id.split(":")
        return int(seq), int(n)
    except ValueError:
        raise Invalid("capital.bank.line", f"{id[:60]!r} is no line of the ledger (line:SEQ:N)") from None
