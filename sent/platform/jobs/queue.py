"""Deferring work: the job commits or vanishes with the transaction that asked for it.

    async with uow(ctx) as tx:
        ...
        await defer(tx, "capital.statement", {"account": str(account)})

`core.defer` stamps the job with the transaction's organisation, actor and trace, so a job can neither be
ordered for nor run in another organisation. Queues carry what is rare and slow (exports, mails, imports);
what comes by the thousand has tables of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from sent.platform.db.uow import Tx, scalar


async def defer(
    tx: Tx,
    task: str,
    arguments: Mapping[str, Any] | None = None,
    *,
    queue: str = "default",
    lock: str | None = None,
    queueing_lock: str | None = None,
    run_at: datetime | None = None,
    priority: int = 0,
) -> int | None:
    """Put a job into `tx`; return its number, or None when one with `queueing_lock` waits already.

    Jobs with the same `lock` run one after another, per organisation. Raises Denied outside an
    organisation and for memberships, whose rights end at the functions they may call.
    """
    found = await scalar(
        tx,
        "select core.defer(%s, %s, %s, %s, %s, %s, %s)",
        [task, Jsonb(dict(arguments or {})), queue, lock, queueing_lock, run_at, priority],
    )
    return None if found is None else int(found)
