"""The top bar: where you are, the palette's door, tasks, the user's menu."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QMenu, QPushButton, QToolButton, QWidget

from sent.platform.i18n import tr
from sent.ui.kit.keycaps import cap_width, paint_caps
from sent.ui.kit.text import tip
from sent.ui.kit.widgets import Elided, label, mirrored, row, small
from sent.ui.shell.actions import ActionRegistry
from sent.ui.theme import theme
from sent.ui.theme.icons import icon

KEYS = ["Ctrl", "K"]


class SearchDoor(QPushButton):
    """Looks like a search field, opens the palette, shows its shortcut."""

    def __init__(self) -> None:
        super().__init__(icon("search", "text3"), "")
        self.setProperty("kind", "search")
        self.setIconSize(QSize(15, 15))
        self.setFixedSize(320, 32)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(tr("Search or run a command"))
        theme.state().changed.connect(self._fit)
        self._fit()

    def set_narrow(self, narrow: bool) -> None:
        """Say less in a narrow window."""
        self.setFixedWidth(190 if narrow else 320)
        self._fit()

    def text_room(self) -> int:
        """Return the pixels between the icon and the key caps."""
        return self.width() - 46 - self._caps_width()

    def _caps_width(self) -> int:
        return cap_width(QFontMetrics(small(self)), KEYS)

    def _fit(self) -> None:
        """Say as much as there is room for before the key caps."""
        self.ensurePolished()
        metrics, room = self.fontMetrics(), self.text_room()
        texts = (tr("Search or run a command"), tr("Search"))
        fitting = next((text for text in texts if metrics.horizontalAdvance(text) <= room), None)
        self.setText(fitting or metrics.elidedText(texts[-1], Qt.TextElideMode.ElideRight, room))

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setFont(small(self))
        left = self.width() - self._caps_width() - 8
        place = QRectF(left, 0, self._caps_width(), self.height())
        paint_caps(painter, mirrored(place, self.width()), KEYS)


class UserButton(QToolButton):
    """The person's initials; opens the menu."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedSize(32, 32)
        self.setAccessibleName(tr("Account menu"))
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._initials = ""

    def set_person(self, name: str) -> None:
        """Show the initials of `name`."""
        parts = name.split()
        self._initials = "".join(
            part[0] for part in (parts[:1] + parts[-1:] if len(parts) > 1 else parts)
        ).upper()
        self.setToolTip(tip(name))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        quiet = QPen(theme.colour("line_strong"), theme.edge())
        painter.setPen(theme.ring() if self.hasFocus() else quiet)
        painter.setBrush(theme.colour("selected" if self._initials else "raised"))
        painter.drawEllipse(self.rect().toRectF().adjusted(1.5, 1.5, -1.5, -1.5))
        painter.setFont(small(self))
        painter.setPen(theme.colour("accent"))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self._initials)


class TopBar(QFrame):
    """Title and subtitle at the left, the palette's door and the account at the right."""

    search_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("topbar")
        self.setFixedHeight(52)
        self._title = label("", type="l")
        self._subtitle = Elided("", tone="3")
        self.door = SearchDoor()
        self.door.clicked.connect(lambda _=False: self.search_wanted.emit())
        self.user = UserButton()
        self.range = QWidget()
        self._box = row(self._title, self._subtitle, self.door, self.user, gap=10, margins=(20, 0, 16, 0))
        self.setLayout(self._box)

    def show_range(self, button: QWidget) -> None:
        """Put the time range's button before the palette's door; pages that follow it show it."""
        self.range = button
        self._box.insertWidget(2, button)
        button.hide()

    def show_place(self, title: str, subtitle: str) -> None:
        """Show where the user is."""
        self._title.setText(title)
        self._subtitle.setText(subtitle)

    def fill_menu(
        self, person: str, detail: str, registry: ActionRegistry, ids: tuple[str | None, ...]
    ) -> None:
        """Make the account menu from the registry; None is a separator."""
        self.user.set_person(person)
        if (before := self.user.menu()) is not None:
            before.deleteLater()
        menu = QMenu(self.user)
        if person:
            for text in (person, detail):
                menu.addAction(text).setEnabled(False)
            menu.addSeparator()
        for id in ids:
            action = registry.find(id) if id else None
            if id is None:
                menu.addSeparator()
            elif action is not None:
                entry = menu.addAction(icon(action.icon), f"{action.title}\t{action.shortcut}")
                entry.triggered.connect(lambda _=False, id=id: registry.trigger(id))
        self.user.setMenu(menu)
