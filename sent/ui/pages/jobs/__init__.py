"""The Jobs page: what works in the background, and what got stuck."""

from __future__ import annotations

from sent.ui.pages.jobs.page import JobsPage

__all__ = ["JobsPage"]
