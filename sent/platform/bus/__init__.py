"""Events between engines: a transactional outbox, one dispatcher, any number of feeds."""

from __future__ import annotations
