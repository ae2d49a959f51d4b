"""Where things are and how they are set."""

from __future__ import annotations
