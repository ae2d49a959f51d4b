"""The Overview page: is everything well, and where must I look first?"""

from __future__ import annotations

from sent.ui.pages.overview.page import OverviewPage

__all__ = ["OverviewPage"]
