"""Small pieces: labels, buttons, dots, boxes. Their look comes from the style sheet by properties."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal

from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetrics,
    QGuiApplication,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from sent.ui.kit.text import tip
from sent.ui.theme import theme
from sent.ui.theme.icons import icon, pixmap

Tone = Literal["1", "2", "3", "ok", "warn", "bad", "accent"]


def restyle(widget: QWidget, **properties: object) -> None:
    """Set style-sheet properties and have the widget look at them again."""
    if all(widget.property(name) == value for name, value in properties.items()):
        return
    for name, value in properties.items():
        widget.setProperty(name, value)
    widget.style().unpolish(widget)
    widget.style().polish(widget)


def label(
    text: str = "", *, tone: Tone = "1", type: str = "m", weight: str = "", wrap: bool = False
) -> QLabel:
    """Return a plain-text label (never rich text: texts may come from attackers)."""
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setProperty("tone", tone)
    made.setProperty("type", type)
    made.setProperty("weight", weight)
    made.setWordWrap(wrap)
    return made


class Push(QPushButton):
    """A button that Enter presses too, not only Space; its text keeps off its icon."""

    def setText(self, text: str) -> None:
        super().setText(f" {text}" if not self.icon().isNull() else text)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)


def button(
    text: str, on: Callable[[], object] | None = None, *, kind: str = "", icon_name: str = "", name: str = ""
) -> QPushButton:
    """Return a push button; `kind` is primary, quiet, link, danger, pill, tab, segment or nothing."""
    made = Push()
    made.setProperty("kind", kind)
    made.setAccessibleName(name or text)
    made.setCursor(Qt.CursorShape.PointingHandCursor)
    if icon_name:
        made.setIcon(icon(icon_name, "on_primary" if kind in ("primary", "pill") else "text2"))
        made.setIconSize(QSize(15, 15))
    made.setText(text)
    if on is not None:
        made.clicked.connect(lambda _checked=False: on())
    return made


def tool(icon_name: str, name: str, on: Callable[[], object] | None = None, *, size: int = 16) -> QToolButton:
    """Return a button that is only an icon; `name` is its tooltip and what a screen reader says."""
    made = QToolButton()
    made.setIcon(icon(icon_name))
    made.setIconSize(QSize(size, size))
    made.setFixedSize(size + 12, size + 12)
    made.setToolTip(name)
    made.setAccessibleName(name)
    made.setCursor(Qt.CursorShape.PointingHandCursor)
    made.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    if on is not None:
        made.clicked.connect(lambda _checked=False: on())
    return made


def card(*, clickable: bool = False) -> QFrame:
    """Return an empty card."""
    made = QFrame()
    made.setProperty("kind", "card")
    made.setProperty("clickable", clickable)
    return made


def line() -> QFrame:
    """Return a horizontal hairline."""
    made = QFrame()
    made.setProperty("kind", "line")
    return made


def row(
    *items: QWidget | QLayout | int | None, gap: int = 8, margins: tuple[int, int, int, int] = (0, 0, 0, 0)
) -> QHBoxLayout:
    """Return a horizontal layout; a number is a fixed space, None stretches."""
    made = QHBoxLayout()
    _fill(made, items, gap, margins)
    return made


def column(
    *items: QWidget | QLayout | int | None, gap: int = 8, margins: tuple[int, int, int, int] = (0, 0, 0, 0)
) -> QVBoxLayout:
    """Return a vertical layout; a number is a fixed space, None stretches."""
    made = QVBoxLayout()
    _fill(made, items, gap, margins)
    return made


def _fill(
    layout: QBoxLayout,
    items: Iterable[QWidget | QLayout | int | None],
    gap: int,
    margins: tuple[int, int, int, int],
) -> None:
    layout.setSpacing(gap)
    layout.setContentsMargins(*margins)
    for item in items:
        if item is None:
            layout.addStretch(1)
        elif isinstance(item, int):
            layout.addSpacing(item)
        elif isinstance(item, QLayout):
            layout.addLayout(item)
        else:
            layout.addWidget(item)


def scrolled(widget: QWidget, name: str) -> QScrollArea:
    """Return an area in which `widget` is scrolled up and down when it is higher than its place."""
    widget.setObjectName("surface")
    area = Scrolled(widget)
    area.setAccessibleName(name)
    return area


class Scrolled(QScrollArea):
    """As high as what it holds where there is room, else scrolled."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._held = widget
        self.setWidget(widget)

    def sizeHint(self) -> QSize:
        return self._held.sizeHint()

    def minimumSizeHint(self) -> QSize:
        return QSize(self._held.minimumSizeHint().width(), 60)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return super().eventFilter(watched, event)


def clear(layout: QLayout) -> None:
    """Take everything out of `layout` and delete it."""
    while (item := layout.takeAt(0)) is not None:
        if (widget := item.widget()) is not None:
            widget.hide()
            widget.deleteLater()
        elif (inner := item.layout()) is not None:
            clear(inner)


class Elided(QLabel):
    """A one-line label that ends in `…` when there is no room; the whole text is its tooltip then."""

    def __init__(self, text: str = "", *, tone: Tone = "1", type: str = "m", weight: str = "") -> None:
        super().__init__(text)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setProperty("tone", tone)
        self.setProperty("type", type)
        self.setProperty("weight", weight)
        policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        policy.setHorizontalStretch(1)
        self.setSizePolicy(policy)

    def minimumSizeHint(self) -> QSize:
        return QSize(24, super().minimumSizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        metrics = QFontMetrics(self.font())
        shown = metrics.elidedText(self.text(), Qt.TextElideMode.ElideRight, self.width())
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(self.rect(), int(self.alignment() | Qt.AlignmentFlag.AlignVCenter), shown)

    def resizeEvent(self, event: QResizeEvent) -> None:
        cut = QFontMetrics(self.font()).horizontalAdvance(self.text()) > self.width()
        self.setToolTip(tip(self.text()) if cut else "")
        super().resizeEvent(event)


LINK_EDGES = 12
"""Pixels that a link's padding and border take, both sides."""

LINK_EDGE = 5
"""Pixels before a link's first letter."""


class ElidedLink(Push):
    """A link that ends in `…` when there is no room; what it does and the whole text are its tooltip."""

    def __init__(self, text: str, on: Callable[[], object], told: str) -> None:
        super().__init__()
        self._whole = text
        self.setProperty("kind", "link")
        self.setAccessibleName(text)
        self.setToolTip(tip(f"{told}: {text}"))
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(24)
        self.setText(text)
        self.clicked.connect(lambda _checked=False: on())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        room = self.width() - LINK_EDGES
        self.setText(self.fontMetrics().elidedText(self._whole, Qt.TextElideMode.ElideRight, room))


class Dot(QWidget):
    """A state as a coloured shape (see `paint_dot`)."""

    def __init__(self, tone: str = "text3", size: int = 8) -> None:
        super().__init__()
        self._tone = tone
        self.setFixedSize(size + 2, size + 2)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def set_tone(self, tone: str) -> None:
        """Set the state: a tint's name (`ok`, `warn`, `bad`, `text3`)."""
        if tone != self._tone:
            self._tone = tone
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        paint_dot(painter, QRectF(self.rect()).adjusted(1, 1, -1, -1), self._tone)


def paint_dot(painter: QPainter, box: QRectF, tone: str) -> None:
    """Paint the shape of a state; colour is never the only signal.

    A disc is well, a ring is not known, a triangle warns, a square is bad, a diamond tells, an arrow works.
    """
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    shade = theme.colour(tone)
    if tone == "text3":
        painter.setPen(QPen(shade, 1.4))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(box.adjusted(0.7, 0.7, -0.7, -0.7))
        return
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(shade)
    if tone == "warn":
        painter.drawPolygon([QPointF(box.center().x(), box.top()), box.bottomRight(), box.bottomLeft()])
    elif tone == "bad":
        painter.drawRoundedRect(box, 1.5, 1.5)
    elif tone == "info":
        middle = box.center()
        painter.drawPolygon(
            [
                QPointF(middle.x(), box.top() - 0.5),
                QPointF(box.right() + 0.5, middle.y()),
                QPointF(middle.x(), box.bottom() + 0.5),
                QPointF(box.left() - 0.5, middle.y()),
            ]
        )
    elif tone == "accent":
        painter.drawPolygon([box.topLeft(), QPointF(box.right(), box.center().y()), box.bottomLeft()])
    else:
        painter.drawEllipse(box)


def mirrored(box: QRectF, width: float, left: float = 0) -> QRectF:
    """Return where `box` lies in a place of this width: from the right in languages that begin there.

    Painters lay out from the left and pass each box through here; text in it is turned by Qt already.
    """
    if QGuiApplication.layoutDirection() == Qt.LayoutDirection.LeftToRight:
        return box
    return QRectF(2 * left + width - box.right(), box.top(), box.width(), box.height())


class IconLabel(QWidget):
    """An icon in a tint's colour."""

    def __init__(self, name: str, tint: str = "text2", size: int = 16) -> None:
        super().__init__()
        self._name, self._tint, self._size = name, tint, size
        self.setFixedSize(size, size)

    def set_icon(self, name: str, tint: str) -> None:
        """Show another icon or colour."""
        self._name, self._tint = name, tint
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        shade = str(getattr(theme.tokens(), self._tint))
        QPainter(self).drawPixmap(0, 0, pixmap(self._name, shade, self._size, self.devicePixelRatioF()))


def small(widget: QWidget) -> QFont:
    """Return the widget's font at the size of key caps and chips."""
    font = QFont(widget.font())
    font.setPixelSize(round(11 * theme.state().scale))
    return font


class ClickCard(QFrame):
    """A card that leads somewhere: click, Enter and Space do the same."""

    clicked = Signal()

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setProperty("kind", "card")
        self.setProperty("clickable", True)
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.clicked.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.clicked.emit()
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.FocusIn, QEvent.Type.FocusOut):
            self.update()
        return super().event(event)


def paint_shadow(painter: QPainter, box: QRectF, radius: float = 12, reach: int = 22) -> None:
    """Paint a soft shadow around `box`; cheaper than a graphics effect, which renders the widget twice."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    shade = QColor(theme.tokens().shadow)
    for step in range(reach, 0, -2):
        shade.setAlphaF(0.028 if theme.tokens().is_dark else 0.012)
        painter.setBrush(shade)
        grown = box.adjusted(-step, -step + 6, step, step + 6)
        painter.drawRoundedRect(grown, radius + step, radius + step)
