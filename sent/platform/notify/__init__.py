"""Notices to people and other systems: inbox, desktop, mail, webhooks."""
