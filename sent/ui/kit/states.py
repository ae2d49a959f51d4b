"""The four states of a list beside its rows: loading, empty, nothing passes the filter, error."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QStackedLayout, QWidget

from sent.platform.i18n import tr
from sent.ui.kit.tableview import PagedTable
from sent.ui.kit.widgets import IconLabel, button, clear, column, label, row

if TYPE_CHECKING:
    from sent.platform.errors import SentError


class Notice(QWidget):
    """An icon, what it is, why, and one or two things to do; in the middle of a list."""

    def __init__(self) -> None:
        super().__init__()
        self._box = column(gap=6)
        self._box.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.setLayout(column(None, self._box, None, None, margins=(24, 24, 24, 24)))

    def show_text(
        self,
        icon_name: str,
        title: str,
        text: str,
        *actions: tuple[str, Callable[[], object]],
        tone: str = "text3",
    ) -> None:
        """Fill the notice; each action is (text, what it does), the first one stands out."""
        clear(self._box)
        picture = IconLabel(icon_name, tone, 30)
        self._box.addWidget(picture, 0, Qt.AlignmentFlag.AlignHCenter)
        self._box.addSpacing(6)
        head = label(title, weight="bold")
        body = label(text, tone="2", wrap=True)
        body.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        wide = min(420, max(200, self.width() - 60))
        body.setFixedWidth(wide)
        self._box.addWidget(head, 0, Qt.AlignmentFlag.AlignHCenter)
        self._box.addWidget(body, 0, Qt.AlignmentFlag.AlignHCenter)
        # A layout that centres asks for no height by width: long words would lose their last line.
        body.ensurePolished()
        body.setMinimumHeight(body.heightForWidth(wide))
        body.setVisible(bool(text))
        if actions:
            self._box.addSpacing(8)
            self._box.addLayout(row(None, *[button(text, run) for text, run in actions], None))


class ListStates(QWidget):
    """A table and the notice that takes its place.

    `empty` = (icon, title, text, action or None); `clear_filter` is offered when `filtered()` says that a
    filter is set; `retry` after an error
    (without it the table asks its source again).
    """

    def __init__(
        self,
        table: PagedTable,
        *,
        empty: tuple[str, str, str],
        action: tuple[str, Callable[[], object]] | None = None,
        filtered: Callable[[], bool] = lambda: False,
        clear_filter: Callable[[], object] | None = None,
        retry: Callable[[], object] | None = None,
    ) -> None:
        super().__init__()
        self.table = table
        self._empty, self._action = empty, action
        self._filtered, self._clear_filter = filtered, clear_filter
        self._again = retry
        self.notice = Notice()
        self._stack = QStackedLayout(self)
        self._stack.setContentsMargins(0, 0, 0, 0)
        self._stack.addWidget(table)
        self._stack.addWidget(self.notice)
        table.model_.loaded.connect(self.refresh)
        table.model_.failed.connect(self._failed)

    def state(self) -> str:
        """Return loading, rows, empty, filtered or error."""
        if self._stack.currentIndex() == 0:
            return "loading" if self.table.model_.skeleton else "rows"
        return str(self.notice.property("state"))

    def refresh(self) -> None:
        """Show the rows, or the notice that fits."""
        model = self.table.model_
        if model.known() or model.skeleton:
            self._stack.setCurrentIndex(0)
        elif self._filtered() and self._clear_filter is not None:
            self.notice.show_text(
                "search-x",
                tr("Nothing passes this filter"),
                tr("There is data, but none of it matches what you asked for."),
                (tr("Clear filter"), self._clear_filter),
            )
            self._show("filtered")
        else:
            self.notice.show_text(*self._empty, *([self._action] if self._action else []))
            self._show("empty")

    def _failed(self, error: SentError) -> None:
        if self.table.model_.known():
            return
        details = f"{error.code}: {error.message}"
        self.notice.show_text(
            "cloud-alert",
            tr("This list could not be loaded"),
            error.message,
            (tr("Try again"), self._retry),
            (tr("Copy details"), lambda: QGuiApplication.clipboard().setText(details)),
            tone="bad",
        )
        self._show("error")

    def _retry(self) -> None:
        if self._again is not None:
            self.table.model_.show_skeleton()
            self._again()
        else:
            self.table.model_.set_source(self.table.model_.source)
        self._stack.setCurrentIndex(0)
        self.table.setFocus()

    def _show(self, state: str) -> None:
        self.notice.setProperty("state", state)
        self._stack.setCurrentIndex(1)
