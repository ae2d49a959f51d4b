"""Grounds between two tokens, and the text colour that can be read on them."""

from __future__ import annotations

from PySide6.QtGui import QColor

from sent.ui.theme import theme


def blended(ink: str, ground: str, share: float = 0.16) -> QColor:
    """Return `ground` with a touch of `ink`."""
    a, b = QColor(ink), QColor(ground)
    pairs = ((a.red(), b.red()), (a.green(), b.green()), (a.blue(), b.blue()))
    red, green, blue = (round(y + (x - y) * share) for x, y in pairs)
    return QColor(red, green, blue)


def standing_out(ground: QColor) -> QColor:
    """Return the text colour that stands out more from a ground (WCAG 2.2, relative luminance)."""
    t = theme.tokens()
    choices = [QColor(t.text), QColor(t.on_primary), QColor("#101419")]
    return max(choices, key=lambda ink: _contrast(ink, ground))


def _contrast(a: QColor, b: QColor) -> float:
    light, dark = sorted((_luminance(a), _luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: QColor) -> float:
    def linear(part: float) -> float:
        return float(part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4)

    parts = (colour.redF(), colour.greenF(), colour.blueF())
    return sum(weight * linear(part) for weight, part in zip((0.2126, 0.7152, 0.0722), parts, strict=True))
