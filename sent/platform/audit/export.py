"""An export with its proof: JSON lines that anybody verifies without a database.

    {"type":"header","format":1,"organization":..,"keys":{id: public key as hex}}
    {"type":"seal", ...}      as an anchor, and before it the entries it covers
    {"type":"entry","seq":..,"id":..,"at":microseconds,"actor":..,"action":..,"table":..,"row":..,
     "before":"text of jsonb","after":..,"trace":..}

Only whole seals are exported; entries that are not sealed yet are left out.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TextIO
from uuid import UUID

from sent.platform.audit import anchors, store
from sent.platform.audit.canonical import Line, Seal, microseconds
from sent.platform.audit.verify import Block, blocks
from sent.platform.context import Ctx
from sent.platform.db.uow import uow
from sent.platform.errors import Invalid, NotFound

LINE_LIMIT = 8_000_000


async def export(
    ctx: Ctx, out: TextIO, *, since: datetime | None = None, until: datetime | None = None
) -> dict[str, int]:
    """Write the sealed trail of an organisation; returns counts."""
    async with uow(ctx) as tx:
        keys = await store.signing_keys(tx)
    header = {"type": "header", "format": 1, "organization": str(ctx.org)}
    _write(out, header | {"keys": {name: public.hex() for name, public in keys.items()}})
    low = microseconds(since) if since else None
    high = microseconds(until) if until else None
    seals = entries = 0
    async for block in blocks(ctx):
        if block.seal is None or not _within(block, low, high):
            continue
        for line in block.entries:
            _write(out, {"type": "entry", **asdict(line)})
        seal = json.loads(anchors.line(block.seal))
        listed = {"seqs": block.seal.seqs, "digests": block.seal.digests.hex()}
        _write(out, {"type": "seal", **seal, "genesis": block.seal.genesis, **listed})
        seals, entries = seals + 1, entries + len(block.entries)
    return {"seals": seals, "entries": entries}


def _within(block: Block, low: int | None, high: int | None) -> bool:
    if low is None and high is None:
        return True
    times = [line.at for line in block.entries]
    return bool(times) and (low is None or max(times) >= low) and (high is None or min(times) < high)


class ExportFile:
    """An export on disk; read as it streams."""

    def __init__(self, path: Path) -> None:
        self.path = path
        header = next(self._lines(), None)
        if header is None or header.get("type") != "header" or header.get("format") != 1:
            raise Invalid("audit.export", f"{path}: this is no export of a trail")
        try:
            self.organization = UUID(header["organization"])
            self.keys = {str(name): bytes.fromhex(word) for name, word in header["keys"].items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Invalid("audit.export", f"{path}: the header is damaged") from error

    async def blocks(self) -> AsyncIterator[Block]:
        """Yield the blocks in their order; raises Invalid naming a line that cannot be read."""
        waiting: list[Line] = []
        for number, line in enumerate(self._lines(), 1):
            try:
                match line["type"]:
                    case "entry":
                        waiting.append(Line(**{k: v for k, v in line.items() if k != "type"}))
                    case "seal":
                        yield Block(_seal(line), waiting)
                        waiting = []
            except (ValueError, KeyError, TypeError) as error:
                raise Invalid("audit.export", f"{self.path}, line {number}: cannot be read") from error
            if len(waiting) > 100_000:
                raise Invalid("audit.export", f"{self.path}, line {number}: no seal for 100,000 entries")
        yield Block(None, waiting)

    def _lines(self) -> Iterator[dict[str, Any]]:
        try:
            file = self.path.open(encoding="utf-8")
        except OSError as error:
            raise NotFound("audit.export", f"{self.path} cannot be read ({error.strerror})") from error
        with file:
            number = 0
            while text := file.readline(LINE_LIMIT):
                number += 1
                try:
                    found = json.loads(text)
                except ValueError as error:
                    raise Invalid("audit.export", f"{self.path}, line {number}: not JSON") from error
                if not isinstance(found, dict):
                    raise Invalid("audit.export", f"{self.path}, line {number}: not an object")
                yield found


def _seal(line: dict[str, Any]) -> Seal:
    return Seal(
        organization=UUID(line["organization"]),
        number=int(line["number"]),
        from_seq=int(line["from_seq"]),
        to_seq=int(line["to_seq"]),
        entries=int(line["entries"]),
        prev=bytes.fromhex(line["prev"]),
        head=bytes.fromhex(line["head"]),
        signature=bytes.fromhex(line["signature"]),
        key_id=str(line["key"]),
        at=datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(line["at"])),
        seqs=[int(seq) for seq in line["seqs"]],
        digests=bytes.fromhex(line["digests"]),
        genesis=bool(line["genesis"]),
    )


def _write(out: TextIO, line: dict[str, Any]) -> None:
    out.write(json.dumps(line, ensure_ascii=False) + "\n")
