"""The watchdog of queries: ends what staff let run or wait too long, notes what is slow, samples sizes.

A member can lift his own `statement_timeout`; this cannot be lifted. It logs what it ended with the digest
of the query, never its text: that one stands, without values, on the Database page.
"""

from __future__ import annotations

import asyncio
import time

from sent.platform.config.settings import load
from sent.platform.db.engine import Database
from sent.platform.db.uow import transaction
from sent.platform.errors import SentError
from sent.platform.telemetry.log import get_logger

WATCH_S = 5.0
NOTE_S = 1.0
SAMPLE_S = 6 * 3600.0
FIRST_SAMPLE_S = 20.0

_log = get_logger("db.watch")


async def watch(db: Database) -> None:
    """Watch until cancelled."""
    settings = load()
    limits = [NOTE_S, settings.query_limit_s, settings.idle_limit_s, settings.block_limit_s]
    sample_at = time.monotonic() + FIRST_SAMPLE_S
    while True:
        try:
            await look(db, limits)
            if time.monotonic() >= sample_at:
                sample_at = time.monotonic() + SAMPLE_S
                async with transaction(db) as tx:
                    await tx.execute("select core.sample_database()")
        except SentError as error:
            _log.warning("watch.failed", reason=error.message)
        await asyncio.sleep(WATCH_S)


async def look(db: Database, limits: list[float]) -> int:
    """Look once; return how many queries or sessions were ended."""
    async with transaction(db) as tx:
        found = await tx.execute("select * from core.watch_queries(%s, %s, %s, %s)", limits)
        ended = await found.fetchall()
    for pid, who, reason, digest, seconds in ended:
        _log.warning("query.ended", pid=pid, who=who, reason=reason, digest=digest, seconds=round(seconds, 1))
    return len(ended)
