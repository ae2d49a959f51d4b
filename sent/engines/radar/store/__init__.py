"""The radar's SQL: the only place with it. `alerts` and `events` are read by the desk, `sink` is written by
the worker, `catalogue` keeps rules and sources."""

from __future__ import annotations
