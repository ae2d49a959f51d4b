"""The console's fonts: bundled static weights, or what the system has."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtGui import QFont, QFontDatabase

FOLDER = Path(__file__).resolve().parent.parent / "assets" / "fonts"

_mono: str | None = None


def load_sans() -> str:
    """Register Inter and return its family, or the system's interface font when it was not built."""
    found = [
        QFontDatabase.addApplicationFont(str(FOLDER / f"Inter-{weight}.ttf"))
        for weight in ("Regular", "Medium", "SemiBold")
        if (FOLDER / f"Inter-{weight}.ttf").is_file()
    ]
    if len(found) == 3 and -1 not in found:
        return "Inter"
    return QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont).family()


def mono() -> str:
    """Register IBM Plex Mono at the first call and return its family, or the system's fixed font."""
    global _mono
    if _mono is None:
        paths = [FOLDER / "IBMPlexMono-Regular.ttf", FOLDER / "IBMPlexMono-Medium.ttf"]
        found = [QFontDatabase.addApplicationFont(str(path)) for path in paths if path.is_file()]
        fixed = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont).family()
        _mono = "IBM Plex Mono" if found and -1 not in found else fixed
    return _mono


def tabular(font: QFont) -> QFont:
    """Return `font` with figures of equal width, for numbers and times that stand below each other."""
    copy = QFont(font)
    copy.setFeature(QFont.Tag("tnum"), 1)
    return copy
