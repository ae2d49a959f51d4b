"""Notifications: who is told of what, where, and what became of it."""
