"""Where logs come from: sources, their field mappings, dead letters, values of placeholders."""

from __future__ import annotations

from sent.ui.pages.sources.page import SourcesPage

__all__ = ["SourcesPage"]
