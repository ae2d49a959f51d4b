"""The action registry: everything a user can do has an id, a title and, mostly, a shortcut.

Menus, the palette, toolbars and the `?` sheet are views of it; none of them keeps a list of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QWidget

from sent.ui.shell import keymap

if TYPE_CHECKING:
    from sent.ui.shell.shell import Common


def _always() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do; `shortcut` may be a sequence: `G, R`."""

    id: str
    title: str
    run: Callable[[], object]
    icon: str = "chevron-right"
    shortcut: str = ""
    permission: str | None = None
    group: str = ""
    undo: bool = False
    """Whether a toast offers Undo afterwards."""
    enabled: Callable[[], bool] = _always
    aliases: tuple[str, ...] = ()
    """Further keys, such as `Ctrl+=` for the `Ctrl++` of keyboards that need Shift for it."""
    hidden: bool = False
    """Listed in the shortcut sheet only (keys that a widget handles itself have `run` do nothing)."""


class ActionRegistry(QObject):
    """Actions by scope: `shell` always, a page's id while that page is in front.

    Shortcuts are the person's own where he chose some (`keymap`): all who show or bind them see those.
    """

    changed = Signal()

    def __init__(self, window: QWidget, common: Common) -> None:
        super().__init__(window)
        self._window, self._common = window, common
        self.declared: dict[str, list[Action]] = {}
        self._scopes: dict[str, list[Action]] = {}
        self._shortcuts: dict[str, list[QShortcut]] = {}
        self._front = ""
        self.permissions: frozenset[str] | None = None

    def add(self, scope: str, actions: list[Action]) -> None:
        """Register a scope's actions, replacing what it had."""
        for shortcut in self._shortcuts.pop(scope, []):
            shortcut.setEnabled(False)
            shortcut.deleteLater()
        self.declared[scope] = actions
        chosen = keymap.chosen(self._common.prefs)
        applied = [
            replace(action, shortcut=chosen[action.id], aliases=())
            if action.id in chosen and not action.hidden
            else action
            for action in actions
        ]
        self._scopes[scope] = applied
        self._shortcuts[scope] = [
            self._bind(scope, action) for action in applied if action.shortcut and not action.hidden
        ]
        self._enable()
        self.changed.emit()

    def rebind(self) -> None:
        """Look at the person's own shortcuts again."""
        for scope, actions in list(self.declared.items()):
            self.add(scope, actions)

    def scopes(self) -> dict[str, list[Action]]:
        """Return all actions with the keys in force, by scope."""
        return self._scopes

    @property
    def recent(self) -> list[str]:
        """Return what was done last, latest first."""
        return self._common.recent()

    def bring_front(self, scope: str) -> None:
        """Make a page's actions the live ones."""
        self._front = scope
        self._enable()
        self.changed.emit()

    def set_permissions(self, permissions: frozenset[str] | None) -> None:
        """Hide and switch off what the session may not do; None = nobody is signed in."""
        self.permissions = permissions
        self._enable()
        self.changed.emit()

    def available(self) -> Iterator[Action]:
        """Yield the actions that can be done now: the front page's first."""
        for scope in (self._front, "shell"):
            for action in self._scopes.get(scope, []):
                if self.allowed(action) and not action.hidden and action.enabled():
                    yield action

    def listed(self) -> Iterator[tuple[str, Action]]:
        """Yield (scope, action) of all live scopes for the shortcut sheet."""
        for scope in (self._front, "shell"):
            for action in self._scopes.get(scope, []):
                if self.allowed(action):
                    yield scope, action

    def find(self, id: str) -> Action | None:
        """Return the live action with this id."""
        return next((action for _, action in self.listed() if action.id == id), None)

    def trigger(self, id: str) -> bool:
        """Do an action when it is allowed and possible now."""
        action = self.find(id)
        if action is None or not action.enabled():
            return False
        self._common.note_recent(id)
        action.run()
        return True

    def allowed(self, action: Action) -> bool:
        """Say whether the session's permissions cover the action."""
        if self.permissions is None:
            return action.permission is None
        return action.permission is None or action.permission in self.permissions

    def _bind(self, scope: str, action: Action) -> QShortcut:
        shortcut = QShortcut(self._window)
        shortcut.setKeys([QKeySequence(keys) for keys in (action.shortcut, *action.aliases)])
        shortcut.setContext(Qt.ShortcutContext.WindowShortcut)
        shortcut.setEnabled(scope in ("shell", self._front))
        shortcut.activated.connect(lambda id=action.id: self.trigger(id))
        return shortcut

    def _enable(self) -> None:
        for scope, shortcuts in self._shortcuts.items():
            live = scope in ("shell", self._front) and self.permissions is not None
            for shortcut in shortcuts:
                shortcut.setEnabled(live)
