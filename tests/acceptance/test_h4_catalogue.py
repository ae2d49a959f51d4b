"""H4: a walk over the catalogue. Whatever a revision makes is guarded, or stands here with its reason."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from clusters import clone

if TYPE_CHECKING:
    from sent.platform.db.embedded.cluster import Cluster

Ask = Any

NO_ROW_SECURITY = {
    "core.component_version": "what is installed: the same for everybody, read only",
    "core.sealed_column": "the revisions' own list of sealed columns; no grants to staff",
    "core.commodity": "ISO 4217's list of money: the same for everybody, read only",
    "core.personal_column": "the revisions' own list of personal columns; no grants to staff",
    "sec.builtin_permission": "a copy of the program's own manifests; no grants",
    "sec.builtin_role": "a copy of the program's own list; no grants",
    "ts.series": "the catalogue of time series; staff have no grants",
    "ts.rollup": "the catalogue of rollups; staff have no grants",
    "ts.dirty": "bucket times to recompute; staff have no grants",
    "jobs.procrastinate_jobs": "the queue library's own; reached by sent_system and core.defer only",
    "jobs.procrastinate_events": "the queue library's own; reached by sent_system only",
    "jobs.procrastinate_periodic_defers": "the queue library's own; reached by sent_system only",
    "jobs.procrastinate_workers": "the queue library's own; reached by sent_system only",
    "core.consumer": "how far each consumer of events is; reached by sent_system and core.advance only",
    "core.relay": "how far the message server is; reached by sent_system only",
    "jobs.turn": "when each organisation was last served; reached by sent_system only",
    "jobs.schedule": "what the clock starts, the same for all; reached by sent_system and core.job_schedules",
    "jobs.failure": "belongs to a job of the queue library; reached by sent_system and core.jobs only",
    "public.revision": "alembic's; no grants",
}
"""Tables without row-level security besides the storage of time series, which staff cannot touch."""

NO_ORGANIZATION = {
    "auth.recovery_code": "of a person, who may belong to several organisations; sent_auth only",
    "auth.attempt": "of what somebody typed, before anybody is known; sent_auth only",
    "auth.ticket": "of a person, before he has chosen an organisation; sent_auth only",
} | {name: reason for name, reason in NO_ROW_SECURITY.items() if name not in {"ts.dirty", "jobs.turn"}}

NO_AUDIT = {
    "core.outbox": "events, not records; what they tell of is audited",
    "core.inbox": "which events were handled",
    "core.instance": "heartbeats",
    "core.lease": "renewed every few seconds by services",
    "core.operation_progress": "steps of an order; the order and its end are audited",
    "core.database_state": "what the owner process reports twice a minute",
    "core.database_sample": "sizes of tables by day",
    "core.slow_query": "what the watchdog saw",
    "sec.principal": "derived from memberships, which are audited",
    "auth.recovery_code": "digests of codes; switching the second factor on is audited",
    "auth.attempt": "counters",
    "auth.ticket": "lives five minutes",
    "auth.session": "the insert (a login) is audited, renewals are not",
    "audit.seal": "signed and chained itself",
    "audit.proof": "what sealing and verifying last found",
    "audit.personal": "values of the trail itself",
    "audit.reveal": "questions that live a minute",
    "radar.checkpoint": "where a file was read to; written every second",
    "radar.source_state": "what workers say of sources every few seconds",
    "radar.correlation_state": "counts in progress, written with each batch; what they come to is an alert",
    "radar.suppression_count": "hits of muted rules, written with each batch; who muted what is audited",
    "capital.entry": "written once, sealed in chains of its own whose heads are audited",
    "capital.line": "belongs to an entry",
    "capital.holding": "what entries come to",
    "capital.pending": "its beginning and its end are entries",
    "capital.day_total": "what lines come to",
    "capital.month_total": "what lines come to",
    "capital.progress": "how far lines are counted",
    "incidents.counter": "the latest number; the incident that has it is audited",
    "notify.notice": "tells of something that is audited itself",
    "notify.recipient": "who was told, and whether he has read it",
    "notify.delivery": "a log itself",
} | NO_ROW_SECURITY

BUS = {"core.outbox", "core.inbox", "core.dead_letter"}
"""What the one dispatcher numbers and forgets in all organisations."""

RADAR = {"radar.source", "radar.dead_letter"}
"""What the radar's workers open, and read again, for all organisations."""

SEALER = {"audit.seal", "audit.personal", "audit.reveal", "audit.erasure"}
"""What the one sealer looks for in all organisations."""

SENDER = {"notify.delivery", "notify.channel", "notify.box_key"}
"""What the one sender of notifications looks for in all organisations."""

UNIQUE_WITHOUT_ORGANIZATION = {
    "uq_entry_key": "has the organisation as its second column; only functions of the ledger write there",
    "pk_person": "people are the installation's",
    "person_pkey": "people are the installation's",
    "uq_person_email": "people are the installation's; inserted by sent_auth only, which tells nothing",
    "uq_organization_slug": "names organisations at the command line; staff cannot write it",
    "personal_column_pkey": "the revisions' own list; no grants to staff",
    "sealed_column_pkey": "the revisions' own list; no grants to staff",
    "commodity_pkey": "ISO 4217's list: the same for everybody, read only",
    "consumer_pkey": "places of consumers of events; no grants to staff",
    "relay_pkey": "how far the message server is; no grants to staff",
    "instance_pkey": "processes are the installation's",
}
"""In schemas that staff may write to or read from."""

PLAIN_REFERENCE = {
    ("core.membership", "core.person"): "a person is the installation's",
    ("radar.alert", "core.person"): "an assignee; the function that sets it asks for a membership",
    ("incidents.incident", "core.person"): "an owner; the functions that set it ask for a membership",
}


@pytest.fixture(scope="module")
def ask(cluster: Cluster) -> Iterator[Ask]:
    """Return a function that asks a freshly migrated database as the superuser."""
    with (
        clone(cluster, f"walk_{uuid4().hex[:8]}") as server,
        cluster.connect(server.dbname) as connection,
    ):
        yield lambda query: connection.execute(query).fetchall()


TABLES = """
  select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
"""
STORAGE = " and n.nspname = 'ts' and c.relname not in ('series', 'rollup', 'dirty')"


def names(rows: list[tuple[Any, ...]]) -> set[str]:
    """Return the first column."""
    return {str(row[0]) for row in rows}


def test_h4_every_table_forces_row_level_security(ask: Ask) -> None:
    bare = names(ask(TABLES + " and not (c.relrowsecurity and c.relforcerowsecurity)"))
    storage = names(ask(TABLES + STORAGE))
    assert bare - storage == set(NO_ROW_SECURITY)
    assert storage


def test_h4_every_guarded_table_has_policies_that_ask_for_the_organisation(ask: Ask) -> None:
    rows = ask(
        "select n.nspname || '.' || c.relname, p.polname, pg_get_expr(p.polqual, p.polrelid),"
        " pg_get_expr(p.polwithcheck, p.polrelid), array(select r::regrole::text from unnest(p.polroles) r)"
        " from pg_policy p join pg_class c on c.oid = p.polrelid"
        " join pg_namespace n on n.oid = c.relnamespace"
    )
    guarded = names(rows)
    assert names(ask(TABLES + " and c.relrowsecurity")) == guarded
    for table, policy, using, check, roles in rows:
        assert "-" not in roles, f"{table}.{policy} is for everybody"
        if roles == ["sent_staff"] or policy == "own":
            for expression in filter(None, (using, check)):
                assert "SELECT sec.org()" in expression, f"{table}.{policy}: {expression}"
        if table == "core.person" and policy == "colleagues":
            assert "core.membership" in using


def test_h4_open_policies_are_for_roles_nobody_logs_in_as(ask: Ask) -> None:
    """`using (true)` belongs to owners of functions, and to sent_system where it claims work."""
    rows = ask(
        "select n.nspname || '.' || c.relname, array(select r::regrole::text from unnest(p.polroles) r)"
        " from pg_policy p join pg_class c on c.oid = p.polrelid"
        " join pg_namespace n on n.oid = c.relnamespace"
        " where 'true' in (pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))"
    )
    inside = {"sent_definer", "sent_auth", "sent_owner", "sent_keeper", "sent_audit"}
    claims = {
        table for table, roles in rows if set(roles) - inside and table not in {"core.instance", "core.lease"}
    }
    assert {role for _, roles in rows for role in roles} - inside <= {
        "sent_system",
        "sent_app",
        "sent_ingest",
    }
    assert claims <= {"core.organization", "core.membership"} | RADAR | BUS | SEALER | SENDER


def test_h4_every_table_has_an_organisation(ask: Ask) -> None:
    missing = names(
        ask(
            TABLES + " and not exists (select from pg_attribute a where a.attrelid = c.oid"
            " and a.attname = 'organization_id' and a.attnotnull)"
        )
    )
    # The queue has the column, computed from the job's stamp, and null for the library's own chores.
    assert missing == set(NO_ORGANIZATION)


def test_h4_every_table_is_audited(ask: Ask) -> None:
    missing = names(
        ask(
            TABLES + " and not c.relispartition and n.nspname <> 'ts' and (select count(*) from pg_trigger t"
            " where t.tgrelid = c.oid and t.tgname in ('audit_insert', 'audit_change', 'audit_truncate')"
            " and t.tgenabled = 'O') <> 3"
        )
    )
    reasoned = {name for name in NO_AUDIT if not name.startswith("ts.")}
    own = {name for name in missing if name.startswith("radar.")}
    assert missing - own == {name for name in reasoned if not name.startswith("radar.")}
    assert own <= reasoned | {"radar.alert_change"}


def test_h4_references_carry_the_organisation(ask: Ask) -> None:
    rows = ask(
        "select f.conrelid::regclass::text, f.confrelid::regclass::text,"
        " array(select attname::text from unnest(f.conkey) k join pg_attribute a"
        "  on a.attrelid = f.conrelid and a.attnum = k)"
        " from pg_constraint f join pg_class c on c.oid = f.conrelid"
        " join pg_namespace n on n.oid = c.relnamespace"
        " where f.contype = 'f' and n.nspname not in ('jobs', 'ts', 'auth')"
    )
    assert rows
    plain = {(table, target) for table, target, columns in rows if "organization_id" not in columns}
    assert plain == set(PLAIN_REFERENCE)


def test_h4_every_unique_index_begins_with_the_organisation(ask: Ask) -> None:
    rows = ask(
        "select i.indexrelid::regclass::text, a.attname, n.nspname from pg_index i"
        " join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace"
        " left join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]"
        " where i.indisunique and n.nspname !~ '^pg_'"
        " and (has_table_privilege('sent_staff', c.oid, 'select, insert, update, delete')"
        "  or n.nspname in ('core', 'radar'))"
    )
    assert rows
    others = {name.rpartition(".")[2] for name, first, _ in rows if first != "organization_id"}
    assert others - {"component_version_pkey"} <= set(UNIQUE_WITHOUT_ORGANIZATION)


def test_h4_staff_have_no_grants_where_there_is_no_policy(ask: Ask) -> None:
    reached = names(
        ask(
            TABLES + " and has_schema_privilege('sent_staff', n.oid, 'usage')"
            " and has_table_privilege('sent_staff', c.oid, 'select, insert, update, delete')"
        )
    )
    assert reached & set(NO_ROW_SECURITY) == {"core.component_version", "core.commodity"}
    assert not any(name.startswith(("ts.", "jobs.", "sec.", "auth.", "public.")) for name in reached)


def test_h4_views_for_staff_are_barriers_with_the_organisation(ask: Ask) -> None:
    rows = ask(
        "select n.nspname || '.' || c.relname, coalesce(c.reloptions::text, ''), pg_get_viewdef(c.oid)"
        " from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('v', 'm')"
        " and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"
    )
    assert {"audit.entry", "radar.event"} <= names(rows)
    for name, options, text in rows:
        assert "security_barrier=true" in options, name
        assert "SELECT sec.org()" in text, name
        if "UNION" not in text:
            assert "check_option=local" in options, name


def test_h4_nothing_is_granted_to_everybody(ask: Ask) -> None:
    tables = ask(
        "select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace,"
        " aclexplode(c.relacl) g where g.grantee = 0"
        " and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"
    )
    schemas = ask(
        "select nspname from pg_namespace, aclexplode(nspacl) g"
        " where g.grantee = 0 and nspname not in ('pg_catalog', 'information_schema')"
    )
    database = ask(
        "select g.privilege_type from pg_database, aclexplode(datacl) g"
        " where datname = current_database() and g.grantee = 0"
    )
    functions = ask(
        "select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace"
        " where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"
        " and has_function_privilege('public', p.oid, 'execute') order by 1"
    )
    assert (tables, schemas, database) == ([], [], [])
    assert names(functions) == {
        "core.uuid7()",
        "sec.actor()",
        "sec.clients()",
        "sec.fail(text,text)",
        "sec.has(text)",
        "sec.org()",
        "sec.sees(uuid)",
        "sec.trace()",
        "sec.trusted()",
    }


def test_h4_definer_functions_pin_their_search_path(ask: Ask) -> None:
    rows = ask(
        "select p.oid::regprocedure::text, coalesce(p.proconfig::text, '') from pg_proc p"
        " join pg_namespace n on n.oid = p.pronamespace where p.prosecdef"
    )
    assert len(rows) > 40
    for name, settings in rows:
        assert 'search_path=\\"\\"' in settings or "search_path=jobs" in settings, name


def test_h4_everything_belongs_to_roles_nobody_logs_in_as(ask: Ask) -> None:
    owners = ask(
        "select distinct r.rolname from pg_roles r join ("
        " select relowner o, relnamespace n from pg_class union select proowner, pronamespace from pg_proc) x"
        " on x.o = r.oid join pg_namespace n on n.oid = x.n"
        " where n.nspname in ('core', 'sec', 'ts', 'radar', 'auth', 'audit', 'jobs', 'notify',"
        " 'incidents')"
    )
    assert names(owners) <= {
        "sent_owner",
        "sent_audit",
        "sent_auth",
        "sent_keeper",
        "sent_definer",
        "sent_watch",
    }
    nobodies = (
        "'sent_owner', 'sent_audit', 'sent_auth', 'sent_keeper', 'sent_definer', 'sent_watch', 'sent_staff'"
    )
    assert ask(f"select rolname from pg_roles where rolname in ({nobodies}) and rolcanlogin") == []


def test_h4_storage_of_time_series_is_reached_by_ingest_only(ask: Ask) -> None:
    rows = ask(
        "select c.relname, g.grantee::regrole::text, g.privilege_type from pg_class c"
        " join pg_namespace n on n.oid = c.relnamespace, aclexplode(c.relacl) g"
        " where n.nspname = 'ts' and g.grantee <> c.relowner"
    )
    allowed = {"sent_ingest": {"INSERT"}, "sent_audit": {"INSERT"}, "sent_definer": {"SELECT"},
               "sent_system": {"SELECT"}}  # fmt: skip
    for table, role, privilege in rows:
        assert privilege in allowed.get(role, set()), (table, role, privilege)


def test_h4_shared_facilities_are_closed(ask: Ask) -> None:
    open_ = ask(
        "select p.oid::regprocedure::text from pg_proc p where p.pronamespace = 'pg_catalog'::regnamespace"
        " and (p.proname ~ '^pg_(try_)?advisory_' or p.proname ~ '^(lo_|loread|lowrite)'"
        "  or p.proname in ('pg_notify', 'pg_logical_emit_message'))"
        " and has_function_privilege('sent_staff', p.oid, 'execute')"
    )
    assert open_ == []
