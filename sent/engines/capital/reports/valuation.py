"""Amounts of many commodities in one: the home currency at the rates of a day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from uuid import UUID

from sent.engines.capital.model import Balance


class Valuation:
    """Values balances in `home`; what has no rate is left out and named in `missing`."""

    def __init__(self, home: str, rates: Mapping[str, Decimal], exponent: int = 2) -> None:
        self._home = home
        self._rates = rates
        self._quantum = Decimal(1).scaleb(-exponent)
        self.missing: set[str] = set()

    def amounts(self, balances: Iterable[Balance]) -> dict[UUID, Decimal]:
        """Return what each account holds in the home currency, debits positive."""
        found: dict[UUID, Decimal] = {}
        for one in balances:
            value = self.value(one.commodity, one.amount)
            if value is not None:
                found[one.account] = found.get(one.account, Decimal(0)) + value
        return found

    def value(self, commodity: str, amount: Decimal) -> Decimal | None:
        """Return an amount in the home currency; None without a rate."""
        rate = Decimal(1) if commodity == self._home or not amount else self._rates.get(commodity)
        if rate is None:
            self.missing.add(commodity)
            return None
        return (amount * rate).quantize(self._quantum, ROUND_HALF_EVEN)
