"""Values of the overview."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

State = Literal["starting", "ready", "draining", "lost"]


@dataclass(frozen=True, slots=True)
class Instance:
    """One running process of the fleet."""

    id: UUID
    service: str
    host: str
    pid: int
    version: str
    state: State
    """`lost`: no heartbeat for 15 s, the process died without saying so."""
    started_at: datetime
    heartbeat_at: datetime
    metrics: dict[str, float]
    reasons: list[str]
    """Why it is not ready; empty means ready."""

    @property
    def healthy(self) -> bool:
        """Say whether it runs, is ready and was heard of lately."""
        return self.state == "ready" and not self.reasons


@dataclass(frozen=True, slots=True)
class DatabaseHealth:
    """The server as this login sees it."""

    version: str
    size_bytes: int
    connections: int
    max_connections: int
    started_at: datetime
    latency_ms: float
    """One round trip on the connection that asked."""


@dataclass(frozen=True, slots=True)
class Overview:
    """The fleet and its database at one moment of the server's clock."""

    at: datetime
    instances: list[Instance]
    database: DatabaseHealth
