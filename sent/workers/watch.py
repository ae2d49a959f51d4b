"""The watchdog of queries: ends what staff let run or keep too long, notes what is slow, samples sizes.

A member can lift his own `statement_timeout`; this cannot be lifted. Locks that others wait for are looked
at each second, because services give up on a row after five: who keeps one is ended before that. The log has
the digest of a query, never its text: that one stands, without values, on the Database page.
"""

from __future__ import annotations

import asyncio
import time

from sent.platform.config.settings import load
from sent.platform.db.engine import Database
from sent.platform.db.uow import transaction
from sent.platform.errors import SentError
from sent.platform.telemetry.log import get_logger

LOCKS_S = 1.0
WATCH_S = 5.0
NOTE_S = 1.0
SAMPLE_S = 6 * 3600.0
FIRST_SAMPLE_S = 20.0

_log = get_logger("db.watch")


async def watch(db: Database) -> None:
    """Watch until cancelled."""
    settings = load()
    block = [settings.block_limit_s, settings.busy_block_limit_s]
    limits = [NOTE_S, settings.query_limit_s, settings.idle_limit_s, settings.busy_block_limit_s]
    look_at = time.monotonic()
    sample_at = look_at + FIRST_SAMPLE_S
    while True:
        try:
            await relieve(db, block)
            if time.monotonic() >= look_at:
                look_at = time.monotonic() + WATCH_S
                await look(db, limits)
            if time.monotonic() >= sample_at:
                sample_at = time.monotonic() + SAMPLE_S
                async with transaction(db) as tx:
                    await tx.execute("select core.sample_database()")
        except SentError as error:
            _log.warning("watch.failed", reason=error.message)
        await asyncio.sleep(LOCKS_S)


async def relieve(db: Database, limits: list[float]) -> int:
    """End who keeps locks that others wait for: seconds for an idle one, for a busy one; return how many."""
    return await _end(db, "select * from core.end_blockers(%s, %s)", limits)


async def look(db: Database, limits: list[float]) -> int:
    """Look once; return how many queries or sessions were ended."""
    return await _end(db, "select * from core.watch_queries(%s, %s, %s, %s)", limits)


async def _end(db: Database, query: str, limits: list[float]) -> int:
    async with transaction(db) as tx:
        found = await tx.execute(query, limits)
        ended = await found.fetchall()
    for pid, who, reason, digest, seconds in ended:
        _log.warning("query.ended", pid=pid, who=who, reason=reason, digest=digest, seconds=round(seconds, 1))
    return len(ended)
