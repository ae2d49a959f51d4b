"""A member sees the fleet and the database's state; the dead are told from the living."""

from __future__ import annotations

import subprocess
from uuid import uuid4

from tenants import MemberDb, OrgFixture

from sent.engines.overview import api
from sent.platform.context import Ctx
from sent.platform.db.engine import Database
from sent.platform.db.lease import Leases
from sent.platform.db.uow import transaction
from sent.platform.telemetry.instances import InstanceRecord, bury, sweep


async def seen(org: OrgFixture, db: Database) -> api.Overview:
    """Return the overview as the organisation's owner gets it."""
    return await api.overview(Ctx(db, org.org, org.owner))


async def test_a_member_sees_a_running_service_with_its_numbers(
    org_a: OrgFixture, member_db: MemberDb, system_db: Database
) -> None:
    await InstanceRecord(system_db, uuid4(), "radar").beat("ready", {"depth": 2.0}, ["no rules"])
    overview = await seen(org_a, await member_db(org_a))
    (instance,) = overview.instances
    assert (instance.service, instance.state, instance.metrics) == ("radar", "ready", {"depth": 2.0})
    assert instance.reasons == ["no rules"]
    assert not instance.healthy
    assert overview.database.latency_ms > 0
    assert overview.database.size_bytes > 1_000_000
    assert 0 < overview.database.connections <= overview.database.max_connections


async def test_a_silent_service_counts_as_lost_and_is_swept_after_a_day(
    org_a: OrgFixture, member_db: MemberDb, system_db: Database
) -> None:
    record = InstanceRecord(system_db, uuid4(), "radar")
    await record.beat("ready", {}, [])
    db = await member_db(org_a)
    async with transaction(system_db) as tx:
        await tx.execute("update core.instance set heartbeat_at = clock_timestamp() - interval '1 minute'")
    assert [instance.state for instance in (await seen(org_a, db)).instances] == ["lost"]
    async with transaction(system_db) as tx:
        await tx.execute("update core.instance set heartbeat_at = clock_timestamp() - interval '25 hours'")
    await sweep(system_db)
    assert (await seen(org_a, db)).instances == []


async def test_a_service_that_ends_in_good_order_leaves_no_trace(
    org_a: OrgFixture, member_db: MemberDb, system_db: Database
) -> None:
    record = InstanceRecord(system_db, uuid4(), "core")
    await record.beat("ready", {}, [])
    await record.finish()
    assert (await seen(org_a, await member_db(org_a))).instances == []


async def test_a_killed_process_of_this_machine_is_buried_with_its_leases(system_db: Database) -> None:
    gone, living = uuid4(), uuid4()
    child = subprocess.Popen(["true"])
    child.wait()
    await InstanceRecord(system_db, living, "radar").beat("ready", {}, [])
    await InstanceRecord(system_db, gone, "radar").beat("ready", {}, [])
    async with transaction(system_db) as tx:
        await tx.execute("update core.instance set pid = %s where id = %s", [child.pid, gone])
    await Leases(system_db, gone).take("of the dead")
    await Leases(system_db, living).take("of the living")
    assert await bury(system_db) == 1
    heir = Leases(system_db, uuid4())
    assert set(await heir.take_all(["of the dead", "of the living"])) == {"of the dead"}
