"""The ledger for other layers and engines: value types and functions `async f(ctx, ...)`.

    lines = [api.Line(cash, Decimal("9.50"), "EUR"), api.Line(sales, Decimal("-9.50"), "EUR")]
    entry = await api.post(ctx, api.Draft(journal, day, lines, key=order))

Errors: Denied without the permission (`capital:read`, `capital:post`, `capital:manage`, `capital:close`);
Invalid and Conflict with a code `capital.*` and a sentence that says what to do; NotFound; Unavailable.
"""

from __future__ import annotations

from sent.engines.capital.model import (
    SENTENCES,
    Account,
    AccountKind,
    Balance,
    Draft,
    Fault,
    Finding,
    Holding,
    Journal,
    JournalKind,
    Line,
    Outcome,
    PeriodState,
    Role,
    Verified,
)
from sent.engines.capital.service import (
    accounts,
    balances,
    expire,
    holding,
    journals,
    open_account,
    open_journal,
    post,
    post_batch,
    post_pending,
    reverse,
    set_floor,
    set_period,
    upkeep,
    verify,
    void_pending,
)

__all__ = [
    "SENTENCES",
    "Account",
    "AccountKind",
    "Balance",
    "Draft",
    "Fault",
    "Finding",
    "Holding",
    "Journal",
    "JournalKind",
    "Line",
    "Outcome",
    "PeriodState",
    "Role",
    "Verified",
    "accounts",
    "balances",
    "expire",
    "holding",
    "journals",
    "open_account",
    "open_journal",
    "post",
    "post_batch",
    "post_pending",
    "reverse",
    "set_floor",
    "set_period",
    "upkeep",
    "verify",
    "void_pending",
]
