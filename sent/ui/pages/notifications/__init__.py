"""The Notifications page: what one is told, where, and what became of it."""

from __future__ import annotations

from sent.ui.pages.notifications.page import NotificationsPage

__all__ = ["NotificationsPage"]
