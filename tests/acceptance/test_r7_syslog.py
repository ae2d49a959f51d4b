"""R7: syslog as it comes over a socket, up to what stands in the database (TLS: `test_tls`)."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

import pytest
from radar_intake import amount, eventually, running

from sent.engines.radar import api
from sent.platform.db.uow import uow

if TYPE_CHECKING:
    from tenants import OrgFixture

    from sent.platform.db.engine import Database

LARGE = b"x" * (65_536 - 18)
ESCAPED = rb'[a@1 q="say \"hi\"" b="C:\\dir\\" c="x\]y" d="stays \n"]'
MESSAGES = [
    b"<34>1 2026-11-27T10:00:00.003Z mymachine.example su - ID47 - \xef\xbb\xbf'su root' failed \xc3\xa4",
    b"<165>1 - host evntslog - ID47 " + ESCAPED + b" \xef\xbb\xbfbody",
    b"<13>1 - h p - - - " + LARGE,
    b"<13>1 - h p - - - line\nbreak inside",
    b"<13>Nov 27 10:00:00 old app[12]: the old format",
]


async def stored(org: OrgFixture) -> list[tuple[Any, ...]]:
    async with uow(org.ctx) as tx:
        cursor = await tx.execute("select message, host, program, fields from radar.event order by id")
        return await cursor.fetchall()


@pytest.mark.parametrize("pieces", ["bytes", "random", "whole"])
async def test_r7_frames_split_anywhere(system_db: Database, org_a: OrgFixture, pieces: str) -> None:
    """Octet counting, then lines on the same connection, cut into reads in every way."""
    small = [message for message in MESSAGES if len(message) < 1000]
    sent = small if pieces == "bytes" else MESSAGES
    stream = b"".join(b"%d %s" % (len(message), message) for message in sent)
    stream += b"<13>1 - h p - - - as a line\n<13>1 - h p - - - another\x00"
    dice = random.Random(7)
    made = await api.add_source(org_a.ctx, "T", "syslog_tcp", "127.0.0.1:0")
    async with running(system_db, org_a.ctx) as intake:
        _, writer = await asyncio.open_connection("127.0.0.1", intake.ports[made.id])
        position = 0
        while position < len(stream):
            step = {"bytes": 1, "random": dice.randint(1, 9000), "whole": len(stream)}[pieces]
            writer.write(stream[position : position + step])
            position += step
            await writer.drain()
            await asyncio.sleep(0)
        writer.close()

        async def all_there() -> bool:
            return await amount(org_a.ctx) == len(sent) + 2

        await eventually(all_there)
        assert intake.metrics()["dropped_total"] == 0
    rows = {row[0]: row for row in await stored(org_a)}
    assert rows["'su root' failed ä"][1:3] == ("mymachine.example", "su")
    fields = rows["body"][3]
    wanted = {"a@1.q": 'say "hi"', "a@1.b": "C:\\dir\\", "a@1.c": "x]y", "a@1.d": r"stays \n"}
    assert {name: fields[name] for name in wanted} == wanted
    assert "line\nbreak inside" in rows
    assert rows["the old format"][1:3] == ("old", "app")
    assert {"as a line", "another"} <= rows.keys()
    assert pieces == "bytes" or LARGE.decode() in rows


async def test_r7_a_message_longer_than_64_kilobytes_is_cut_and_counted(
    system_db: Database, org_a: OrgFixture
) -> None:
    made = await api.add_source(org_a.ctx, "T", "syslog_tcp", "127.0.0.1:0")
    long = b"<13>1 - h p - - - " + b"y" * 200_000
    async with running(system_db, org_a.ctx) as intake:
        _, writer = await asyncio.open_connection("127.0.0.1", intake.ports[made.id])
        writer.write(b"%d %s" % (len(long), long) + b"20 <13>1 - h p - - - ok")
        writer.close()

        async def both() -> bool:
            return await amount(org_a.ctx) == 2 and intake.metrics()["dropped_total"] == 1

        await eventually(both)
    (cut, _, _, _), (whole, _, _, _) = await stored(org_a)
    assert (len(cut), whole) == (65_536 - 18, "ok")
