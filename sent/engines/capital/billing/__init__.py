"""Invoices and bills, what is paid of them, and what is owed."""

from __future__ import annotations
