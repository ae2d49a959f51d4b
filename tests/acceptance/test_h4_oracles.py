"""H4: neither operators, errors, statistics nor functions tell what is behind the barrier."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
import tenants
from isolation import MARK, World
from psycopg import errors


@pytest.mark.parametrize(
    "predicate",
    [
        "name ~ '^alphasecret'",
        "name like 'alphasecret%'",
        "to_tsvector('simple', name) @@ to_tsquery('simple', 'alphasecretvalue')",
        "strpos(name, 'alphasecret') > 0",
        "name::int > 0",
        "('x' || name)::uuid is not null",
        "ascii(name) / (case when name like 'alpha%' then 0 else 1 end) >= 0",
        "pg_typeof(cast(name as name)) is not null and name similar to 'alphasecret%'",
        "substring(name from '([a-z]+)secret') is not null",
        "regexp_replace(name, '[0-9]', '') like 'alphasecret%'",
        "convert_from(convert_to(name, 'utf8'), 'utf8') like 'alphasecret%'",
        "jsonb_build_object('n', name) @> '{\"n\": \"alphasecretvalue1\"}'",
    ],
)
def test_h4_leaky_operators(attacker: psycopg.Connection[Any], world: World, predicate: str) -> None:
    """Functions that could tell what they see run after the policy: they never see a foreign row."""
    try:
        found = world.truth(
            f"select count(*) from core.client where organization_id = '{world.alpha}' and {predicate}"
        )
        assert found[0][0] > 0, "the predicate would find nothing anyway"
    except psycopg.Error as error:
        told = "alphasecret" in str(error) or isinstance(error, errors.DivisionByZero)
        assert told, "its error would tell nothing anyway"
    noticed: list[str] = []
    attacker.add_notice_handler(lambda diagnostic: noticed.append(diagnostic.message_primary or ""))
    attacker.execute("set client_min_messages = debug1")
    try:
        rows = str(attacker.execute(f"select name from core.client where {predicate}").fetchall())
    except psycopg.Error as error:
        rows = str(error)
    assert "alphasecret" not in rows and "division" not in rows
    assert not any("alphasecret" in text for text in noticed)


@pytest.mark.parametrize("relation", ["core.client", "core.setting", "core.person", "radar.event"])
def test_h4_division_oracle(attacker: psycopg.Connection[Any], world: World, relation: str) -> None:
    """An error that fires only where a foreign row is looked at would tell that it is there."""
    where = {
        "core.client": f"1 / (case when organization_id = '{world.alpha}' then 0 else 1 end) = 1",
        "core.setting": "1 / (case when key like 'alphasecret%' then 0 else 1 end) = 1",
        "core.person": "1 / (case when email like '%@alpha.test' then 0 else 1 end) = 1",
        "radar.event": "1 / (case when message like 'alphasecret%' then 0 else 1 end) = 1",
    }[relation]
    assert attacker.execute(f"select count(*) > 0 from {relation} where {where}").fetchone() == (True,)


def test_h4_duplicate_keys_tell_nothing(attacker: psycopg.Connection[Any], world: World) -> None:
    """The same id and the same code as a foreign row's can be used: unique indexes begin with the tenant."""
    with attacker.transaction(force_rollback=True):
        attacker.execute(
            "insert into core.client (organization_id, id, name, code) values (%s, %s, 'x', %s)",
            [world.beta, world.alpha_client, MARK],
        )


@pytest.mark.parametrize(
    "query",
    [
        "select * from pg_stats where schemaname in ('core', 'ts', 'radar', 'auth', 'sec', 'jobs', 'audit')"
        " and tablename not in ('component_version', 'commodity')",
        "select * from pg_stats_ext",
        "select * from pg_stats_ext_exprs",
    ],
)
def test_h4_catalogue_statistics(attacker: psycopg.Connection[Any], world: World, query: str) -> None:
    rows = attacker.execute(query).fetchall()
    assert rows == []
    assert world.truth("select count(*) from pg_stats where schemaname = 'core'")[0][0] > 10


@pytest.mark.parametrize(
    "relation",
    ["pg_statistic", "pg_authid", "pg_subscription", "pg_user_mapping", "pg_largeobject",
     "pg_statistic_ext_data", "pg_hba_file_rules", "pg_file_settings"],
)  # fmt: skip
def test_h4_catalogues_with_contents(attacker: psycopg.Connection[Any], relation: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        attacker.execute(f"select * from pg_catalog.{relation}")


def test_h4_activity_shows_no_foreign_query(attacker: psycopg.Connection[Any], world: World) -> None:
    role, password = tenants.mint(world.server, world.alpha_member)
    with psycopg.connect(
        **world.server.parameters(), user=role, password=password.reveal(), autocommit=True
    ) as alpha:
        alpha.execute(f"select '{MARK}' where false")
        rows = attacker.execute("select * from pg_stat_activity").fetchall()
    assert MARK not in str(rows)


@pytest.mark.parametrize(
    "relation",
    ["ts.radar_event", "ts.radar_event_default", "ts.audit_entry", "ts.dirty", "ts.series", "sec.principal",
     "sec.builtin_permission", "auth.credential", "auth.session", "auth.ticket", "auth.attempt",
     "auth.recovery_code", "jobs.procrastinate_jobs", "jobs.procrastinate_events", "core.data_key",
     "core.instance", "core.inbox", "public.revision"],
)  # fmt: skip
@pytest.mark.parametrize(
    "verb", ["select * from {}", "delete from {}", "truncate {}", "insert into {} default values"]
)
def test_h4_base_tables_behind_views_and_functions(
    attacker: psycopg.Connection[Any], relation: str, verb: str
) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        attacker.execute(verb.format(relation))


@pytest.mark.parametrize(
    "call",
    [
        "pg_read_file('/etc/passwd')",
        "pg_read_binary_file('/etc/passwd')",
        "pg_ls_dir('/')",
        "pg_ls_waldir()",
        "pg_stat_file('/etc/passwd')",
        "pg_reload_conf()",
        "pg_rotate_logfile()",
        "pg_switch_wal()",
        "pg_create_restore_point('x')",
        "pg_backup_start('x')",
        "pg_logical_slot_get_changes('x', null, null)",
        "pg_create_logical_replication_slot('x', 'test_decoding')",
        "pg_stat_reset()",
        "lo_import('/etc/passwd')",
        "lo_export(1, '/tmp/x')",
        "lo_create(0)",
        "lo_from_bytea(0, 'x')",
        "lo_get(1)",
        "pg_notify('sent_bus', '1')",
        "pg_logical_emit_message(false, 'x', 'y')",
        "pg_advisory_lock(7304021002)",
        "pg_try_advisory_lock(7304021002)",
        "pg_advisory_xact_lock(7304021001)",
        "pg_advisory_unlock_all()",
        "sec.mint(core.uuid7(), 'x', now())",
        "sec.credential(core.uuid7())",
        "sec.expire(core.uuid7())",
        "sec.sync_roles()",
        "auth.lookup('owner@alpha.test')",
        "auth.reset_password('owner@alpha.test', 'x')",
        "auth.setup(core.uuid7(), 'x', 'x', core.uuid7(), 'x', 'x@x', core.uuid7(), 'x')",
        "auth.identity(core.uuid7())",
        "auth.keys()",
        "core.create_organization(core.uuid7(), 'x', 'x')",
        "core.defer('x.y')",
        "ts.upkeep()",
        "ts.refresh()",
        "ts.drop_expired('radar.event')",
        "audit.record_insert()",
        "jobs.procrastinate_fetch_job_v2(null, 1)",
    ],
)
def test_h4_functions_of_others(attacker: psycopg.Connection[Any], call: str) -> None:
    with pytest.raises(psycopg.Error) as refused:
        attacker.execute(f"select {call}")
    assert refused.value.sqlstate in ("42501", "0A000"), refused.value


@pytest.mark.parametrize(
    "name", ["sent.organization_id", "sent.actor_id", "app.organization_id", "session_authorization", "role"]
)
def test_h4_forged_settings(attacker: psycopg.Connection[Any], world: World, name: str) -> None:
    for local in (True, False):
        with attacker.transaction():
            try:
                attacker.execute("select set_config(%s, %s, %s)", [name, str(world.alpha), local])
            except psycopg.Error as error:
                assert error.sqlstate in ("42501", "22023")
                break
            assert attacker.execute("select sec.org()").fetchone() == (world.beta,)
            rows = attacker.execute("select distinct organization_id from core.client").fetchall()
            assert rows == [(world.beta,)]


def test_h4_forged_connection_options(world: World) -> None:
    with world.attacker(
        options=f"-c sent.organization_id={world.alpha} -c sent.actor_id={world.alpha} -c row_security=on"
    ) as connection:
        assert connection.execute("select sec.org()").fetchone() == (world.beta,)
        assert connection.execute("select count(*) from core.client").fetchone() == (201,)


def test_h4_security_context_survives_views_and_subtransactions(
    attacker: psycopg.Connection[Any], world: World
) -> None:
    with attacker.transaction(), attacker.transaction(force_rollback=True):
        attacker.execute("select set_config('sent.organization_id', %s, true)", [str(world.alpha)])
        attacker.execute("declare c cursor for select * from core.client")
        assert MARK not in str(attacker.execute("fetch all from c").fetchall())


def test_h4_prepared_statements_keep_the_policy(world: World) -> None:
    with world.attacker(prepare_threshold=0) as connection:
        for _ in range(7):
            rows = connection.execute(
                "select count(*) from core.client where organization_id = %s", [world.alpha]
            ).fetchone()
            assert rows == (0,)


def test_h4_a_switched_off_login_sees_nothing_at_once(world: World) -> None:
    with world.attacker() as connection:
        assert connection.execute("select count(*) from core.client").fetchone() == (201,)
        with world.cluster.connect(world.server.dbname) as admin:
            admin.execute("update sec.principal set disabled = true where role_name = %s", [world.role])
        try:
            assert connection.execute("select count(*) from core.client").fetchone() == (0,)
            assert connection.execute("select count(*) from radar.event").fetchone() == (0,)
        finally:
            with world.cluster.connect(world.server.dbname) as admin:
                admin.execute("update sec.principal set disabled = false where role_name = %s", [world.role])


def test_h4_the_attacks_left_alpha_whole(world: World) -> None:
    """Last of the module."""
    assert world.clients_of_alpha() == 201
