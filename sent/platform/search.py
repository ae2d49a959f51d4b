"""Looking for records over all engines: each one looks in its own, as the member who asks.

An engine's manifest names `search="module:function"`, an `async def f(ctx, text, limit) -> list[Hit]`. It
runs under row-level security like every other question of the member, has `LIMIT_S` seconds, and its failing
keeps no other engine's answer back.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime

from sent.platform import registry
from sent.platform.context import Ctx
from sent.platform.errors import Denied, NotFound, Unavailable
from sent.platform.manifest import Manifest, resolve

LIMIT_S = 2.0
TEXT_LIMIT = 200
HITS = 20


@dataclass(frozen=True, slots=True)
class Hit:
    """A record that was found: `kind` groups (`Alert`), `link` is the inside form of a link to it."""

    kind: str
    title: str
    link: str
    detail: str = ""
    icon: str = "file-text"
    at: datetime | None = None


def engines() -> list[Manifest]:
    """Return the engines that can be searched, in the order of the rail."""
    return [manifest for manifest in registry.manifests() if manifest.search is not None]


async def search(ctx: Ctx, engine: str, text: str, limit: int = HITS) -> list[Hit]:
    """Return at most `limit` records of one engine that fit `text`; none where the member may not read.

    Raises Unavailable when it took longer than `LIMIT_S`, NotFound for an engine that cannot be searched.
    """
    manifest = next((m for m in engines() if m.id == engine), None)
    if manifest is None or manifest.search is None:
        raise NotFound("search.engine", f"{engine!r} cannot be searched")
    wanted = " ".join("".join(c if c.isprintable() else " " for c in text[:TEXT_LIMIT]).split())
    if not wanted:
        return []
    try:
        found: list[Hit] = await asyncio.wait_for(resolve(manifest.search)(ctx, wanted, limit), LIMIT_S)
    except Denied:
        return []
    except TimeoutError as error:
        raise Unavailable("search.slow", f"{manifest.title} did not answer in time", engine=engine) from error
    return found[:limit]


def quoted(text: str) -> str:
    """Return `text` as one word of a filter line: its quotes and line ends cannot end it."""
    return '"' + text.replace('"', " ").strip() + '"'
