"""L7: a bookkeeper's day in the real console under Xvfb, with the keyboard alone."""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from installation import Installation, installation
from screen import NAME, Screen, console, display, needs_screen, organisation, sign_in

ENTRIES = 20

MAKE = """
import asyncio
from sent.engines.capital import api
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
        await api.set_up(ctx, "uk")
        print(len(await api.accounts(ctx)))

asyncio.run(main())
"""

ASK = """
import json
from sent.platform.db.admin import admin_connection

ASKED = {
    "entries": "select e.memo, p.name, count(*)::int, sum(greatest(l.amount, 0))::text from capital.entry e"
        " join capital.line l on l.organization_id = e.organization_id and l.seq = e.seq"
        " left join core.person p on p.id = e.actor_id group by e.seq, 1, 2 order by e.seq",
    "rest": "select coalesce(sum(amount), 0)::text from capital.line",
}
with admin_connection() as connection:
    print(json.dumps({name: connection.execute(query).fetchall() for name, query in ASKED.items()}))
"""

pytestmark = [needs_screen, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def place() -> Iterator[Installation]:
    """Return an installation with an organisation, its owner and the books of a company."""
    with tempfile.TemporaryDirectory(prefix="sent-l7-") as folder:
        Path(folder).chmod(0o755)
        with installation(Path(folder)) as found:
            found.start("db")
            asyncio.run(organisation(found))
            assert int(found.python(MAKE)) > 60
            yield found


@pytest.fixture
def screen(place: Installation, tmp_path: Path) -> Iterator[Screen]:
    """Return a screen with the console on it; the mouse lies in a corner and is never touched."""
    with display() as name, console(place, name, tmp_path / "state.json") as (found, _):
        yield found


def asked(place: Installation) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(place.python(ASK))
    return found


def test_l7_a_bookkeepers_day_by_keyboard(place: Installation, screen: Screen) -> None:
    sign_in(screen)
    screen.until(lambda s: s["page"] == "overview", "the first page")
    twenty_entries(screen)
    found = asked(place)
    booked = [row for row in found["entries"] if row[0].startswith("Diesel")]
    assert len(booked) == ENTRIES
    assert all(name == NAME and lines == 2 for _, name, lines, _ in booked)
    assert [float(amount) for *_, amount in booked] == [12.5 * (n + 1) for n in range(ENTRIES)]
    assert [[float(text) for text in row] for row in found["rest"]] == [[0.0]]


def twenty_entries(screen: Screen) -> None:
    """Book twenty entries into the bank account's register, amounts as sums, the account by a word."""
    screen.keys("g", "a")
    screen.until(lambda s: s["page"] == "accounts" and s["focus"] == "Accounts", "the chart")
    screen.keys("slash")
    screen.until(lambda s: s["focus"] == "Find accounts", "the search")
    screen.type("1200")
    screen.keys("Return")
    screen.until(lambda s: "1200  Bank current account" in s["said"], "the bank's register")
    screen.keys("n")
    screen.until(lambda s: s["focus"] == "Other account", "the entry line")
    began = time.monotonic()
    for n in range(ENTRIES):
        screen.type("fuel")
        screen.keys("Return", "Return")
        screen.type(f"Diesel {n}")
        screen.keys("Return", "Return")
        screen.type(f"{n + 1}*12.5")
        screen.keys("Return")
        amount = f"Booked {12.5 * (n + 1):,.2f} GBP"
        screen.until(lambda s, a=amount: a in s["said"] and s["focus"] == "Other account", amount)
    print(json.dumps({"entries": ENTRIES, "seconds": round(time.monotonic() - began, 1)}))
    screen.keys("Escape")
