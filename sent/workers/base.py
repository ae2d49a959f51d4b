"""What a service promises to its host.

start   load and open what it needs; SentError means not ready, and the process exits with its code
run     work until cancelled
drain   stop taking work, finish what is in flight; after it `run` is cancelled
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sent.workers.host import Host


class Worker(ABC):
    """One service in one process; see the module."""

    needs_database = True
    """Whether the host checks the database before `start` and reports the instance to it from the start."""

    def __init__(self, host: Host) -> None:
        self.host = host

    @abstractmethod
    async def start(self) -> None:
        """Load and open everything; raises SentError when the service cannot work."""

    @abstractmethod
    async def run(self) -> None:
        """Work until cancelled."""

    async def proven(self) -> None:
        """Return once the service works, which ends the trial of an update; at once, when it is not more."""
        return

    async def drain(self) -> None:
        """Stop taking work and finish what is in flight (within the host's grace)."""
        return

    async def stop(self) -> None:
        """Close what `start` opened; called last, also after a failed start."""
        return

    def metrics(self) -> dict[str, float]:
        """Return counters and gauges by name; they go to /metrics and to the Overview page."""
        return {}

    def ready(self) -> list[str]:
        """Return why the service is not ready; empty means ready."""
        return []
