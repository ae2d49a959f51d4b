"""Schedules for other layers: fixed assets, budgets, what comes again.

    await api.save_asset(ctx, api.Asset("Van", cost, worn, expense, bought_on, Decimal(24000), months=60))
    await api.depreciate(ctx, until)      # books each month once, also what was missed
    await api.run(ctx, until)             # entries and invoices that are due

Errors: Denied without the permission (`capital:read`, `capital:post`); Invalid and Conflict with a code
`capital.*` and a sentence that says the cure; NotFound.
"""

from __future__ import annotations

from sent.engines.capital.schedules.assets import (
    assets,
    by_role,
    charges,
    depreciate,
    dispose,
    save_asset,
    schedule,
    write_down,
)
from sent.engines.capital.schedules.budgets import (
    against,
    budgets,
    from_actuals,
    open_budget,
    plan,
    planned,
)
from sent.engines.capital.schedules.model import (
    Asset,
    AssetRow,
    Booked,
    Budget,
    Charge,
    Depreciated,
    Due,
    EntryLine,
    Planned,
    Ran,
    Recurring,
    Rhythm,
    Template,
)
from sent.engines.capital.schedules.recurring import (
    due,
    recurring,
    release,
    run,
    run_daily,
    save_recurring,
)
from sent.engines.capital.schedules.wear import worn_before

__all__ = [
    "Asset",
    "AssetRow",
    "Booked",
    "Budget",
    "Charge",
    "Depreciated",
    "Due",
    "EntryLine",
    "Planned",
    "Ran",
    "Recurring",
    "Rhythm",
    "Template",
    "against",
    "assets",
    "budgets",
    "by_role",
    "charges",
    "depreciate",
    "dispose",
    "due",
    "from_actuals",
    "open_budget",
    "plan",
    "planned",
    "recurring",
    "release",
    "run",
    "run_daily",
    "save_asset",
    "save_recurring",
    "schedule",
    "worn_before",
    "write_down",
]  # fmt: skip
