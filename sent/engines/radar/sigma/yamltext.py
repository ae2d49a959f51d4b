"""YAML of rules, which strangers write, within bounds.

Before a document is composed its event stream is counted: nesting, because composing a deeply nested one
overflows the C stack, and nodes as if every alias were written out, because what looks at the values later
walks each of them (nine levels of nine aliases are 387 million).
"""

from __future__ import annotations

from typing import Any

import yaml

MAX_NESTING = 40
MAX_NODES = 100_000
"""Nodes of one file with its aliases written out (the largest of SigmaHQ has 12,000)."""

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml where it is there; its marks count characters, as the other's."""


def documents(text: str) -> list[Any]:
    """Return the documents of `text`; raises yaml.YAMLError or ValueError with the reason."""
    _bound(text)
    return list(yaml.load_all(text, Loader=LOADER))


def _bound(text: str) -> None:
    open_nodes: list[tuple[str | None, int]] = []
    sizes: dict[str, int] = {}
    total = 0
    for event in yaml.parse(text, Loader=LOADER):
        if isinstance(event, yaml.AliasEvent):
            if event.anchor in (anchor for anchor, _ in open_nodes):
                raise ValueError("an alias stands inside of what it names")
            total += sizes.get(event.anchor or "", 1)
        elif isinstance(event, yaml.ScalarEvent):
            total += 1
            _note(sizes, event.anchor, 1)
        elif isinstance(event, yaml.CollectionStartEvent):
            open_nodes.append((event.anchor, total))
            total += 1
            if len(open_nodes) > MAX_NESTING:
                raise ValueError(f"it nests deeper than {MAX_NESTING} levels")
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_nodes.pop()
            _note(sizes, anchor, total - before)
        if total > MAX_NODES:
            raise ValueError(f"it has more than {MAX_NODES} values with its aliases written out")


def _note(sizes: dict[str, int], anchor: str | None, size: int) -> None:
    if anchor is not None:
        sizes[anchor] = size
