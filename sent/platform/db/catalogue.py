"""What PostgreSQL leaves open to everybody and SENT closes: functions of the system catalogue.

Revision 0001 closes them in every database it makes. The signature of such a function may change with a
major version, and then neither `pg_upgrade` nor `pg_restore` can say again that it is closed: they are
opened before, in a server that nobody can reach, and closed afterwards. The owner looks at every start.
"""

from __future__ import annotations

from typing import Any

import psycopg

_CLOSED = """
select p.oid::regprocedure::text from pg_catalog.pg_proc p
where p.pronamespace = 'pg_catalog'::regnamespace
  and (p.proname ~ '^pg_(try_)?advisory_' or p.proname ~ '^(lo_|loread|lowrite)' or p.proname ~ '^be_lo_'
    or p.proname in ('pg_notify', 'pg_logical_emit_message'))
  and has_function_privilege('public', p.oid, 'execute') = %s
"""

GRANTS = """
grant execute on function pg_catalog.pg_notify(text, text) to sent_owner, sent_system;
grant execute on function pg_catalog.pg_try_advisory_lock(bigint) to sent_system;
grant execute on function pg_catalog.pg_advisory_unlock(bigint) to sent_system;
grant execute on function pg_catalog.pg_advisory_xact_lock(bigint) to sent_owner, sent_system, sent_app;
grant execute on function pg_catalog.pg_advisory_xact_lock_shared(bigint) to sent_owner;
grant execute on function pg_catalog.pg_try_advisory_xact_lock(bigint) to sent_owner, sent_system, sent_app;
"""


def close(connection: psycopg.Connection[Any]) -> int:
    """Close what stands open, and give it to those who need it; returns how many functions stood open."""
    found = connection.execute(_CLOSED, [True]).fetchall()
    if found:
        with connection.transaction():
            for (function,) in found:
                connection.execute(f"revoke execute on function pg_catalog.{_plain(function)} from public")
            connection.execute(GRANTS)
    return len(found)


def open_all(connection: psycopg.Connection[Any]) -> None:
    """Make the functions as a fresh server has them: in a server that nobody else can reach."""
    with connection.transaction():
        for (function,) in connection.execute(_CLOSED, [False]).fetchall():
            name = f"pg_catalog.{_plain(function)}"
            connection.execute(f"grant execute on function {name} to public")
            connection.execute(
                f"revoke execute on function {name} from sent_owner, sent_system, sent_app, sent_ingest"
            )


def _plain(function: str) -> str:
    return function.removeprefix("pg_catalog.")
