"""Timelines of entities, in memory."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sent.engines.radar.searching import timeline as pure
from sent.engines.radar.searching.entities import Surroundings, Timeline
from sent.engines.radar.searching.found import Bucket, Histogram
from sent.engines.radar.searching.timeline import Entity, Entry, Related


class EntityStory:
    """What happened to anybody: an alert, a decision, an incident, something new and two events."""

    merged = staticmethod(pure.merged)

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, datetime, datetime]] = []
        self.broken: Exception | None = None
        self.empty = False

    def functions(self) -> dict[str, Any]:
        """Return what the radar's api has of it."""
        return {name: getattr(self, name) for name in ("timeline", "surroundings", "merged")}

    async def timeline(self, _ctx: Any, kind: Any, value: str, since: datetime, until: datetime) -> Timeline:
        self.asked.append((kind, value, since, until))
        if self.broken is not None:
            raise self.broken
        middle = since + (until - since) / 2
        entries = () if self.empty else (
            Entry(middle + timedelta(minutes=5), "decision", "Root came in", "closed: benign", "",
                  "Anna Berg", f"radar/alert/{UUID(int=1)}"),
            Entry(middle + timedelta(minutes=2), "incident", "#7 Case", "open", "high",
                  record=f"incidents/{UUID(int=5)}"),
            Entry(middle, "alert", "Root came in", "fs1", "high", "", f"radar/alert/{UUID(int=1)}", "SENT"),
            Entry(middle, "event", "Accepted password", "sshd", "info", "fs1"),
            Entry(since, "event", "session opened", "sshd", "info", "fs1"),
        )  # fmt: skip
        buckets = [] if self.empty else [Bucket(middle, {6: 2})]
        risk = ((since, 0.0), (middle, 40.0), (until, 30.0))
        alerts = 0 if self.empty else 1
        histogram = Histogram(since, until, 3600, buckets)
        return Timeline(Entity(kind, value), since, until, entries, True, histogram, risk, alerts)

    async def surroundings(
        self, _ctx: Any, kind: str, _value: str, since: datetime, until: datetime
    ) -> Surroundings:
        if self.broken is not None:
            raise self.broken
        if self.empty:
            return Surroundings()
        new = Entry(
            since + timedelta(minutes=1), "first", "mallory", "Accepted password for mallory", actor="user"
        )
        related = (
            Related("user", (("anna", 12), ("mallory", 1))),
            Related("host", (("fs2", 4),)),
            Related("program", (("sshd", 9),)),
        )
        return Surroundings(related, (new,), datetime(2026, 1, 1, tzinfo=UTC), until)
