"""Templates are strict, and values bring nothing in but themselves."""

from __future__ import annotations

import pytest

from sent.platform.errors import Invalid
from sent.platform.notify.template import Template, Text, cleaned


def test_a_template_speaks_german_and_english_with_the_same_placeholders() -> None:
    made = Template(en=("Hello {name}", "On {host}"), de=("Hallo {name}", "Auf {host}"))
    texts = made.render(name="Anna", host="web1")
    assert texts == {"en": Text("Hello Anna", "On web1"), "de": Text("Hallo Anna", "Auf web1")}


def test_templates_that_do_not_agree_are_an_error_when_they_are_made() -> None:
    with pytest.raises(ValueError, match="de uses"):
        Template(en=("{a}", ""), de=("{b}", ""))
    with pytest.raises(ValueError, match="speaks"):
        Template(en=("a", ""))
    for wrong in ("{a.b}", "{a[0]}", "{a!r}", "{}", "{A}", "{a:>9999999}", "{", "a}"):
        with pytest.raises(ValueError, match="placeholders"):
            Template(en=(wrong, ""), de=(wrong, ""))


def test_values_that_are_missing_or_have_no_place_are_named() -> None:
    made = Template(en=("{a} {b}", ""), de=("{a} {b}", ""))
    with pytest.raises(Invalid, match="no value for b"):
        made.render(a=1)
    with pytest.raises(Invalid, match="no place for c"):
        made.render(a=1, b=2, c=3)


@pytest.mark.parametrize(
    "evil",
    [
        "x\r\nBcc: all@example.com",
        "x\u2028y",
        "x\x00y",
        "x\u202egnp.exe",
        "{b}",
        "{a.__class__}",
        "y" * 10_000,
    ],
)
def test_a_value_stays_one_bounded_line_and_is_not_filled_in_again(evil: str) -> None:
    made = Template(en=("{a}{b}", "[{a}]"), de=("{a}{b}", "[{a}]"))
    text = made.render(a=evil, b="")["en"]
    for part in (text.title, text.body):
        assert not set(part) & set("\r\n\x00\u2028\u202e")
        assert len(part) <= 502
    if evil.startswith("{"):
        assert text.title == evil


def test_text_is_cut_with_a_mark_and_bodies_keep_their_lines() -> None:
    assert cleaned("a" * 300, 200) == "a" * 199 + "…"
    assert cleaned("a\tb\r\nc\x1b[31m", 100, lines=True) == "a b \nc [31m"
