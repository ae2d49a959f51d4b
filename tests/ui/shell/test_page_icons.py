"""Pages that stand below each other in the rail are told apart by their icons."""

from __future__ import annotations

from collections import Counter

from sent.platform import registry
from sent.ui.shell.commands import FOOT


def test_no_two_pages_share_an_icon() -> None:
    shared = [icon for icon, n in Counter(page.icon for _, page in registry.pages()).items() if n > 1]
    assert shared == []


def test_no_two_pages_are_opened_by_the_same_keys() -> None:
    letters = [page.jump for _, page in registry.pages() if page.jump] + [
        page.jump for page in FOOT if page.jump
    ]
    assert sorted(letters) == sorted(set(letters))
