"""Contrast of every pair of colours that may meet (WCAG 2.2, 1.4.3: 4.5:1)."""

from __future__ import annotations

import pytest

from sent.ui.theme.qss import style_sheet
from sent.ui.theme.tokens import DARK, LEVELS, LIGHT, SURFACES, TEXTS, Tokens, contrast

THEMES = pytest.mark.parametrize("tokens", [DARK, LIGHT], ids=lambda t: t.name)


def test_contrast_of_known_pairs() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@THEMES
@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("text", TEXTS)
def test_every_text_is_readable_on_every_surface(tokens: Tokens, text: str, surface: str) -> None:
    assert contrast(getattr(tokens, text), getattr(tokens, surface)) >= 4.5


@THEMES
@pytest.mark.parametrize("level", LEVELS)
def test_level_chips_are_readable(tokens: Tokens, level: str) -> None:
    assert contrast(tokens.level(level), tokens.level_soft(level)) >= 4.5


@THEMES
def test_buttons_marks_and_banners_are_readable(tokens: Tokens) -> None:
    assert contrast(tokens.on_primary, tokens.primary) >= 4.5
    assert contrast(tokens.on_primary, tokens.primary_hover) >= 4.5
    assert contrast(tokens.text, tokens.mark) >= 4.5
    assert contrast(tokens.accent, tokens.critical_soft) >= 3


@THEMES
def test_the_style_sheet_uses_all_it_is_given(tokens: Tokens) -> None:
    sheet = style_sheet(
        tokens, family="F", mono="M", scale=1.0, images={"check": "url(a)", "chevron": "url(b)"}
    )
    assert "$" not in sheet
    assert tokens.accent in sheet
