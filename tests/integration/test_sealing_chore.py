"""The sealer beside the other chores of the core service: a few seconds behind, whoever else holds locks."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from tenants import OrgFixture

from sent.engines.audit import api
from sent.platform.context import Ctx
from sent.platform.db.engine import Database
from sent.platform.db.uow import uow
from sent.platform.tasks import cancel
from sent.workers.core import Chores

PATIENCE_S = 60.0


async def test_the_core_service_seals_and_anchors(
    org_a: OrgFixture, system_db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENT_AUDIT_ANCHOR", str(tmp_path / "anchors.jsonl"))
    chores = Chores(system_db).start()
    try:
        async with uow(org_a.ctx) as tx:
            await tx.execute("insert into core.client (name, code) values ('one', 'one')")
        give_up = time.monotonic() + PATIENCE_S
        state = await api.proof_state(org_a.ctx)
        while state.waiting or state.sealed_at is None or state.anchored_at is None:
            assert time.monotonic() < give_up, state
            await asyncio.sleep(0.1)
            state = await api.proof_state(org_a.ctx)
    finally:
        await cancel(*chores)
    report = await api.verify(Ctx(org_a.ctx.db, org_a.org, org_a.owner))
    assert report.ok and report.unsealed == 0 and report.entries > 0
    assert (tmp_path / "anchors.jsonl").stat().st_mode & 0o077 == 0
