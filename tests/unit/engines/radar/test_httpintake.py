"""Events over HTTP: acknowledged after the commit only, bounded everywhere, refused with a clear problem."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import time
import zlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import h11
import pytest
from certificates import Authority
from hypothesis import given
from hypothesis import strategies as st

from sent.engines.radar.receiving import access, httpbody, httpintake, tls
from sent.engines.radar.receiving.backlog import Backlog, Parcel
from sent.engines.radar.receiving.httpbody import MAX_BODY, MAX_EVENT, MAX_EVENTS, Problem, payloads
from sent.engines.radar.receiving.httpintake import HttpListener
from sent.engines.radar.store.catalogue import Source
from sent.platform.errors import Invalid
from sent.platform.tasks import cancel, spawn

TOKEN = "t" * 43
SOURCE = Source(
    uuid4(),
    UUID(int=1),
    None,
    "s",
    "http",
    "127.0.0.1:0",
    None,
    None,
    None,
    "UTC",
    1,
    token_digest=hashlib.sha256(TOKEN.encode()).hexdigest(),
)


class Intake:
    """A listener, and who stores what it takes."""

    def __init__(self) -> None:
        self.backlog = Backlog(max_lines=1000)
        self.listener = HttpListener(SOURCE, self.backlog)
        self.taken: list[bytes] = []
        self.storing = True
        self.port = 0
        self.task: asyncio.Task[None] | None = None

    async def store(self) -> None:
        while True:
            for parcel in await self.backlog.take(1, 0):
                self.taken += parcel.payloads
                if parcel.stored is not None and self.storing:
                    parcel.stored.set()

    async def ask(
        self, body: bytes = b"", *, path: str = "/", method: str = "POST", **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Send one request over a connection of its own."""
        sent = {
            "host": "x",
            "authorization": f"Bearer {TOKEN}",
            "content-type": "application/json",
            "content-length": str(len(body)),
            "connection": "close",
        } | {name.replace("_", "-"): value for name, value in headers.items()}
        head = "".join(f"{name}: {value}\r\n" for name, value in sent.items() if value)
        return await self.raw(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body)

    async def raw(self, data: bytes) -> tuple[int, dict[str, str], bytes]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(data)
            async with asyncio.timeout(10):
                return await answer(reader)
        finally:
            writer.close()


async def answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return int(head[0].split()[1]), headers, body


@pytest.fixture
async def intake() -> AsyncIterator[Intake]:
    made = Intake()
    made.port = await made.listener.start()
    made.task = spawn(made.store(), name="storing")
    yield made
    await made.listener.stop()
    await cancel(made.task)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"a":1}\n{"a":2}\r\n\n', "application/x-ndjson"),
        (b'[{"a":1},{"a":2}]', "application/json"),
        (b' [\n{"a":1}, {"a":2}\n]\n', "application/json; charset=utf-8"),
    ],
)
async def test_lines_and_arrays_are_taken(intake: Intake, body: bytes, kind: str) -> None:
    status, headers, said = await intake.ask(body, content_type=kind)
    assert (status, json.loads(said)) == (200, {"accepted": 2})
    assert headers["content-type"] == "application/json"
    assert intake.taken == [b'{"a":1}', b'{"a":2}']


async def test_gzip_is_undone(intake: Intake) -> None:
    body = gzip.compress(b'{"a":1}\n') + gzip.compress(b'{"a":2}\n')
    status, _, said = await intake.ask(body, content_encoding="gzip")
    assert (status, json.loads(said)) == (200, {"accepted": 2})


async def test_the_answer_comes_after_the_commit(intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    intake.storing = False
    monkeypatch.setattr(httpintake, "COMMIT_S", 0.2)
    status, headers, said = await intake.ask(b'{"a":1}')
    assert status == 503
    assert headers["retry-after"] == "5"
    assert "send again" in json.loads(said)["detail"]
    assert intake.taken == [b'{"a":1}'], "it was queued: who sends again stores it twice, nobody loses it"


async def test_a_full_backlog_says_when_to_come_again(intake: Intake) -> None:
    await cancel(intake.task)
    intake.backlog.try_put(Parcel(SOURCE, httpintake.datetime.now(httpintake.UTC), (b"{}",) * 1000))
    status, headers, said = await intake.ask(b'{"a":1}')
    assert status == 429
    assert headers["retry-after"] == "5"
    assert headers["content-type"] == "application/problem+json"
    assert json.loads(said)["status"] == 429


async def test_without_the_token_nothing_is_read(intake: Intake) -> None:
    for wrong in ("", "Bearer x", f"Basic {TOKEN}", f"Bearer {TOKEN}x"):
        status, headers, _ = await intake.ask(b'{"a":1}', authorization=wrong)
        assert (status, headers["www-authenticate"]) == (401, "Bearer")
    assert intake.taken == []


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"method": "GET", "content_length": "0"}, 405),
        ({"method": "PUT"}, 405),
        ({"path": "/else"}, 404),
        ({"content_length": str(MAX_BODY + 1)}, 413),
        ({"content_type": "text/csv"}, 415),
        ({"content_encoding": "br"}, 415),
        ({"content_encoding": "gzip"}, 400),
        ({"path": "/v1/logs", "content_type": "text/plain"}, 415),
    ],
)
async def test_refusals_say_why(intake: Intake, request_: dict[str, str], status: int) -> None:
    said = await intake.ask(b'{"a":1}', **request_)
    problem = json.loads(said[2])
    assert said[0] == problem["status"] == status
    assert problem["title"]
    assert problem["detail"]


async def test_head_is_answered_without_a_body(intake: Intake) -> None:
    status, headers, said = await intake.ask(method="HEAD")
    assert (status, headers["allow"], said) == (405, "POST", b"")


async def test_a_sender_refused_in_the_middle_of_its_body_reads_why(intake: Intake) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", intake.port)
    writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 6000000\r\n\r\n")
    writer.write(b"x" * 6_000_000)
    async with asyncio.timeout(10):
        await writer.drain()
        assert (await answer(reader))[0] == 401
    writer.close()


async def test_what_is_no_http_is_told_so(intake: Intake) -> None:
    status, _, _ = await intake.raw(b"<13>syslog on the wrong port\n\n")
    assert status == 400
    status, _, _ = await intake.raw(b"POST / HTTP/1.1\r\nx: " + b"y" * 20_000)
    assert status == 400


async def test_several_requests_over_one_connection_also_in_chunks(intake: Intake) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", intake.port)
    head = f"POST /events HTTP/1.1\r\nhost: x\r\nauthorization: bearer {TOKEN}\r\n"
    for number in range(3):
        writer.write(f'{head}transfer-encoding: chunked\r\n\r\n8\r\n{{"a":{number}}}\n\r\n0\r\n\r\n'.encode())
        assert (await answer(reader))[0] == 200
    writer.write(f"{head}content-length: 7\r\nexpect: 100-continue\r\n\r\n".encode())
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
    writer.write(b'{"a":3}')
    assert (await answer(reader))[0] == 200
    assert intake.taken == [b'{"a":%d}' % number for number in range(4)]
    writer.close()


async def test_chunks_without_end_are_cut_off(intake: Intake) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", intake.port)
    head = (
        f"POST / HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {TOKEN}\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    writer.write(head.encode())
    chunk = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
    for _ in range(9):
        writer.write(chunk)
    async with asyncio.timeout(10):
        assert (await answer(reader))[0] == 413
    writer.close()


async def test_a_body_in_tiny_chunks_lets_others_have_their_turn(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(httpintake, "MAX_CHUNKS", 3000)
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    head = (
        f"POST / HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {TOKEN}\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(head.encode() + b"1\r\n \r\n" * 4000)
    connection.next_event()
    reader = asyncio.StreamReader()
    task = spawn(others(), name="others")
    held = [0]
    with pytest.raises(Problem, match="pieces") as caught:
        await intake.listener._body(connection, reader, held)
    await cancel(task)
    assert caught.value.status == 413
    assert turns >= 3000 // httpintake.CHUNKS_AT_ONCE
    assert held == [3000]


async def test_who_showed_no_token_has_seconds(intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(httpintake, "HEAD_S", 0.1)
    for beginning in (b"", b"POST / HTTP/1.1\r\nx: "):
        reader, writer = await asyncio.open_connection("127.0.0.1", intake.port)
        writer.write(beginning)
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        writer.close()


async def test_bodies_of_all_connections_share_a_bound(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(httpintake, "MAX_HELD", 1000)
    assert (await intake.ask(b'{"a":"%s"}' % (b"x" * 2000)))[0] == 429
    assert (await intake.ask(b'{"a":1}'))[0] == 200
    other = HttpListener(SOURCE, intake.backlog)
    intake.port = await other.start()
    intake.backlog.held = 999
    try:
        assert (await intake.ask(b'{"a":1}'))[0] == 429, "the listeners of all sources share it"
    finally:
        await other.stop()


async def test_a_sender_that_stops_in_the_middle_is_let_go(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(httpintake, "REQUEST_S", 0.1)
    reader, writer = await asyncio.open_connection("127.0.0.1", intake.port)
    writer.write(f"POST / HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {TOKEN}\r\n".encode())
    writer.write(b'content-length: 100\r\n\r\n{"a"')
    async with asyncio.timeout(5):
        assert await reader.read() == b""
    writer.close()
    assert intake.backlog.held == 0


async def test_otlp_answers_in_the_encoding_of_the_request(intake: Intake) -> None:
    status, headers, said = await intake.ask(b"", path="/v1/logs", content_type="application/x-protobuf")
    assert (status, headers["content-type"], said) == (200, "application/x-protobuf", b"")
    record = {"body": {"stringValue": "hello"}}
    body = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}).encode()
    status, _, said = await intake.ask(body, path="/v1/logs")
    assert (status, json.loads(said)) == (200, {"partialSuccess": {}})
    assert intake.taken == [b'{"message":"hello"}']
    status, _, said = await intake.ask(b"\xff\xff", path="/v1/logs", content_type="application/x-protobuf")
    assert (status, json.loads(said)["title"]) == (400, "Invalid OTLP")


async def test_http_over_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = Authority(tmp_path)
    authority.issue("front", server=True)
    monkeypatch.setattr(tls, "_folder", lambda: tmp_path)
    backlog = Backlog()
    listener = HttpListener(replace(SOURCE, tls={"identity": "front", "clients": "none"}), backlog)
    port = await listener.start()
    context = tls.ssl.create_default_context(cafile=str(authority.certificate))
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    writer.write(f"POST / HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {TOKEN}\r\n".encode())
    writer.write(b'content-length: 7\r\n\r\n{"a":1}')
    async with asyncio.timeout(5):
        (parcel,) = await backlog.take(1, 0)
        assert parcel.stored is not None
        parcel.stored.set()
        assert (await answer(reader))[0] == 200
    writer.close()
    await listener.stop()


def refused(body: bytes, encoding: str = "", kind: str = "application/json") -> Problem:
    with pytest.raises(Problem) as caught:
        payloads("/", kind, encoding, body)
    return caught.value


def test_a_bomb_is_refused_before_it_bursts() -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(b"\0" * 1_000_000) for _ in range(200)) + packer.flush()
    assert len(bomb) < 300_000
    assert refused(bomb, "gzip").status == 413
    assert refused(gzip.compress(b"\0" * 7_000_000) * 2, "gzip").status == 413


def test_thousands_of_empty_gzip_members_cost_little() -> None:
    empty, line = gzip.compress(b""), gzip.compress(b'{"a":1}\n')
    begin = time.process_time()
    assert payloads("/", "", "gzip", empty * 10_000 + line) == (b'{"a":1}',)
    assert time.process_time() - begin < 1
    with pytest.raises(Problem) as caught:
        payloads("/", "", "gzip", empty * 30_000)
    assert caught.value.status == 413


def test_damaged_bodies_are_told() -> None:
    assert refused(b"no gzip", "gzip").status == 400
    assert refused(gzip.compress(b'{"a":1}')[:-3], "gzip").status == 400
    assert refused(b"[1,").title == "Invalid JSON"


def test_too_many_and_too_large_events_are_told() -> None:
    assert refused(b"{}\n" * (MAX_EVENTS + 1)).title == "Too many events"
    assert (
        refused(b"\n" * (2 * MAX_EVENTS + 1) + b"{}\n" * 3 + b"\n" * 50_000 + b"{}").title
        == "Too many events"
    )
    assert refused(b"[" + b"{}," * MAX_EVENTS + b"{}]").title == "Too many events"
    assert refused(b"[" + b"[]," * httpbody.MAX_OBJECTS + b"{}]").title == "Too many values"
    assert refused(b'{"a":"' + b"x" * MAX_EVENT + b'"}').title == "Event too large"


@given(st.binary(max_size=300), st.sampled_from(["", "gzip"]), st.sampled_from(["/", "/v1/logs"]))
def test_any_body_is_taken_or_refused(body: bytes, encoding: str, path: str) -> None:
    try:
        found = payloads(path, "application/json", encoding, body)
    except Problem as problem:
        assert 400 <= problem.status < 500
    else:
        assert all(found)


def test_tokens_are_kept_as_digests_only() -> None:
    token = access.new_token()
    digest = access.digest_of("http", token)
    assert digest is not None
    assert token not in digest
    assert access.opens(digest, f"Bearer {token}".encode())
    assert not access.opens(None, f"Bearer {token}".encode())
    for kind, wrong in (("http", None), ("http", "short"), ("syslog_tcp", token)):
        with pytest.raises(Invalid):
            access.digest_of(kind, wrong)
