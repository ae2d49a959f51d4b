"""One of a few: a row of segments, or a list that opens; both usable with the arrow keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QWheelEvent
from PySide6.QtWidgets import QComboBox, QFrame, QPushButton, QSizePolicy

from sent.ui.kit.widgets import button, row


class Dropdown(QComboBox):
    """Choices (id, title) that open below; `on` hears the id of the one chosen."""

    def __init__(
        self, name: str, choices: Sequence[tuple[str, str]], current: str, on: Callable[[str], object]
    ) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.view().setAccessibleName(name)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        for id, title in choices:
            self.addItem(title, id)
        self.show_choice(current)
        self.activated.connect(lambda _number: on(self.choice()))

    def choice(self) -> str:
        """Return the id of the current choice."""
        return str(self.currentData())

    def show_choice(self, id: str) -> None:
        """Show a choice as the current one."""
        self.setCurrentIndex(max(0, self.findData(id)))

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


class Segments(QFrame):
    """Choices (id, title); `on` hears the id of the one chosen."""

    def __init__(
        self, name: str, choices: Sequence[tuple[str, str]], current: str, on: Callable[[str], object]
    ) -> None:
        super().__init__()
        self.setProperty("kind", "segments")
        self.setAccessibleName(name)
        self._on = on
        self._buttons: dict[str, QPushButton] = {}
        for id, title in choices:
            made = button(title, kind="segment", name=f"{name}: {title}")
            made.setCheckable(True)
            made.clicked.connect(lambda _=False, i=id: self._choose(i))
            self._buttons[id] = made
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setLayout(row(*self._buttons.values(), gap=2, margins=(3, 3, 3, 3)))
        self.show_choice(current)

    def show_choice(self, id: str) -> None:
        """Show a choice as the current one."""
        for other, made in self._buttons.items():
            made.setChecked(other == id)

    def _choose(self, id: str) -> None:
        self.show_choice(id)
        self._on(id)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Right: 1, Qt.Key.Key_Left: -1}.get(Qt.Key(event.key()))
        if step is not None and self.isRightToLeft():
            step = -step
        ids = list(self._buttons)
        at = next((n for n, id in enumerate(ids) if self._buttons[id].hasFocus()), None)
        if step is None or at is None:
            super().keyPressEvent(event)
        else:
            following = ids[(at + step) % len(ids)]
            self._buttons[following].setFocus()
            self._choose(following)
