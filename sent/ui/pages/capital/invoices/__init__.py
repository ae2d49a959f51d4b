"""Invoices, bills and credit notes: lists, one beside the list, a draft written with the keyboard alone."""

from __future__ import annotations

from sent.ui.pages.capital.invoices.page import InvoicesPage

__all__ = ["InvoicesPage"]
