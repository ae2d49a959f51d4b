"""Amounts as people read and type them.

shown(Decimal("-1234.5"), "GBP")  -> "-1,234.50"
typed("1.234,56")                 -> Decimal("1234.56")
typed("3*12.50+4")                -> Decimal("41.50")
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal, DivisionByZero, InvalidOperation

from sent.platform.i18n import formats, tr

DIGITS = {"JPY": 0, "KRW": 0, "CLP": 0, "VND": 0, "ISK": 0, "KWD": 3, "BHD": 3, "OMR": 3, "JOD": 3, "TND": 3}
"""Those that are not counted to hundredths and that a console shows now and then; the database knows all."""
LONGEST = 60
_SUMS: dict[type[ast.operator], Callable[[Decimal, Decimal], Decimal]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def digits(commodity: str) -> int:
    """Return how many digits behind the point an amount shows."""
    return DIGITS.get(commodity, 2)


def shown(amount: Decimal | None, commodity: str = "", *, dash: bool = False) -> str:
    """Return an amount with separated thousands; nothing for None, a dash for zero when asked."""
    if amount is None:
        return ""
    if dash and not amount:
        return "–"
    look = formats()
    text = f"{amount:,.{digits(commodity)}f}"
    return "".join({",": look.thousands, ".": look.point}.get(sign, sign) for sign in text)


def typed(text: str) -> Decimal:
    """Return what somebody typed: an amount in either notation, or a sum of some.

    Raises ValueError with a sentence for people.
    """
    text = text.strip().replace(" ", "").replace(" ", "").replace("−", "-")
    if not text:
        raise ValueError(tr("Type an amount"))
    if len(text) > LONGEST:
        raise ValueError(tr("That is too long for an amount"))
    try:
        return _sum(ast.parse(_plain(text), mode="eval").body)
    except (SyntaxError, ValueError, InvalidOperation, DivisionByZero, RecursionError, KeyError):
        raise ValueError(tr("Not an amount: write 1,234.56 or a sum such as 3*12.50")) from None


def _plain(text: str) -> str:
    """Bring each number of a sum into the notation of programs."""
    parts, number = [], ""
    for sign in text + "\0":
        if sign.isdecimal() or sign in ".,'":
            number += sign
        else:
            if number:
                parts.append(_number(number))
            number = ""
            parts.append(sign)
    return "".join(parts).rstrip("\0")


def _number(text: str) -> str:
    text = text.replace("'", "")
    marks = [sign for sign in text if sign in ".,"]
    if not marks:
        return f"'{text}'"
    point = marks[-1]
    thousands = "," if point == "." else "."
    alone = len(marks) == 1 and len(text) - text.rindex(point) == 4 and text[0] != "0"
    # One mark with three digits behind it separates what the language separates with it.
    if len(set(marks)) == 1 and (len(marks) > 1 or (alone and point == formats().thousands)):
        return f"'{text.replace(point, '')}'"
    return f"'{text.replace(thousands, '').replace(point, '.')}'"


def _sum(node: ast.expr) -> Decimal:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return Decimal(node.value)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        value = _sum(node.operand)
        return -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.BinOp):
        return _SUMS[type(node.op)](_sum(node.left), _sum(node.right))
    raise ValueError("no amount")


def day_shown(day: date) -> str:
    """Return a day with its year."""
    return formats().day.format(y=day.year, m=day.month, d=day.day)


def day_typed(text: str, near: date) -> date:
    """Return the day somebody typed: 2026-03-14, 14.3.2026, 14/3, 14 (of the month of `near`), +1, -2, t.

    Slashes and dots put the day first, as in Europe. Raises ValueError with a sentence for people.
    """
    text = text.strip().lower()
    wrong = ValueError(tr("Not a day: write 2026-03-14, 14.3. or 14"))
    if text in ("t", "today", tr("today").lower()):
        return near
    if text[:1] in "+-" and text[1:].isdecimal() and len(text) < 5:
        return near + timedelta(days=int(text))
    parts = [part for part in text.replace("/", ".").replace("-", ".").split(".") if part]
    if not 1 <= len(parts) <= 3 or not all(part.isdecimal() and len(part) <= 4 for part in parts):
        raise wrong
    numbers = [int(part) for part in parts]
    try:
        if len(parts[0]) == 4 and len(parts) == 3:
            return date(*numbers)
        day, month, year = [*numbers, near.month, near.year][:3] if len(numbers) == 1 else (
            *numbers[:2], numbers[2] if len(numbers) == 3 else near.year
        )  # fmt: skip
        return date(year + 2000 if year < 100 else year, month, day)
    except ValueError:
        raise wrong from None
