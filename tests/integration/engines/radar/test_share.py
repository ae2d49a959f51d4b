"""No organisation takes the radar away from the others."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from sent.engines.radar import api
from sent.engines.radar.intake import Intake
from sent.engines.radar.organisations import Organisations
from sent.engines.radar.receiving.delivery import Delivery
from sent.engines.radar.store import catalogue, letters
from sent.platform.context import Ctx
from sent.platform.db.lease import Leases
from sent.platform.db.uow import scalar, transaction, uow
from sent.platform.errors import Conflict, Invalid, NotFound, SentError
from sent.platform.ids import OrgId, uuid7

if TYPE_CHECKING:
    from tenants import MemberDb, OrgFixture

    from sent.platform.db.engine import Database


async def test_a_flood_of_sources_does_not_crowd_out_another_organisation(
    org_a: OrgFixture,
    org_b: OrgFixture,
    member_db: MemberDb,
    system_db: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(catalogue, "MAX_SOURCES", 3)
    made = await api.add_source(org_a.ctx, "ours", "syslog_tcp", "127.0.0.1:0")
    staff = await member_db(org_b)
    async with transaction(staff) as tx:
        await tx.execute(
            "insert into radar.source (id, name, kind, address) select"
            " lpad(n::text, 32, '0')::uuid, 'flood ' || n, 'syslog_tcp', '127.0.0.1:0'"
            " from generate_series(1, 500) n"
        )
    async with transaction(system_db) as tx:
        found = await catalogue.enabled_sources(tx)
    assert len(found) == 4
    assert made.id in {source.id for source in found}


async def test_only_so_much_rule_text_is_loaded(
    org_a: OrgFixture, member_db: MemberDb, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogue, "MAX_RULE_TEXT", 1000)
    staff = await member_db(org_a)
    async with transaction(staff) as tx:
        set_id = uuid7()
        await tx.execute("insert into radar.rule_set (id, name, digest) values (%s, 'many', 'x')", [set_id])
        await tx.execute(
            "insert into radar.rule (rule_set_id, sigma_id, title, level, author, status, logsource, tags,"
            " path, body) select %s, n::text, 't', 'low', '', '', '', '{}', n::text, repeat(n::text, 300)"
            " from generate_series(1, 9) n",
            [set_id],
        )
    async with uow(org_a.ctx) as tx:
        assert len(await catalogue.rule_texts(tx)) == 3


@pytest.mark.parametrize(
    "trouble",
    [
        RecursionError("a rule nobody thought of"),
        Conflict("database.conflict", "a row of that name is there"),
        Invalid("database.invalid", "refused"),
    ],
)
async def test_what_one_organisation_wrote_into_its_tables_stops_no_other(
    trouble: Exception,
    org_a: OrgFixture,
    org_b: OrgFixture,
    member_db: MemberDb,
    app_db: Database,
    system_db: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from sent.engines.radar.rulebook import library

    ship = library.ship_rules

    async def breaks_for_b(ctx: Ctx) -> None:
        if ctx.org == org_b.org:
            raise trouble
        await ship(ctx)

    monkeypatch.setattr(library, "ship_rules", breaks_for_b)
    ours = await api.add_source(org_a.ctx, "ours", "syslog_tcp", "127.0.0.1:0")
    theirs = await api.add_source(org_b.ctx, "theirs", "syslog_tcp", "127.0.0.1:0")
    staff = await member_db(org_a)
    async with transaction(staff) as tx:
        await tx.execute(
            "insert into radar.source (name, kind, address) values ('odd', 'syslog_tcp', '..:0')"
        )
    intake = Intake(system_db, lambda org: Ctx(app_db, org, UUID(int=1)), uuid7())
    await intake.start()
    try:
        assert ours.id in intake.ports
        assert theirs.id not in intake.ports
        broken, odd = intake.problems()
        assert str(org_b.org) in broken
        assert odd.startswith("odd: cannot listen")
    finally:
        await intake.stop()


async def test_a_source_stays_with_its_worker_while_rules_take_long_to_load(
    org_a: OrgFixture, system_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await api.add_source(org_a.ctx, "ours", "syslog_tcp", "127.0.0.1:0")
    taken: list[int | None] = []

    async def slow(organisations: Organisations, org: OrgId) -> None:
        await asyncio.sleep(1.2)
        taken.append(await Leases(system_db, uuid7()).take(f"radar.source/{made.id}"))

    monkeypatch.setattr(Organisations, "load", slow)
    intake = Intake(system_db, lambda org: org_a.ctx, uuid7(), lease_s=0.6)
    await intake.reload()
    await intake.stop()
    assert taken == [None], "another worker would have read the same files once more"


async def test_partitions_stay_with_their_worker_while_rules_take_long_to_load(
    org_a: OrgFixture, system_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await api.add_source(org_a.ctx, "ours", "syslog_tcp", "127.0.0.1:0")
    taken: list[object] = []

    async def slow(organisations: Organisations, org: OrgId) -> None:
        await asyncio.sleep(1.2)
        other = Leases(system_db, uuid7())
        taken.append(await other.take("radar.partition/3"))
        taken.append(await other.alive("radar.worker/"))

    monkeypatch.setattr(Organisations, "load", slow)
    monkeypatch.setattr("sent.platform.bus.nats.CALL_TIMEOUT_S", 0.5)
    nowhere = ("nats://127.0.0.1:9", None)
    intake = Intake(system_db, lambda org: org_a.ctx, uuid7(), lease_s=0.6, nats=nowhere)
    await intake.reload(patience=None)
    await intake.stop()
    assert taken == [None, 1], "another worker would have worked the same deliveries"


async def test_a_delivery_of_an_organisation_that_is_gone_is_told_from_one_that_must_wait(
    org_a: OrgFixture, app_db: Database, system_db: Database
) -> None:
    intake = Intake(system_db, lambda org: Ctx(app_db, org, UUID(int=1)), uuid7())
    lost = Delivery(uuid7(), uuid7(), uuid7(), "http", datetime.now(UTC), (b"{}",), None, "")
    try:
        with pytest.raises(NotFound):
            await intake._source_of(lost)
        async with uow(Ctx(app_db, OrgId(lost.organization_id), UUID(int=1))) as tx:
            assert await scalar(tx, "select count(*) from radar.rule_set") == 0, "nothing is made for it"
        removed = await intake._source_of(replace(lost, organization_id=org_a.org))
        assert removed is not None, "the source alone is gone"
        assert removed.organization_id == org_a.org
    finally:
        await intake.stop()


async def test_services_and_members_of_another_organisation_reach_nothing_of_the_radar(
    org_a: OrgFixture,
    org_b: OrgFixture,
    member_db: MemberDb,
    app_db: Database,
    ingest_db: Database,
) -> None:
    source = await api.add_source(org_a.ctx, "ours", "http", "127.0.0.1:0", token="t" * 43)
    letter = letters.Unread(source.id, "http", datetime.now(UTC), "r", b"secret")
    async with uow(org_a.ctx) as tx:
        await letters.keep(tx, [letter])
        await tx.execute("update radar.dead_letter set state = 'replay'")
        await tx.execute("insert into radar.placeholder (name, texts) values ('a', '{secret}')")
        await tx.execute(
            "insert into radar.correlation_state (correlation, group_key, state, expires_at)"
            " values ('c', 'g', '{}', now() + interval '1 day')"
        )
    stranger = replace(org_b.ctx, db=app_db)
    async with uow(stranger) as tx:
        assert await letters.to_replay(tx) == []
        assert await letters.claim(tx, [letter.id]) == set()
        await letters.give_back(tx, {letter.id: "mine"})
        await letters.keep(tx, [replace(letter, id=uuid7())])
        assert await scalar(tx, "select source_id from radar.dead_letter") is None, "a source of ours"
        for table in ("placeholder", "correlation_state", "source"):
            assert (await tx.execute(f"update radar.{table} set updated_at = now()")).rowcount == 0
    attempts = [
        "select radar.keep_letters('{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', 9)",
        "select * from radar.correlation_state",
        "insert into radar.dead_letter (kind, received_at, reason, payload, length, digest)"
        " values ('x', now(), '', '', 0, sha256(''))",
        f"insert into radar.placeholder (organization_id, name, texts) values ('{org_a.org}', 'b', '{{x}}')",
        "select pg_advisory_xact_lock(hashtextextended('radar.correlation/', 0))",
        "select core.end_blockers(0, 0)",
    ]
    for database in (await member_db(org_b), ingest_db):
        for attempt in attempts:
            with pytest.raises(SentError):
                async with uow(replace(org_b.ctx, db=database)) as tx:
                    await tx.execute(attempt)
    async with uow(org_a.ctx) as tx:
        assert [found.payload for found in await letters.to_replay(tx)] == [b"secret"]
