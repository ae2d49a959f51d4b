"""The Rules page: all rules of the radar, and where one is written, tested and tried on the past."""

from __future__ import annotations

from sent.ui.pages.rules.page import RulesPage

__all__ = ["RulesPage"]
