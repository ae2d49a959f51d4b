"""The Updates page: what runs here, what is newer, and the way back."""

from __future__ import annotations

from sent.ui.pages.updates.page import UpdatesPage

__all__ = ["UpdatesPage"]
