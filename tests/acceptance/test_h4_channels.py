"""H4: what is heard on the channels, and what the service roles may do."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from isolation import MARK, World, readable
from psycopg import errors

from sent.platform.config.secrets import role_password
from sent.platform.context import Ctx
from sent.platform.db.engine import Database, fixed
from sent.platform.db.uow import uow


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
            assert all(word.isdigit() for word in notify.payload.split())


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


# The trusted roles: a forgotten filter shows nothing; there is no way around the transaction's setting.


SAME_FOR_ALL = (
    "core.component",
    "core.commodity",
    "core.instance",
    "core.personal_column",
    "core.sealed_column",
)
"""What is installed, which processes run, and the revisions' own lists of columns."""


@pytest.mark.parametrize("role", ["sent_app", "sent_ingest"])
def test_h4_a_worker_without_an_organisation_sees_nothing(world: World, role: str) -> None:
    with psycopg.connect(
        **world.server.parameters(), user=role, password=role_password(role).reveal(), autocommit=True
    ) as connection:
        for relation in readable(connection):
            if relation.startswith(("pg_catalog", "information_schema", *SAME_FOR_ALL)):
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
