"""The one time range of the console: what was chosen last, and how it is zoomed."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QPushButton, QWidget

from sent.platform.errors import Invalid
from sent.platform.i18n import tr
from sent.ui.kit.timerange import TimeRange, between, parse
from sent.ui.kit.widgets import button
from sent.ui.prefs import Prefs

ZOOMS = 20


class Ranges(QObject):
    """The range in force; pages that follow it hear `changed`."""

    changed = Signal()

    def __init__(self, prefs: Prefs) -> None:
        super().__init__()
        self._prefs = prefs
        self.value = TimeRange()
        self._before: list[TimeRange] = []

    def choose(self, chosen: TimeRange) -> None:
        """Look at another range; a zoom that was under way is over."""
        self._before = []
        self._take(chosen)
        if chosen.relative:
            self._prefs.set_own("range", str(chosen))

    def zoom(self, start: float, stop: float) -> None:
        """Look closer at a part; `zoom_out` leads back."""
        self._before = [*self._before, self.value][-ZOOMS:]
        self._take(between(start, stop))

    def zoom_out(self) -> None:
        """Go back by one zoom."""
        if self._before:
            self._take(self._before.pop())

    @property
    def zoomed(self) -> bool:
        """Say whether `zoom_out` leads anywhere."""
        return bool(self._before)

    def restore(self) -> None:
        """Take the range that the person looked at last."""
        self._before = []
        try:
            self._take(parse(self._prefs.own("range") or "1h"))
        except Invalid:
            self._take(TimeRange())

    def _take(self, chosen: TimeRange) -> None:
        if chosen != self.value:
            self.value = chosen
            self.changed.emit()


def range_button(ranges: Ranges, open_picker: Callable[[], object]) -> QWidget:
    """Return the button that shows the range and opens the picker."""
    made = button(ranges.value.title(), open_picker, kind="quiet", icon_name="clock", name=tr("Time range"))
    made.setToolTip(tr("Time range (T)"))
    ranges.changed.connect(_Title(made, ranges).show)
    return made


class _Title(QObject):
    """Keeps a button's text true for as long as there is the button: ranges outlive windows."""

    def __init__(self, button: QPushButton, ranges: Ranges) -> None:
        super().__init__(button)
        self._button, self._ranges = button, ranges

    def show(self) -> None:
        """Show the range in force."""
        self._button.setText(f" {self._ranges.value.title()}")
