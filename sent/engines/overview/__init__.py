"""Overview: the health of the whole installation."""

from __future__ import annotations
