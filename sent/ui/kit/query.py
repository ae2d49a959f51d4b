"""The filter's language: `level:high host:fs* -state:closed "two words" text`.

`field:value` keeps what has the value, `-field:value` what has not; `*` stands for anything; values with
spaces stand in double quotes; what names no field is looked for in the text. Same field twice = either.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_TOKEN = re.compile(r'(-?)(?:([A-Za-z_][\w.]*):)?(?:"((?:[^"\\]|\\.)*)"?|(\S+))')
_PLAIN = re.compile(r'^[^\s"]+$')


@dataclass(frozen=True, slots=True)
class Term:
    """One condition; `field` is empty for free text."""

    field: str
    value: str
    out: bool = False

    def __str__(self) -> str:
        value = (
            self.value
            if _PLAIN.match(self.value) and (self.field or ":" not in self.value)
            else _quoted(self.value)
        )
        return f"{'-' if self.out else ''}{self.field + ':' if self.field else ''}{value}"


def parse(text: str) -> tuple[Term, ...]:
    """Return the conditions of `text`; an unfinished `field:` is left out."""
    terms: list[Term] = []
    for out, field, quoted, bare in _TOKEN.findall(text):
        value = re.sub(r"\\(.)", r"\1", quoted) if quoted else bare
        if bare.endswith(":") and not field:
            continue
        if value:
            terms.append(Term(field, value, bool(out)))
    return tuple(terms)


def unparse(terms: Iterable[Term]) -> str:
    """Return the text that `parse` reads back."""
    return " ".join(str(term) for term in terms)


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
