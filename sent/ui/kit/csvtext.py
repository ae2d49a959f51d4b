"""Texts in CSV files: what a spreadsheet would run as a formula gets a leading apostrophe (OWASP)."""

from __future__ import annotations


def safe(text: str) -> str:
    """Return a text that no spreadsheet runs as a formula: what stands in a log came from anybody."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
