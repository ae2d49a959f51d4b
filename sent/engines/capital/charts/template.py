"""What a chart of accounts says, and how it is written down: one account a line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast, get_args

from sent.engines.capital.model import AccountKind, JournalKind, Role


@dataclass(frozen=True, slots=True)
class Planned:
    """An account of a template."""

    code: str
    name: str
    kind: AccountKind
    role: Role | None


@dataclass(frozen=True, slots=True)
class Template:
    """A chart with its journals; `year` is month and day on which business years usually begin."""

    name: str
    country: str
    home: str
    year: tuple[int, int]
    accounts: tuple[Planned, ...]
    journals: tuple[tuple[str, str, JournalKind], ...]


def planned(text: str) -> tuple[Planned, ...]:
    """Read lines of `code | name | kind | role`; raises ValueError with the line that is wrong."""
    found = []
    for line in text.strip().splitlines():
        code, name, kind, role = (part.strip() for part in f"{line}|".split("|")[:4])
        if kind not in get_args(AccountKind) or (role and role not in get_args(Role)):
            raise ValueError(f"no account: {line.strip()}")
        found.append(Planned(code, name, cast(AccountKind, kind), cast(Role, role) or None))
    return tuple(found)
