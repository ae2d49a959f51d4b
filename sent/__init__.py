"""SENT: one program with three faces (console, workers, admin tool)."""

from __future__ import annotations

__version__ = "0.1.0"
