"""A list with its detail at the right; the split is remembered."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QSplitter, QWidget

from sent.ui.prefs import Prefs


class SplitDetail(QSplitter):
    """`list | detail`; the detail opens with `open` and closes with `close_detail`."""

    turned = Signal()
    """The detail was opened or closed."""

    def __init__(self, main: QWidget, detail: QWidget, *, prefs: Prefs, key: str) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self._prefs, self._key, self._detail = prefs, f"split/{key}", detail
        self.addWidget(main)
        self.addWidget(detail)
        self.setChildrenCollapsible(False)
        self.setHandleWidth(12)
        self.setStretchFactor(0, 1)
        self.setStretchFactor(1, 0)
        detail.setMinimumWidth(320)
        detail.hide()
        self.splitterMoved.connect(lambda *_: self._prefs.set_blob(self._key, self.saveState()))

    def is_open(self) -> bool:
        """Say whether the detail is shown."""
        return not self._detail.isHidden()

    def open(self) -> None:
        """Show the detail at the width it had last."""
        if self.is_open():
            return
        self._detail.show()
        state = self._prefs.blob(self._key)
        if state is None or not self.restoreState(state):
            wide = self.width()
            side = min(480, max(340, wide * 2 // 5))
            self.setSizes([wide - side, side])
        self.turned.emit()

    def close_detail(self) -> bool:
        """Hide the detail; False when it was not open."""
        was = self.is_open()
        self._detail.hide()
        if was:
            self.turned.emit()
        return was
