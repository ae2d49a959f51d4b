"""Contrast of every pair that the tokens allow, in all four themes (WCAG 2.2, 1.4.3 and 1.4.6)."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest

from sent.ui.theme.qss import rules, style_sheet
from sent.ui.theme.tokens import DARK, LEVELS, THEMES, Tokens, contrast, text_pairs

EACH_THEME = pytest.mark.parametrize("tokens", THEMES.values(), ids=lambda t: t.name)
COLOURS = [token.name for token in fields(Tokens) if token.name != "name"]


def test_contrast_of_known_pairs() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@EACH_THEME
def test_k7_26_every_text_is_readable_where_it_may_stand(tokens: Tokens) -> None:
    least = 7 if tokens.high_contrast else 4.5
    poor = {
        (text, ground): ratio
        for text, ground in text_pairs()
        if (ratio := contrast(getattr(tokens, text), getattr(tokens, ground))) < least
    }
    assert poor == {}


def test_k7_26_no_token_escapes_the_pairs() -> None:
    silent = [token.name for token in fields(Tokens) if token.name != "name" and "on" not in token.metadata]
    assert silent == [], "say with _ink, _ink_only_on or _plain what these are for"
    assert all(ground in COLOURS for _, ground in text_pairs())
    assert {("text", "mark"), ("on_primary", "primary"), ("critical", "critical_soft")} <= set(text_pairs())


def test_k7_26_the_style_sheet_puts_texts_only_where_the_tokens_allow_it() -> None:
    """A token used as text is one, and stands on the ground of the same rule by one of the pairs."""
    allowed, inks = set(text_pairs()), {text for text, _ in text_pairs()}
    found = 0
    for body in re.findall(r"\{([^{}]*\$[^{}]*)\}", re.sub(r"\$\{\w+\}", "0", rules().template)):
        given = dict(re.findall(r"(?<![\w-])(color|background): \$(\w+)", body))
        chosen = dict(re.findall(r"(selection-color|selection-background-color): \$(\w+)", body))
        for text, ground in (
            (given.get("color"), given.get("background")),
            (chosen.get("selection-color"), chosen.get("selection-background-color")),
        ):
            assert text is None or text in inks, body
            if text and ground and ground != "transparent":
                found += 1
                assert (text, ground) in allowed, f"{text} on {ground}: {body}"
    assert found > 8


@EACH_THEME
def test_k7_27_the_focus_ring_stands_out_in_every_theme(tokens: Tokens) -> None:
    """WCAG 2.2, 1.4.11 and 2.4.13: 3:1 against what lies below, and against the edge without focus."""
    for ground in ("window", "panel", "card", "raised"):
        assert contrast(tokens.accent, getattr(tokens, ground)) >= 3
    assert contrast(tokens.accent, tokens.line_strong) >= 3
    assert contrast(tokens.ring, tokens.primary) >= 3
    sheet = rules().template
    for widget in (
        "QPushButton",
        "QToolButton",
        "QLineEdit",
        "QComboBox",
        "QSpinBox",
        "QCheckBox::indicator",
    ):
        assert re.search(rf"{widget}:focus[^}}]*border-color: \$accent", sheet), widget


@EACH_THEME
def test_k7_26_high_contrast_draws_edges_that_can_be_seen(tokens: Tokens) -> None:
    if tokens.high_contrast:
        for ground in ("window", "card", "raised"):
            assert contrast(tokens.line_strong, getattr(tokens, ground)) >= 3
            assert contrast(tokens.line, getattr(tokens, ground)) >= 3


@EACH_THEME
@pytest.mark.parametrize("level", LEVELS)
def test_a_level_has_a_colour_and_a_ground(tokens: Tokens, level: str) -> None:
    assert tokens.level(level) == getattr(tokens, level)
    assert tokens.level_soft(level) == getattr(tokens, f"{level}_soft")


@EACH_THEME
@pytest.mark.parametrize("calm", [False, True])
def test_the_style_sheet_uses_all_it_is_given(tokens: Tokens, calm: bool) -> None:
    sheet = style_sheet(
        tokens, family="F", mono="M", scale=1.0, images={"check": "url(a)", "chevron": "url(b)"}, calm=calm
    )
    assert "$" not in sheet
    assert tokens.accent in sheet
    assert ("widget-animation-duration: 0" in sheet) == calm


def test_an_unknown_level_is_informational() -> None:
    assert DARK.level("strange") == DARK.informational
