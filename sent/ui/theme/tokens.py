"""The design tokens: every colour and measure of the console has a name here and nowhere else.

Two themes carry the same names. Each text colour reaches 4.5:1 (WCAG 2.2, 1.4.3) on each surface it is
allowed on; `tests/ui/theme` computes all pairs.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

Density = Literal["compact", "regular", "comfortable"]
Level = Literal["critical", "high", "medium", "low", "informational"]

LEVELS: tuple[Level, ...] = ("critical", "high", "medium", "low", "informational")
ROW_HEIGHT: dict[str, int] = {"compact": 24, "regular": 28, "comfortable": 36}

SPACE_XS, SPACE_S, SPACE_M, SPACE_L, SPACE_XL = 4, 8, 12, 16, 24
TEXT_S, TEXT_M, TEXT_L, TEXT_XL = 11, 13, 16, 22
RADIUS, RADIUS_L = 6, 10


@dataclass(frozen=True, slots=True)
class Tokens:
    """Colours of one theme as `#rrggbb`."""

    name: Literal["dark", "light"]
    window: str
    panel: str
    card: str
    raised: str
    hover: str
    selected: str
    line: str
    line_strong: str
    text: str
    text2: str
    text3: str
    accent: str
    """Text and lines that can be acted on; the focus ring."""
    primary: str
    primary_hover: str
    on_primary: str
    ok: str
    warn: str
    bad: str
    info: str
    critical: str
    high: str
    medium: str
    low: str
    informational: str
    critical_soft: str
    high_soft: str
    medium_soft: str
    low_soft: str
    informational_soft: str
    mark: str
    """Behind the part of a value that a rule matched."""
    shadow: str

    def level(self, name: str) -> str:
        """Return the text colour of an alert level; an unknown one is informational."""
        return str(getattr(self, name if name in LEVELS else "informational"))

    def level_soft(self, name: str) -> str:
        """Return the chip background of an alert level."""
        return str(getattr(self, f"{name if name in LEVELS else 'informational'}_soft"))

    def as_dict(self) -> dict[str, str]:
        """Return name -> value, for the style sheet's template."""
        return {field.name: str(getattr(self, field.name)) for field in fields(self)}


DARK = Tokens(
    name="dark",
    window="#0c0f13",
    panel="#101419",
    card="#151a20",
    raised="#1b2129",
    hover="#1f2630",
    selected="#1a2c49",
    line="#232a33",
    line_strong="#364150",
    text="#e8ecf2",
    text2="#aab4c1",
    text3="#8f9aa9",
    accent="#7fb0ff",
    primary="#2b66da",
    primary_hover="#336ee0",
    on_primary="#ffffff",
    ok="#4cc38a",
    warn="#efb445",
    bad="#ff7a80",
    info="#74b4ff",
    critical="#ff7d93",
    high="#ff9a66",
    medium="#efc352",
    low="#6cb8f2",
    informational="#a3aebc",
    critical_soft="#3a1820",
    high_soft="#38201a",
    medium_soft="#312813",
    low_soft="#142a3c",
    informational_soft="#222932",
    mark="#4a3a0c",
    shadow="#000000",
)

LIGHT = Tokens(
    name="light",
    window="#f3f5f8",
    panel="#fafbfc",
    card="#ffffff",
    raised="#f1f3f6",
    hover="#eaedf2",
    selected="#dbe7fd",
    line="#e1e5eb",
    line_strong="#c2cad5",
    text="#131820",
    text2="#444e5c",
    text3="#586373",
    accent="#1a58c4",
    primary="#1f5fd6",
    primary_hover="#1953c0",
    on_primary="#ffffff",
    ok="#0c6b41",
    warn="#855100",
    bad="#b3202c",
    info="#135fae",
    critical="#a8123a",
    high="#a03c0c",
    medium="#7a5200",
    low="#0f5c98",
    informational="#505b69",
    critical_soft="#fde3e9",
    high_soft="#fde8dd",
    medium_soft="#fbf0d0",
    low_soft="#dcecf9",
    informational_soft="#e9ecf0",
    mark="#ffe9a3",
    shadow="#1b2430",
)

THEMES: dict[str, Tokens] = {"dark": DARK, "light": LIGHT}

TEXTS = ("text", "text2", "text3", "accent", "ok", "warn", "bad", "info", *LEVELS)
SURFACES = ("window", "panel", "card", "raised", "hover", "selected")
"""Every text token may stand on every one of these."""


def contrast(first: str, second: str) -> float:
    """Return the contrast ratio of two colours, 1 to 21 (WCAG 2.2, relative luminance)."""
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
