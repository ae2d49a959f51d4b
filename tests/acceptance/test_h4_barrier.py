"""H4: a membership becomes nobody else and changes nothing about the barrier."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
import tenants
from isolation import World
from psycopg import errors, sql


@pytest.mark.parametrize(
    "statement",
    ["copy core.client to program 'cat > /tmp/sent-h4'", "copy core.client (name) from program 'id'",
     "copy core.client to '/tmp/sent-h4'", "copy core.client (name) from '/etc/passwd'"],
)  # fmt: skip
def test_h4_copy_with_files_and_programs(attacker: psycopg.Connection[Any], statement: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        attacker.execute(statement)


@pytest.mark.parametrize(
    "role",
    ["sent_owner", "sent_app", "sent_system", "sent_ingest", "sent_definer", "sent_audit", "sent_auth",
     "sent_keeper", "sent_staff", "sent_broker", "sent_minter", "sent_super", "pg_read_all_data",
     "pg_monitor", "pg_signal_backend"],
)  # fmt: skip
def test_h4_set_role(attacker: psycopg.Connection[Any], role: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        attacker.execute(sql.SQL("set role {}").format(sql.Identifier(role)))


def test_h4_set_role_to_another_membership(attacker: psycopg.Connection[Any], world: World) -> None:
    foreign, _ = tenants.mint(world.server, world.alpha_member)
    for statement in ("set role {}", "set session authorization {}", "grant {0} to current_user"):
        with pytest.raises(errors.InsufficientPrivilege):
            attacker.execute(sql.SQL(statement).format(sql.Identifier(foreign)))


@pytest.mark.parametrize("role", ["sent_super", "sent_owner", "sent_app", "sent_system"])
def test_h4_session_authorisation(attacker: psycopg.Connection[Any], role: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        attacker.execute(sql.SQL("set session authorization {}").format(sql.Identifier(role)))
    assert attacker.execute("select count(*) from core.organization").fetchone() == (1,)


@pytest.mark.parametrize("value", ["off", "false", "0"])
def test_h4_row_security_off(attacker: psycopg.Connection[Any], value: str) -> None:
    attacker.execute(f"set row_security = {value}")
    with pytest.raises(errors.InsufficientPrivilege):
        attacker.execute("select * from core.client")


@pytest.mark.parametrize(
    "statement",
    [
        "alter table core.client disable row level security",
        "alter table core.client no force row level security",
        "drop policy own on core.client",
        "create policy open on core.client using (true)",
        "alter policy own on core.client using (true)",
        "alter table core.client owner to current_user",
        "create trigger spy after insert on core.client for each row execute function core.stamp()",
        "alter table core.client disable trigger all",
        "truncate core.client",
        "truncate core.organization cascade",
        "create rule r as on select to core.client do instead select 1",
        "create index on core.client (name)",
        "alter role current_user superuser",
        "alter role current_user bypassrls",
        "alter role sent_app password 'x'",
        "create role friend",
        "set session_replication_role = replica",
        "load 'auto_explain'",
        "create extension vector schema core",
        "create event trigger e on ddl_command_end execute function core.stamp()",
        "create publication p for all tables",
        "alter system set log_statement = 'all'",
        "drop owned by sent_owner",
        "reassign owned by sent_owner to current_user",
        "security label on table core.client is 'x'",
        "comment on table core.client is 'x'",
    ],
)
def test_h4_changing_the_barrier_itself(attacker: psycopg.Connection[Any], statement: str) -> None:
    with pytest.raises(psycopg.Error) as refused:
        attacker.execute(statement)
    assert refused.value.sqlstate in ("42501", "42704", "0LP01", "22023"), refused.value


def test_h4_granting_on_grants_nothing(attacker: psycopg.Connection[Any], world: World) -> None:
    """Without the right to grant, GRANT is a warning, not an error."""
    attacker.execute("grant all on core.client to public")
    assert world.truth("select has_table_privilege('sent_broker', 'core.client', 'select')") == [(False,)]


@pytest.mark.parametrize("setting", ["role", "session_authorization", "row_security", "sent.organization_id"])
def test_h4_settings_kept_for_the_next_login(world: World, setting: str) -> None:
    """A login may keep settings of its own; none of them makes it somebody else."""
    value = {"role": "sent_owner", "session_authorization": "sent_super", "row_security": "off"}
    with world.attacker() as connection:
        try:
            connection.execute(
                sql.SQL("alter role current_user set {} = {}").format(
                    sql.Identifier(*setting.split(".")), sql.Literal(value.get(setting, str(world.alpha)))
                )
            )
        except psycopg.Error as error:
            assert error.sqlstate in ("42501", "22023", "55P02")
            return
    try:
        with world.attacker() as connection:
            names = connection.execute("select current_user, session_user").fetchone()
            assert names == (world.role, world.role)
            if setting == "row_security":
                with pytest.raises(errors.InsufficientPrivilege):
                    connection.execute("select count(*) from core.client")
            else:
                assert connection.execute("select sec.org()").fetchone() == (world.beta,)
                assert connection.execute("select count(*) from core.client").fetchone() == (201,)
    finally:
        with world.cluster.connect(world.server.dbname) as admin:
            admin.execute(sql.SQL("alter role {} reset all").format(sql.Identifier(world.role)))


@pytest.mark.parametrize(
    "statement",
    [
        "create or replace function sec.org() returns uuid language sql as 'select null::uuid'",
        "create or replace function sec.has(permission text) returns boolean language sql as 'select true'",
        "create or replace function core.stamp() returns trigger language plpgsql as 'begin return new; end'",
        "alter function sec.org() owner to current_user",
        "alter function sec.org() set role to sent_owner",
        "drop function sec.org() cascade",
        "create function pg_catalog.lower(uuid) returns uuid language sql as 'select $1'",
        "create schema sec2",
        "create schema authorization current_user",
    ],
)
def test_h4_replaced_functions(attacker: psycopg.Connection[Any], statement: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        attacker.execute(statement)


@pytest.mark.parametrize("path", ["pg_temp, public, core", "attacker, pg_catalog", "core, sec, pg_catalog"])
def test_h4_search_path_does_not_change_what_functions_mean(
    attacker: psycopg.Connection[Any], world: World, path: str
) -> None:
    attacker.execute("select set_config('search_path', %s, false)", [path])
    assert attacker.execute("select sec.org()").fetchone() == (world.beta,)
    assert attacker.execute("select count(*) from core.client").fetchone() == (201,)


@pytest.mark.parametrize(
    "statement",
    [
        "create temp table t (x int)",
        "create temp view v as select 1",
        "create table public.t (x int)",
        "create view public.v as select 1",
        "create function public.f(text) returns boolean language sql as 'select true'",
        "create function pg_temp.f(text) returns boolean language plpgsql cost 0.0001"
        " as 'begin raise notice ''%%'', $1; return true; end'",
        "create type public.t as (x int)",
        "create operator public.=== (leftarg = text, rightarg = text, function = texteq)",
        "create aggregate public.a (text) (sfunc = textcat, stype = text)",
        "create sequence public.s",
        "create domain public.d as text",
        "create cast (text as uuid) without function",
        "create table core.t (x int)",
        "select 1 as x into public.t",
        "create table core.t as select * from core.client",
        "create language plperlu",
    ],
)
def test_h4_temporary_and_public_objects(attacker: psycopg.Connection[Any], statement: str) -> None:
    with pytest.raises(psycopg.Error) as refused:
        attacker.execute(statement)
    assert refused.value.sqlstate in ("42501", "3F000", "0A000", "58P01"), refused.value


def test_h4_the_attacks_left_alpha_whole(world: World) -> None:
    """Last of the module."""
    assert world.clients_of_alpha() == 201
