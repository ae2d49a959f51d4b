"""What other layers may ask of the database engine."""

from __future__ import annotations

from sent.engines.database.model import (
    Backup,
    Budget,
    Health,
    Kept,
    Operation,
    Server,
    Session,
    SlowQuery,
    Table,
)
from sent.engines.database.service import (
    back_up,
    cancel,
    end_query,
    health,
    operations,
    sessions,
    slow_queries,
    tables,
    verify,
)

__all__ = [
    "Backup",
    "Budget",
    "Health",
    "Kept",
    "Operation",
    "Server",
    "Session",
    "SlowQuery",
    "Table",
    "back_up",
    "cancel",
    "end_query",
    "health",
    "operations",
    "sessions",
    "slow_queries",
    "tables",
    "verify",
]
