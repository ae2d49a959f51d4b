"""The Audit page: who changed what, when, from what to what."""

from __future__ import annotations

from sent.ui.pages.audit.page import AuditPage

__all__ = ["AuditPage"]
