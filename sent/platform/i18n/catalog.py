"""The catalogue of one language, plural forms, and the pseudo-language for tests."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

from sent.platform.i18n.formats import FORMATS, Format

Catalog = dict[str, str | list[str]]

PSEUDO, PSEUDO_RTL = "pseudo", "pseudo-rtl"
LANGUAGES = {"en": "English", "de": "Deutsch"}
"""The languages one can choose, each by its own name."""
_ACCENTS = str.maketrans("aeiouyAEIOUYcnsz", "àéîöûýÀÉÎÖÛÝçñšž")
FOLDER = Path(__file__).parent / "catalogs"

_RIGHT_TO_LEFT = frozenset({PSEUDO_RTL, "ar", "fa", "he", "ur"})
_MARK, _TURN, _BACK = "\u200f", "\u202e", "\u202c"

_language = "en"
_catalog: Catalog = {}


def set_language(name: str | None = None) -> str:
    """Choose a language (default: SENT_LOCALE, else the system's); returns the one in force.

    A region falls back to its language (`de_AT` -> `de`), an unknown language to English.
    """
    global _language, _catalog
    wanted = (name or os.environ.get("SENT_LOCALE") or _system() or "en").split(".")[0]
    for candidate in (wanted, wanted.split("_")[0].split("-")[0]):
        path = FOLDER / f"{candidate}.json"
        if candidate in (PSEUDO, PSEUDO_RTL, "en"):
            _language, _catalog = candidate, {}
            return _language
        if re.fullmatch(r"[A-Za-z_-]{2,10}", candidate) and path.is_file():
            _language, _catalog = candidate, json.loads(path.read_text("utf-8"))
            return _language
    _language, _catalog = "en", {}
    return _language


def language() -> str:
    """Return the language in force: `en`, `de`, `pseudo` ..."""
    return _language


def right_to_left() -> bool:
    """Say whether the language in force is written from right to left."""
    return _language in _RIGHT_TO_LEFT


def formats() -> Format:
    """Return how the language in force writes figures and dates."""
    return FORMATS.get(_language, FORMATS["en"])


def _system() -> str:
    """Return the system's language, as POSIX orders its variables."""
    return next((value for key in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := os.environ.get(key))), "")


def tr(text: str, /, **values: object) -> str:
    """Return `text` in the language in force with `{name}` replaced by the values."""
    found = _catalog.get(text, text)
    return _filled(found if isinstance(found, str) else found[0], values)


def trn(one: str, many: str, /, *, n: int, **values: object) -> str:
    """Return the form for `n` things; the catalogue's key is the singular."""
    found = _catalog.get(one)
    forms = found if isinstance(found, list) else [one, many]
    rule = PLURALS.get(_language, PLURALS["en"])
    return _filled(forms[min(rule(n), len(forms) - 1)], {"n": formats().figure(n)} | values)


def _filled(text: str, values: dict[str, object]) -> str:
    if _language in (PSEUDO, PSEUDO_RTL):
        text = _stretched(text)
    return text.format(**values) if values else text


def _stretched(text: str) -> str:
    """Return `text` with accents, brackets and two fifths more length; `{names}` stay as they are.

    The pseudo-language from right to left turns the letters round as Arabic and Hebrew would stand.
    """
    parts = re.split(r"(\{[^}]*\})", text)
    accented = [part if part.startswith("{") else part.translate(_ACCENTS) for part in parts]
    tail = "~" * (len(text) * 2 // 5)
    if _language == PSEUDO:
        return f"[{''.join(accented)}{tail}]"
    turned = [part if part.startswith("{") or not part else f"{_TURN}{part}{_BACK}" for part in accented]
    return f"{_MARK}{_TURN}[{_BACK}{''.join(turned)}{_TURN}{tail}]{_BACK}{_MARK}"


PLURALS: dict[str, Callable[[int], int]] = {
    "en": lambda n: 0 if n == 1 else 1,
    "de": lambda n: 0 if n == 1 else 1,
    "fr": lambda n: 0 if n in (0, 1) else 1,
    "pl": lambda n: 0 if n == 1 else 1 if 2 <= n % 10 <= 4 and not 12 <= n % 100 <= 14 else 2,
    "ja": lambda n: 0,
}
"""Number -> index of the form, after the plural rules of Unicode CLDR 46 for whole numbers."""
