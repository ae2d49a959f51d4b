"""K3: what TimescaleDB opens to everybody is closed again, and its storage is reached by nobody new.

A membership's login on such a server could otherwise schedule jobs that outlive it, and read from the
extension's catalogues when every other organisation writes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import gauges
import psycopg
import pytest
import timescale
from gauges import Admin

from sent.platform.ids import uuid7

pytestmark = timescale.needs_timescale


@pytest.fixture(scope="module")
def hyper() -> Iterator[Admin]:
    """Return the superuser of a migrated database with TimescaleDB and one more series."""
    _, user, password = timescale.login()
    with timescale.database() as server:
        gauges.create(server.parameters() | {"user": user, "password": password.reveal()})
        with timescale.connect(server.dbname) as connection:
            yield connection


ATTACKS = {
    "schedules a job": "select public.add_job('pg_catalog.now', '1 second')",
    "schedules a job of the functions' schema": "call _timescaledb_functions.policy_retention(1, '{}')",
    "makes a hypertable": "select public.create_hypertable('x', public.by_range('at'))",
    "drops chunks": "select public.drop_chunks('ts.radar_event', now())",
    "lists chunks": "select public.show_chunks('ts.radar_event')",
    "reads chunks": "select * from timescaledb_information.chunks",
    "reads the catalogue of chunks": "select * from _timescaledb_catalog.chunk",
    "reads when others wrote late": (
        "select * from _timescaledb_catalog.continuous_aggs_hypertable_invalidation_log"
    ),
    "reads the storage": "select * from ts.radar_event",
    "reads an aggregate": "select * from ts.radar_event_minute",
    "reads what is stored of it": "select * from _timescaledb_internal._materialized_hypertable_3",
    "reads job errors": "select * from timescaledb_information.job_errors",
    "looks after series": "select ts.upkeep()",
    "changes a retention": "select ts.set_retention('radar.event', '1 day')",
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_k3_staff_get_nothing_of_the_extension(hyper: Admin, attack: str) -> None:
    with hyper.transaction(force_rollback=True):
        hyper.execute("set local session authorization sent_staff")
        with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedTable)):
            hyper.execute(ATTACKS[attack])


def test_k3_only_background_workers_become_the_owner_of_hypertables(hyper: Admin) -> None:
    found = hyper.execute(
        "select rolcanlogin, rolpassword is null, rolconnlimit, rolsuper, rolcreaterole, rolbypassrls"
        " from pg_authid where rolname = 'sent_series'"
    ).fetchone()
    assert found == (True, True, 0, False, False, False)
    owners = hyper.execute(
        "select distinct c.relowner::regrole::text from ts.series s join pg_class c"
        " on c.oid = s.storage::regclass where s.core = 'hypertable'"
    ).fetchall()
    assert owners == [("sent_series",)]
    members = hyper.execute(
        "select member::regrole::text from pg_auth_members where roleid = 'sent_series'::regrole"
    ).fetchall()
    assert members == [("sent_owner",)]


def test_k3_storage_is_granted_to_services_only(hyper: Admin) -> None:
    rows = hyper.execute(
        "select c.relname, g.grantee::regrole::text, g.privilege_type from pg_class c"
        " join pg_namespace n on n.oid = c.relnamespace, aclexplode(c.relacl) g"
        " where (n.nspname = 'ts' or n.nspname = '_timescaledb_internal') and g.grantee <> c.relowner"
        " and c.relkind in ('r', 'p', 'v', 'm')"
    ).fetchall()
    allowed = {"sent_ingest": {"INSERT"}, "sent_audit": {"INSERT"}, "sent_definer": {"SELECT"},
               "sent_system": {"SELECT"}}  # fmt: skip
    ours = [row for row in rows if row[1] not in ("sent_owner", "sent_series")]
    assert ours
    for table, role, privilege in ours:
        assert privilege in allowed.get(role, set()), (table, role, privilege)


def test_k3_policies_are_there_and_the_trail_has_none(hyper: Admin) -> None:
    """Nothing of the audit trail is dropped by age; all else is kept by the server itself."""
    found = hyper.execute(
        "select hypertable_name, replace(proc_name, 'policy_', '') from timescaledb_information.jobs"
        " where owner::text = 'sent_series' and hypertable_name !~ '^core_' order by 1, 2"
    ).fetchall()
    assert found == [
        ("radar_event", "compression"),
        ("radar_event", "retention"),
        ("radar_event_minute", "refresh_continuous_aggregate"),
        ("radar_event_minute", "retention"),
    ]
    hyper.execute("select ts.set_retention('radar.event', '30 days')")
    changed = hyper.execute(
        "select config ->> 'drop_after' from timescaledb_information.jobs"
        " where hypertable_name = 'radar_event' and proc_name = 'policy_retention'"
    ).fetchone()
    assert changed == ("31 days",)


def waits_for(hyper: Admin, what: str, job: str) -> None:
    """Wait until the server's own scheduler has run a job."""
    give_up = time.monotonic() + 60
    query = (
        "select from timescaledb_information.job_stats s join timescaledb_information.jobs j using (job_id)"
        f" where j.proc_name = %s and {what}"
    )
    while hyper.execute(query, [job]).fetchone() is None:
        assert time.monotonic() < give_up, hyper.execute(
            "select proc_name, err_message from timescaledb_information.job_errors"
        ).fetchall()
        time.sleep(0.2)


def test_k3_late_rows_are_stored_by_the_servers_own_policy(hyper: Admin) -> None:
    """Nobody calls a refresh: the policy, as a role nobody logs in as, settles the notes by itself."""
    org, late = UUID(int=0xA1), datetime.now(UTC) - timedelta(days=3)
    gauges.put(hyper, org, [gauges.Row(late, uuid7(), "a", 5)])
    (job,) = hyper.execute(
        "select job_id from timescaledb_information.jobs where hypertable_name = 'core_gauge_minute'"
        " and proc_name = 'policy_refresh_continuous_aggregate'"
    ).fetchone() or (None,)
    hyper.execute("select public.alter_job(%s, next_start => now())", [job])
    give_up = time.monotonic() + 90
    while hyper.execute("select from ts.dirty where rollup = 'core.gauge_minute'").fetchone() is not None:
        assert time.monotonic() < give_up
        with gauges.speaking_as(hyper, "sent_system"):
            hyper.execute("select ts.refresh()")
        time.sleep(0.2)
    assert gauges.ask(hyper, org, "select device, total from core.gauge_minute") == [("a", 5)]


def test_k3_a_job_that_fails_is_an_alarm(hyper: Admin) -> None:
    def alarms() -> list[str]:
        with gauges.speaking_as(hyper, "sent_system"):
            return [message for (message,) in hyper.execute("select message from ts.alarms()").fetchall()]

    waits_for(hyper, "total_successes > 0", "policy_refresh_continuous_aggregate")
    assert alarms() == []
    hyper.execute(
        "create procedure public.broken(job_id integer, config jsonb) language plpgsql"
        " as $$ begin raise 'no'; end $$"
    )
    hyper.execute("select public.add_job('public.broken', '1 day')")
    waits_for(hyper, "last_run_status = 'Failed'", "broken")
    assert alarms() == ["broken of timescaledb failed"]
