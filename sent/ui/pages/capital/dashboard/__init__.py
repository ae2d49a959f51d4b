"""How the company stands: cash, what is owed, how long money lasts, twelve months of results."""

from __future__ import annotations

from sent.ui.pages.capital.dashboard.page import DashboardPage

__all__ = ["DashboardPage"]
