"""Lines of a form as Capital's pages arrange them: a caption above, amounts and days tidied when left."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QWidget

from sent.ui.kit.text import tip
from sent.ui.kit.widgets import column, label, restyle
from sent.ui.pages.capital.money import day_shown, day_typed, typed


def today() -> date:
    """Return the day it is where the console stands."""
    return datetime.now(UTC).astimezone().date()


def edit(name: str, hint: str = "", *, right: bool = False) -> QLineEdit:
    """Return a line to type in; `right` for figures."""
    made = QLineEdit()
    made.setAccessibleName(name)
    made.setPlaceholderText(hint)
    if right:
        made.setAlignment(Qt.AlignmentFlag.AlignRight)
    return made


def captioned(field: QWidget, text: str = "") -> QWidget:
    """Return a field below its name."""
    caption = label(text or field.accessibleName(), tone="3", type="s")
    caption.setBuddy(field)
    holder = QWidget()
    holder.setLayout(column(caption, field, gap=3))
    return holder


def amount_of(field: QLineEdit, *, otherwise: Decimal | None = None) -> Decimal | None:
    """Return the amount that stands in a line (`otherwise` for an empty one); a wrong one is marked."""
    text = field.text().strip()
    if not text and otherwise is not None:
        restyle(field, invalid=False)
        return otherwise
    try:
        found = typed(text)
    except ValueError as error:
        _mark(field, str(error))
        return None
    restyle(field, invalid=False)
    field.setAccessibleDescription("")
    return found


def day_of(field: QLineEdit, near: date) -> date | None:
    """Return the day that stands in a line; a wrong one is marked."""
    try:
        found = day_typed(field.text(), near)
    except ValueError as error:
        _mark(field, str(error))
        return None
    restyle(field, invalid=False)
    field.setAccessibleDescription("")
    return found


def tidy_day(field: QLineEdit, near: Callable[[], date]) -> None:
    """Write the day out whenever the line is left."""

    def tidy() -> None:
        try:
            field.setText(day_shown(day_typed(field.text(), near())))
        except ValueError:
            return

    field.editingFinished.connect(tidy)


def _mark(field: QLineEdit, why: str) -> None:
    restyle(field, invalid=True)
    field.setAccessibleDescription(why)
    field.setToolTip(tip(why))
