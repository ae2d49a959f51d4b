"""The recovery key, shown once after the first organisation was made: words to write on paper."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QGridLayout, QWidget

from sent.platform.i18n import tr
from sent.platform.telemetry.log import Secret
from sent.ui.kit.widgets import IconLabel, button, column, label, row
from sent.ui.shell.overlay import Overlay

COLUMNS = 4


class RecoverySheet(Overlay):
    """Stays until somebody says that the words are on paper; it holds the only copy."""

    def __init__(self, window: QWidget, words: Secret) -> None:
        card = QFrame()
        card.setFixedWidth(520)
        super().__init__(window, card, dim=0.6, fixed=True)
        self._words = words
        self.groups = words.reveal().split("-")
        grid = QGridLayout()
        grid.setHorizontalSpacing(22)
        grid.setVerticalSpacing(8)
        for number, group in enumerate(self.groups):
            counted = label(f"{number + 1}", tone="3", type="s")
            counted.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            word = label(group, type="mono", weight="bold")
            word.setAccessibleName(tr("Group {n}: {group}", n=number + 1, group=" ".join(group)))
            line = row(counted, word, gap=8)
            grid.addLayout(line, number // COLUMNS, number % COLUMNS)
        self.done = button(tr("The words are on paper"), self._finish, kind="primary")
        copy = button(tr("Copy"), self._copy, kind="quiet", icon_name="copy")
        text = tr(
            "Should this machine's key ever be lost, these words bring it back; without them everything that"
            " is sealed would be lost too. They are shown only now. Write them on paper and lock it away."
        )
        head = row(IconLabel("key-round", "accent", 22), label(tr("Recovery key"), type="l"), None, gap=10)
        card.setLayout(
            column(
                head,
                label(text, tone="2", wrap=True),
                grid,
                row(copy, None, self.done),
                gap=14,
                margins=(22, 18, 22, 18),
            )
        )

    def open(self) -> None:
        """Show the words; Enter says that they are on paper."""
        super().open()
        self.done.setFocus()

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._words.reveal())

    def _finish(self) -> None:
        self.close_layer()
        self.groups = []
        self._words = Secret("")
        self.deleteLater()
