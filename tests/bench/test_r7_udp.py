"""R7: 20,000 datagrams a second for five seconds: what was sent is stored or counted, less than 1 % is lost.

The kernel must give the worker a receive buffer of some megabytes: as root it takes them, else
`net.core.rmem_max` decides.
"""

from __future__ import annotations

import socket

import pytest
from bench.measure import report
from bench.test_r4_worker import fed, settled, stored
from radar_worker import free_port, running

from sent.engines.radar import api

PER_SECOND = 20_000
SECONDS = 5

pytestmark = pytest.mark.bench


async def test_r7_udp_burst(server, org_a, tmp_path) -> None:
    port = free_port(socket.SOCK_DGRAM)
    await api.add_source(org_a.ctx, "Load", "syslog_udp", f"127.0.0.1:{port}")
    async with running(server, tmp_path) as worker:
        sent = await fed("udp", port, PER_SECOND, SECONDS, senders=1)
        figures = await settled(worker, sent)
    assert sent >= PER_SECOND * SECONDS * 0.95, "the sender itself was too slow"
    assert figures["events_total"] + figures["dropped_total"] == sent
    assert await stored(org_a) == figures["events_total"]
    lost = figures["dropped_total"] / sent
    report("r7_udp_rate", sent / SECONDS, "messages/s", target_value=PER_SECOND * 0.95, higher_is_better=True)
    assert report("r7_udp_lost", lost, "share", target_value=0.01)
