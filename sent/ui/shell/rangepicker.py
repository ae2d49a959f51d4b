"""The layer that chooses the time range (`T`)."""

from __future__ import annotations

from functools import partial

from PySide6.QtWidgets import QFrame, QGridLayout, QWidget

from sent.platform.errors import Invalid
from sent.platform.i18n import tr
from sent.ui.kit.form import TextField
from sent.ui.kit.timerange import PRESETS, TimeRange, parse
from sent.ui.kit.widgets import button, column, label, line, row, tool
from sent.ui.shell.overlay import Overlay
from sent.ui.shell.ranges import Ranges


class RangePicker(Overlay):
    """A layer with the usual ranges and a field for any other (`T`)."""

    def __init__(self, window: QWidget, ranges: Ranges) -> None:
        card = QFrame()
        card.setFixedWidth(460)
        super().__init__(window, card, top=96)
        self._ranges = ranges
        self.field = TextField(
            tr("From – to, or how long"),
            hint="6h   10:00 - 12:00   2026-01-05",
            help=tr("In your own time zone; Enter applies"),
        )
        self.field.edit.returnPressed.connect(self._apply)
        grid = QGridLayout()
        grid.setSpacing(6)
        self.presets = [button(preset.title(), partial(self._choose, preset)) for preset in PRESETS]
        for number, made in enumerate(self.presets):
            grid.addWidget(made, number // 2, number % 2)
        self._back = button(tr("Zoom out"), self._zoom_out, kind="quiet", icon_name="zoom-out")
        head = row(label(tr("Time range"), type="l"), None, tool("x", tr("Close"), self.close_layer))
        apply = button(tr("Apply"), self._apply, kind="primary")
        card.setLayout(
            column(
                head, line(), grid, self.field, row(self._back, None, apply), gap=12, margins=(20, 14, 16, 16)
            )
        )

    def open_picker(self) -> None:
        """Show what is chosen now, ready to be typed over."""
        value = self._ranges.value
        self.field.show_error("")
        self.field.set_text(str(value) if value.relative else value.title())
        self._back.setEnabled(self._ranges.zoomed)
        self.open()
        self.field.edit.setFocus()
        self.field.edit.selectAll()

    def _apply(self) -> None:
        try:
            chosen = parse(self.field.text())
        except Invalid as error:
            self.field.show_error(error.message)
            return
        self._choose(chosen)

    def _choose(self, chosen: TimeRange) -> None:
        self.close_layer()
        self._ranges.choose(chosen)

    def _zoom_out(self) -> None:
        self.close_layer()
        self._ranges.zoom_out()
