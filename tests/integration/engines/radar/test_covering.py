"""The matrix of ATT&CK on a real database: rules, alerts of the time asked for, names of one's own bundle."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tenants import add_member, member_database

from sent.engines.radar import api
from sent.platform.context import Ctx
from sent.platform.db.engine import Server
from sent.platform.errors import Denied, Invalid, NotFound

NOW = datetime.now(UTC).replace(microsecond=0)
ROOT = "<38>1 {at} web1 sshd 7 - - Accepted password for root from 203.0.113.9 port 22 ssh2"
BUNDLE = {
    "type": "bundle",
    "objects": [
        {"type": "x-mitre-collection", "name": "Made up", "x_mitre_version": "1"},
        {"type": "x-mitre-tactic", "id": "a", "x_mitre_shortname": "execution", "name": "Execution"},
        {
            "type": "attack-pattern",
            "name": "Valid names",
            "external_references": [{"source_name": "mitre-attack", "external_id": "T1078"}],
            "kill_chain_phases": [{"kill_chain_name": "mitre-attack", "phase_name": "execution"}],
        },
    ],
}


@pytest.fixture
async def staff(org_a, member_db) -> Ctx:
    return replace(org_a.ctx, db=await member_db(org_a))


@pytest.fixture
async def raised(org_a) -> None:
    """Two alerts of SENT's own rule about root: of today, and of 20 days ago."""
    source = (await api.add_source(org_a.ctx, "Front", "syslog_udp", ":15999")).id
    for days in (0, 20):
        at = NOW - timedelta(days=days, minutes=5)
        await api.backfill(org_a.ctx, [api.PastMessage(source, at, ROOT.format(at=at.isoformat()).encode())])


async def test_rules_and_the_alerts_of_the_time_asked_for_make_the_matrix(staff, raised) -> None:
    week, month = [await api.coverage_facts(staff, days) for days in (7, 30)]
    assert sum(each.alerts for each in week.alerts) == 1
    assert sum(each.alerts for each in month.alerts) == 2
    assert week.sets == ["SENT"] and len(week.rules) >= 12
    made = api.matrix(month.rules, month.alerts)
    assert made.covered >= 5 and made.most_alerts == 2 and made.edition == ""
    with pytest.raises(Invalid):
        await api.coverage_facts(staff, 0)


async def test_every_tactic_of_the_shared_archive_has_its_column(staff, test_data: Path) -> None:
    await api.import_rules(staff, test_data / "sigma" / "rules.tar.gz", "SigmaHQ")
    facts = await api.coverage_facts(staff, 7)
    made = api.matrix(facts.rules, facts.alerts)
    assert len(made.columns) == 15 and made.columns[0].id == "reconnaissance"
    assert made.covered > 150 and made.rules > 2500
    assert all(column.id != api.OTHER for column in made.columns)


async def test_names_of_ones_own_bundle_are_kept_for_the_organisation(
    staff, org_a, org_b, server: Server, tmp_path: Path
) -> None:
    path = tmp_path / "enterprise-attack.json"
    path.write_text(json.dumps(BUNDLE))
    found = await api.import_attack(staff, path)
    assert (found.edition, found.techniques["T1078"]) == ("Made up 1", ("Valid names", ("execution",)))
    assert (await api.coverage_facts(staff, 7)).names == found
    assert (await api.coverage_facts(org_b.ctx, 7)).names.edition == ""
    _, viewer = await add_member(org_a.ctx, "viewer@alpha.test", "V", "analyst")
    async with member_database(server, viewer) as db:
        other = replace(org_a.ctx, db=db)
        assert (await api.coverage_facts(other, 7)).names == found
        with pytest.raises(Denied):
            await api.import_attack(other, path)
        with pytest.raises((Denied, NotFound)):
            await api.forget_attack(other)
    await api.forget_attack(staff)
    with pytest.raises(NotFound):
        await api.forget_attack(staff)
    path.write_text("[]")
    with pytest.raises(Invalid, match="no STIX bundle"):
        await api.import_attack(staff, path)
