"""The Incidents page: what people work on together."""

from __future__ import annotations

from sent.ui.pages.incidents.page import IncidentsPage

__all__ = ["IncidentsPage"]
