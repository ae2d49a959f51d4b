"""Trouble that others can cause at will does not fill the log."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sent.platform.telemetry.seldom import Seldom


class Written:
    """A log that keeps what it got, and a clock set by hand."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, Any]]] = []
        self.at = 100.0

    def error(self, event: str, **fields: Any) -> None:
        self.lines.append((event, fields))

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.at, UTC)

    def monotonic(self) -> float:
        return self.at


def test_a_flood_is_counted_and_written_once_in_ten_seconds() -> None:
    written = Written()
    seldom = Seldom(written, "radar.line_unreadable", clock=written)
    for _ in range(1000):
        seldom.error(source="edge")
    assert written.lines == [("radar.line_unreadable", {"times": 1, "source": "edge"})]
    written.at += 10
    seldom.error(source="edge")
    assert written.lines[-1] == ("radar.line_unreadable", {"times": 1000, "source": "edge"})
    assert seldom.total == 1001
