"""The person's own shortcuts: which action answers to which keys, where that differs from what it declares.

Kept per person as `keys/<action>`; `none` means that the action has no keys. Two actions are in each other's
way when both are live at once and one's keys are the other's, or its beginning (`G` and `G, R`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sent.ui.prefs import Prefs

if TYPE_CHECKING:
    from sent.ui.shell.actions import Action

NONE = "none"


def chosen(prefs: Prefs) -> dict[str, str]:
    """Return the shortcuts the person chose, by action."""
    found = {key: prefs.own(f"keys/{key}") for key in prefs.own_keys("keys")}
    return {id: "" if keys == NONE else keys for id, keys in found.items() if keys}


def choose(prefs: Prefs, id: str, shortcut: str) -> None:
    """Give an action other keys; empty: none."""
    prefs.set_own(f"keys/{id}", shortcut or NONE)


def reset(prefs: Prefs, *ids: str) -> None:
    """Give actions (without a name: all) back the keys they declare."""
    for id in ids or tuple(prefs.own_keys("keys")):
        prefs.set_own(f"keys/{id}", "")


def collide(first: str, second: str) -> bool:
    """Say whether one shortcut is the other, or its beginning."""
    one, other = (keys.split(", ") if keys else [] for keys in (first, second))
    shorter = min(len(one), len(other))
    return shorter > 0 and one[:shorter] == other[:shorter]


def conflicts(
    scope: str, id: str, shortcut: str, listed: Iterable[tuple[str, Action]]
) -> list[tuple[str, Action]]:
    """Return the (scope, action) pairs that `shortcut` for `id` of `scope` would be in the way of."""
    return [
        (other, action)
        for other, action in listed
        if action.id != id
        and collide(shortcut, action.shortcut)
        and (scope == "shell" or other in ("shell", scope))
    ]
