"""The Coverage page: which techniques of ATT&CK the rules look for."""

from __future__ import annotations

from sent.ui.pages.coverage.page import CoveragePage

__all__ = ["CoveragePage"]
