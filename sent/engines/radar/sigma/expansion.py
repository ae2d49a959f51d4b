"""What may be the value of a placeholder, from the console and from the command line."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sent.platform.errors import Invalid

MAX_VALUES = 5_000
MAX_VALUE = 1_000
"""Characters of one value."""

MAX_TOGETHER = 500_000
"""Characters of one placeholder's values."""

_NAME = re.compile(r"[^%\\\s][^%\\]{0,99}")


def checked(name: str, values: Sequence[str]) -> tuple[str, list[str]]:
    """Return name and values as they are kept: without repetition and the percent signs around the name."""
    name = name.strip().strip("%")
    if not _NAME.fullmatch(name):
        raise Invalid(
            "radar.placeholder.name", "a placeholder's name has 1 to 100 characters, no % and no backslash"
        )
    texts = list(dict.fromkeys(value for value in values if value))
    if not texts or len(texts) > MAX_VALUES:
        raise Invalid("radar.placeholder.values", f"give 1 to {MAX_VALUES} values that are not empty")
    if any(len(text) > MAX_VALUE or "\0" in text for text in texts) or sum(map(len, texts)) > MAX_TOGETHER:
        raise Invalid(
            "radar.placeholder.long",
            f"a value has at most {MAX_VALUE} characters, all together {MAX_TOGETHER}, and no NUL",
        )
    return name, texts


def given_values(options: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the values of `name=value` options, those of one name together; raises Invalid."""
    together: dict[str, list[str]] = {}
    for option in options:
        name, equals, value = option.partition("=")
        if not equals:
            raise Invalid("radar.placeholder.option", f"{option!r}: give a placeholder as name=value")
        together.setdefault(name.strip().strip("%"), []).append(value)
    return {name: tuple(texts) for name, texts in (checked(*item) for item in together.items())}
