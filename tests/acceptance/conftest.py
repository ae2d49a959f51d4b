"""Fixtures of the acceptance tests."""

from __future__ import annotations

from isolation import attacker, world

__all__ = ["attacker", "world"]
