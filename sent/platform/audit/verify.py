"""Recomputes a trail and names the first entry that is not as it was sealed.

    edited          an entry differs from what was sealed
    deleted         a sealed entry, or a seal with its entries, is gone
    inserted        an entry stands among sealed ones that was not there
    reordered       sealed entries have changed their numbers
    truncated       an anchor knows a seal that is gone from the end
    seal_forged     a seal does not continue the chain, or its signature does not hold
    chain_replaced  a seal is signed with a key that is not this installation's, or differs from an anchor

What is not noticed: entries recorded in the few seconds before they are sealed, and an end that was cut
off together with its seals after the last anchor. Memory is bounded by one page of entries.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sent.platform.audit import store
from sent.platform.audit.canonical import START, Line, Seal, chain
from sent.platform.audit.signing import valid
from sent.platform.context import Ctx
from sent.platform.db.uow import uow
from sent.platform.errors import SentError

PAGE = 2000
SEALS = 50
FLOOR = timedelta(days=30)
"""Retention never cuts behind a younger seal; the time is signed with it."""


@dataclass(frozen=True, slots=True)
class Block:
    """A seal with the entries that stand where it says; `seal` is None for what is not sealed yet."""

    seal: Seal | None
    entries: list[Line]


@dataclass(frozen=True, slots=True)
class Finding:
    """The first thing that is wrong; `seq`, `id` and `table` are those of the entry it begins with."""

    kind: str
    organization: str
    seq: int | None
    id: str | None
    table: str | None
    seal: int | None
    text: str


@dataclass(slots=True)
class Report:
    """What was verified."""

    organization: str
    entries: int = 0
    seals: int = 0
    from_number: int | None = None
    """The seal the trail begins with: 1, or the one it was cut behind."""

    begins_after: int = 0
    """Number of the last entry that was cut by retention; 0 when nothing was."""

    sealed_to: int = 0
    unsealed: int = 0
    anchors: int = 0
    seconds: float = 0.0
    finding: Finding | None = None

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return self.finding is None

    def line(self) -> dict[str, Any]:
        """Return the report as one JSON object."""
        rate = round(self.entries / self.seconds) if self.seconds else 0
        return {"ok": self.ok, **asdict(self), "seconds": round(self.seconds, 3), "entries_per_second": rate}


class Cancelled(SentError):
    """The asker has seen enough."""


Progress = Callable[[Report], None]


@dataclass(slots=True)
class _State:
    report: Report
    keys: Mapping[str, bytes]
    anchors: Mapping[int, bytes]
    head: bytes = START
    last: Seal | None = None
    seen: set[int] = field(default_factory=set)


async def verify(
    organization: UUID,
    blocks: AsyncIterator[Block],
    keys: Mapping[str, bytes],
    anchors: Mapping[int, bytes] | None = None,
    progress: Progress | None = None,
    *,
    partial: bool = False,
) -> Report:
    """Check the blocks of one organisation's trail against trusted public keys and anchored heads.

    `progress` is called after each block and may raise `Cancelled`. `partial`: an export that begins in the
    middle of the chain.
    """
    began = time.perf_counter()
    state = _State(Report(str(organization)), keys, anchors or {})
    report = state.report
    async for block in blocks:
        if block.seal is None:
            report.unsealed = len(block.entries)
            continue
        report.finding = _seal(state, block, partial=partial) or _entries(state, block)
        report.seconds = time.perf_counter() - began
        if progress is not None:
            progress(report)
        if report.finding is not None:
            return report
        report.seals += 1
        report.entries += len(block.entries)
        report.sealed_to = block.seal.to_seq
        state.head, state.last = block.seal.head, block.seal
    report.finding = _end(state)
    report.seconds = time.perf_counter() - began
    return report


def _seal(state: _State, block: Block, *, partial: bool) -> Finding | None:
    """Check that a seal continues the chain and is signed, and agrees with its anchor."""
    seal = block.seal
    if seal is None:
        return None
    first = state.last is None
    if first:
        state.report.from_number = seal.number
        if seal.genesis or (partial and seal.number > 1):
            state.head = seal.prev
            state.report.begins_after = seal.to_seq if seal.genesis else seal.from_seq - 1
        elif seal.number != 1:
            return _found(state, "deleted", seal, None, f"the seals before {seal.number} are gone", block)
        if seal.genesis and datetime.now(UTC) - seal.at < FLOOR:
            return _found(state, "deleted", seal, None, "the trail was cut before its time", block)
    elif state.last is not None and seal.number != state.last.number + 1:
        missing = state.last.number + 1
        return _found(
            state, "deleted", seal, state.last.to_seq + 1, f"seal {missing} and its entries are gone"
        )
    if seal.key_id not in state.keys:
        return _found(
            state,
            "chain_replaced",
            seal,
            None,
            f"seal {seal.number} is signed with the unknown key {seal.key_id}",
            block,
        )
    if not valid(state.keys[seal.key_id], seal.signature, seal.message()):
        return _found(
            state, "seal_forged", seal, None, f"the signature of seal {seal.number} does not hold", block
        )
    if seal.prev != state.head:
        return _found(
            state, "seal_forged", seal, None, f"seal {seal.number} does not continue the chain", block
        )
    if seal.number in state.anchors:
        state.report.anchors += 1
        if state.anchors[seal.number] != seal.head:
            return _found(
                state, "chain_replaced", seal, None, f"seal {seal.number} differs from its anchor", block
            )
    if not seal.genesis and chain(seal.prev, seal.expected()) != seal.head:
        return _listed(state, block, seal)
    return None


def _listed(state: _State, block: Block, seal: Seal) -> Finding:
    """The seal's own list was changed: the entries themselves tell whether they are right."""
    actual = [(line.seq, line.digest()) for line in block.entries]
    if chain(seal.prev, actual) == seal.head:
        return _found(state, "seal_forged", seal, None, f"the list inside seal {seal.number} was changed")
    found = _difference(seal.expected(), block.entries)
    text = f"seal {seal.number} and its entries do not give the head that was signed"
    return _found(state, found[0] if found else "edited", seal, found[1] if found else None, text, block)


def _entries(state: _State, block: Block) -> Finding | None:
    """Compare entries with the list of their seal."""
    seal = block.seal
    if seal is None:
        return None
    expected = [] if seal.genesis else seal.expected()
    found = _difference(expected, block.entries)
    if found is None:
        return None
    kind, seq = found
    texts = {
        "edited": f"entry {seq} was changed after it was sealed",
        "deleted": f"entry {seq} is gone",
        "inserted": f"entry {seq} was put among sealed entries",
        "reordered": f"entry {seq} has changed places with another",
    }
    return _found(state, kind, seal, seq, texts[kind], block)


def _difference(expected: list[tuple[int, bytes]], entries: list[Line]) -> tuple[str, int] | None:
    """Return kind and number of the first difference, or None."""
    actual = [(line.seq, line.digest()) for line in entries]
    if actual == expected:
        return None
    sealed, present = {d for _, d in expected}, {d for _, d in actual}
    for (seq, digest), (is_seq, is_digest) in zip(expected, actual, strict=False):
        if seq == is_seq and digest == is_digest:
            continue
        if seq == is_seq:
            return ("reordered" if is_digest in sealed else "edited"), seq
        if is_seq < seq:
            return ("reordered" if is_digest in sealed else "inserted"), is_seq
        return ("reordered" if digest in present else "deleted"), seq
    if len(actual) > len(expected):
        return "inserted", actual[len(expected)][0]
    return "deleted", expected[len(actual)][0]


def _end(state: _State) -> Finding | None:
    """Check that no anchor knows of more."""
    last = state.last.number if state.last else 0
    beyond = [number for number in state.anchors if number > last]
    if not beyond:
        return None
    seq = (state.last.to_seq if state.last else 0) + 1
    text = f"anchor {max(beyond)} knows seals behind {last}: everything from entry {seq} on was cut off"
    return Finding("truncated", state.report.organization, seq, None, None, last + 1, text)


def _found(
    state: _State, kind: str, seal: Seal, seq: int | None, text: str, block: Block | None = None
) -> Finding:
    seq = seal.from_seq if seq is None else seq
    entry = next((line for line in block.entries if line.seq == seq), None) if block else None
    return Finding(
        kind,
        state.report.organization,
        seq,
        entry.id if entry else None,
        entry.table if entry else None,
        seal.number,
        text,
    )


async def blocks(ctx: Ctx) -> AsyncIterator[Block]:
    """Yield the context's trail from its beginning; each page is a transaction of its own."""
    waiting: list[Line] = []
    read_to, cursor = -1, (-(2**63), store.LAST_ID)
    number = 0
    while True:
        async with uow(ctx) as tx:
            seals = await store.seals(tx, number, SEALS)
        for seal in seals:
            while read_to < seal.to_seq:
                async with uow(ctx) as tx:
                    page = await store.lines(tx, cursor[0], seals[-1].to_seq, PAGE, cursor[1])
                waiting += page
                read_to = seals[-1].to_seq
                if len(page) == PAGE:
                    read_to, cursor = page[-1].seq - 1, (page[-1].seq, page[-1].id)
                else:
                    cursor = (read_to, store.LAST_ID)
            # Whole numbers only: two entries of one number stand in one block.
            end = next((n for n, line in enumerate(waiting) if line.seq > seal.to_seq), len(waiting))
            yield Block(seal, waiting[:end])
            del waiting[:end]
            number = seal.number
        if not seals:
            break
    async with uow(ctx) as tx:
        yield Block(None, await store.lines(tx, cursor[0], 2**62, PAGE, cursor[1]))
