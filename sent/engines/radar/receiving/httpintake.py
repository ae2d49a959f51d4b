"""Events over HTTP: answered with 200 only when they are committed, with 429 when there is no room.

Whoever got no 200 sends again, so an event may be stored twice, but none that was acknowledged is lost. A
line that is no JSON object becomes a dead letter; the rest of its request is stored. Bodies of all
connections of all sources together take at most `MAX_HELD` bytes. Whoever showed no token has seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

import h11
import orjson

from sent.engines.radar.receiving.access import opens
from sent.engines.radar.receiving.backlog import Backlog, Parcel
from sent.engines.radar.receiving.httpbody import (
    MAX_BODY,
    MAX_EVENTS,
    OTLP_PATH,
    Problem,
    is_protobuf,
    payloads,
)
from sent.engines.radar.receiving.listen import READ_SIZE, StreamListener
from sent.engines.radar.store.catalogue import Source

PATHS = frozenset({"/", "/events", OTLP_PATH})
MAX_HELD = 33_554_432
MAX_HEADERS = 16_384
REQUEST_S = 60.0
IDLE_S = 120.0
"""Seconds between two requests of a connection."""

HEAD_S = 10.0
"""Seconds until the first request, and for each one's head: slow ones must not keep others out."""

MAX_CHUNKS = 2 * MAX_EVENTS
CHUNKS_AT_ONCE = 64
"""Pieces of a body after which others have their turn: a body may come a byte at a time."""

COMMIT_S = 30.0
LINGER_S = 2.0
RETRY_AFTER_S = 5


@dataclass(slots=True)
class _Answer:
    status: int
    content: bytes
    kind: bytes = b"application/json"
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)


class HttpListener(StreamListener):
    """HTTP/1.1 for one source; its bearer token opens it."""

    def __init__(self, source: Source, backlog: Backlog) -> None:
        super().__init__(source, backlog)
        self._unpacking = asyncio.Semaphore(2)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEADERS)
        patience = HEAD_S
        try:
            while await self._request(connection, reader, writer, patience):
                connection.start_next_cycle()
                patience = IDLE_S
            if connection.their_state is h11.SEND_BODY:
                await _lingered(reader)
        except (TimeoutError, OSError, h11.RemoteProtocolError) as error:
            if isinstance(error, h11.RemoteProtocolError) and connection.our_state is h11.IDLE:
                await _send(connection, writer, _problem(Problem(400, "Bad request", "this is no HTTP/1.1")))

    async def _request(
        self,
        connection: h11.Connection,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        patience: float,
    ) -> bool:
        """Answer one request; False when the connection is over."""
        event = await _head(connection, reader, patience)
        if not isinstance(event, h11.Request):
            return False
        held = [0]
        try:
            refusal = self._refusal(event)
            if refusal is None:
                if connection.they_are_waiting_for_100_continue:
                    go_on = h11.InformationalResponse(status_code=100, headers=[])
                    writer.write(connection.send(go_on) or b"")
                body = await self._body(connection, reader, held)
                answer = await self._taken(event, body)
            else:
                answer = refusal
        except Problem as problem:
            answer = _problem(problem)
        finally:
            self._backlog.held -= held[0]
        if event.method == b"HEAD":
            answer.content = b""
        await _send(connection, writer, answer)
        return connection.our_state is h11.DONE and connection.their_state is h11.DONE

    def _refusal(self, request: h11.Request) -> _Answer | None:
        """Return the answer of a request whose body need not be read, else None."""
        if not opens(self._source.token_digest, _header(request, b"authorization")):
            answer = _problem(
                Problem(401, "Unauthorized", "show the source's token: Authorization: Bearer ...")
            )
            answer.headers.append((b"www-authenticate", b"Bearer"))
            return answer
        if _path(request) not in PATHS:
            return _problem(Problem(404, "Not found", "events go to /, OTLP logs to /v1/logs"))
        if request.method != b"POST":
            answer = _problem(Problem(405, "Method not allowed", "events are sent with POST"))
            answer.headers.append((b"allow", b"POST"))
            return answer
        length = _header(request, b"content-length")
        if length.isdigit() and int(length) > MAX_BODY:
            return _problem(Problem(413, "Body too large", f"at most {MAX_BODY} bytes are taken"))
        return _busy() if self._backlog.full else None

    async def _body(self, connection: h11.Connection, reader: asyncio.StreamReader, held: list[int]) -> bytes:
        """Read the body; raises Problem (413), or 429 when all bodies together are too large."""
        body = bytearray()
        deadline = time.monotonic() + REQUEST_S
        for piece in range(MAX_CHUNKS):
            if piece % CHUNKS_AT_ONCE == CHUNKS_AT_ONCE - 1:
                await asyncio.sleep(0)
            event = await _event(connection, reader, max(deadline - time.monotonic(), 0.01))
            if isinstance(event, h11.EndOfMessage):
                return bytes(body)
            if not isinstance(event, h11.Data):
                raise TimeoutError
            held[0] += len(event.data)
            self._backlog.held += len(event.data)
            if held[0] > MAX_BODY:
                raise Problem(413, "Body too large", f"at most {MAX_BODY} bytes are taken")
            if self._backlog.held > MAX_HELD:
                raise Problem(429, "Busy", "too many requests at once; send again later")
            body += event.data
        raise Problem(413, "Too many chunks", f"send a body in less than {MAX_CHUNKS} pieces")

    async def _taken(self, request: h11.Request, body: bytes) -> _Answer:
        """Queue the events and wait for their commit."""
        path, kind = _path(request), _header(request, b"content-type").decode("latin-1")
        encoding = _header(request, b"content-encoding").decode("latin-1").strip().lower()
        async with self._unpacking:
            events = await asyncio.to_thread(payloads, path, kind, encoding, body)
        if events:
            stored = asyncio.Event()
            parcel = Parcel(self._source, datetime.now(UTC), events, stored=stored)
            if not self._backlog.try_put(parcel, patient=True):
                return _busy()
            try:
                await asyncio.wait_for(stored.wait(), COMMIT_S)
            except TimeoutError as error:
                raise Problem(503, "Not stored yet", "the events wait to be stored; send again") from error
        if path == OTLP_PATH and is_protobuf(kind):
            return _Answer(200, b"", b"application/x-protobuf")
        if path == OTLP_PATH:
            return _Answer(200, b'{"partialSuccess":{}}')
        return _Answer(200, orjson.dumps({"accepted": len(events)}))


async def _head(connection: h11.Connection, reader: asyncio.StreamReader, patience: float) -> object:
    """Return the next request, which must begin within `patience` seconds."""
    event: object = connection.next_event()
    if event is h11.NEED_DATA:
        async with asyncio.timeout(patience):
            connection.receive_data(await reader.read(READ_SIZE))
        event = await _event(connection, reader, HEAD_S)
    return event


async def _event(connection: h11.Connection, reader: asyncio.StreamReader, patience: float) -> object:
    """Return the next event of the connection, reading as much as it takes within `patience` seconds."""
    async with asyncio.timeout(patience):
        while (event := connection.next_event()) is h11.NEED_DATA:
            connection.receive_data(await reader.read(READ_SIZE))
    return event


async def _lingered(reader: asyncio.StreamReader) -> None:
    """Read on for a moment after a refusal: closing on a sender in the middle of a body loses the answer."""
    left = MAX_BODY
    with contextlib.suppress(TimeoutError, OSError):
        async with asyncio.timeout(LINGER_S):
            while left > 0 and (data := await reader.read(READ_SIZE)):
                left -= len(data)


async def _send(connection: h11.Connection, writer: asyncio.StreamWriter, answer: _Answer) -> None:
    headers = [
        (b"content-type", answer.kind),
        (b"content-length", str(len(answer.content)).encode()),
        *answer.headers,
    ]
    if connection.their_state is not h11.DONE:  # what is left of the body is not worth reading
        headers.append((b"connection", b"close"))
    head = connection.send(h11.Response(status_code=answer.status, headers=headers)) or b""
    content = connection.send(h11.Data(data=answer.content)) or b"" if answer.content else b""
    writer.write(head + content + (connection.send(h11.EndOfMessage()) or b""))
    await asyncio.wait_for(writer.drain(), REQUEST_S)


def _problem(problem: Problem) -> _Answer:
    said = {"type": "about:blank", "title": problem.title, "status": problem.status, "detail": problem.detail}
    answer = _Answer(problem.status, orjson.dumps(said), b"application/problem+json")
    if problem.status in (429, 503):
        answer.headers.append((b"retry-after", str(RETRY_AFTER_S).encode()))
    return answer


def _busy() -> _Answer:
    return _problem(Problem(429, "Busy", "events wait to be stored; send again later"))


def _header(request: h11.Request, name: bytes) -> bytes:
    return next((bytes(value) for key, value in request.headers if key == name), b"")


def _path(request: h11.Request) -> str:
    return bytes(request.target).partition(b"?")[0].decode("latin-1")
