"""The chart of accounts, and the register of the account in front with its line for new entries."""

from __future__ import annotations

from sent.ui.pages.capital.accounts.page import AccountsPage

__all__ = ["AccountsPage"]
