"""The head of the audit trail: what a restored database must show to be the same.

Row counts say that nothing is missing; the trail's head says that what is there is what was written: its
highest number, a digest of its newest entries, and of the seals over all earlier ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

NEWEST = 100_000
"""Entries that the digest covers; older ones are covered by seals."""

_HEAD = """
select coalesce(max(seq), 0), encode(sha256(convert_to(
  coalesce(string_agg(md5(e::text), '' order by seq), ''), 'UTF8')), 'hex')
from ts.audit_entry e
where txid < %(before)s::xid8
  and seq > (select coalesce(max(seq), 0) - %(newest)s from ts.audit_entry where txid < %(before)s::xid8)
"""
_SEALS = "select md5(coalesce(string_agg(s::text, ',' order by s::text), '')) from audit.seal s"
_FOREVER = str((1 << 63) - 1)


def audit_head(connection: psycopg.Connection[Any], before: str | None = None) -> dict[str, Any] | None:
    """Return {seq, digest, seals, before}; None for a database without a trail.

    With `before`, a transaction number, later transactions are left out: what a base backup has for sure.
    """
    if not _exists(connection, "ts.audit_entry"):
        return None
    values = {"before": before or _FOREVER, "newest": NEWEST}
    connection.execute("set timezone = 'UTC'; set datestyle = 'ISO'")
    row = connection.execute(_HEAD, values).fetchone()
    seals = None
    if before is None and _exists(connection, "audit.seal"):
        found = connection.execute(_SEALS).fetchone()
        seals = found[0] if found else None
    return {"seq": row[0] if row else 0, "digest": row[1] if row else "", "seals": seals, "before": before}


def oldest_running(connection: psycopg.Connection[Any]) -> str:
    """Return the number of the oldest transaction that is not over: earlier ones are visible to all."""
    row = connection.execute("select pg_snapshot_xmin(pg_current_snapshot())::text").fetchone()
    return str(row[0]) if row else "0"


def _exists(connection: psycopg.Connection[Any], table: str) -> bool:
    row = connection.execute("select to_regclass(%s) is not null", [table]).fetchone()
    return bool(row and row[0])
