"""Keys of the lists, as the shortcut sheet shows them."""

from __future__ import annotations

from sent.platform.i18n import tr


def nothing() -> None:
    """The table handles this key itself; the entry exists for the shortcut sheet."""


def list_keys() -> list[tuple[str, str]]:
    """Return (key, what it does)."""
    return [
        ("J", tr("Next")),
        ("K", tr("Previous")),
        ("Return", tr("Open")),
        ("Space", tr("Preview")),
        ("X", tr("Mark")),
        ("Ctrl+A", tr("Mark all")),
        ("Ctrl+C", tr("Copy")),
    ]
