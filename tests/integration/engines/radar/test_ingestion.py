"""Ingestion on a real database: HTTP is answered after the commit; dead letters are kept and read again."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import orjson
import pytest
from certificates import Authority
from closures import Evaluator
from radar_intake import amount, eventually, running
from tenants import add_member, member_database

from sent.engines.radar import api
from sent.engines.radar import pipeline as pipelines
from sent.engines.radar.decoding import arrival
from sent.engines.radar.pipeline import Figures, Pipeline
from sent.engines.radar.receiving import tls
from sent.engines.radar.receiving.access import new_token
from sent.engines.radar.receiving.backlog import Parcel
from sent.engines.radar.store import catalogue, letters, sink
from sent.platform.context import Ctx
from sent.platform.db.uow import scalar, uow
from sent.platform.errors import Denied, Invalid, NotFound, Unavailable
from sent.platform.ids import uuid7

if TYPE_CHECKING:
    from tenants import MemberDb, OrgFixture

    from sent.platform.db.engine import Database, Server

ALERTING = (
    b'{"Channel":"Security","EventID":1102,"Hostname":"pc1","Provider_Name":"Microsoft-Windows-Eventlog"}'
)


async def post(port: int, token: str, body: bytes, path: str = "/") -> tuple[int, bytes]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\nconnection: close\r\n"
    writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
    async with asyncio.timeout(30):
        answer = await reader.read()
    writer.close()
    head_, _, said = answer.partition(b"\r\n\r\n")
    return int(head_.split()[1]), said


async def test_what_http_acknowledged_is_stored_and_matched(system_db: Database, org_a: OrgFixture) -> None:
    token = new_token()
    made = await api.add_source(org_a.ctx, "H", "http", "127.0.0.1:0", token=token)
    async with running(system_db, org_a.ctx) as intake:
        lines = [ALERTING, *(b'{"n":%d,"level":"error"}' % n for n in range(500))]
        status, said = await post(intake.ports[made.id], token, b"\n".join(lines))
        assert (status, orjson.loads(said)) == (200, {"accepted": 501})
        assert await amount(org_a.ctx) == 501, "at the moment of the answer"
        assert await api.alert_count(org_a.ctx, api.AlertFilter()) == 1
        assert (await post(intake.ports[made.id], new_token(), ALERTING))[0] == 401
    async with uow(org_a.ctx) as tx:
        assert await scalar(tx, "select count(*) from radar.event where severity = 3") == 500
        assert await scalar(tx, "select token_digest from radar.source") != token


async def test_while_the_database_is_away_nothing_is_acknowledged(
    system_db: Database, org_a: OrgFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = new_token()
    made = await api.add_source(org_a.ctx, "H", "http", "127.0.0.1:0", token=token)
    store, away = sink.store_lines, [True]

    async def gone(tx, lines, *, again):
        if away[0]:
            raise Unavailable("database.unreachable", "gone")
        return await store(tx, lines, again=again)

    monkeypatch.setattr(sink, "store_lines", gone)
    monkeypatch.setattr(pipelines, "RETRY_FIRST_S", 0.01)
    async with running(system_db, org_a.ctx) as intake:
        asking = asyncio.gather(post(intake.ports[made.id], token, b'{"a":1}'))

        async def waits() -> bool:
            return any("wait to be stored" in problem for problem in intake.problems())

        await eventually(waits)
        assert not asking.done()
        away[0] = False
        ((status, _),) = await asking
        assert (status, await amount(org_a.ctx)) == (200, 1)


async def test_r7_syslog_over_tls_is_stored(
    system_db: Database, org_a: OrgFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    authority.issue("front", server=True)
    (tmp_path / "front-clients.crt").write_bytes(authority.certificate.read_bytes())
    monkeypatch.setattr(tls, "_folder", lambda: tmp_path)
    said = {"identity": "front", "allow": ["cn:agent"]}
    made = await api.add_source(org_a.ctx, "T", "syslog_tls", "127.0.0.1:0", tls=said)
    context = tls.ssl.create_default_context(cafile=str(authority.certificate))
    context.load_cert_chain(*authority.issue("agent"))
    line = b"<38>1 - web1 sshd 7 - - \xef\xbb\xbfAccepted password for root from 203.0.113.9 port 22 ssh2"
    async with running(system_db, org_a.ctx) as intake:
        reader, writer = await asyncio.open_connection("127.0.0.1", intake.ports[made.id], ssl=context)
        writer.write((b"%d %s" % (len(line), line)) * 100)
        writer.write_eof() if writer.can_write_eof() else writer.close()

        async def all_there() -> bool:
            return await amount(org_a.ctx) == 100

        await eventually(all_there)
        del reader
        writer.close()
    (alert,) = await api.alerts(org_a.ctx, api.AlertFilter())
    assert (alert.count, alert.host) == (100, "web1")
    (row,) = await api.sources(org_a.ctx)
    assert row.tls == {"identity": "front", "clients": "required", "allow": ["cn:agent"]}


async def test_a_source_whose_identity_is_missing_says_so(
    system_db: Database, org_a: OrgFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls, "_folder", lambda: tmp_path)
    await api.add_source(org_a.ctx, "T", "syslog_tls", "127.0.0.1:0", tls={"identity": "front"})
    async with running(system_db, org_a.ctx) as intake:
        (problem,) = intake.problems()
    assert problem.startswith("T: ")
    assert "front.key: No such file" in problem


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("syslog_tls", {}),
        ("syslog_udp", {"tls": {"identity": "front"}}),
        ("syslog_tls", {"tls": {"identity": "/etc/ssl/private/other"}}),
        ("http", {}),
        ("http", {"token": "short"}),
    ],
)
async def test_sources_that_make_no_sense_are_refused(org_a: OrgFixture, kind, given) -> None:
    with pytest.raises(Invalid):
        await api.add_source(org_a.ctx, "X", kind, "127.0.0.1:0", **given)


async def test_a_line_that_is_no_event_becomes_a_letter_and_is_read_again(
    system_db: Database, org_a: OrgFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = new_token()
    made = await api.add_source(org_a.ctx, "H", "http", "127.0.0.1:0", token=token)
    async with running(system_db, org_a.ctx) as intake:
        body = b'{"a":1}\nno json \xff\x00\n[1]\n{"b":2}'
        assert (await post(intake.ports[made.id], token, body))[0] == 200
        assert await amount(org_a.ctx) == 2
        listed, text = await api.dead_letters(org_a.ctx)
        assert (text.payload, text.length, text.state) == (b"no json \xff\x00", 10, "dead")
        assert (text.source_name, text.kind) == ("H", "http")
        assert "no JSON object" in text.reason
        assert intake.metrics()["dead_letters_total"] == 2
        await api.discard_letters(org_a.ctx, [listed.id])
        with pytest.raises(NotFound):
            await api.replay_letters(org_a.ctx, [listed.id])
        await api.replay_letters(org_a.ctx, [text.id])
        await intake.reload()

        async def failed_again() -> bool:
            return (await api.dead_letter(org_a.ctx, text.id)).attempts == 1

        await eventually(failed_again)
        assert (await api.dead_letter(org_a.ctx, text.id)).state == "dead"
        # A later version learned to read it.
        monkeypatch.setattr(arrival, "_object", lambda data, _limit: {"message": data.decode("latin-1")})
        await api.replay_letters(org_a.ctx, [text.id])
        await eventually(lambda: reloaded(intake))

        async def done() -> bool:
            return (await api.dead_letter(org_a.ctx, text.id)).state == "done"

        await eventually(done)
        assert await amount(org_a.ctx) == 3
    over = await api.dead_letters(org_a.ctx, states=("done", "discarded"))
    assert {(letter.state, letter.payload) for letter in over} == {("done", b""), ("discarded", b"")}


async def reloaded(intake) -> bool:
    await intake.reload()
    return True


async def pipeline_of(ctx: Ctx, figures: Figures) -> tuple[Pipeline, catalogue.Source]:
    await api.add_source(ctx, "S", "syslog_udp", ":15998")
    async with uow(ctx) as tx:
        (source,) = await catalogue.enabled_sources(tx)
    return Pipeline(ctx, Evaluator([]), group_minutes=15, figures=figures), source


async def test_what_the_database_refuses_becomes_a_letter(
    org_a: OrgFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures = Figures()
    pipeline, source = await pipeline_of(org_a.ctx, figures)
    store = sink.store_lines

    async def picky(tx, lines, *, again):
        if any("poison" in line.message for line in lines):
            raise Invalid("database.invalid", "refused")
        return await store(tx, lines, again=again)

    monkeypatch.setattr(sink, "store_lines", picky)
    payloads = tuple(b"line %d" % n for n in range(6)) + (b"poison",) * 2
    await pipeline.handle([Parcel(source, datetime.now(UTC), payloads)])
    assert (await amount(org_a.ctx), figures.refused, figures.unread) == (6, 2, 2)
    found = await api.dead_letters(org_a.ctx)
    assert [letter.payload for letter in found] == [b"poison"] * 2
    assert found[0].reason == "the database refused it: refused"


async def test_a_letter_is_stored_once_however_many_workers_read_it_again(org_a: OrgFixture) -> None:
    pipeline, source = await pipeline_of(org_a.ctx, Figures())
    letter = letters.Unread(source.id, source.kind, datetime.now(UTC), "was not understood", b"<13>hello")
    async with uow(org_a.ctx) as tx:
        assert await letters.keep(tx, [letter]) == 0
        assert await letters.keep(tx, [letter]) == 0, "tried again"
    await api.replay_letters(org_a.ctx, [letter.id])
    again = [Parcel(source, letter.received_at, (letter.payload,), letter=letter.id)]
    await asyncio.gather(pipeline.handle(again), pipeline.handle(again))
    assert await amount(org_a.ctx) == 1


async def test_letters_are_bounded_and_what_is_lost_is_counted(
    org_a: OrgFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(letters, "MAX_LETTERS", 5)
    _, source = await pipeline_of(org_a.ctx, Figures())

    def some(amount_: int) -> list[letters.Unread]:
        now = datetime.now(UTC)
        return [
            letters.Unread(source.id, "http", now, "r\x00" * 600, b"%d" % n + b"x" * 70_000)
            for n in range(amount_)
        ]

    async with uow(org_a.ctx) as tx:
        assert await letters.keep(tx, some(8)) == 3
    found = await api.dead_letters(org_a.ctx)
    assert [(len(letter.payload), letter.length) for letter in found] == [(65_536, 70_001)] * 5
    await api.discard_letters(org_a.ctx, [letter.id for letter in found[:2]])
    async with uow(org_a.ctx) as tx:
        assert await letters.keep(tx, some(3)) == 1
    assert len(await api.dead_letters(org_a.ctx)) == 5


async def test_letters_are_of_one_organisation_and_managers_decide(
    server: Server, org_a: OrgFixture, org_b: OrgFixture, member_db: MemberDb
) -> None:
    _, source = await pipeline_of(org_a.ctx, Figures())
    async with uow(org_a.ctx) as tx:
        await letters.keep(tx, [letters.Unread(source.id, "http", datetime.now(UTC), "r", b"secret")])
    owner = replace(org_a.ctx, db=await member_db(org_a))
    (letter,) = await api.dead_letters(owner)
    stranger = replace(org_b.ctx, db=await member_db(org_b))
    assert await api.dead_letters(stranger) == []
    with pytest.raises(NotFound):
        await api.discard_letters(stranger, [letter.id])
    person, membership = await add_member(org_a.ctx, "viewer@alpha.test", "Viewer", "viewer")
    async with member_database(server, membership) as db:
        viewer = Ctx(db, org_a.org, person)
        with pytest.raises(Denied):
            await api.replay_letters(viewer, [letter.id])
        with pytest.raises(Denied):
            async with uow(viewer) as tx:
                await tx.execute("update radar.dead_letter set payload = ''")
    await api.discard_letters(owner, [letter.id])
    with pytest.raises(NotFound):
        await api.dead_letter(owner, UUID(int=1))
    assert uuid7() > letter.id


HOSTILE = {
    "nul": (b'{"a":"x\\u0000y","b\\u0000":"z"}', "nul_total"),
    "utf8": (b'{"a":"\xff\xfe"}', "dead_letters_total"),
    "deep": (b'{"a":' * 900 + b"1" + b"}" * 900, "deep_total"),
    "too deep": (b'{"a":' * 5000 + b"1" + b"}" * 5000, "dead_letters_total"),
    "surrogate": (b'{"a":"\\ud800"}', "dead_letters_total"),
    "many fields": (b"{" + b",".join(b'"f%d":%d' % (n, n) for n in range(5000)) + b"}", "deep_total"),
    "large": (b'{"a":"%s","b":"kept"}' % (b"x" * 1_000_000), "cut_total"),
}


@pytest.mark.parametrize("case", HOSTILE)
async def test_r5_what_is_strange_is_stored_or_kept_and_counted(
    system_db: Database, org_a: OrgFixture, case: str
) -> None:
    body, counter = HOSTILE[case]
    token = new_token()
    made = await api.add_source(org_a.ctx, "H", "http", "127.0.0.1:0", token=token)
    async with running(system_db, org_a.ctx) as intake:
        before = intake.metrics()[counter]
        status, said = await post(intake.ports[made.id], token, body)
        assert (status, orjson.loads(said)) == (200, {"accepted": 1})
        after = intake.metrics()
        assert after[counter] == before + 1
        assert after["events_total"] + after["dead_letters_total"] == 1
    assert await amount(org_a.ctx) + len(await api.dead_letters(org_a.ctx)) == 1


@pytest.mark.parametrize(
    ("line", "counter"),
    [
        (b"<13>1 - h p - - - a\x00b", "nul_total"),
        (b"<13>1 - h p - - - \xff\xfe\x80", "encoding_total"),
        (b"<13>1 - h p - - - " + b"x" * 65_536, "cut_total"),
        (b"<13>1 - h p - - - " + b'{"a":' * 900 + b"1" + b"}" * 900, "deep_total"),
        (b"<13>1 - h p - - - [a b=", ""),
    ],
)
async def test_r5_strange_syslog_is_stored_and_counted(
    system_db: Database, org_a: OrgFixture, line: bytes, counter: str
) -> None:
    made = await api.add_source(org_a.ctx, "T", "syslog_tcp", "127.0.0.1:0")
    async with running(system_db, org_a.ctx) as intake:
        before = intake.metrics()
        _, writer = await asyncio.open_connection("127.0.0.1", intake.ports[made.id])
        writer.write(b"%d %s" % (len(line), line))
        writer.close()

        async def there() -> bool:
            return await amount(org_a.ctx) == 1

        await eventually(there)
        if counter:
            assert intake.metrics()[counter] == before[counter] + 1
