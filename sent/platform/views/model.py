"""A saved view as a value, and how its definition is read: what it does not know, it leaves out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

DENSITIES = ("compact", "regular", "comfortable")


@dataclass(frozen=True, slots=True)
class Definition:
    """How a list looks. `columns` and `sort` are the console's own texts; "" leaves things as they are."""

    query: str = ""
    columns: str = ""
    sort: str = ""
    density: str = ""
    range: str = ""

    def document(self) -> dict[str, str]:
        """Return it for storing; empty parts are left out."""
        return {name: value for name, value in asdict(self).items() if value}


@dataclass(frozen=True, slots=True)
class View:
    """A saved view of `page`; `mine` says whether the reader saved it."""

    id: UUID
    page: str
    name: str
    definition: Definition
    shared: bool
    mine: bool
    position: int
    version: int


def definition(document: Mapping[str, Any]) -> Definition:
    """Return the definition in a stored document, whoever wrote it."""

    def text(name: str, most: int) -> str:
        value = document.get(name, "")
        return value[:most] if isinstance(value, str) else ""

    density = text("density", 20)
    return Definition(
        query=text("query", 2000),
        columns=text("columns", 4000),
        sort=text("sort", 500),
        density=density if density in DENSITIES else "",
        range=text("range", 100),
    )
