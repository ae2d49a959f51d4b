"""Background jobs, deferred inside the transaction that needs them."""

from __future__ import annotations
