"""The console: a native desktop over the engines' apis."""

from __future__ import annotations
