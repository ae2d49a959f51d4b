"""Settings > Keyboard: every action with its keys; change them, see what is in the way, go back."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QFrame, QKeySequenceEdit, QLineEdit, QWidget

from sent.platform.i18n import tr
from sent.ui.kit.keycaps import KeyCaps
from sent.ui.kit.widgets import Elided, button, clear, column, label, row, tool
from sent.ui.shell import keymap

if TYPE_CHECKING:
    from sent.ui.shell.actions import Action
    from sent.ui.shell.settings import SettingsPage


class KeyboardCard(QFrame):
    """The list of the actions; one is changed at a time."""

    def __init__(self, page: SettingsPage) -> None:
        super().__init__()
        self.setProperty("kind", "card")
        self._page = page
        self._list = column(gap=4)
        self._search = QLineEdit()
        self._search.setPlaceholderText(tr("Find an action or keys"))
        self._search.setAccessibleName(tr("Find an action or keys"))
        self._search.textChanged.connect(self.show_actions)
        self._toggle = button(tr("Show all shortcuts"), self._flip)
        self._body = QWidget()
        self._body.setLayout(column(self._search, self._list, gap=8))
        self._body.hide()
        reset = button(tr("Reset all"), self.reset_all, kind="quiet", name=tr("Reset all shortcuts"))
        head = row(label(tr("Keyboard"), weight="bold"), None, reset, self._toggle, gap=8)
        self.setLayout(column(head, self._body, gap=12, margins=(20, 16, 20, 18)))
        self._editing = ""
        self.problem = ""

    def _flip(self) -> None:
        self._body.setVisible(self._body.isHidden())
        hidden = self._body.isHidden()
        self._toggle.setText(tr("Show all shortcuts") if hidden else tr("Hide shortcuts"))
        self.show_actions()

    def actions_(self) -> list[tuple[str, Action]]:
        """Return every action that can have keys of the person's choice, with its scope."""
        registry = self._page.shell.actions
        return [
            (scope, action)
            for scope, actions in registry.scopes().items()
            for action in actions
            if not action.hidden and registry.allowed(action)
        ]

    def show_actions(self, _text: str = "") -> None:
        """Show the actions that fit what is looked for."""
        clear(self._list)
        if self._body.isHidden():
            return
        wanted = self._search.text().lower().strip()
        for scope, action in self.actions_():
            if wanted in f"{action.title} {action.group} {action.shortcut}".lower():
                self._list.addWidget(self._line(scope, action))

    def _line(self, scope: str, action: Action) -> QWidget:
        made = QWidget()
        own = action.id in keymap.chosen(self._page.shell.prefs)
        parts: list[QWidget | int | None] = [Elided(action.title), label(action.group, tone="3", type="s")]
        if self._editing == action.id:
            parts.append(self._recorder(scope, action))
        else:
            parts.append(KeyCaps(action.shortcut) if action.shortcut else label(tr("none"), tone="3"))
            parts.append(
                tool(
                    "keyboard",
                    tr("Change keys of {title}", title=action.title),
                    partial(self.edit, action.id),
                )
            )
        if own:
            parts.append(
                tool(
                    "rotate-ccw",
                    tr("Reset keys of {title}", title=action.title),
                    partial(self.reset, action.id),
                )
            )
        made.setLayout(row(*parts, gap=10))
        return made

    def _recorder(self, scope: str, action: Action) -> QWidget:
        edit = QKeySequenceEdit(QKeySequence(action.shortcut))
        edit.setMaximumSequenceLength(2)
        edit.setAccessibleName(tr("New keys of {title}", title=action.title))
        edit.setClearButtonEnabled(True)
        note = label(self.problem, tone="bad", type="s", wrap=True)
        note.setVisible(bool(self.problem))

        def keep() -> None:
            keys = edit.keySequence().toString(QKeySequence.SequenceFormat.PortableText)
            self.choose(scope, action.id, keys)

        made = QWidget()
        made.setLayout(
            column(
                row(edit, button(tr("Keep"), keep, kind="primary"), tool("x", tr("Cancel"), self.cancel)),
                note,
            )
        )
        edit.setFocus()
        return made

    def edit(self, id: str) -> None:
        """Record new keys for an action."""
        self._editing, self.problem = id, ""
        self.show_actions()

    def cancel(self) -> None:
        """Leave the keys as they are."""
        self.edit("")

    def choose(self, scope: str, id: str, keys: str) -> bool:
        """Give an action keys; says what is in the way, by name, and changes nothing then."""
        others = [] if not keys else keymap.conflicts(scope, id, keys, self._all())
        if others:
            names = ", ".join(f"{action.title} ({action.shortcut})" for _, action in others)
            self._editing = id
            self.problem = tr("{keys} is taken by: {names}", keys=keys, names=names)
            self.show_actions()
            return False
        before = keymap.chosen(self._page.shell.prefs)
        keymap.choose(self._page.shell.prefs, id, keys)
        self._changed(before, tr("Keys changed"))
        return True

    def _all(self) -> list[tuple[str, Action]]:
        return [(s, action) for s, actions in self._page.shell.actions.scopes().items() for action in actions]

    def reset(self, id: str) -> None:
        """Give an action back the keys it declares."""
        before = keymap.chosen(self._page.shell.prefs)
        keymap.reset(self._page.shell.prefs, id)
        self._changed(before, tr("Keys reset"))

    def reset_all(self) -> None:
        """Give all actions back what they declare."""
        before = keymap.chosen(self._page.shell.prefs)
        keymap.reset(self._page.shell.prefs)
        self._changed(before, tr("All shortcuts reset"))

    def _changed(self, before: dict[str, str], text: str) -> None:
        self._rebind()
        self._page.shell.toast(text, undo=partial(self._restore, before))

    def _restore(self, before: dict[str, str]) -> None:
        keymap.reset(self._page.shell.prefs)
        for id, keys in before.items():
            keymap.choose(self._page.shell.prefs, id, keys)
        self._rebind()

    def _rebind(self) -> None:
        windows = self._page.shell.common.windows
        for window in windows.all if windows is not None else ():
            window.shell.actions.rebind()
        self.edit("")
