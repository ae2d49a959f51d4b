"""Capital: a ledger that cannot be wrong, and the books on it."""

from __future__ import annotations
