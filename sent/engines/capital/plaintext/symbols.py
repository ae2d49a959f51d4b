"""Symbols of files and codes of the tables: each symbol has a code, and comes back as it was.

A code begins with a letter and has at most 24 letters, digits and `. _ ' -`. What fits is its own code
(`EUR`, `AAPL`). Anything else gets one that begins with `x.` and says what it is (`x.dollar-sign`); the
symbol stands as the commodity's name.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Collection

PREFIX = "x."
LONGEST = 24
NOTHING = "x.units"
"""The code of amounts without a commodity."""
_INNER = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._'-")


def code_of(symbol: str, taken: Collection[str] = ()) -> str:
    """Return the code of a symbol; `taken` are those of other symbols."""
    if fits(symbol):
        return symbol
    if not symbol:
        return NOTHING
    words = "".join(_spelled(char) for char in symbol)
    spelled = "-".join(part for part in words.split("-") if part)
    code = PREFIX + spelled
    if spelled and len(code) <= LONGEST and code not in taken and code != NOTHING:
        return code
    digest = hashlib.sha256(symbol.encode(errors="replace")).hexdigest()[:8]
    return f"{PREFIX}{spelled[: LONGEST - len(PREFIX) - 9]}-{digest}"


def symbol_of(code: str, name: str) -> str:
    """Return the symbol a code stands for."""
    if not code.startswith(PREFIX):
        return code
    return "" if code == NOTHING else name or code


def fits(symbol: str) -> bool:
    """Return whether a symbol can be its own code."""
    first = symbol[:1]
    return (
        1 <= len(symbol) <= LONGEST
        and first.isascii()
        and first.isalpha()
        and not symbol.startswith(PREFIX)
        and all(char in _INNER for char in symbol)
    )


def _spelled(char: str) -> str:
    if char in _INNER:
        return char
    name = unicodedata.name(char, "").lower()
    return (
        "-" + "".join(x if x in _INNER else "-" for x in name) + "-" if name and not char.isspace() else "-"
    )
