"""Somebody else was faster: both values beside each other, and for each the choice.

Nothing is written until the user decided; keeping theirs everywhere writes nothing at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QScrollArea, QWidget

from sent.platform.i18n import tr
from sent.ui.kit.choice import Segments
from sent.ui.kit.widgets import button, clear, column, label, line, row
from sent.ui.shell.overlay import Overlay
from sent.ui.theme import theme

LONGEST = 400
WIDTH = 680


@dataclass(frozen=True, slots=True)
class Side:
    """One value: its name, what it is now (theirs), what it was to become (mine)."""

    title: str
    theirs: str
    mine: str

    @property
    def differs(self) -> bool:
        """Say whether there is anything to choose."""
        return self.theirs != self.mine


class ConflictLayer(Overlay):
    """The values that differ, with a choice each."""

    def __init__(self, window: QWidget) -> None:
        card = QFrame()
        card.setFixedWidth(WIDTH)
        super().__init__(window, card)
        self._box = column(gap=12, margins=(22, 16, 18, 18))
        card.setLayout(self._box)
        self._sides: list[Side] = []
        self._choices: dict[int, Segments] = {}
        self._mine: dict[int, bool] = {}
        self._take: Callable[[list[bool]], object] = list

    def open_sides(self, what: str, sides: list[Side], take: Callable[[list[bool]], object]) -> None:
        """Show what differs; `take` hears for every side whether mine is to win, if any is."""
        clear(self._box)
        self._sides, self._take, self._choices = sides, take, {}
        self._mine = {number: True for number, side in enumerate(sides) if side.differs}
        self._box.addWidget(label(tr("Changed by somebody else meanwhile"), type="l"))
        self._box.addWidget(label(what, tone="2"))
        self._box.addWidget(line())
        self._box.addWidget(self._table())
        buttons = row(
            button(tr("Keep theirs"), lambda: self._all(False), kind="quiet"),
            button(tr("Take all of mine"), lambda: self._all(True), kind="quiet"),
            None,
            button(tr("Cancel"), self.close_layer, kind="quiet"),
            button(tr("Apply my choice"), self._apply, kind="primary"),
        )
        self._box.addLayout(buttons)
        self.open()
        # Four buttons in a language of long words need more than the usual width.
        margins = self._box.contentsMargins()
        frame = self.card.width() - self.card.contentsRect().width()
        needed = buttons.sizeHint().width() + margins.left() + margins.right() + frame
        self.card.setFixedWidth(max(round(WIDTH * max(1.0, theme.state().scale)), needed))
        next(iter(self._choices.values()), self).setFocus()

    def _table(self) -> QWidget:
        body = QWidget()
        body.setObjectName("surface")
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(10)
        for place, title in enumerate(("", tr("Theirs, as it is now"), tr("Mine"), tr("Which wins"))):
            grid.addWidget(label(title, tone="3", type="s"), 0, place)
        for number, side in enumerate(self._sides):
            if not side.differs:
                continue
            grid.addWidget(label(side.title, weight="medium"), number + 1, 0)
            for place, text in ((1, side.theirs), (2, side.mine)):
                shown = label(text[:LONGEST] or "–", wrap=True)
                shown.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
                grid.addWidget(shown, number + 1, place)
            choice = Segments(
                side.title,
                [("theirs", tr("Theirs")), ("mine", tr("Mine"))],
                "mine",
                partial(self._chosen, number),
            )
            self._choices[number] = choice
            grid.addWidget(choice, number + 1, 3)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(2, 1)
        body.setLayout(grid)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(body)
        area.setMinimumHeight(min(360, body.sizeHint().height() + 8))
        return area

    def _chosen(self, number: int, side: str) -> None:
        self._mine[number] = side == "mine"

    def _all(self, mine: bool) -> None:
        self._mine = dict.fromkeys(self._mine, mine)
        self._apply()

    def _apply(self) -> None:
        chosen = [self._mine.get(number, False) for number in range(len(self._sides))]
        self.close_layer()
        if any(chosen):
            self._take(chosen)
