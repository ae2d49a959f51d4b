"""How strong a new password is, judged without sending it anywhere."""

from __future__ import annotations

import re
import unicodedata

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from sent.platform.i18n import tr
from sent.ui.kit.widgets import mirrored, small
from sent.ui.theme import theme

MINIMUM = 12
_COMMON = (
    "password",
    "passwort",
    "qwert",
    "12345",
    "letmein",
    "welcome",
    "admin",
    "iloveyou",
    "abc123",
    "sentsent",
)


def strength(password: str) -> int:
    """Return 0 (refused) to 4 (strong): length, variety, repetition, common words (NIST SP 800-63B)."""
    if len(password) < MINIMUM or (any(word in password.lower() for word in _COMMON) and len(password) < 20):
        return 0
    distinct = len(set(password.lower()))
    if distinct < 6:
        return 0
    kinds = sum(bool(re.search(pattern, password)) for pattern in (r"[a-z]", r"[A-Z]", r"\d", r"[^\w]"))
    points = (len(password) - MINIMUM) // 3 + kinds + (1 if distinct >= 12 else 0)
    return max(1, min(4, points - 1))


def weakness(password: str) -> str:
    """Return why a password is refused, or an empty string."""
    if len(password) < MINIMUM:
        return tr("At least {n} characters; a sentence is easy to remember", n=MINIMUM)
    return "" if strength(password) else tr("Too easy to guess: avoid common words and repetition")


def slug_of(name: str) -> str:
    """Return the short name of an organisation: `Müller & Söhne` -> `muller-sohne`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40] or "organisation"


class StrengthMeter(QWidget):
    """Four segments and a word."""

    def __init__(self) -> None:
        super().__init__()
        self._value, self._typed = 0, False
        theme.state().changed.connect(self._fit)
        self._fit()
        self.setAccessibleName(tr("Password strength"))

    def _fit(self) -> None:
        self.setFixedHeight(max(16, QFontMetrics(small(self)).height() + 2))

    def show_strength(self, password: str) -> None:
        """Judge what was typed."""
        self._value, self._typed = strength(password), bool(password)
        self.setAccessibleDescription(self._word())
        self.update()

    def _word(self) -> str:
        words = (tr("Too weak"), tr("Weak"), tr("Fair"), tr("Good"), tr("Strong"))
        return words[self._value] if self._typed else ""

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        tone = ("bad", "bad", "warn", "ok", "ok")[self._value]
        room = self.width() - 76
        for n in range(4):
            filled = self._typed and n < max(1, self._value)
            painter.setBrush(theme.colour(tone if filled else "line"))
            painter.drawRoundedRect(mirrored(QRectF(n * room / 4, 6, room / 4 - 4, 4), self.width()), 2, 2)
        font = painter.font()
        font.setPixelSize(round(11 * theme.state().scale))
        painter.setFont(font)
        painter.setPen(theme.colour(tone))
        painter.drawText(
            self.rect(), int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), self._word()
        )
