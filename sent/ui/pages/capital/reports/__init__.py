"""The reports of the books: choose, compare, go down to entries, take along as a file."""

from __future__ import annotations

from sent.ui.pages.capital.reports.page import ReportsPage

__all__ = ["ReportsPage"]
