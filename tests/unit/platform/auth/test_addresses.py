"""Mail addresses have one form."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from sent.platform.auth.addresses import canonical
from sent.platform.errors import Invalid

ADDRESS = "kim.is@alpha.test"


@pytest.mark.parametrize(
    "typed",
    [
        "kim.is@alpha.test",
        " KIM.IS@Alpha.Test\n",
        "\u212aim.is@alpha.test",
        "\uff2b\uff29\uff2d.is@alpha.test",
        "kim.is\uff20alpha.test",
        "\u1d37im.i\u02e2@alpha.test",
    ],
)
def test_spellings_of_one_address_are_one(typed: str) -> None:
    assert canonical(typed) == ADDRESS


@pytest.mark.parametrize(
    "typed",
    [
        "k\u0130m.is@alpha.test",
        "kI\u0307m.is@alpha.test",
        "\u00dcber@alpha.test",
        "\u03a3@alpha.test",
        "a b@alpha.test",
        "a\u200bb@alpha.test",
        "a\nb@alpha.test",
        "",
        "@",
        "a@",
        "@b",
        "a@b@c",
        "a" * 250 + "@b.test",
    ],
)
def test_what_has_no_agreed_form_is_refused(typed: str) -> None:
    with pytest.raises(Invalid) as refused:
        canonical(typed)
    assert refused.value.code == "address.invalid"


def test_the_form_is_its_own_form_and_keeps_letters_of_other_scripts() -> None:
    assert canonical("j\u00fcrgen@b\u00fccher.test") == "j\u00fcrgen@b\u00fccher.test"
    for number in range(sys.maxunicode + 1):
        letter = chr(number)
        if unicodedata.category(letter)[0] != "L":
            continue
        try:
            found = canonical(f"{letter}@x.test")
        except Invalid:
            continue
        assert canonical(found) == found == found.lower(), hex(number)
