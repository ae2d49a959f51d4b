"""Bank: statements come in, their lines and the books are brought together, with the keyboard alone."""

from __future__ import annotations

from sent.ui.pages.capital.bank.page import BankPage

__all__ = ["BankPage"]
