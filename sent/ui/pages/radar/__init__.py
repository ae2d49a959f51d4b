"""The Radar page: the alert queue, its triage, and the live tail of events."""

from __future__ import annotations

from sent.ui.pages.radar.page import RadarPage

__all__ = ["RadarPage"]
