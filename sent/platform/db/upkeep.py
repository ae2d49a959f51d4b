"""The care of time series: partitions, retention and rollups, in small transactions.

Nobody waits for long: each step is a transaction of its own and gives up after 2 s where it needs a lock
that somebody holds; the next round tries again. All steps may be repeated, run twice at once, or die
anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sent.platform.context import Ctx
from sent.platform.db.engine import Database
from sent.platform.db.uow import scalar, transaction, uow
from sent.platform.errors import SentError
from sent.platform.ids import OrgId, uuid7
from sent.platform.notify.api import notify
from sent.platform.telemetry.log import get_logger

MOST = 2000
"""Buckets of a rollup that are recomputed in one transaction."""

ROUNDS = 20
"""Such transactions in a row; what is left waits for the next care, and is shown from raw meanwhile."""

PIECE = 10_000
"""Expired buckets removed in one transaction."""

_log = get_logger("db.series")


@dataclass(slots=True)
class Care:
    """What one round did; `waiting` rows have no partition, `failed` names steps that did not work."""

    made: int = 0
    dropped: int = 0
    recomputed: int = 0
    waiting: int = 0
    failed: list[str] = field(default_factory=list)


async def care(db: Database) -> Care:
    """Look after all series once, as `sent_system`; raises Unavailable when the database does not answer."""
    done = Care()
    async with transaction(db) as tx:
        found = await tx.execute("select name from ts.series order by name")
        names = [str(name) for (name,) in await found.fetchall()]
    for name in names:
        done.made += await _step(db, done, "make_partitions", name)
        await _step(db, done, "detach_expired", name)
        done.dropped += await _step(db, done, "drop_expired", name)
        done.waiting += await _step(db, done, "waiting", name)
    for _ in range(ROUNDS):
        async with transaction(db) as tx:
            amount = int(await scalar(tx, "select ts.refresh(%s)", [MOST]))
        done.recomputed += amount
        if amount < MOST:
            break
    return done


async def alarms(db: Database) -> dict[tuple[str, str], str]:
    """Return what is wrong with the series: in words, by series and kind."""
    async with transaction(db) as tx:
        found = await tx.execute("select series, kind, message from ts.alarms() limit 100")
        return {(str(series), str(kind)): str(message) for series, kind, message in await found.fetchall()}


async def tell(db: Database, series: str, kind: str, message: str) -> None:
    """Raise a notice for whoever operates the installation; one that is open is counted up instead."""
    async with transaction(db) as tx:
        found = await tx.execute("select id from core.organization where operator")
        operators = [OrgId(organization) for (organization,) in await found.fetchall()]
    for organization in operators:
        async with uow(Ctx(db, organization, uuid7())) as tx:
            await notify(
                tx,
                "database.series.alarm",
                title="Time series need a look",
                body=message,
                link="database",
                severity="warning",
                permission="database:read",
                key=f"series:{series}:{kind}",
            )


async def thin(db: Database) -> int:
    """Remove buckets of rollups that are older than they are kept; returns how many."""
    async with transaction(db) as tx:
        found = await tx.execute("select name from ts.rollup order by name")
        names = [str(name) for (name,) in await found.fetchall()]
    removed = 0
    for name in names:
        amount = PIECE
        while amount == PIECE:
            async with transaction(db) as tx:
                amount = int(await scalar(tx, "select ts.thin_rollup(%s, %s)", [name, PIECE]))
            removed += amount
    return removed


async def _step(db: Database, done: Care, function: str, series: str) -> int:
    try:
        async with transaction(db) as tx:
            return int(await scalar(tx, f"select ts.{function}(%s)", [series]))
    except SentError as error:
        done.failed.append(f"{function} {series}")
        _log.warning("series.step_failed", step=function, series=series, reason=error.message)
        return 0
