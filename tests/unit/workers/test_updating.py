"""B5: a machine without consoles updates itself."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sent.platform.errors import SentError, Unavailable
from sent.platform.update import known, policy
from sent.platform.update.known import Known
from sent.platform.update.layout import Layout
from sent.platform.update.policy import Policy
from sent.workers import updating
from sent.workers.updating import Updating

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """Return an installation of 1.0."""
    made = Layout(tmp_path)
    made.update.mkdir()
    made.folder("1.0").mkdir(parents=True)
    made.current.symlink_to("versions/1.0")
    return made


async def test_b5_a_service_does_what_is_due_and_nothing_else(layout: Layout) -> None:
    carried: list[datetime] = []
    moment = NOON

    async def carry() -> dict[str, Any]:
        carried.append(moment)
        known.keep(layout, Known(moment.timestamp(), "1.1"))
        return {"step": "check", "version": None}

    policy.save(layout, Policy(window="22:00-05:00", mirrors=("/srv/mirror",)))
    service = Updating(layout, now=lambda: moment, carry=carry)
    for minutes in (0, 5, 60, 300):
        moment = NOON + timedelta(minutes=minutes)
        await service.turn(layout)
    assert carried == [NOON], "one look; what it found waits for the night"
    moment = NOON + timedelta(hours=10)
    await service.turn(layout)
    assert carried[1:] == [moment]


async def test_b5_a_failure_is_logged_once(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    logged: list[str] = []

    class Log:
        def warning(self, event: str, **fields: object) -> None:
            logged.append(f"{event} {fields.get('code') or fields.get('version')}")

    async def refuse() -> dict[str, Any]:
        raise Unavailable("update.unreachable", "the mirror is away")

    monkeypatch.setattr(updating, "_log", Log())
    policy.save(layout, Policy(mirrors=("/srv/mirror",)))
    service = Updating(layout, now=lambda: NOON, carry=refuse)
    for _ in range(3):
        await service.turn(layout)
    assert logged == ["update.failed update.unreachable"]
    layout.policy.write_text("nonsense")
    await service.turn(layout)
    assert logged[1:] == ["update.failed update.policy"]


async def test_b5_where_nothing_is_installed_the_chore_is_over_at_once() -> None:
    await Updating().run()


async def test_b5_what_the_process_tells_is_heard(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "sent"
    monkeypatch.setattr(sys, "executable", str(program))

    def says(text: str) -> None:
        program.write_text(f"#!/bin/sh\n{text}\n")
        program.chmod(0o755)

    says('echo "{\\"progress\\": {}}"; echo "{\\"done\\": {\\"version\\": \\"1.1\\"}}"')
    assert await updating.carry_out() == {"version": "1.1"}
    says('echo "{\\"error\\": {\\"code\\": \\"update.room\\", \\"message\\": \\"full\\"}}"; exit 69')
    with pytest.raises(SentError, match="full"):
        await updating.carry_out()
    says("exit 1")
    with pytest.raises(SentError, match="in between"):
        await updating.carry_out()
