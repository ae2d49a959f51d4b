"""The design tokens: every colour and measure of the console has a name here and nowhere else.

Four themes carry the same names. Each token says what it is for: a text colour, and on what it may stand;
a ground; or a decoration that carries no text. `text_pairs` lists every pair that may meet from that, so a
new token cannot escape: 4.5:1 (WCAG 2.2, 1.4.3), in the themes of high contrast 7:1 (1.4.6).
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Literal

Density = Literal["compact", "regular", "comfortable"]
ThemeName = Literal["dark", "light", "contrast-dark", "contrast-light"]
Level = Literal["critical", "high", "medium", "low", "informational"]

LEVELS: tuple[Level, ...] = ("critical", "high", "medium", "low", "informational")
ROW_HEIGHT: dict[str, int] = {"compact": 24, "regular": 28, "comfortable": 36}

SPACE_XS, SPACE_S, SPACE_M, SPACE_L, SPACE_XL = 4, 8, 12, 16, 24
TEXT_S, TEXT_M, TEXT_L, TEXT_XL = 11, 13, 16, 22
RADIUS, RADIUS_L = 6, 10


GROUNDS = ("window", "panel", "card", "raised", "hover", "selected")
"""The surfaces on which every text may stand."""


def _ink(*grounds: str) -> Any:
    """Declare a colour of texts and of signs that say something; `grounds` are further places for it."""
    return field(metadata={"on": (*GROUNDS, *grounds)})


def _ink_only_on(*grounds: str) -> Any:
    """Declare a text colour that stands on these grounds alone."""
    return field(metadata={"on": grounds})


def _plain() -> Any:
    """Declare a ground (what stands on it says so itself) or a decoration without text."""
    return field(metadata={"on": ()})


@dataclass(frozen=True, slots=True)
class Tokens:
    """Colours of one theme as `#rrggbb`."""

    name: ThemeName
    window: str = _plain()
    panel: str = _plain()
    card: str = _plain()
    raised: str = _plain()
    hover: str = _plain()
    selected: str = _plain()
    line: str = _plain()
    line_strong: str = _plain()
    text: str = _ink("mark", "medium_soft", "critical_soft")
    text2: str = _ink("medium_soft", "critical_soft")
    text3: str = _ink()
    accent: str = _ink("medium_soft", "critical_soft")
    """Text and lines that can be acted on; the focus ring."""
    primary: str = _plain()
    primary_hover: str = _plain()
    on_primary: str = _ink_only_on("primary", "primary_hover")
    ring: str = _plain()
    """The focus ring on `primary`, where `accent` would drown."""
    ok: str = _ink()
    warn: str = _ink()
    bad: str = _ink()
    info: str = _ink()
    critical: str = _ink("critical_soft")
    high: str = _ink("high_soft")
    medium: str = _ink("medium_soft")
    low: str = _ink("low_soft")
    informational: str = _ink("informational_soft")
    critical_soft: str = _plain()
    high_soft: str = _plain()
    medium_soft: str = _plain()
    low_soft: str = _plain()
    informational_soft: str = _plain()
    mark: str = _plain()
    """Behind the part of a value that a rule matched."""
    shadow: str = _plain()

    @property
    def is_dark(self) -> bool:
        """Say whether light text stands on a dark ground."""
        return self.name.endswith("dark")

    @property
    def high_contrast(self) -> bool:
        """Say whether this is one of the themes of high contrast."""
        return self.name.startswith("contrast")

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
    ring="#e8ecf2",
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
    ring="#131820",
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

CONTRAST_DARK = Tokens(
    name="contrast-dark",
    window="#000000",
    panel="#000000",
    card="#000000",
    raised="#0d0d0d",
    hover="#1c1c1c",
    selected="#00285c",
    line="#6a6a6a",
    line_strong="#767676",
    text="#ffffff",
    text2="#f0f0f0",
    text3="#dcdcdc",
    accent="#ffe14d",
    primary="#ffe14d",
    primary_hover="#fff0a0",
    on_primary="#000000",
    ring="#000000",
    ok="#5dff9e",
    warn="#ffc24d",
    bad="#ffb3b3",
    info="#9fd4ff",
    critical="#ffb0c0",
    high="#ffc19a",
    medium="#ffd866",
    low="#9fd8ff",
    informational="#e0e0e0",
    critical_soft="#45000f",
    high_soft="#3a1600",
    medium_soft="#332600",
    low_soft="#002440",
    informational_soft="#202020",
    mark="#5c3d00",
    shadow="#000000",
)

CONTRAST_LIGHT = Tokens(
    name="contrast-light",
    window="#ffffff",
    panel="#ffffff",
    card="#ffffff",
    raised="#f6f6f6",
    hover="#e8e8e8",
    selected="#cfe2ff",
    line="#767676",
    line_strong="#868686",
    text="#000000",
    text2="#1c1c1c",
    text3="#303030",
    accent="#00308a",
    primary="#00308a",
    primary_hover="#001f5c",
    on_primary="#ffffff",
    ring="#ffffff",
    ok="#004022",
    warn="#4d2c00",
    bad="#7a000e",
    info="#003a75",
    critical="#780021",
    high="#6a2100",
    medium="#4a3000",
    low="#003a68",
    informational="#303030",
    critical_soft="#ffe6ec",
    high_soft="#ffece2",
    medium_soft="#fff4d6",
    low_soft="#e2f1ff",
    informational_soft="#ededed",
    mark="#ffe27a",
    shadow="#000000",
)

THEMES: dict[str, Tokens] = {tokens.name: tokens for tokens in (DARK, LIGHT, CONTRAST_DARK, CONTRAST_LIGHT)}


def text_pairs() -> list[tuple[str, str]]:
    """Return every (text, ground) that may meet, from what the tokens say of themselves."""
    return [(token.name, ground) for token in fields(Tokens) for ground in token.metadata.get("on", ())]


def contrast(first: str, second: str) -> float:
    """Return the contrast ratio of two colours, 1 to 21 (WCAG 2.2, relative luminance)."""
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
