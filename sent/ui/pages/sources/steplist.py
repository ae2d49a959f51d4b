"""The steps of a mapping in their order: dragged, moved by keys, switched off, taken away."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QBrush, QDropEvent, QKeyEvent
from PySide6.QtWidgets import QListWidget, QListWidgetItem

from sent.platform.i18n import tr
from sent.ui.kit.text import tip
from sent.ui.pages.sources.steptext import Step, kinds, told
from sent.ui.theme import theme

ROW = 30


class StepList(QListWidget):
    """Numbers of steps in its signals; the list changes when it is shown anew."""

    moved = Signal(int, int)
    switched = Signal(int)
    removed = Signal(int)

    def __init__(self, may: bool) -> None:
        super().__init__()
        self._may, self._showing = may, False
        self.setAccessibleName(tr("Steps"))
        self.setToolTip(tr("Alt+Up and Alt+Down move a step, Space switches it off, Delete takes it away"))
        self.setMinimumHeight(150)
        self.setWordWrap(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        if may:
            self.setDragDropMode(QListWidget.DragDropMode.InternalMove)
        self.itemChanged.connect(self._ticked)

    def show_steps(self, steps: Sequence[Step], current: int) -> None:
        """Show steps, one of them chosen."""
        self._showing = True
        self.blockSignals(True)
        self.clear()
        for number, step in enumerate(steps):
            item = QListWidgetItem()
            item.setSizeHint(QSize(0, round(ROW * theme.state().scale)))
            flags = item.flags() & ~Qt.ItemFlag.ItemIsDropEnabled
            item.setFlags(flags | Qt.ItemFlag.ItemIsUserCheckable if self._may else flags)
            self.addItem(item)
            self.show_text(number, step)
        self.setCurrentRow(current)
        self.blockSignals(False)
        self._showing = False
        self.currentRowChanged.emit(self.currentRow())

    def show_text(self, number: int, step: Step) -> None:
        """Show a step that has changed."""
        showing, self._showing = self._showing, True
        item = self.item(number)
        on = bool(step.get("on", True))
        name = dict(kinds())[step["step"]]
        title = f" · {step['title']}" if step.get("title") else ""
        item.setText(f"{number + 1}  {name}{title}: {told(step)}")
        item.setToolTip(tip(item.text()))
        item.setForeground(QBrush(theme.colour("text" if on else "text3")))
        if self._may:
            item.setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)
        self._showing = showing

    def _ticked(self, item: QListWidgetItem) -> None:
        if not self._showing:
            self.switched.emit(self.row(item))

    def dropEvent(self, event: QDropEvent) -> None:
        number = self.currentRow()
        at = self.indexAt(event.position().toPoint())
        to = at.row() if at.isValid() else self.count() - 1
        where = self.dropIndicatorPosition()
        if where == QListWidget.DropIndicatorPosition.BelowItem and to < number:
            to += 1
        elif where == QListWidget.DropIndicatorPosition.AboveItem and to > number:
            to -= 1
        event.setDropAction(Qt.DropAction.IgnoreAction)
        event.accept()
        self.moved.emit(number, to)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        number, key = self.currentRow(), event.key()
        alt = bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
        if not self._may or number < 0:
            super().keyPressEvent(event)
        elif alt and key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.moved.emit(number, number + (1 if key == Qt.Key.Key_Down else -1))
        elif key == Qt.Key.Key_Space:
            self.switched.emit(number)
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.removed.emit(number)
        else:
            super().keyPressEvent(event)
