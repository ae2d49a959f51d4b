"""H4: whatever a membership sends as SQL, it reads, changes and hears nothing of another organisation.

One database with two organisations; the attacker is an *owner* of "beta", so that nothing but the
organisation stands between him and "alpha". Every row of alpha holds the word in `MARK`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import psycopg
import pytest
import tenants
from psycopg import errors, sql

from sent.platform.config.secrets import role_password
from sent.platform.context import Ctx
from sent.platform.db.engine import Database, Server, fixed
from sent.platform.db.uow import uow

if TYPE_CHECKING:
    from sent.platform.db.embedded.cluster import Cluster

MARK = "alphasecretvalue"

REFUSED = (errors.InsufficientPrivilege, errors.RaiseException)


@dataclass(frozen=True)
class World:
    """Two organisations with contents, and the attacker's login."""

    server: Server
    cluster: Cluster
    alpha: UUID
    beta: UUID
    alpha_client: UUID
    alpha_member: UUID
    alpha_role: UUID
    beta_client: UUID
    beta_role: UUID
    role: str
    password: str

    def attacker(self, **options: Any) -> psycopg.Connection[tuple[Any, ...]]:
        """Connect as the owner of beta."""
        given = {"autocommit": True} | options
        return psycopg.connect(**self.server.parameters(), user=self.role, password=self.password, **given)

    def clients_of_alpha(self) -> int:
        """Count alpha's clients as the superuser."""
        rows = self.truth(f"select count(*) from core.client where organization_id = '{self.alpha}'")
        return int(rows[0][0])

    def truth(self, query: str) -> list[tuple[Any, ...]]:
        """Ask as the superuser."""
        with self.cluster.connect(self.server.dbname) as connection:
            return connection.execute(query).fetchall()


async def build(cluster: Cluster, server: Server) -> World:
    """Fill both organisations."""
    from contextlib import AsyncExitStack

    async with AsyncExitStack() as stack:
        app, system, ingest = [
            await stack.enter_async_context(
                Database(server, role, fixed(role_password(role)), trusted=True, name="test")
            )
            for role in ("sent_app", "sent_system", "sent_ingest")
        ]
        found = {}
        for slug, word in (("alpha", MARK), ("beta", "beta")):
            org = await tenants.make_org(system, app, slug)
            client = await _fill(org.ctx, ingest, word)
            async with uow(org.ctx) as tx:
                row = await (await tx.execute("select id from core.role where key = 'owner'")).fetchone()
            assert row is not None
            found[slug] = (org, client, row[0])
    alpha, beta = found["alpha"], found["beta"]
    role, password = tenants.mint(server, beta[0].membership)
    with cluster.connect(server.dbname) as connection:
        connection.execute("analyze")
    return World(
        server, cluster, alpha[0].org, beta[0].org, alpha[1], alpha[0].membership, alpha[2], beta[1], beta[2],
        role, password.reveal(),
    )  # fmt: skip


async def _fill(ctx: Ctx, ingest: Database, word: str) -> UUID:
    from sent.platform.auth.directory import create_client
    from sent.platform.bus.events import publish
    from sent.platform.config import settings_store  # noqa: F401  (the store's table is filled below)
    from sent.platform.jobs.queue import defer

    client = await create_client(ctx, f"{word} client", word, note=word)
    async with uow(ctx) as tx:
        await tx.execute(
            "insert into core.client (organization_id, name, code)"
            " select sec.org(), %s || n, %s || n from generate_series(1, 200) n",
            [word, word],
        )
        await tx.execute(
            "insert into core.setting (organization_id, key, value) values (sec.org(), %s, %s)",
            [f"{word}.key", json.dumps(word)],
        )
        await publish(tx, ctx, f"{word}.happened", {"word": word})
        await defer(tx, f"{word}.task", {"word": word})
        await tx.execute(
            "insert into core.data_key (number, purpose, wrapped) values (1, %s, %s)", [word, word.encode()]
        )
    async with uow(replace(ctx, db=ingest)) as tx:
        await tx.execute(
            "insert into radar.event (at, host, message, fields)"
            " select now() - n * interval '1 second', %s, %s, '{}' from generate_series(1, 100) n",
            [word, word],
        )
    return client.__class__(str(client)) if not isinstance(client, UUID) else client


@pytest.fixture(scope="module")
def world(cluster: Cluster) -> Iterator[World]:
    """Build the two organisations once for all attacks."""
    from sent.platform.db.embedded.cluster import PORT
    from sent.platform.db.migrate import secure_database

    name = f"h4_{uuid4().hex[:8]}"
    with cluster.connect("postgres") as connection:
        connection.execute(f"create database {name} template sent_template")
    with cluster.connect(name) as connection:
        secure_database(connection)
    server = Server(host=str(cluster.socket_dir), port=PORT, dbname=name)
    yield asyncio.run(build(cluster, server))
    with cluster.connect("postgres") as connection:
        connection.execute(f"drop database {name} with (force)")


@pytest.fixture
def attacker(world: World) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """Return a connection of the attacker."""
    with world.attacker() as connection:
        yield connection


@contextmanager
def unchanged(world: World) -> Iterator[None]:
    """Check that no row of alpha changes meanwhile."""
    digest = f"""
      select md5(string_agg(x, '' order by x)) from (
        select c::text x from core.client c where organization_id = '{world.alpha}'
        union all select m::text from core.membership m where organization_id = '{world.alpha}'
        union all select s::text from core.setting s where organization_id = '{world.alpha}'
        union all select e::text from ts.radar_event e where organization_id = '{world.alpha}') t"""
    before = world.truth(digest)
    yield
    assert world.truth(digest) == before


def readable(connection: psycopg.Connection[Any]) -> list[str]:
    """Return all tables and views the connection may select from, system catalogues included."""
    rows = connection.execute(
        "select format('%I.%I', n.nspname, c.relname) from pg_class c"
        " join pg_namespace n on n.oid = c.relnamespace"
        " where c.relkind in ('r', 'v', 'm', 'p', 'f') and has_table_privilege(c.oid, 'select')"
        " and has_schema_privilege(n.oid, 'usage') order by 1"
    ).fetchall()
    return [row[0] for row in rows]


def test_h4_the_attacker_does_see_his_own(attacker: psycopg.Connection[Any], world: World) -> None:
    """The other tests would also pass for a login that sees nothing at all."""
    assert attacker.execute("select count(*) from core.client").fetchone() == (201,)
    assert attacker.execute("select count(*) from radar.event").fetchone() == (100,)
    assert attacker.execute("select count(*) from core.setting").fetchone() == (1,)
    assert world.clients_of_alpha() == 201


def test_h4_no_readable_relation_holds_a_foreign_row(attacker: psycopg.Connection[Any], world: World) -> None:
    """Every table, view and catalogue there is, whole."""
    relations = readable(attacker)
    assert "core.client" in relations and "radar.event" in relations
    seen = 0
    for relation in relations:
        try:
            rows = attacker.execute(f"select x::text from {relation} x").fetchall()
        except (errors.InsufficientPrivilege, errors.ObjectNotInPrerequisiteState):
            continue
        seen += 1
        text = "\n".join(str(row[0]) for row in rows)
        assert MARK not in text, relation
        if not relation.startswith(("pg_catalog", "information_schema")):
            assert str(world.alpha) not in text, relation
    assert seen > 50


@pytest.mark.parametrize(
    "query",
    [
        "select * from core.client where organization_id = %(alpha)s",
        "select * from core.client where id = %(alpha_client)s",
        "select * from core.client where organization_id <> %(beta)s or true",
        "select c.* from core.client c right join core.organization o on true"
        " where c.organization_id = %(alpha)s",
        "with x as materialized (select * from core.client) select * from x"
        " where organization_id = %(alpha)s",
        "select * from core.client where exists"
        " (select from core.client f where f.organization_id = %(alpha)s)",
        "select * from radar.event where organization_id = %(alpha)s",
        "select * from core.membership where organization_id = %(alpha)s",
        "select * from core.person where id in (select person_id from core.membership"
        " where organization_id = %(alpha)s)",
        "select * from core.person where email like '%%@alpha.test'",
        "select * from core.outbox where organization_id = %(alpha)s",
        "select * from audit.entry where organization_id = %(alpha)s",
        "select * from core.client for update",
        "select lag(name) over (order by name) from core.client where organization_id = %(alpha)s",
        "table core.setting except select * from core.setting where organization_id = %(beta)s",
    ],
)
def test_h4_raw_select(attacker: psycopg.Connection[Any], world: World, query: str) -> None:
    rows = attacker.execute(query, vars(world)).fetchall()
    assert MARK not in str(rows) and str(world.alpha) not in str(rows)
    if "or true" not in query and "for update" not in query:
        assert rows == []


@pytest.mark.parametrize(
    "statement",
    [
        "insert into core.client (organization_id, name, code) values (%(alpha)s, 'x', 'x')",
        "insert into core.setting (organization_id, key, value) values (%(alpha)s, 'x.y', '1')",
        "insert into core.client (organization_id, name, code) values (%(alpha)s, 'x', 'x')"
        " on conflict do nothing",
        "insert into core.client (organization_id, id, name, code)"
        " values (%(alpha)s, %(alpha_client)s, 'x', 'x')"
        " on conflict (organization_id, id) do update set name = excluded.name",
        "insert into core.organization (id, organization_id, name, slug)"
        " values (%(alpha)s, %(alpha)s, 'x', 'x')",
        "insert into radar.event (organization_id, at) values (%(alpha)s, now())",
        "insert into core.membership (organization_id, person_id, role_id)"
        " select %(alpha)s, person_id, %(alpha_role)s from core.membership",
        "insert into core.outbox (organization_id, id, topic, payload)"
        " values (%(alpha)s, %(alpha)s, 'a.b', '{}')",
        "merge into core.client c using (select %(alpha)s::uuid o) s on false"
        " when not matched then insert (organization_id, name, code) values (s.o, 'x', 'x')",
    ],
)
def test_h4_inserting_foreign_rows(attacker: psycopg.Connection[Any], world: World, statement: str) -> None:
    with unchanged(world), pytest.raises(errors.InsufficientPrivilege):
        attacker.execute(statement, vars(world))


@pytest.mark.parametrize(
    "statement",
    [
        "update core.client set name = 'taken' where organization_id = %(alpha)s",
        "update core.client set name = 'taken' where id = %(alpha_client)s",
        "delete from core.client where organization_id = %(alpha)s",
        "delete from core.client where id = %(alpha_client)s",
        "update core.setting set value = '0' where organization_id = %(alpha)s",
        "delete from core.setting where organization_id = %(alpha)s",
        "merge into core.client c using (select %(alpha_client)s::uuid i) s on c.id = s.i"
        " when matched then update set name = 'taken'",
    ],
)
def test_h4_changing_foreign_rows_touches_none(
    attacker: psycopg.Connection[Any], world: World, statement: str
) -> None:
    with unchanged(world):
        assert attacker.execute(statement, vars(world)).rowcount == 0


def test_h4_changing_everything_changes_only_the_own(attacker: psycopg.Connection[Any], world: World) -> None:
    with unchanged(world), attacker.transaction(force_rollback=True):
        assert attacker.execute("update core.client set note = 'mine'").rowcount == 201


@pytest.mark.parametrize(
    "statement",
    [
        "update core.client set organization_id = %(alpha)s",
        "update core.client set organization_id = %(alpha)s where id = %(beta_client)s",
        "update core.setting set organization_id = %(alpha)s",
        "insert into core.client (organization_id, id, name, code)"
        " values (%(beta)s, %(beta_client)s, 'x', 'x')"
        " on conflict (organization_id, id) do update set organization_id = %(alpha)s",
    ],
)
def test_h4_moving_rows_between_organisations(
    attacker: psycopg.Connection[Any], world: World, statement: str
) -> None:
    with unchanged(world), pytest.raises(psycopg.Error) as refused:
        attacker.execute(statement, vars(world))
    assert refused.value.sqlstate in ("SN403", "42501")


@pytest.mark.parametrize(
    "statement",
    [
        "select auth.set_role(%(alpha_member)s, 'viewer')",
        "select auth.set_member_state(%(alpha_member)s, 'disabled')",
        "select auth.narrow(%(alpha_member)s, '{}')",
    ],
)
def test_h4_functions_with_a_foreign_key(
    attacker: psycopg.Connection[Any], world: World, statement: str
) -> None:
    with unchanged(world), pytest.raises(psycopg.Error) as refused:
        attacker.execute(statement, vars(world))
    assert refused.value.sqlstate == "SN404"


def test_h4_a_foreign_client_cannot_be_referenced(attacker: psycopg.Connection[Any], world: World) -> None:
    """Foreign keys ignore policies: only the organisation inside the key stops this."""
    with unchanged(world), pytest.raises(errors.ForeignKeyViolation):
        attacker.execute(
            "select auth.narrow(m.id, array[%(alpha_client)s]::uuid[]) from core.membership m", vars(world)
        )


@pytest.mark.parametrize(
    "function",
    ["sec.me()", "core.fleet()", "core.jobs()", "auth.members()", "audit.tables()",
     "audit.page(null, null, 2000, null, null, null, null, null, null)",
     "audit.page(null, null, 2000, null, null, null, 'alphasecret', null, null)"],
)  # fmt: skip
def test_h4_definer_functions_answer_for_the_own_organisation(
    attacker: psycopg.Connection[Any], world: World, function: str
) -> None:
    text = str(attacker.execute(f"select * from {function}").fetchall())
    assert MARK not in text and str(world.alpha) not in text and "alpha.test" not in text


@pytest.mark.parametrize(
    "target",
    ["core.client", "(select * from core.client)", "radar.event", "(table core.person)", "core.outbox"],
)
def test_h4_copy_out(attacker: psycopg.Connection[Any], world: World, target: str) -> None:
    try:
        with attacker.cursor().copy(f"copy {target} to stdout") as copy:
            text = b"".join(bytes(part) for part in copy).decode()
    except errors.WrongObjectType:
        return  # COPY of a view has to be written as a query
    assert text and MARK not in text and str(world.alpha) not in text


@pytest.mark.parametrize("form", ["(organization_id, name, code)", "(organization_id, name, code, note)"])
def test_h4_copy_in(attacker: psycopg.Connection[Any], world: World, form: str) -> None:
    fields = [str(world.alpha), "x", "x", "x"][: form.count(",") + 1]
    refusals = (errors.FeatureNotSupported, errors.InsufficientPrivilege)
    statement = f"copy core.client {form} from stdin"
    with unchanged(world), pytest.raises(refusals), attacker.cursor().copy(statement) as copy:
        copy.write_row(fields)


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
        "query_to_xml(format('select %L', name), false, false, '')::text like '%alphasecret%'",
        "convert_from(convert_to(name, 'utf8'), 'utf8') like 'alphasecret%'",
        "jsonb_build_object('n', name) @> '{\"n\": \"alphasecretvalue1\"}'",
    ],
)
def test_h4_leaky_operators(attacker: psycopg.Connection[Any], predicate: str) -> None:
    """Functions that could tell what they see run after the policy: they never see a foreign row."""
    noticed: list[str] = []
    attacker.add_notice_handler(lambda diagnostic: noticed.append(diagnostic.message_primary or ""))
    attacker.execute("set client_min_messages = debug1")
    try:
        rows = str(attacker.execute(f"select name from core.client where {predicate}").fetchall())
    except psycopg.Error as error:
        rows = str(error)
    assert MARK not in rows.replace("alphasecretvalue1", "") or "beta" in rows
    assert "alphasecret" not in rows
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
        " and tablename <> 'component_version'",
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


def test_h4_listening_hears_no_contents(world: World) -> None:
    """On every channel there is: numbers of events, never what happened, to whom or whose."""
    from sent.platform.bus.events import publish
    from sent.platform.bus.outbox import Dispatcher

    async def happen() -> None:
        async with (
            Database(
                world.server, "sent_app", fixed(role_password("sent_app")), trusted=True, name="t"
            ) as app,
            Database(
                world.server, "sent_system", fixed(role_password("sent_system")), trusted=True, name="t"
            ) as system,
        ):
            ctx = Ctx(app, world.alpha, uuid4())
            for _ in range(3):
                async with uow(ctx) as tx:
                    await publish(tx, ctx, "alphasecret.happened", {"id": MARK})
                    await tx.execute("select core.defer('alphasecret.task', '{\"a\": \"alphasecret\"}')")
                connection = await system.connect()
                await Dispatcher(system).dispatch(connection)
                await connection.close()

    with world.attacker() as connection:
        for channel in ("sent_bus", "procrastinate_any_queue_v1", '"procrastinate_queue_v1#default"'):
            connection.execute(f"listen {channel}")
        asyncio.run(happen())
        heard = list(connection.notifies(timeout=1.0, stop_after=20))
    assert len([notify for notify in heard if notify.channel == "sent_bus"]) == 3
    for notify in heard:
        assert "alphasecret" not in notify.payload and str(world.alpha) not in notify.payload
        if notify.channel == "sent_bus":
            assert notify.payload.isdigit()


def test_h4_forged_notifications_are_only_hints(attacker: psycopg.Connection[Any], world: World) -> None:
    """NOTIFY itself cannot be forbidden; a listener that believes nothing loses nothing."""
    from sent.platform.bus.feed import Feed

    async def follow() -> list[Any]:
        async with Database(
            world.server, "sent_app", fixed(role_password("sent_app")), trusted=True, name="t"
        ) as app:
            feed = Feed(Ctx(app, world.alpha, uuid4()), ["*"], poll=0.2)
            got: list[Any] = []

            async def read() -> None:
                async for batch in feed:
                    got.extend(batch)

            from sent.platform.tasks import cancel, spawn

            task = spawn(read(), name="feed")
            while feed.state == "offline":
                await asyncio.sleep(0.01)
            for payload in ("999999999", "x", "", "-1"):
                await asyncio.to_thread(attacker.execute, f"notify sent_bus, '{payload}'")
            await asyncio.sleep(0.3)
            await cancel(task)
            return got

    assert asyncio.run(follow()) == []


# Through SQLAlchemy, with a careless application on top.


@pytest.fixture
def engine(world: World) -> Iterator[Any]:
    """Return an engine of the attacker."""
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    made = create_engine(
        "postgresql+psycopg://", creator=lambda: world.attacker(autocommit=False), poolclass=NullPool
    )
    yield made
    made.dispose()


@pytest.fixture(scope="module")
def mapped() -> Any:
    """Return a mapped class for core.client."""
    from sqlalchemy import Column, Text
    from sqlalchemy.dialects.postgresql import UUID as Uuid
    from sqlalchemy.orm import declarative_base

    base = declarative_base()

    class Client(base):  # type: ignore[misc, valid-type]
        """A client as an object."""

        __tablename__ = "client"
        __table_args__ = {"schema": "core"}  # noqa: RUF012
        id = Column(Uuid(as_uuid=True), primary_key=True)
        organization_id = Column(Uuid(as_uuid=True))
        name = Column(Text)
        code = Column(Text)

    return Client


def test_h4_orm_select_get_and_count(engine: Any, mapped: Any, world: World) -> None:
    from sqlalchemy import func, select
    from sqlalchemy.orm import Session

    with Session(engine) as session:
        assert session.get(mapped, world.alpha_client) is None
        assert session.scalars(select(mapped).where(mapped.organization_id == world.alpha)).all() == []
        assert session.scalar(select(func.count()).select_from(mapped)) == 201


def test_h4_orm_from_statement(engine: Any, mapped: Any, world: World) -> None:
    from sqlalchemy import select, text
    from sqlalchemy.orm import Session

    with Session(engine) as session:
        rows = session.scalars(select(mapped).from_statement(text("select * from core.client"))).all()
    assert len(rows) == 201 and {row.organization_id for row in rows} == {world.beta}


def test_h4_orm_bulk_update_by_key(engine: Any, mapped: Any, world: World) -> None:
    from sqlalchemy import update
    from sqlalchemy.orm import Session
    from sqlalchemy.orm.exc import StaleDataError

    with unchanged(world), Session(engine) as session, pytest.raises(StaleDataError):
        session.execute(update(mapped), [{"id": world.alpha_client, "name": "taken"}])
        session.commit()


def test_h4_core_select_and_text(engine: Any, mapped: Any, world: World) -> None:
    from sqlalchemy import select, text

    table = mapped.__table__
    with engine.connect() as connection:
        rows = connection.execute(select(table)).all()
        again = connection.execute(text("select * from core.client")).all()
    assert len(rows) == len(again) == 201
    assert MARK not in str(rows) + str(again)


def test_h4_core_insert(engine: Any, mapped: Any, world: World) -> None:
    from sqlalchemy import insert
    from sqlalchemy.exc import ProgrammingError

    values = {"id": uuid4(), "organization_id": world.alpha, "name": "x", "code": "x"}
    with unchanged(world), engine.begin() as connection, pytest.raises(ProgrammingError):
        connection.execute(insert(mapped.__table__), [values])


def test_h4_core_delete(engine: Any, mapped: Any, world: World) -> None:
    from sqlalchemy import delete

    table = mapped.__table__
    with unchanged(world), engine.connect() as connection:
        assert connection.execute(delete(table).where(table.c.organization_id == world.alpha)).rowcount == 0
        assert connection.execute(delete(table)).rowcount == 201
        connection.rollback()


def test_h4_orm_adding_a_foreign_object(engine: Any, mapped: Any, world: World) -> None:
    from sqlalchemy.exc import ProgrammingError
    from sqlalchemy.orm import Session

    with unchanged(world), Session(engine) as session, pytest.raises(ProgrammingError):
        session.add(mapped(id=uuid4(), organization_id=world.alpha, name="x", code="x"))
        session.commit()


# The trusted roles: a forgotten filter shows nothing; there is no way around the transaction's setting.


@pytest.mark.parametrize("role", ["sent_app", "sent_ingest"])
def test_h4_a_worker_without_an_organisation_sees_nothing(world: World, role: str) -> None:
    with psycopg.connect(
        **world.server.parameters(), user=role, password=role_password(role).reveal(), autocommit=True
    ) as connection:
        for relation in readable(connection):
            if relation.startswith(("pg_catalog", "information_schema", "core.component", "core.instance")):
                continue
            rows = connection.execute(f"select count(*) from {relation}").fetchone()
            assert rows == (0,), relation


def test_h4_a_worker_stays_in_its_organisation(world: World) -> None:
    with psycopg.connect(
        **world.server.parameters(), user="sent_app", password=role_password("sent_app").reveal()
    ) as connection:
        connection.execute("select set_config('sent.organization_id', %s, true)", [str(world.beta)])
        rows = connection.execute("select distinct organization_id from core.client").fetchall()
        assert rows == [(world.beta,)]
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute(
                "insert into core.client (organization_id, name, code) values (%s, 'x', 'x')", [world.alpha]
            )


@pytest.mark.parametrize("role", ["sent_broker", "sent_minter"])
def test_h4_broker_and_minter_reach_no_table(world: World, role: str) -> None:
    with psycopg.connect(
        **world.server.parameters(), user=role, password=role_password(role).reveal(), autocommit=True
    ) as connection:
        own = [name for name in readable(connection) if not name.startswith(("pg_cat", "information_"))]
        assert own == ["core.component_version"]


def test_h4_mint_cannot_mean_another_role(world: World) -> None:
    with psycopg.connect(
        **world.server.parameters(),
        user="sent_minter",
        password=role_password("sent_minter").reveal(),
        autocommit=True,
    ) as connection:
        from sent.platform.auth import scram

        verifier = scram.verifier(scram.generate_password())
        with pytest.raises(psycopg.Error) as refused:
            connection.execute("select sec.credential(%s)", [uuid4()])
        assert refused.value.sqlstate == "SN403"
        for text, hours in ((verifier, 1), ("x' superuser --", 0), ("plain password", 0)):
            with pytest.raises(psycopg.Error) as refused:
                connection.execute(
                    "select sec.mint(%s, %s, now() + %s * interval '1 hour')",
                    [world.alpha_member, text, hours],
                )
            assert refused.value.sqlstate == "SN422"


def test_h4_nobody_but_the_superuser_bypasses_policies(world: World) -> None:
    rows = world.truth(
        "select rolname from pg_roles where (rolbypassrls or rolsuper) and rolname <> 'sent_super'"
        " and rolname !~ '^pg_'"
    )
    assert rows == []
    logins = world.truth("select rolname from pg_roles where rolcanlogin and rolname ~ '^sent_' order by 1")
    assert [name for (name,) in logins] == [
        "sent_app", "sent_broker", "sent_ingest", "sent_minter", "sent_super", "sent_system"
    ]  # fmt: skip


def test_h4_the_attacks_left_alpha_whole(world: World) -> None:
    """Last of the module."""
    assert world.clients_of_alpha() == 201
