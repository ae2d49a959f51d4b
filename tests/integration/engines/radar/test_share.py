"""No organisation takes the radar away from the others."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from sent.engines.radar import api
from sent.engines.radar.intake import Intake
from sent.engines.radar.store import catalogue
from sent.platform.context import Ctx
from sent.platform.db.uow import transaction, uow
from sent.platform.ids import uuid7

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


async def test_what_one_organisation_wrote_into_its_tables_stops_no_other(
    org_a: OrgFixture,
    org_b: OrgFixture,
    member_db: MemberDb,
    app_db: Database,
    system_db: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from sent.engines.radar import library

    ship = library.ship_rules

    async def breaks_for_b(ctx: Ctx) -> None:
        if ctx.org == org_b.org:
            raise RecursionError("a rule nobody thought of")
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
