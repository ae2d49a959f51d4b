"""The close of months and years: what is left to do, computed from the books, and the close itself."""

from __future__ import annotations

from sent.ui.pages.capital.close.page import ClosePage

__all__ = ["ClosePage"]
