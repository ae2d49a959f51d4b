"""All entries of the books, what each consists of, and new ones of any number of lines."""

from __future__ import annotations

from sent.ui.pages.capital.journal.page import JournalPage

__all__ = ["JournalPage"]
