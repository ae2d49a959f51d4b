"""Orders of an administrator, and what the operator sees and nobody else."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg
import pytest
from clusters import reachable_folder
from installation import Installation, installation
from tenants import MemberDb, OrgFixture, add_member, member_database, mint

from sent.engines.database import api
from sent.platform.config.secrets import role_password
from sent.platform.config.settings import Settings
from sent.platform.context import Ctx
from sent.platform.db.uow import scalar, transaction
from sent.platform.errors import Conflict, Denied, NotFound
from sent.workers.keeper import Keeper

if TYPE_CHECKING:
    from sent.platform.db.embedded.cluster import Cluster
    from sent.platform.db.engine import Database, Server

QUESTIONS: dict[str, Callable[[Ctx], Any]] = {
    "health": api.health,
    "tables": api.tables,
    "sessions": api.sessions,
    "slow queries": api.slow_queries,
    "operations": api.operations,
    "order": api.back_up,
    "cancel": lambda ctx: api.cancel(ctx, uuid4()),
    "end a query": lambda ctx: api.end_query(ctx, 1),
}


@pytest.fixture
async def alive(system_db: Database) -> None:
    """Let an owner process look alive."""
    async with transaction(system_db) as tx:
        await tx.execute(
            "insert into core.instance (id, service, host, pid, version, state)"
            " values (%s, 'db', 'here', 1, '1', 'ready')",
            [uuid4()],
        )


async def test_the_first_organisation_operates_the_installation_and_another_can_be_named(
    system_db: Database, org_a: OrgFixture, org_b: OrgFixture
) -> None:
    async def operators() -> list[str]:
        async with transaction(system_db) as tx:
            found = await tx.execute("select slug from core.organization where operator order by 1")
            return [str(row[0]) for row in await found.fetchall()]

    assert await operators() == ["alpha"]
    async with transaction(system_db) as tx:
        await tx.execute("select core.set_operator('beta', true)")
    assert await operators() == ["alpha", "beta"]
    async with transaction(system_db) as tx:
        await tx.execute("select core.set_operator('alpha', false)")
    with pytest.raises(Conflict, match="name another"):
        async with transaction(system_db) as tx:
            await tx.execute("select core.set_operator('beta', false)")
    assert await operators() == ["beta"]


@pytest.mark.parametrize("question", sorted(QUESTIONS))
async def test_an_owner_of_another_organisation_is_denied_everything(
    org_a: OrgFixture, org_b: OrgFixture, member_db: MemberDb, alive: None, question: str
) -> None:
    ctx = replace(org_b.ctx, db=await member_db(org_b))
    with pytest.raises(Denied, match="operates this installation"):
        await QUESTIONS[question](ctx)


async def test_a_member_of_the_operator_needs_the_permission(
    server: Server, org_a: OrgFixture, alive: None
) -> None:
    _, membership = await add_member(org_a.ctx, "vera@alpha.test", "Vera", "viewer")
    async with member_database(server, membership) as db:
        ctx = replace(org_a.ctx, db=db)
        assert (await api.health(ctx)).server.connections > 0
        with pytest.raises(Denied, match="database:manage"):
            await api.back_up(ctx)


async def test_nobody_becomes_operator_or_runner_by_himself(
    server: Server, org_a: OrgFixture, org_b: OrgFixture
) -> None:
    role, password = mint(server, org_b.membership)
    attempts = (
        "update core.organization set operator = true",
        "select core.set_operator('beta', true)",
        "select core.claim_operation(gen_random_uuid())",
        "select core.report_database('{}')",
        "select core.watch_queries(0, 0, 0, 0)",
        "select core.note_query('x', 'x', 'x', 1, 1, now())",
        "select * from core.table_sizes()",
        "select * from core.operation",
        "select * from core.database_sample",
        "select * from core.slow_query",
        "select * from core.database_state",
    )
    with psycopg.connect(
        **server.parameters(), user=role, password=password.reveal(), autocommit=True
    ) as connection:
        for attempt in attempts:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(attempt)


async def test_an_order_goes_from_its_giver_to_the_runner_and_back(
    org_a: OrgFixture, system_db: Database, member_db: MemberDb, alive: None
) -> None:
    ctx = replace(org_a.ctx, db=await member_db(org_a))
    order = await api.back_up(ctx)
    with pytest.raises(Conflict, match="ordered already"):
        await api.back_up(ctx)
    runner = uuid4()
    async with transaction(system_db) as tx:
        claimed = await (await tx.execute("select * from core.claim_operation(%s)", [runner])).fetchone()
    assert claimed == (order, "backup", {})
    async with transaction(system_db) as tx:
        assert not await scalar(tx, "select core.report_operation(%s, 0.5, 'half')", [order])
    (seen,) = await api.operations(ctx)
    assert (seen.state, seen.fraction, seen.step, seen.ordered_by_name) == (
        "running", 0.5, "half", "Alpha Owner",
    )  # fmt: skip
    assert await api.cancel(ctx, order) == "running"
    async with transaction(system_db) as tx:
        assert await scalar(tx, "select core.report_operation(%s, 0.6, 'more')", [order]), "told to stop"
        await tx.execute("select core.finish_operation(%s, 'cancelled', null, null)", [order])
    with pytest.raises(NotFound):
        await api.cancel(ctx, order)


async def test_an_order_whose_runner_died_is_failed_with_the_reason(
    org_a: OrgFixture, system_db: Database, alive: None
) -> None:
    await api.back_up(org_a.ctx)
    async with transaction(system_db) as tx:
        await tx.execute("select core.claim_operation(%s)", [uuid4()])
        assert await scalar(tx, "select core.fail_orphans(%s)", [uuid4()]) == 1
    (seen,) = await api.operations(org_a.ctx)
    assert seen.state == "failed"
    assert "order it again" in (seen.error or "")


async def test_without_an_owner_process_nothing_can_be_ordered(org_a: OrgFixture) -> None:
    with pytest.raises(Conflict, match="external server"):
        await api.back_up(org_a.ctx)


async def test_sizes_are_sampled_once_a_day_and_grow(org_a: OrgFixture, system_db: Database) -> None:
    for _ in range(2):
        async with transaction(system_db) as tx:
            await tx.execute("select core.sample_database()")
    health = await api.health(org_a.ctx)
    assert len(health.growth) == 1
    assert health.growth[0][1] > 1 << 20
    found = await api.tables(org_a.ctx)
    assert [t.bytes for t in found] == sorted((t.bytes for t in found), reverse=True)
    assert any(table.name == "ts.audit_entry" for table in found), "partitions count with their table"
    assert {b.who for b in health.budget} >= {"staff", "sent_app", "sent_system"}


SHAPES = {
    "select * from t where a = 'geheim' and b = 42": "select * from t where a = ? and b = ?",
    "select 'it''s' , E'a\\'geheim' -- geheim\n, 1.5": "select ? , ? ? , ?",
    "select $x$geheim$x$": "select ?",
    "select 'geheim that was cut of": "select ?",
    "select /* geheim */ col1 from t2 where x = $1": "select ? col1 from t2 where x = $1",
    "insert into t values (0xFF, -12, 'geheim')": "insert into t values (?, -?, ?)",
}


async def test_the_shape_of_a_query_has_no_values(system_db: Database, cluster: Cluster) -> None:
    with cluster.connect(system_db.server.dbname) as connection:
        for query, shape in SHAPES.items():
            row = connection.execute("select core.query_shape(%s)", [query]).fetchone()
            assert row == (shape,)


async def test_connections_that_run_out_are_a_reason_the_owner_names(
    server: Server, org_a: OrgFixture, system_db: Database, cluster: Cluster
) -> None:
    keeper = Keeper(system_db, cluster, Settings(), uuid4())
    await keeper._report()
    assert not any("connections" in reason for reason in keeper.reasons())
    login = {**server.parameters(), "user": "sent_minter", "password": role_password("sent_minter").reveal()}
    with ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(psycopg.connect(**login))
        await keeper._report()
    (reason,) = [reason for reason in keeper.reasons() if "connections" in reason]
    assert "sent_minter: 4 of 4" in reason
    assert reason in ((await api.health(org_a.ctx)).kept or pytest.fail("nothing was reported")).reasons


@pytest.fixture(scope="module")
def place() -> Iterator[Installation]:
    """Run an owner that makes its first backups at once."""
    with reachable_folder() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SENT_BACKUP_AFTER_S", "0")
        with installation(folder) as found:
            found.start("db")
            yield found


def listed(place: Installation) -> list[dict[str, Any]]:
    """Return the backups."""
    return [json.loads(line) for line in place.run("db", "backups").stdout.splitlines()]


def test_the_owner_makes_the_first_backups_by_itself(place: Installation) -> None:
    wait(lambda: {one["kind"] for one in listed(place)} == {"logical", "base"})
    wait(lambda: "sent_db_backup_age_s" in place.probe("db", "/metrics"))


def test_cancelling_an_order_ends_all_its_processes(place: Installation) -> None:
    name = next(f"base/{one['name']}" for one in listed(place) if one["kind"] == "base")
    with psycopg.connect(autocommit=True, **_system(place)) as connection:
        order = ordered(connection, name)
        wait(lambda: bool(working(name)))
        connection.execute("select core.cancel_operation(%s)", [order])
        wait(lambda: state_of(connection, order)[0] in ("cancelled", "done"))
        assert state_of(connection, order)[0] == "cancelled"
    assert working(name) == []
    assert list(place.folder.glob("db.scratch-*")) == []


def test_an_owner_that_is_killed_takes_its_order_with_it(place: Installation) -> None:
    name = next(f"logical/{one['name']}" for one in listed(place) if one["kind"] == "logical")
    with psycopg.connect(autocommit=True, **_system(place)) as connection:
        order = ordered(connection, name)
        wait(lambda: bool(working(name)))
        place.kill("db")
        wait(lambda: not working(name))
    place.start("db")
    with psycopg.connect(autocommit=True, **_system(place)) as connection:
        wait(lambda: state_of(connection, order)[0] == "failed")
        assert "order it again" in state_of(connection, order)[1]


def wait(until: Callable[[], bool]) -> None:
    """Wait for something, with the patience a busy machine needs."""
    give_up = time.monotonic() + 60
    while not until():
        assert time.monotonic() < give_up
        time.sleep(0.02)


def ordered(connection: psycopg.Connection[Any], name: str) -> Any:
    """Order that a backup is verified, as soon as nothing else verifies it."""
    while True:
        try:
            row = connection.execute(
                "select core.order_operation('verify', %s)", [json.dumps({"name": name})]
            ).fetchone()
        except psycopg.Error as error:
            assert "ordered already" in str(error)
            time.sleep(0.2)
            continue
        assert row is not None
        return row[0]


def state_of(connection: psycopg.Connection[Any], order: Any) -> tuple[Any, ...]:
    """Return state and error of an order."""
    row = connection.execute("select state, error from core.operations(50) where id = %s", [order]).fetchone()
    assert row is not None
    return row


def working(name: str) -> list[int]:
    """Return the processes that work on an order."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                if name.encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
    return found


def _system(place: Installation) -> dict[str, Any]:
    secret = (place.folder / "secrets" / "sent_system").read_text().strip()
    return {
        "host": str(place.folder / "run" / "pg"),
        "port": 5432,
        "dbname": "sent",
        "user": "sent_system",
        "password": secret,
    }
