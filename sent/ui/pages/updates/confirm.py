"""Asks before the machine goes back: what happens, and what does not."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QFrame, QWidget

from sent.platform.i18n import tr
from sent.ui.kit.widgets import IconLabel, button, clear, column, label, line, row
from sent.ui.shell.overlay import Overlay
from sent.ui.theme import theme

WIDTH = 480


class GoBack(Overlay):
    """One question; Esc and the focus stand on staying."""

    def __init__(self, window: QWidget) -> None:
        card = QFrame()
        card.setFixedWidth(WIDTH)
        super().__init__(window, card, top=120)
        self._box = column(gap=12, margins=(20, 16, 20, 16))
        card.setLayout(self._box)
        self.confirm = button("")

    def ask(self, now: str, before: str, done: Callable[[], object]) -> None:
        """Ask whether to go from `now` back to `before`."""
        clear(self._box)
        self.card.setFixedWidth(round(WIDTH * max(1.0, theme.state().scale)))
        lines = (
            ("undo-2", tr("SENT {version} becomes the current version at once.", version=before)),
            ("server", tr("Services here go over to it within seconds; work in hand is finished first.")),
            ("monitor", tr("Consoles go on and offer a restart.")),
            ("database", tr("The database stays as it is: {version} works with it.", version=before)),
            ("bell-off", tr("{version} is not installed by itself again; you can choose it.", version=now)),
        )
        self._box.addWidget(label(tr("Go back to SENT {version}?", version=before), type="l"))
        self._box.addWidget(line())
        for icon, text in lines:
            said = row(IconLabel(icon, "text2", 16), label(text, wrap=True), gap=12)
            said.setStretch(1, 1)
            self._box.addLayout(said)
        self._box.addSpacing(4)
        stay = button(tr("Stay with {version}", version=now), self.close_layer)
        self.confirm = button(tr("Go back"), lambda: self._go(done), kind="danger")
        self._box.addLayout(row(None, stay, self.confirm))
        self.open()
        self._place()  # letters have their size only when they are shown
        stay.setFocus()

    def _go(self, done: Callable[[], object]) -> None:
        self.close_layer()
        done()
