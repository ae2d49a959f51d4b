"""The Database page: is everything safe, and what does it do?"""

from __future__ import annotations

from sent.ui.pages.database.page import DatabasePage

__all__ = ["DatabasePage"]
