"""What is refused before it reaches the database, with the place and the cure. Pure."""

from __future__ import annotations

import re
from decimal import Decimal

from sent.engines.capital.billing.model import MAX_LINES, DocumentLine, Party, Settings, TaxCode
from sent.platform.errors import Invalid

LOGO_BYTES = 500_000
HUNDRED = Decimal(100)
MOST_QUANTITY = Decimal(10) ** 9
MOST_PRICE = Decimal(10) ** 12


def party(one: Party) -> None:
    """Raise Invalid for a party that cannot be kept."""
    if not one.name.strip() or not one.code.strip():
        raise Invalid("capital.party.name", "a party has a name and a code: fill in both")
    if len(one.name) > 200 or len(one.code) > 40 or len(one.address) > 1000:
        raise Invalid(
            "capital.party.long", "name, code or address is too long (200, 40, 1000 letters): shorten it"
        )
    if not re.fullmatch("([A-Z]{2})?", one.country):
        raise Invalid("capital.party.country", f"{one.country!r} is no country: write two letters such as GB")
    if one.language not in ("en", "de"):
        raise Invalid("capital.party.language", f"{one.language!r} is no language of documents: en or de")
    if not 0 <= one.terms_days <= 730:
        raise Invalid("capital.party.terms", "payment terms are 0 to 730 days: correct the days")
    if not _percent(one.discount_percent) or not 0 <= one.discount_days <= one.terms_days:
        raise Invalid(
            "capital.party.discount", "a cash discount is 0 to 100 % within the payment terms: correct both"
        )


def tax_code(one: TaxCode) -> None:
    """Raise Invalid for a tax code that cannot be kept."""
    if not 1 <= len(one.code) <= 20 or not one.name.strip():
        raise Invalid("capital.tax.name", "a tax code has a code of 1 to 20 letters and a name: fill in both")
    if not _percent(one.rate):
        raise Invalid("capital.tax.rate", f"the rate of {one.code} is 0 to 100 %: correct it")
    if one.nature in ("zero", "exempt") and one.rate:
        raise Invalid(
            "capital.tax.zero", f"{one.code} charges nothing: its rate is 0, or its nature standard"
        )
    if one.nature != "standard" and not one.reason.strip():
        raise Invalid("capital.tax.reason", f"say why {one.code} charges nothing: documents print the reason")
    if one.ends is not None and one.ends < one.starts:
        raise Invalid(
            "capital.tax.days", f"{one.code} ends on {one.ends}, before it starts: correct the days"
        )


def settings(one: Settings) -> None:
    """Raise Invalid for settings that cannot be kept."""
    if one.profile.paper not in ("A4", "Letter"):
        raise Invalid("capital.billing.paper", f"paper is A4 or Letter, not {one.profile.paper!r}")
    if not re.fullmatch("#[0-9a-fA-F]{6}", one.profile.accent):
        raise Invalid("capital.billing.accent", "the colour is written as # and six hexadecimal digits")
    if one.logo is not None and (
        len(one.logo) > LOGO_BYTES or not one.logo.startswith((b"\x89PNG\r\n", b"\xff\xd8\xff"))
    ):
        raise Invalid("capital.billing.logo", "the logo is a PNG or JPEG of at most 500 kB: make it smaller")
    if not one.write_off_limit.is_finite() or not 0 <= one.write_off_limit <= 100_000:
        raise Invalid("capital.billing.limit", "small differences are 0 to 100000: correct the limit")


def lines(found: list[DocumentLine]) -> None:
    """Raise Invalid, naming the line, for lines that cannot be kept."""
    if not 1 <= len(found) <= MAX_LINES:
        raise Invalid(
            "capital.document.lines", f"a document has 1 to {MAX_LINES} lines: add or take away some"
        )
    for n, line in enumerate(found, 1):
        if not line.description.strip() or len(line.description) > 2000:
            raise Invalid("capital.document.text", f"line {n}: describe what is sold in 1 to 2000 letters")
        if not line.quantity.is_finite() or abs(line.quantity) > MOST_QUANTITY:
            raise Invalid("capital.document.quantity", f"line {n}: the quantity is too large, correct it")
        if not line.unit_price.is_finite() or abs(line.unit_price) > MOST_PRICE:
            raise Invalid("capital.document.price", f"line {n}: the price is too large, correct it")
        if line.quantity != round(line.quantity, 6) or line.unit_price != round(line.unit_price, 8):
            raise Invalid(
                "capital.document.digits",
                f"line {n}: quantities have 6 decimals and prices 8 at most, round them",
            )
        if not _percent(line.discount):
            raise Invalid("capital.document.discount", f"line {n}: a discount is 0 to 100 %, correct it")


def _percent(value: Decimal) -> bool:
    return value.is_finite() and 0 <= value <= HUNDRED and value == round(value, 6)
