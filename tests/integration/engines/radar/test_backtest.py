"""A rule tried on stored events says what it would have raised, and writes nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import orjson
import pytest

from sent.engines.radar import api
from sent.engines.radar.match.engine import ValueMatcher
from sent.engines.radar.pipeline import Figures, Pipeline
from sent.engines.radar.receiving.backlog import Parcel
from sent.engines.radar.store import catalogue, past
from sent.platform.context import Ctx
from sent.platform.db.uow import uow
from sent.platform.errors import Invalid

LOGIN = """
title: Root logs in
id: 00000000-0000-4000-8000-000000000001
author: A. Nalyst
logsource: {product: linux, service: sshd}
detection:
  a: {message|contains: 'for root'}
  condition: a
level: high
---
title: Never
id: 00000000-0000-4000-8000-000000000002
logsource: {product: linux}
detection:
  a: {message: 'no such message'}
  condition: a
"""
COUNTED = (
    LOGIN
    + """---
title: Many logins of root
id: 00000000-0000-4000-8000-000000000003
correlation:
  type: event_count
  rules: [00000000-0000-4000-8000-000000000001]
  group-by: [host]
  timespan: 1h
  condition: {gte: 3}
"""
)
PROCESS = """
title: Shell
id: 00000000-0000-4000-8000-000000000004
logsource: {product: windows, category: process_creation}
detection:
  a: {Image|endswith: '\\cmd.exe'}
  condition: a
"""
NOW = datetime.now(UTC).replace(microsecond=0)


async def stored(ctx: Ctx, amount: int = 7) -> None:
    """Store logins an hour ago, one each minute, every other one root's; and a 4688 event."""
    await api.add_source(ctx, "S", "syslog_udp", ":15997")
    async with uow(ctx) as tx:
        (source,) = await catalogue.enabled_sources(tx)
    pipeline = Pipeline(ctx, ValueMatcher([]), group_minutes=15, figures=Figures())
    began = NOW - timedelta(hours=1)
    lines = [
        f"<38>1 {(began + timedelta(minutes=n)).isoformat()} web1 sshd 7 - - Accepted password for"
        f" {'root' if n % 2 == 0 else 'ann'} from 203.0.113.9 port 22 ssh2".encode()
        for n in range(amount)
    ]
    event = {"EventID": 4688, "Channel": "Security", "NewProcessName": "C:\\cmd.exe", "Computer": "w"}
    lines.append(b"<38>1 " + began.isoformat().encode() + b" w agent - - - " + orjson.dumps(event))
    await pipeline.handle([Parcel(source, NOW, tuple(lines))])


async def test_it_counts_what_would_have_fired_and_writes_nothing(org_a) -> None:
    await stored(org_a.ctx)
    heard: list[tuple[int, int]] = []
    since = NOW - timedelta(hours=2)
    found = await api.backtest(org_a.ctx, COUNTED, since, NOW, lambda *said: heard.append(said))
    assert found.events == 8 and found.rejected == ()
    by_title = {tried.title: tried for tried in found.tried}
    # The correlation makes the rule it counts silent.
    assert by_title["Many logins of root"].hits == 1
    assert by_title["Root logs in"].hits == by_title["Never"].hits == 0
    assert heard[-1] == (8, 8)
    alone = (await api.backtest(org_a.ctx, LOGIN, since, NOW)).tried[0]
    assert (alone.title, alone.hits, alone.author, dict(alone.hosts)) == (
        "Root logs in", 4, "A. Nalyst", {"web1": 4},
    )  # fmt: skip
    assert sum(alone.days.values()) == 4 and len(alone.samples) == 4
    assert all("for root" in sample.message for sample in alone.samples)
    assert await api.alerts(org_a.ctx, api.AlertFilter()) == []


async def test_it_goes_through_all_pages_and_only_through_the_time_asked_for(org_a, monkeypatch) -> None:
    monkeypatch.setattr(past, "PAGE", 3)
    await stored(org_a.ctx)
    whole = await api.backtest(org_a.ctx, LOGIN, NOW - timedelta(hours=2), NOW)
    assert (whole.events, whole.tried[0].hits) == (8, 4)
    part = await api.backtest(org_a.ctx, LOGIN, NOW - timedelta(minutes=58), NOW)
    assert (part.events, part.tried[0].hits) == (5, 3)


async def test_a_4688_event_is_seen_as_a_process(org_a) -> None:
    await stored(org_a.ctx)
    found = await api.backtest(org_a.ctx, PROCESS, NOW - timedelta(hours=2), NOW)
    assert found.tried[0].hits == 1


async def test_another_organisation_s_events_are_not_looked_at(org_a, org_b) -> None:
    await stored(org_a.ctx)
    found = await api.backtest(org_b.ctx, LOGIN, NOW - timedelta(hours=2), NOW)
    assert found.events == 0 and found.tried[0].hits == 0


async def test_what_does_not_run_is_said(org_a) -> None:
    with pytest.raises(Invalid, match="no known Windows channel"):
        await api.backtest(
            org_a.ctx, PROCESS.replace("process_creation", "no_such"), NOW - timedelta(hours=1), NOW
        )
