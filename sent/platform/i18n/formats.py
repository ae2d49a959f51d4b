"""Figures, dates and weekdays as the language in force writes them; nothing of the system's locale is asked.

`strftime` with `%a` and `%b` would speak the system's language, not the console's, so names are kept here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

_ENGLISH_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_ENGLISH_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Format:
    """How a language writes figures and dates; the patterns take `y`, `m`, `d` (numbers) and `month`."""

    thousands: str = ","
    point: str = "."
    day: str = "{y:04d}-{m:02d}-{d:02d}"
    short_day: str = "{month} {d:02d}"
    days: tuple[str, ...] = _ENGLISH_DAYS
    months: tuple[str, ...] = _ENGLISH_MONTHS

    def figure(self, value: float, digits: int = 0) -> str:
        """Return a figure with its thousands separated and `digits` behind the point."""
        swap = {",": self.thousands, ".": self.point}
        return "".join(swap.get(sign, sign) for sign in f"{value:,.{digits}f}")

    def date(self, at: datetime) -> str:
        """Return the day with its year."""
        return self.day.format(y=at.year, m=at.month, d=at.day)

    def short_date(self, at: datetime) -> str:
        """Return the day without its year."""
        return self.short_day.format(m=at.month, d=at.day, month=self.months[at.month - 1])

    def weekday(self, at: datetime) -> str:
        """Return the short name of the day of the week."""
        return self.days[at.weekday()]


FORMATS: dict[str, Format] = {
    "en": Format(),
    "de": Format(
        thousands=".",
        point=",",
        day="{d:02d}.{m:02d}.{y:04d}",
        short_day="{d:02d}.{m:02d}.",
        days=("Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"),
        months=("Jan", "Feb", "Mär", "Apr", "Mai", "Jun", "Jul", "Aug", "Sep", "Okt", "Nov", "Dez"),
    ),
}
"""By language; one without an entry writes them like English (ISO dates)."""
