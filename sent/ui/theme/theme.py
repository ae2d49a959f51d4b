"""The theme in force: dark, light, or as the system says; switching repaints, nothing is rebuilt."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from sent.ui.theme import fonts
from sent.ui.theme.qss import style_sheet
from sent.ui.theme.tokens import ROW_HEIGHT, THEMES, Tokens

CHOICES = ("system", "dark", "light")


class _Theme(QObject):
    """The one state of this module; `changed` follows every switch of theme, density or scale."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.choice = "system"
        self.tokens = THEMES["dark"]
        self.density = "regular"
        self.scale = 1.0
        self.family = ""


_state: _Theme | None = None


def state() -> _Theme:
    """Return the theme's state object (for its `changed` signal)."""
    global _state
    if _state is None:
        _state = _Theme()
    return _state


def tokens() -> Tokens:
    """Return the tokens in force."""
    return state().tokens


def row_height() -> int:
    """Return the height of a table row in logical pixels, by density and scale."""
    return round(ROW_HEIGHT[state().density] * max(state().scale, 1.0))


def colour(name: str) -> QColor:
    """Return the colour of a token."""
    return QColor(str(getattr(tokens(), name)))


def setup(app: QApplication, *, choice: str, density: str, scale: float) -> None:
    """Load fonts and apply the theme for the first time; follows the system's scheme from then on."""
    current = state()
    current.family = fonts.load_sans()
    current.density = density if density in ROW_HEIGHT else "regular"
    current.scale = min(max(scale, 0.9), 1.5)
    QGuiApplication.styleHints().colorSchemeChanged.connect(_follow_system)
    app.setStyle("Fusion")
    apply(choice)


def apply(choice: str) -> None:
    """Switch to `dark`, `light` or `system`."""
    current = state()
    current.choice = choice if choice in CHOICES else "system"
    current.tokens = THEMES[_resolved(current.choice)]
    _paint()


def set_density(density: str) -> None:
    """Set the row density: compact, regular or comfortable."""
    if density in ROW_HEIGHT:
        state().density = density
        state().changed.emit()


def set_scale(scale: float) -> None:
    """Set the text scale, 0.9 to 1.5."""
    state().scale = min(max(scale, 0.9), 1.5)
    _paint()


def _resolved(choice: str) -> str:
    if choice != "system":
        return choice
    scheme = QGuiApplication.styleHints().colorScheme()
    return "light" if scheme == Qt.ColorScheme.Light else "dark"


def _follow_system() -> None:
    if state().choice == "system" and THEMES[_resolved("system")] is not state().tokens:
        apply("system")


def _paint() -> None:
    current = state()
    app = QApplication.instance()
    if not isinstance(app, QApplication):
        return
    app.setPalette(_palette(current.tokens))
    font = app.font()
    font.setFamily(current.family)
    font.setPixelSize(round(13 * current.scale))
    app.setFont(font)
    images = {
        "check": _image("check", current.tokens.on_primary),
        "chevron": _image("chevron", current.tokens.text2),
    }
    app.setStyleSheet(
        style_sheet(
            current.tokens, family=current.family, mono=fonts.mono(), scale=current.scale, images=images
        )
    )
    current.changed.emit()


_SHAPES = {"check": "M3.5 8.5 6.5 11.5 12.5 5", "chevron": "M4 6.5 8 10.5 12 6.5"}


def _image(name: str, stroke: str) -> str:
    """Write a tiny SVG that the style sheet can name (it takes files only) and return `url(..)`."""
    text = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 16 16" fill="none" '
        f'stroke="{stroke}" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round">'
        f'<path d="{_SHAPES[name]}"/></svg>'
    )
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    from sent.platform.config.paths import runtime_dir

    try:
        folder = runtime_dir() / "ui"
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError:
        folder = Path(tempfile.mkdtemp(prefix="sent-ui-"))
    path = folder / f"{digest}.svg"
    if not path.is_file():
        path.write_text(text, "utf-8")
    return f"url({path.as_posix()})"


def _palette(t: Tokens) -> QPalette:
    role = QPalette.ColorRole
    pairs = {
        role.Window: t.window,
        role.WindowText: t.text,
        role.Base: t.card,
        role.AlternateBase: t.card,
        role.Text: t.text,
        role.PlaceholderText: t.text3,
        role.Button: t.raised,
        role.ButtonText: t.text,
        role.BrightText: t.bad,
        role.Highlight: t.primary,
        role.HighlightedText: t.on_primary,
        role.Link: t.accent,
        role.ToolTipBase: t.raised,
        role.ToolTipText: t.text,
        role.Mid: t.line,
        role.Dark: t.line,
        role.Light: t.raised,
        role.Accent: t.accent,
    }
    palette = QPalette()
    for key, value in pairs.items():
        palette.setColor(key, QColor(value))
    for key in (role.Text, role.WindowText, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, key, QColor(t.text3))
    return palette
