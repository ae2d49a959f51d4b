"""H4: a membership reads, writes and moves no row of another organisation, by whatever SQL."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from isolation import MARK, World, readable, unchanged
from psycopg import errors


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


def test_h4_the_attacks_left_alpha_whole(world: World) -> None:
    """Last of the module."""
    assert world.clients_of_alpha() == 201
