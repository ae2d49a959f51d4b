"""What the books do by the calendar: depreciation, budgets, entries and invoices that come again."""

from __future__ import annotations
