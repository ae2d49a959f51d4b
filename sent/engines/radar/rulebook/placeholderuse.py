"""Which rules use which placeholders, and which of them wait for values."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from sent.engines.radar.sigma.yamltext import documents
from sent.engines.radar.store import placeholders as store
from sent.platform.context import Ctx
from sent.platform.db.uow import uow

_NAME = re.compile(r"(?<!\\)%([^%\\\s][^%\\]{0,99})%")


@dataclass(frozen=True, slots=True)
class PlaceholderUse:
    """A placeholder with its values, how many rules use it, and how many of those wait for values."""

    name: str
    values: tuple[str, ...]
    rules: int
    waiting: int
    titles: tuple[str, ...]
    """Of the rules that wait for it first, then of the others; at most 50."""

    @property
    def id(self) -> str:
        """The name."""
        return self.name


async def placeholder_uses(ctx: Ctx) -> list[PlaceholderUse]:
    """Return the placeholders that rules use or that have values, those that rules wait for first."""
    async with uow(ctx) as tx:
        values = await store.values(tx)
        rules = await store.expanding(tx)
    return await asyncio.to_thread(counted, values, rules)


def counted(
    values: dict[str, tuple[str, ...]], rules: Iterable[tuple[str, str, str | None]]
) -> list[PlaceholderUse]:
    """Return the uses in rules of (title, text, reason why it does not run or None)."""
    uses: dict[str, list[str]] = {name: [] for name in values}
    waits: dict[str, list[str]] = {}
    for title, text, reason in rules:
        waiting = bool(reason and reason.startswith("needs values for "))
        for name in names_in(text):
            uses.setdefault(name, []).append(title)
            if waiting and name not in values:
                waits.setdefault(name, []).append(title)
    found = [
        PlaceholderUse(
            name,
            values.get(name, ()),
            len(titles),
            len(waits.get(name, ())),
            tuple(dict.fromkeys([*sorted(waits.get(name, ())), *sorted(titles)]))[:50],
        )
        for name, titles in uses.items()
    ]
    return sorted(found, key=lambda use: (-use.waiting, use.name.lower()))


def names_in(text: str) -> set[str]:
    """Return the placeholders that a rule's text names behind `expand`."""
    try:
        return {name for document in documents(text) for name in _names(document, expands=False)}
    except (yaml.YAMLError, ValueError, RecursionError):
        return set()


def _names(value: Any, *, expands: bool) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _names(inner, expands=expands or "expand" in str(key).split("|")[1:])
    elif isinstance(value, list):
        for inner in value:
            yield from _names(inner, expands=expands)
    elif expands and isinstance(value, str):
        yield from _NAME.findall(value)
