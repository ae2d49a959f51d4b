"""R9: fifty alerts triaged by keyboard alone, in the real console under Xvfb; the trail tells who did it."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from installation import Installation, installation
from screen import NAME, Screen, console, display, needs_screen, organisation, sign_in

ALERTS = 50

MAKE = """
import asyncio
from datetime import UTC, datetime, timedelta
from sent.engines.radar import api
from sent.platform.auth import directory
from sent.platform.config.secrets import role_password
from sent.platform.context import Ctx
from sent.platform.db.embedded.endpoint import find
from sent.platform.db.engine import Database, fixed
from sent.platform.ids import uuid7

async def main():
    made = {}
    for role in ("sent_app", "sent_system"):
        made[role] = Database(find(), role, fixed(role_password(role)), trusted=True, name="test")
    async with made["sent_app"] as app, made["sent_system"] as system:
        org = await directory.find_organization(system, "northwind")
        ctx = Ctx(app, org.id, uuid7())
        source = await api.add_source(ctx, "Front", "syslog_udp", "127.0.0.1:15997")
        now = datetime.now(UTC)
        lines = []
        for n in range(COUNT):
            at = now - timedelta(minutes=COUNT - n)
            text = "<38>1 {} web{:02} sshd 7 - - Accepted password for root from 203.0.113.9 port 22 ssh2"
            text = text.format(at.isoformat(), n)
            lines.append(api.PastMessage(source.id, at, text.encode()))
        print((await api.backfill(ctx, lines)).alerts)

asyncio.run(main())
"""

ASK = """
import json
from sent.platform.db.admin import admin_connection

ASKED = {
    "states": "select host, state, reason, assignee_id is not null from radar.alert order by 1",
    "changes": "select p.name, h.kind, h.value from radar.alert_change h"
        " left join core.person p on p.id = h.actor_id",
    "comments": "select p.name, c.body from radar.comment c join core.person p on p.id = c.author_id",
    "incidents": "select i.title, p.name, count(*)::int, array_agg(distinct l.credit)"
        " from incidents.incident i join core.person p on p.id = i.opened_by"
        " join incidents.link l on l.incident_id = i.id group by 1, 2",
    "trail": "select p.name, count(distinct e.row_id)::int from ts.audit_entry e"
        " left join core.person p on p.id = e.actor"
        " where e.table_name = 'radar.alert' and e.action = 'update' group by 1",
}
with admin_connection() as connection:
    print(json.dumps({name: connection.execute(query).fetchall() for name, query in ASKED.items()}))
"""

pytestmark = [
    needs_screen,
    pytest.mark.timeout(300),
]


@pytest.fixture(scope="module")
def place() -> Iterator[Installation]:
    """Return an installation with an organisation, its owner and fifty open alerts."""
    with tempfile.TemporaryDirectory(prefix="sent-r9-") as folder:
        Path(folder).chmod(0o755)
        with installation(Path(folder)) as found:
            found.start("db")
            asyncio.run(organisation(found))
            assert found.python(MAKE.replace("COUNT", str(ALERTS))).strip() == str(ALERTS)
            yield found


@pytest.fixture
def screen(place: Installation, tmp_path: Path) -> Iterator[Screen]:
    """Return a screen with the console on it; the mouse lies in a corner and is never touched."""
    with display() as name, console(place, name, tmp_path / "state.json") as (found, _):
        yield found


def on_next(screen: Screen, before: str, what: str) -> str:
    """Wait until another alert, a new one, is the current one; return its title and host."""
    state = screen.until(lambda s: s["at"] != before and s["current"][1] == "new", what)
    return str(state["at"])


def test_r9_fifty_alerts_are_triaged_by_keyboard_alone(place: Installation, screen: Screen) -> None:
    sign_in(screen)
    recovery = screen.state()["places"].get("The words are on paper")
    if recovery:
        screen.until(lambda s: s["focus"] == "The words are on paper", "the recovery key")
        screen.keys("Return")
    screen.keys("g", "r")
    screen.until(lambda s: s["page"] == "radar" and s["rows"] == ALERTS, "fifty alerts")
    shown = screen.until(lambda s: s["focus"] == "Alert queue" and s["current"], "the keyboard")
    at = str(shown["at"])

    # Two of the fifty become an incident first; opening it decides nothing.
    screen.keys("x", "j", "x", "i")
    screen.until(lambda s: any("Incident #1 from 2 alerts" in t for t in s["toasts"]), "the incident")
    screen.keys("Escape", "k")
    screen.until(lambda s: s["at"] == at and s["current"][1] == "new", "the first one again")

    # One is opened, commented on and taken; decisions go on from there.
    screen.keys("Return")
    screen.until(lambda s: s["detail"] == "new", "the detail")
    screen.keys("n")
    screen.until(lambda s: s["focus"] == "Comment", "the comment")
    screen.type("asked the owner")
    screen.keys("Return")
    screen.until(lambda s: any("Commented on 1 alert" in t for t in s["toasts"]), "commented")
    screen.until(lambda s: s["focus"] == "Alert queue", "back in the list")
    screen.keys("m")
    screen.until(lambda s: any("Assigned to Anna" in t for t in s["toasts"]), "taken")

    # A decision by mistake is undone with one key, then done right.
    screen.keys("a")
    other = on_next(screen, at, "the next one after a mistake")
    screen.until(lambda s: any("Acknowledged 1 alert" in t for t in s["toasts"]), "the mistake is saved")
    screen.keys("u")
    screen.until(lambda s: any("Undone" in t for t in s["toasts"]), "undone")
    screen.keys("k")
    screen.until(lambda s: s["at"] == at and s["current"][1] == "new", "it is new again")
    assert other != at

    for number in range(ALERTS):
        last = number == ALERTS - 1
        if number % 2 == 0:
            screen.keys("a")
        else:
            screen.keys("c")
            screen.until(lambda s: s["palette"], "the reasons")
            screen.keys("Return" if number % 4 == 1 else "Down")
            if number % 4 != 1:
                screen.keys("Return")
            screen.until(lambda s: not s["palette"], "the reason is chosen")
        if not last:
            at = on_next(screen, at, f"the alert after number {number}")
    screen.until(lambda s: s["rows"] == ALERTS // 2, "what is left was acknowledged")

    found = wait_for(place, lambda f: sum(state != "new" for _, state, _, _ in f["states"]) == ALERTS)
    assert len(found["states"]) == ALERTS
    by_state = [state for _, state, _, _ in found["states"]]
    assert (by_state.count("acknowledged"), by_state.count("closed")) == (ALERTS // 2, ALERTS // 2)
    assert all(reason for _, state, reason, _ in found["states"] if state == "closed")
    assert sum(mine for *_, mine in found["states"]) == 1
    assert {name for name, *_ in found["changes"]} == {NAME}
    assert found["comments"] == [[NAME, "asked the owner"]]
    ((title, opener, links, credit),) = found["incidents"]
    assert (opener, links, credit) == (NAME, 2, ["SENT"]) and title
    assert found["trail"] == [[NAME, ALERTS]], "the audit trail names the person for every alert"


def wait_for(place: Installation, ready: Any) -> dict[str, Any]:
    """Ask the database until what the console sent last is committed."""
    for _ in range(20):
        found: dict[str, Any] = json.loads(place.python(ASK))
        if ready(found):
            return found
    raise AssertionError(json.dumps(found)[:2000])
