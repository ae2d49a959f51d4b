"""Dead letters as people look for them: by state, source, words of the reason; many decided on at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import orjson

from sent.engines.radar.desk import DeadLetter, LetterState
from sent.engines.radar.store import letters
from sent.platform.context import Ctx
from sent.platform.db.uow import uow
from sent.platform.errors import NotFound

AT_ONCE = 500
"""Letters decided on in one transaction."""


MAX_MISSES = 10


@dataclass(frozen=True, slots=True)
class LetterFilter:
    """What is looked for: any of the states and source names (none: all), every word in the reason."""

    states: tuple[LetterState, ...] = ("dead", "replay")
    sources: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Damage:
    """Where a payload is damaged: the first byte that no reader takes, and what is wrong there."""

    at: int
    what: str


async def find_letters(
    ctx: Ctx, wanted: LetterFilter, *, before: UUID | None = None, limit: int = 200
) -> list[DeadLetter]:
    """Return letters newest first; the next page is `before` the last one's id."""
    async with uow(ctx) as tx:
        return await letters.find(
            tx, wanted.states, wanted.sources, wanted.kinds, wanted.words, before, limit
        )


async def letter_counts(ctx: Ctx) -> dict[str, int]:
    """Return how many letters there are in each state."""
    async with uow(ctx) as tx:
        return await letters.counts(tx)


async def decide_letters(ctx: Ctx, wanted: LetterFilter, target: LetterState) -> int:
    """Have all dead letters that are looked for read again ('replay') or given up ('discarded').

    Return how many. Those that came after it was asked for are left alone; what somebody else decides at the
    same time is his.
    """
    done, misses = 0, 0
    before: UUID | None = None
    while True:
        try:
            async with uow(ctx) as tx:
                found = await letters.find_dead(
                    tx, wanted.sources, wanted.kinds, wanted.words, before, AT_ONCE
                )
                if found:
                    await letters.decide(tx, found, target)
        except NotFound:  # somebody else decided on one of them in between
            misses += 1
            if misses > MAX_MISSES:
                raise
            continue
        if not found:
            return done
        done += len(found)
        before = found[-1]


async def decided(ctx: Ctx, ids: Sequence[UUID]) -> dict[str, int]:
    """Return how letters that were decided on stand now: how many in each state."""
    async with uow(ctx) as tx:
        return await letters.counts(tx, ids)


async def letter_of(ctx: Ctx, letter_id: UUID) -> tuple[DeadLetter, Damage | None]:
    """Return one letter and where it is damaged; raises NotFound."""
    async with uow(ctx) as tx:
        found = await letters.page(tx, None, 1, ("dead", "replay", "done", "discarded"), [letter_id])
    if not found:
        raise NotFound("radar.letter.missing", "the dead letter is not there, or not yours to see")
    return found[0], damage_in(found[0].kind, found[0].payload)


def damage_in(kind: str, payload: bytes) -> Damage | None:
    """Return the first place of a payload that its reader cannot take, None where none is found."""
    if not payload:
        return None
    found = []
    nul = payload.find(b"\x00")
    if nul >= 0:
        found.append(Damage(nul, "NUL"))
    try:
        payload.decode()
    except UnicodeDecodeError as error:
        found.append(Damage(error.start, "no UTF-8"))
    if kind in ("http", "jsonl", "evtx") and not found:
        try:
            value = orjson.loads(payload)
            if not isinstance(value, dict):
                found.append(Damage(0, "no JSON object"))
        except orjson.JSONDecodeError as error:
            text = payload.decode("utf-8", "replace")
            at = min(len(text[: error.pos].encode()), len(payload) - 1)
            found.append(Damage(at, error.msg.partition(": line ")[0]))
    return min(found, key=lambda damage: damage.at, default=None)
