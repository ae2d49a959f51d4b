"""Settings: appearance, account, and what the engines' manifests declare."""

from __future__ import annotations

from typing import Any

from sent.ui.kit.page import Page


class SettingsPage(Page):
    """Settings of this console, this person and this organisation."""

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
