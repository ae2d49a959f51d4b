"""Tax codes of the United Kingdom, the United States and Germany, with the boxes of their returns.

Sources: VAT Notice 700/12 (boxes 1-9); UStVA 2026, Anlage 1 (Kennzahlen); US: sales tax is the states', its
rate is given, and what is paid on purchases is part of the expense. Rates as of 2026.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Final
from uuid import UUID

from sent.engines.capital.billing.model import TaxCategory, TaxCode, TaxKind, TaxNature
from sent.platform.errors import Invalid


def _code(
    kind: TaxKind,
    code: str,
    name: str,
    rate: str,
    base: str = "",
    tax: str = "",
    *,
    nature: TaxNature = "standard",
    counter: str = "",
    reason: str = "",
    starts: date = date(1900, 1, 1),
    recoverable: bool = True,
    category: TaxCategory = "",
) -> TaxCode:
    return TaxCode(
        code, name, kind, nature, Decimal(rate), starts, reason=reason, recoverable=recoverable,
        category=category, base_boxes=tuple(base.split()), tax_boxes=tuple(tax.split()),
        counter_boxes=tuple(counter.split()),
    )  # fmt: skip


_UK_20 = date(2011, 1, 4)
UK: Final = (
    _code("sale", "S20", "VAT 20 %", "20", "6", "1", starts=_UK_20),
    _code("sale", "S5", "VAT 5 % (reduced)", "5", "6", "1"),
    _code("sale", "S0", "VAT 0 %", "0", "6", nature="zero", reason="Zero-rated supply"),
    _code("sale", "SE", "Exempt", "0", "6", nature="exempt", reason="Exempt supply, VATA 1994 Schedule 9"),
    _code("sale", "SRC", "Domestic reverse charge", "20", "6", nature="reverse",
          reason="Reverse charge: customer to pay the VAT to HMRC"),
    _code("purchase", "P20", "VAT 20 %", "20", "7", "4", starts=_UK_20),
    _code("purchase", "P5", "VAT 5 % (reduced)", "5", "7", "4"),
    _code("purchase", "P0", "VAT 0 %", "0", "7", nature="zero", reason="Zero-rated supply"),
    _code("purchase", "PE", "Exempt", "0", "7", nature="exempt", reason="Exempt supply"),
    _code("purchase", "PRC", "Domestic reverse charge", "20", "7", "4", nature="reverse", counter="1",
          reason="Reverse charge, VATA 1994 section 55A"),
    _code("purchase", "PRS", "Services from abroad", "20", "6 7", "4", nature="reverse", counter="1",
          reason="Reverse charge, VATA 1994 section 8"),
)  # fmt: skip

DE: Final = (
    _code("sale", "U19", "USt 19 %", "19", "81", "81", starts=date(2021, 1, 1)),
    _code("sale", "U7", "USt 7 %", "7", "86", "86", starts=date(2021, 1, 1)),
    _code("sale", "U0", "USt 0 % (Photovoltaik)", "0", "87", nature="zero",
          reason="Nullsteuersatz, § 12 Abs. 3 UStG"),
    _code("sale", "UF", "Steuerfrei ohne Vorsteuerabzug", "0", "48", nature="exempt",
          reason="Steuerfrei nach § 4 Nr. 8 bis 29 UStG"),
    _code("sale", "UA", "Ausfuhr", "0", "43", nature="exempt", category="G",
          reason="Steuerfreie Ausfuhrlieferung, § 4 Nr. 1a UStG"),
    _code("sale", "UIG", "Innergemeinschaftliche Lieferung", "0", "41", nature="exempt", category="K",
          reason="Steuerfreie innergemeinschaftliche Lieferung, § 4 Nr. 1b, § 6a UStG"),
    _code("sale", "UEU", "Sonstige Leistung EU", "0", "21", nature="reverse",
          reason="Steuerschuldnerschaft des Leistungsempfängers (reverse charge)"),
    _code("sale", "U13B", "§ 13b UStG", "0", "60", nature="reverse",
          reason="Steuerschuldnerschaft des Leistungsempfängers"),
    _code("purchase", "V19", "Vorsteuer 19 %", "19", "", "66", starts=date(2021, 1, 1)),
    _code("purchase", "V7", "Vorsteuer 7 %", "7", "", "66", starts=date(2021, 1, 1)),
    _code("purchase", "V0", "Ohne Vorsteuer", "0", nature="exempt", reason="Steuerfrei"),
    _code("purchase", "VIG19", "Innergemeinschaftlicher Erwerb 19 %", "19", "89", "61", nature="reverse",
          counter="89", reason="Innergemeinschaftlicher Erwerb, § 1a UStG"),
    _code("purchase", "VIG7", "Innergemeinschaftlicher Erwerb 7 %", "7", "93", "61", nature="reverse",
          counter="93", reason="Innergemeinschaftlicher Erwerb, § 1a UStG"),
    _code("purchase", "V13EU", "§ 13b Abs. 1 UStG (EU) 19 %", "19", "46", "67", nature="reverse",
          counter="47", reason="Steuerschuldnerschaft des Leistungsempfängers, § 13b Abs. 1 UStG"),
    _code("purchase", "V13B", "§ 13b Abs. 2 UStG 19 %", "19", "84", "67", nature="reverse", counter="85",
          reason="Steuerschuldnerschaft des Leistungsempfängers, § 13b Abs. 2 UStG"),
)  # fmt: skip

TOTALS: Final[Mapping[str, tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]]] = {
    "uk": (("3", ("1", "2"), ()), ("5", ("1", "2"), ("4",))),
    "de": (("83", ("81", "86", "89", "93", "47", "85"), ("66", "61", "67")),),
    "us": (),
}
"""Figures that a return computes: number, taxes added, taxes taken off."""


def us(state: str, rate: Decimal) -> tuple[TaxCode, ...]:
    """Return the codes of a seller in a state (two letters) with its combined rate in percent."""
    name = state.upper()
    return (
        _code("sale", name, f"{name} sales tax", str(rate), f"{name}-taxable", name),
        _code("sale", f"{name}-R", "Resale", "0", f"{name}-exempt", nature="exempt",
              reason="Sale for resale: certificate on file"),
        _code("sale", f"{name}-X", "Exempt", "0", f"{name}-exempt", nature="exempt",
              reason="Exempt organization"),
        _code("purchase", name, f"{name} sales tax paid", str(rate), recoverable=False),
    )  # fmt: skip


def template(
    name: str, output: UUID, input: UUID, *, state: str | None = None, rate: Decimal | None = None
) -> tuple[TaxCode, ...]:
    """Return the tax codes of `uk`, `us` or `de`, booked on the accounts for tax owed and tax to get back.

    Raises Invalid for another name, and for `us` without a state and its rate.
    """
    if name == "us":
        if state is None or rate is None:
            raise Invalid("capital.tax.state", "US sales tax is the states': give a state and its rate")
        codes = us(state, rate)
    elif name in ("uk", "de"):
        codes = UK if name == "uk" else DE
    else:
        raise Invalid("capital.tax.template", f"there is no tax template {name}: choose uk, us or de")
    return tuple(
        replace(
            code,
            account=output if code.kind == "sale" else input,
            counter=output if code.counter_boxes else None,
        )
        for code in codes
    )
