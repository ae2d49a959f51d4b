"""How the pages of Capital name what they lead to.

A report is `kind/first day/last day`, with the account (or customer, supplier) whose lines are wanted behind.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from importlib.util import find_spec
from uuid import UUID

from sent.platform import registry


@dataclass(frozen=True, slots=True)
class Wanted:
    """A report and its days, and whose lines are wanted."""

    kind: str
    starts: date
    ends: date
    account: UUID | None = None


def span_record(kind: str, starts: date, ends: date, account: UUID | None = None) -> str:
    """Return how a link names a report."""
    parts = [kind, starts.isoformat(), ends.isoformat(), *([str(account)] if account is not None else [])]
    return "/".join(parts)


def wanted(record: str) -> Wanted | None:
    """Return what a link names; None when it is none of a report."""
    parts = record.split("/")
    if not 3 <= len(parts) <= 4:
        return None
    try:
        return Wanted(
            parts[0], date.fromisoformat(parts[1]), date.fromisoformat(parts[2]),
            UUID(parts[3]) if len(parts) == 4 else None,
        )  # fmt: skip
    except ValueError:
        return None


def leads_to(page: str) -> bool:
    """Say whether there is such a page: parts of Capital may be left out of a console."""
    return any(one.id == page for _, one in registry.pages())


def has(part: str) -> bool:
    """Say whether Capital has a part, such as schedules: what asks it is not offered without."""
    return find_spec(f"sent.engines.capital.{part}") is not None
