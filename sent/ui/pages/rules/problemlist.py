"""The problems of the text below it, by line; choosing one leads there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QListWidget, QListWidgetItem

from sent.platform.i18n import tr
from sent.ui.kit.text import tip
from sent.ui.pages.rules.cures import cure
from sent.ui.pages.rules.sentences import message
from sent.ui.theme import theme
from sent.ui.theme.icons import icon

if TYPE_CHECKING:
    from sent.engines.radar.api import Problem

ICONS = {"error": ("circle-alert", "bad"), "warning": ("triangle-alert", "warn"), "advice": ("info", "info")}


def severity_name(severity: str) -> str:
    """Return a severity in the user's language."""
    names = {"error": tr("Error"), "warning": tr("Warning"), "advice": tr("Advice")}
    return names.get(severity, severity)


class ProblemList(QListWidget):
    """See the module."""

    chosen = Signal(int)
    """The line to go to."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName(tr("Problems"))
        self.setWordWrap(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setIconSize(QSize(15, 15))
        self.setSpacing(1)
        self._problems: tuple[Problem, ...] = ()
        self.itemClicked.connect(self._go)
        theme.state().changed.connect(self._again)

    def _again(self) -> None:
        self.show_problems(self._problems)

    def show_problems(self, problems: Sequence[Problem]) -> None:
        """List problems."""
        self._problems = tuple(problems)
        row = self.currentRow()
        self.clear()
        for problem in problems:
            place = tr("Line {n}", n=problem.line)
            text = f"{place}  ·  {message(problem)}"
            what_to_do = cure(problem.code, problem.cure)
            item = QListWidgetItem(f"{text}\n{what_to_do}" if what_to_do else text)
            name, tone = ICONS[problem.severity]
            item.setIcon(icon(name, tone))
            item.setData(Qt.ItemDataRole.UserRole, problem.line)
            item.setData(
                Qt.ItemDataRole.AccessibleTextRole, f"{severity_name(problem.severity)}, {item.text()}"
            )
            item.setToolTip(tip(item.text()))
            self.addItem(item)
        self.setCurrentRow(min(row, self.count() - 1))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        item = self.currentItem()
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and item is not None:
            self._go(item)
        else:
            super().keyPressEvent(event)

    def _go(self, item: QListWidgetItem) -> None:
        self.chosen.emit(int(item.data(Qt.ItemDataRole.UserRole)))
