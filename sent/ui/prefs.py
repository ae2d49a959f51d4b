"""What a user arranged: window, splits, columns, theme, density; an ini file below the config folder.

Kept per person: `person/<id>/...` after sign-in, `machine/...` before. Nothing here is secret.
"""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QByteArray, QSettings

from sent.platform.config.paths import config_dir


class Prefs:
    """Typed access to the ini file."""

    def __init__(self, path: str | None = None) -> None:
        self._settings = QSettings(path or str(config_dir() / "console.ini"), QSettings.Format.IniFormat)
        self._scope = "machine"

    def use_person(self, person: str) -> None:
        """Keep what follows for this person; what he has not set yet comes from the machine's."""
        self._scope = f"person/{person}"

    def text(self, key: str, default: str = "") -> str:
        """Return a text."""
        value = self._settings.value(f"{self._scope}/{key}")
        if value is None:
            value = self._settings.value(f"machine/{key}")
        return default if value is None else str(value)

    def set_text(self, key: str, value: str) -> None:
        """Keep a text, also as the machine's so that the next start looks the same before sign-in."""
        self._settings.setValue(f"{self._scope}/{key}", value)
        self._settings.setValue(f"machine/{key}", value)

    def own(self, key: str, default: str = "") -> str:
        """Return a text that is this person's only: nobody else's, nor the machine's, takes its place."""
        value = self._settings.value(f"{self._scope}/{key}")
        return default if value is None or self._scope == "machine" else str(value)

    def set_own(self, key: str, value: str) -> None:
        """Keep a text for this person only; an empty one is forgotten. Before sign-in nothing is kept."""
        if self._scope == "machine":
            return
        if value:
            self._settings.setValue(f"{self._scope}/{key}", value)
        else:
            self._settings.remove(f"{self._scope}/{key}")

    def own_keys(self, group: str) -> list[str]:
        """Return the keys of this person below `group`."""
        if self._scope == "machine":
            return []
        self._settings.beginGroup(f"{self._scope}/{group}")
        try:
            return self._settings.allKeys()
        finally:
            self._settings.endGroup()

    def number(self, key: str, default: float) -> float:
        """Return a number."""
        try:
            return float(self.text(key, str(default)))
        except ValueError:
            return default

    def looks(self) -> dict[str, Any]:
        """Return theme, density, text scale and motion as `theme.setup` and `theme.adopt` take them."""
        return {
            "choice": self.text("theme", "system"),
            "density": self.text("density", "regular"),
            "scale": self.number("scale", 1.0),
            "motion": self.text("motion", "system"),
        }

    def blob(self, key: str) -> QByteArray | None:
        """Return bytes (geometry, splitter, header), or None."""
        value = self._settings.value(f"{self._scope}/{key}")
        return value if isinstance(value, QByteArray) else None

    def set_blob(self, key: str, value: QByteArray) -> None:
        """Keep bytes."""
        self._settings.setValue(f"{self._scope}/{key}", value)

    def set_place(self, key: str, value: QByteArray) -> None:
        """Keep where a window stands, also as the machine's: it is needed before anybody signs in."""
        self.set_blob(key, value)
        self._settings.setValue(f"machine/{key}", value)

    def sync(self) -> None:
        """Write the file now."""
        self._settings.sync()
