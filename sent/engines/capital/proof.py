"""Whether a journal still says what was sealed: pure functions over digests and blocks.

A block vouches for its entries by the SHA-256 of each, in the order of their numbers, and for the block
before it by `prev`. `head = SHA-256(prev, number, first, last, amount as 8 bytes each, digests)`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from sent.engines.capital.model import Finding

START = bytes(32)


@dataclass(frozen=True, slots=True)
class Block:
    """A seal over `amount` entries with numbers from `first` to `last`; `digests` has 32 bytes for each."""

    number: int
    first: int
    last: int
    amount: int
    prev: bytes
    digests: bytes
    head: bytes


def head(block: Block) -> bytes:
    """Return what the block's head must be."""
    numbers = (block.number, block.first, block.last, block.amount)
    text = b"".join(number.to_bytes(8, "big", signed=True) for number in numbers)
    return hashlib.sha256(block.prev + text + block.digests).digest()


def chained(journal: str, blocks: Sequence[Block]) -> Iterator[Finding]:
    """Yield the blocks that do not follow from the one before."""
    prev, last = START, 0
    for number, block in enumerate(blocks, 1):
        follows = block.number == number and block.prev == prev and block.first > last
        if not follows or len(block.digests) != 32 * block.amount or block.head != head(block):
            yield Finding(journal, block.first, None, "chain")
        prev, last = block.head, block.last


def compared(journal: str, block: Block, present: Sequence[tuple[int, UUID, bytes]]) -> Iterator[Finding]:
    """Yield what differs between a block and what stands in the journal in its range (in order)."""
    sealed = [block.digests[at : at + 32] for at in range(0, len(block.digests), 32)]
    if len(sealed) == len(present):
        for digest, (seq, entry, now) in zip(sealed, present, strict=True):
            if digest != now:
                yield Finding(journal, seq, entry, "changed")
        return
    known = set(sealed)
    here = {now for _, _, now in present}
    for seq, entry, now in present:
        if now not in known:
            yield Finding(journal, seq, entry, "added" if len(present) > len(sealed) else "changed")
    for digest in sealed:
        if digest not in here:
            yield Finding(journal, block.first, None, "missing")
