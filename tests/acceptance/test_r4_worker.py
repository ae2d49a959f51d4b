"""R4, a sample of the soak: whatever brings events in, what was sent is stored or counted."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from bench.syslog_feed import lines
from certificates import Authority
from radar_intake import amount, eventually, running

from sent.engines.radar import api
from sent.engines.radar.receiving import tls
from sent.engines.radar.receiving.access import new_token

if TYPE_CHECKING:
    from tenants import OrgFixture

    from sent.platform.db.engine import Database

MESSAGES = lines(3000)
TOKEN = new_token()

Send = Callable[[int, Path], Awaitable[None]]


def counted(messages: list[bytes]) -> bytes:
    return b"".join(b"%d %s" % (len(message), message) for message in messages)


async def stream(port: int, data: bytes, context: tls.ssl.SSLContext | None = None) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    writer.write(data)
    await writer.drain()
    writer.close()
    await writer.wait_closed()


async def tcp_counted(port: int, _folder: Path) -> None:
    await stream(port, counted(MESSAGES))


async def tcp_lines(port: int, _folder: Path) -> None:
    await stream(port, b"".join(message + b"\n" for message in MESSAGES))


async def tcp_many(port: int, _folder: Path) -> None:
    parts = [MESSAGES[start::20] for start in range(20)]
    await asyncio.gather(*(stream(port, counted(part)) for part in parts))


async def tls_counted(port: int, folder: Path) -> None:
    context = tls.ssl.create_default_context(cafile=str(folder / "test-authority.crt"))
    await stream(port, counted(MESSAGES), context)


async def udp(port: int, _folder: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.connect(("127.0.0.1", port))
        for number, message in enumerate(MESSAGES):
            out.send(message)
            if number % 100 == 99:
                await asyncio.sleep(0.002)


async def http(port: int, _folder: Path) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for start in range(0, len(MESSAGES), 500):
        body = b"\n".join(b'{"n":%d}' % n for n in range(start, start + 500))
        head = f"POST / HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {TOKEN}\r\ncontent-length: {len(body)}"
        writer.write(f"{head}\r\n\r\n".encode() + body)
        async with asyncio.timeout(20):
            assert b" 200 " in (await reader.readuntil(b"\r\n\r\n"))
            await reader.readexactly(len(b'{"accepted":500}'))
    writer.close()


@pytest.mark.parametrize(
    ("kind", "send"),
    [
        ("syslog_tcp", tcp_counted),
        ("syslog_tcp", tcp_lines),
        ("syslog_tcp", tcp_many),
        ("syslog_tls", tls_counted),
        ("syslog_udp", udp),
        ("http", http),
    ],
)
async def test_r4_what_was_sent_is_stored_or_counted(
    system_db: Database,
    org_a: OrgFixture,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: api.SourceKind,
    send: Send,
) -> None:
    Authority(tmp_path).issue("front", server=True)
    monkeypatch.setattr(tls, "_folder", lambda: tmp_path)
    given = {
        "syslog_tls": {"tls": {"identity": "front", "clients": "none"}},
        "http": {"token": TOKEN},
    }.get(kind, {})
    made = await api.add_source(org_a.ctx, "S", kind, "127.0.0.1:0", **given)
    async with running(system_db, org_a.ctx) as intake:
        await send(intake.ports[made.id], tmp_path)

        async def all_there() -> bool:
            figures = intake.metrics()
            return figures["events_total"] + figures["dropped_total"] == len(MESSAGES)

        await eventually(all_there)
        figures = intake.metrics()
    assert await amount(org_a.ctx) == figures["events_total"]
    assert figures["dropped_total"] == 0 or kind == "syslog_udp"
    assert figures["alerts_total"] > 0 or kind == "http"
