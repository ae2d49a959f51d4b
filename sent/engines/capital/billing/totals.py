"""The arithmetic of documents: pure, so that it can be proved.

Each line is rounded to the commodity's digits; the tax is computed once for each code of a document. Under
an inclusive code the gross is what was agreed and stays to the last digit: the tax is taken out of it, and
the net is spread over the lines by largest remainders. For rates above nothing, the gross of exclusive prices
fed as an inclusive price gives the same net and tax: |error| <= 0.5 / (1 + rate) digits, which rounds back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal, localcontext

from sent.engines.capital.billing.model import ZERO, DocumentLine, Rounding, TaxCode

_MODES: dict[Rounding, str] = {
    "half_even": ROUND_HALF_EVEN, "half_up": ROUND_HALF_UP, "down": ROUND_DOWN,
}  # fmt: skip
_EXACT = Context(prec=60)
HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class CodeTotal:
    """What a code comes to in a document; `owed` is tax under reverse charge, which is not in the gross."""

    code: TaxCode
    base: Decimal
    tax: Decimal
    owed: Decimal


@dataclass(frozen=True, slots=True)
class Totals:
    """Totals of a document; `nets` by line, adding up to `net`; net + tax = gross."""

    net: Decimal
    tax: Decimal
    gross: Decimal
    nets: tuple[Decimal, ...]
    codes: tuple[CodeTotal, ...]


@dataclass(frozen=True, slots=True)
class Share:
    """The part of a discount that falls on a code (None: on what no code is on)."""

    code: TaxCode | None
    net: Decimal
    tax: Decimal
    owed: Decimal


def rounded(amount: Decimal, exponent: int, rounding: Rounding = "half_even") -> Decimal:
    """Return an amount with a commodity's number of digits."""
    with localcontext(_EXACT):
        return amount.quantize(Decimal(1).scaleb(-exponent), _MODES[rounding])


def line_amount(line: DocumentLine, exponent: int) -> Decimal:
    """Return quantity by unit price less discount, rounded; gross of tax where the price includes it."""
    with localcontext(_EXACT):
        amount = line.quantity * line.unit_price * (1 - line.discount / HUNDRED)
    return rounded(amount, exponent)


def taxed(amount: Decimal, code: TaxCode, exponent: int) -> CodeTotal:
    """Return base and tax of the summed line amounts of a code."""
    with localcontext(_EXACT):
        if code.nature == "reverse":
            rate = code.rate if code.kind == "purchase" else ZERO
            owed = rounded(amount * rate / HUNDRED, exponent, code.rounding)
            return CodeTotal(code, amount, rounded(ZERO, exponent), owed)
        if not code.inclusive:
            tax = rounded(amount * code.rate / HUNDRED, exponent, code.rounding)
            return CodeTotal(code, amount, tax, rounded(ZERO, exponent))
        tax = rounded(amount * code.rate / (HUNDRED + code.rate), exponent, code.rounding)
        return CodeTotal(code, amount - tax, tax, rounded(ZERO, exponent))


def spread(total: Decimal, weights: Sequence[Decimal], exponent: int) -> list[Decimal]:
    """Split a total by weights into amounts of a commodity's digits that add up to it exactly.

    By largest remainders; all weights nothing: the first takes all. Symmetric: spread(-t) = -spread(t).
    """
    if not weights:
        return []
    if total < 0:
        return [-part for part in spread(-total, weights, exponent)]
    whole = sum(weights, ZERO)
    if whole == 0:
        return [total, *(rounded(ZERO, exponent) for _ in weights[1:])]
    unit = Decimal(1).scaleb(-exponent)
    with localcontext(_EXACT):
        shares = [total * weight / whole for weight in weights]
        parts = [share.quantize(unit, ROUND_DOWN) for share in shares]
        rest = int((total - sum(parts, ZERO)) / unit)
        order = sorted(range(len(parts)), key=lambda n: (-abs(shares[n] - parts[n]), n))
        step = unit if rest >= 0 else -unit
        for turn in range(abs(rest)):
            parts[order[turn % len(order)]] += step
    return parts


def totals(lines: Sequence[DocumentLine], codes: Sequence[TaxCode | None], exponent: int) -> Totals:
    """Return the totals of a document; `codes` by line, None without tax."""
    amounts = [line_amount(line, exponent) for line in lines]
    nets = list(amounts)
    found: list[CodeTotal] = []
    zero = rounded(ZERO, exponent)
    for code in {code.id: code for code in codes if code is not None}.values():
        places = [n for n, other in enumerate(codes) if other is not None and other.id == code.id]
        one = taxed(sum((amounts[n] for n in places), zero), code, exponent)
        found.append(one)
        if code.inclusive:
            parts = spread(one.base, [amounts[n] for n in places], exponent)
            for n, part in zip(places, parts, strict=True):
                nets[n] = part
    net = sum(nets, zero)
    tax = sum((one.tax for one in found), zero)
    return Totals(net, tax, net + tax, tuple(nets), tuple(found))


def discounted(discount: Decimal, codes: Sequence[CodeTotal], untaxed: Decimal, exponent: int) -> list[Share]:
    """Split a gross discount over the codes of a document; net and tax of the shares add up to it.

    The tax falls with the price (section 17 UStG; VAT notice 700, 7.3); `untaxed` is what no code is on.
    """
    weights = [*(one.base + one.tax for one in codes), untaxed]
    shares = []
    for one, gross in zip([*codes, None], spread(discount, weights, exponent), strict=True):
        if gross == 0:
            continue
        if one is None:
            shares.append(Share(None, gross, ZERO, ZERO))
            continue
        whole = one.base + one.tax
        with localcontext(_EXACT):
            tax = rounded(gross * one.tax / whole, exponent, one.code.rounding)
            owed = rounded(gross * one.owed / whole, exponent, one.code.rounding)
        shares.append(Share(one.code, gross - tax, tax, owed))
    return shares
