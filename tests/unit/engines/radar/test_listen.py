"""Listeners on loopback: datagrams that must be dropped are counted, connections are held up instead."""

from __future__ import annotations

import asyncio
import socket
from uuid import UUID, uuid4

import pytest

from sent.engines.radar.receiving.backlog import Backlog
from sent.engines.radar.receiving.listen import TcpListener
from sent.engines.radar.receiving.udp import UdpListener
from sent.engines.radar.store.catalogue import Source
from sent.platform.errors import Unavailable


def source(kind: str, address: str = "127.0.0.1:0") -> Source:
    return Source(uuid4(), UUID(int=1), None, "s", kind, address, None, None, None, "UTC", 1)


async def drained(backlog: Backlog) -> list[bytes]:
    found: list[bytes] = []
    while backlog.lines:
        found += [payload for parcel in await backlog.take(1000, 0) for payload in parcel.payloads]
    return found


async def test_what_udp_sent_is_stored_or_counted() -> None:
    backlog = Backlog(max_lines=100)
    listener = UdpListener(source("syslog_udp"), backlog)
    port = await listener.start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as outgoing:
        for number in range(400):
            outgoing.sendto(b"<13>%d" % number, ("127.0.0.1", port))
            if number % 50 == 49:
                await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    await listener.stop()
    received = await drained(backlog)
    assert len(received) >= 50
    assert listener.dropped > 0
    assert len(received) + listener.dropped == 400


async def test_udp_takes_whole_datagrams_of_64_kilobytes() -> None:
    backlog = Backlog()
    listener = UdpListener(source("syslog_udp"), backlog)
    port = await listener.start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as outgoing:
        outgoing.sendto(b"<13>" + b"x" * 65_000, ("127.0.0.1", port))
    await asyncio.sleep(0.05)
    await listener.stop()
    assert [len(message) for message in await drained(backlog)] == [65_004]


async def test_a_full_backlog_makes_tcp_senders_wait_and_loses_nothing() -> None:
    backlog = Backlog(max_lines=200)
    listener = TcpListener(source("syslog_tcp"), backlog)
    port = await listener.start()
    sent = [b"<13>message number %06d" % number for number in range(40_000)]
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"".join(line + b"\n" for line in sent))
    await asyncio.sleep(0.2)
    assert backlog.waiting == 1, "the reader waits"
    received: list[bytes] = []
    while len(received) < len(sent):
        for parcel in await asyncio.wait_for(backlog.take(1, 0), 5):
            received += parcel.payloads
    assert received == sent
    assert listener.dropped == 0
    writer.close()
    await listener.stop()


async def test_a_port_of_somebody_else_is_told() -> None:
    backlog = Backlog()
    first = TcpListener(source("syslog_tcp"), backlog)
    port = await first.start()
    with pytest.raises(Unavailable, match="choose another port"):
        await TcpListener(source("syslog_tcp", f"127.0.0.1:{port}"), backlog).start()
    await first.stop()
