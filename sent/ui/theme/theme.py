"""The theme in force: dark or light, each also in high contrast, or as the system says.

Switching repaints, nothing is rebuilt; theme, density, text scale and stillness reach all windows at once.
"""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QGuiApplication, QPalette, QPen
from PySide6.QtWidgets import QApplication, QStyle

from sent.ui.theme import dressing, fonts
from sent.ui.theme.qss import style_sheet
from sent.ui.theme.tokens import ROW_HEIGHT, THEMES, Tokens

CHOICES = ("system", *THEMES)
SMALLEST, LARGEST, STEP = 0.9, 1.5, 0.1
MOTIONS = ("system", "full", "calm")


class _Theme(QObject):
    """The one state of this module; `changed` follows every switch of theme, density or scale."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.choice = "system"
        self.tokens = THEMES["dark"]
        self.density = "regular"
        self.scale = 1.0
        self.motion = "system"
        self.family = ""
        self.styled = False
        self.painted = False
        self.system_calm = False
        self.flash_ms = 0

    def looks(self) -> tuple[object, ...]:
        """Return all that is painted from."""
        return (self.tokens, self.density, self.scale, self.motion, self.family)


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


def edge() -> int:
    """Return how wide lines around controls are: two pixels in high contrast."""
    return 2 if tokens().high_contrast else 1


def hairline(name: str) -> QPen:
    """Return a pen of one device pixel in a token's colour: crisp at every scale of the screen."""
    pen = QPen(colour(name), 1)
    pen.setCosmetic(True)
    return pen


def ring() -> QPen:
    """Return the pen of the focus ring."""
    return QPen(colour("accent"), edge())


def calm() -> bool:
    """Say whether nothing should move by itself: the person's choice, else the system's."""
    current = state()
    return current.system_calm if current.motion == "system" else current.motion == "calm"


def setup(app: QApplication, *, choice: str, density: str, scale: float, motion: str = "system") -> None:
    """Load fonts and apply the theme for the first time; follows the system's scheme from then on."""
    current = state()
    current.family = fonts.load_sans()
    hints = QGuiApplication.styleHints()
    if not current.styled:
        # Once: a style that is set again polishes every widget there is anew.
        hints.colorSchemeChanged.connect(_follow_system)
        hints.accessibility().contrastPreferenceChanged.connect(_follow_system)
        app.setStyle("Fusion")
        current.styled = True
    current.system_calm = app.style().styleHint(QStyle.StyleHint.SH_Widget_Animation_Duration) == 0
    current.flash_ms = current.flash_ms or hints.cursorFlashTime()
    adopt(choice=choice, density=density, scale=scale, motion=motion)


def adopt(*, choice: str, density: str, scale: float, motion: str) -> None:
    """Take over all that a person chose, in one switch; what is not known becomes the default."""
    current = state()
    before = current.looks()
    current.density = density if density in ROW_HEIGHT else "regular"
    current.scale = _bounded(scale)
    current.motion = motion if motion in MOTIONS else "system"
    current.choice = choice if choice in CHOICES else "system"
    current.tokens = THEMES[_resolved(current.choice)]
    if before != current.looks() or not current.painted:
        _paint()


def apply(choice: str) -> None:
    """Switch to one of the four themes, or to `system`; nothing is painted anew when it looks so already."""
    current = state()
    before = current.looks()
    current.choice = choice if choice in CHOICES else "system"
    current.tokens = THEMES[_resolved(current.choice)]
    if before != current.looks() or not current.painted:
        _paint()


def set_density(density: str) -> None:
    """Set the row density: compact, regular or comfortable."""
    if density in ROW_HEIGHT:
        state().density = density
        state().changed.emit()


def set_scale(scale: float) -> None:
    """Set the text scale, 0.9 to 1.5."""
    if _bounded(scale) != state().scale:
        state().scale = _bounded(scale)
        _paint()


def set_motion(motion: str) -> None:
    """Let things move (`full`), keep them still (`calm`), or do as the `system` says."""
    state().motion = motion if motion in MOTIONS else "system"
    _paint()


def _bounded(scale: float) -> float:
    return round(min(max(scale, SMALLEST), LARGEST), 2) if scale == scale else 1.0


def _resolved(choice: str) -> str:
    if choice != "system":
        return choice
    hints = QGuiApplication.styleHints()
    name = "light" if hints.colorScheme() == Qt.ColorScheme.Light else "dark"
    strong = hints.accessibility().contrastPreference() == Qt.ContrastPreference.HighContrast
    return f"contrast-{name}" if strong else name


def opposite() -> str:
    """Return the theme that is light where this one is dark; high contrast stays."""
    name = tokens().name
    return name.replace("dark", "light") if tokens().is_dark else name.replace("light", "dark")


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
    QGuiApplication.styleHints().setCursorFlashTime(0 if calm() else current.flash_ms)
    images = {
        "check": _image("check", current.tokens.on_primary),
        "chevron": _image("chevron", current.tokens.text2),
    }
    dressing.redress(
        style_sheet(
            current.tokens,
            family=current.family,
            mono=fonts.mono(),
            scale=current.scale,
            images=images,
            calm=calm(),
        )
    )
    current.painted = True
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
