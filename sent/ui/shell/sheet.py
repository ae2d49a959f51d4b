"""The shortcut sheet (`?`): generated from the action registry, so it is never out of date."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QGridLayout, QScrollArea, QWidget

from sent.platform.i18n import tr
from sent.ui.kit.keycaps import KeyCaps
from sent.ui.kit.widgets import Elided, column, label, line, row, tool
from sent.ui.shell.actions import Action, ActionRegistry
from sent.ui.shell.overlay import Overlay


class ShortcutSheet(Overlay):
    """All live actions that have keys, by group, in two columns."""

    def __init__(self, window: QWidget, registry: ActionRegistry) -> None:
        card = QFrame()
        card.setFixedWidth(760)
        super().__init__(window, card)
        self._registry = registry
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._close = tool("x", tr("Close"), self.close_layer)
        head = row(label(tr("Keyboard shortcuts"), type="l"), None, self._close)
        card.setLayout(column(head, line(), self._area, gap=10, margins=(22, 16, 16, 18)))
        self.titles: list[str] = []

    def open_sheet(self) -> None:
        """Show what the keys do now."""
        groups: dict[str, list[Action]] = {}
        for _, action in self._registry.listed():
            if action.shortcut:
                groups.setdefault(action.group or tr("General"), []).append(action)
        self.titles = [action.title for actions in groups.values() for action in actions]
        body = QWidget()
        body.setObjectName("surface")
        columns = [column(gap=5), column(gap=5)]
        heights = [0, 0]
        for title, actions in groups.items():
            side = heights.index(min(heights))
            heights[side] += len(actions) + 2
            columns[side].addWidget(label(title, tone="3", type="s", weight="medium"))
            columns[side].addLayout(_grid(actions))
            columns[side].addSpacing(12)
        for box in columns:
            box.addStretch(1)
        body.setLayout(row(*columns, gap=40, margins=(0, 0, 12, 0)))
        self._area.setWidget(body)
        self._area.setMinimumHeight(min(560, max(heights) * 27 + 20))
        self.open()
        self._close.setFocus()


def _grid(actions: list[Action]) -> QGridLayout:
    grid = QGridLayout()
    grid.setHorizontalSpacing(12)
    grid.setVerticalSpacing(4)
    grid.setColumnStretch(0, 1)
    grid.setColumnMinimumWidth(1, 96)
    for number, action in enumerate(actions):
        grid.addWidget(Elided(action.title), number, 0)
        caps = row(*[KeyCaps(keys) for keys in (action.shortcut, *action.aliases)], None, gap=10)
        grid.addLayout(caps, number, 1)
    return grid
