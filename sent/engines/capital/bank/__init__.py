"""Bank statements: reading, what is new in them, rules, matching with the books."""

from __future__ import annotations
