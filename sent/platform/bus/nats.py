"""The bus over a NATS server with JetStream, where a site outgrows one database server.

The outbox stays the truth. The relay passes numbered events on to the stream `SENT` in their order, on
subjects `sent.<shard>.<topic>`; each message tells the number of the shard's event before it. A consumer's
source follows the stream, and whenever a message does not continue where it is (the server was away, the
stream was lost), it reads the gap from the outbox. So a message server that is down, restarted or emptied
costs time and nothing else. Payloads carry ids only, as everywhere on the bus, and each message a MAC under
the installation's key: who else may write to the server can neither invent events nor make one be skipped.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg

from sent.platform.bus.source import POLL_S, OutboxSource, ShardEvent
from sent.platform.config import secrets
from sent.platform.db.engine import Database
from sent.platform.db.uow import Tx
from sent.platform.errors import Unavailable
from sent.platform.telemetry.log import get_logger

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.js import JetStreamContext

STREAM = "SENT"
PREFIX = "sent"
LOCK = 7304021004
KEY = "bus_key"
BATCH = 500
KEEP_S = 7 * 86400
DUPLICATES_S = 600
CALL_TIMEOUT_S = 15.0
CLOSE_TIMEOUT_S = 3.0
WAIT_FOR_LOCK_S = 2.0
IDLE_S = 0.1
PAYLOAD_LIMIT = 16 * 1024

_AFTER = """
with batch as (
  select seq, id, organization_id, topic, key, payload, at, shard from core.outbox
  where seq > %(after)s order by seq limit %(limit)s
)
select b.seq, b.id, b.organization_id, b.topic, b.key, b.payload, b.at, b.shard, coalesce(
  lag(b.seq) over (partition by b.shard order by b.seq),
  (select max(o.seq) from core.outbox o where o.shard = b.shard and o.seq < b.seq)) as before
from batch b order by b.seq
"""

_log = get_logger("bus")


async def connect(url: str, *, credentials: str | None = None, name: str = "sent") -> Client:
    """Return a connection that reconnects by itself; raises Unavailable when there is no server."""
    import nats
    from nats.errors import Error

    async def silent(error: Exception) -> None:
        _log.info("bus.nats", reason=str(error) or type(error).__name__)

    options: dict[str, Any] = {"user_credentials": credentials} if credentials else {}
    try:
        async with asyncio.timeout(CALL_TIMEOUT_S):
            return await nats.connect(
                url, name=name, error_cb=silent, max_reconnect_attempts=-1, reconnect_time_wait=0.5,
                connect_timeout=5, allow_reconnect=True, **options,
            )  # fmt: skip
    except (OSError, Error, TimeoutError) as error:
        raise Unavailable("bus.nats", f"the message server does not answer: {error}") from error


async def ensure_stream(js: JetStreamContext) -> None:
    """Make the stream, or bring an older one to what it has to be."""
    from nats.js.api import RetentionPolicy, StorageType, StreamConfig
    from nats.js.errors import BadRequestError

    config = StreamConfig(
        name=STREAM,
        subjects=[f"{PREFIX}.>"],
        retention=RetentionPolicy.LIMITS,
        storage=StorageType.FILE,
        max_age=KEEP_S,
        max_msg_size=PAYLOAD_LIMIT,
        duplicate_window=DUPLICATES_S,
    )
    try:
        await js.add_stream(config)
    except BadRequestError:
        await js.update_stream(config)


class Relay:
    """Passes events on to the stream; any number may run, one does it at a time."""

    def __init__(self, system: Database, url: str, *, credentials: str | None = None) -> None:
        self._system = system
        self._url = url
        self._credentials = credentials
        self._key = secrets.key(KEY)
        self.relayed = 0
        self.leading = False

    async def run(self) -> None:
        """Relay until cancelled; both servers may go and come."""
        from nats.errors import Error

        backoff = 0.2
        while True:
            try:
                async with asyncio.timeout(CALL_TIMEOUT_S):
                    connection = await self._system.connect()
                try:
                    await self._lead(connection)
                finally:
                    self.leading = False
                    with contextlib.suppress(psycopg.Error):
                        await connection.close()
            except (psycopg.Error, Error, Unavailable, TimeoutError, OSError) as error:
                _let_go()
                _log.warning("bus.relay_lost", reason=str(error) or type(error).__name__, again_in_s=backoff)
                await asyncio.sleep(backoff)
                backoff = min(backoff * 2, 5.0)

    async def _lead(self, connection: Tx) -> None:
        while True:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                row = await (await connection.execute("select pg_try_advisory_lock(%s)", [LOCK])).fetchone()
            if row is not None and row[0]:
                break
            await asyncio.sleep(WAIT_FOR_LOCK_S)
        client = await connect(self._url, credentials=self._credentials, name="sent relay")
        try:
            js = client.jetstream(timeout=CALL_TIMEOUT_S)
            await ensure_stream(js)
            self.leading = True
            place = await self._place(connection)
            while True:
                place, count = await self._pass_on(connection, js, place)
                if count < BATCH:
                    await asyncio.sleep(IDLE_S)
        finally:
            await _close(client)

    async def _place(self, connection: Tx) -> int:
        async with asyncio.timeout(CALL_TIMEOUT_S):
            await connection.execute(
                "insert into core.relay (name, seq) select 'nats', coalesce(max(seq), 0) from core.outbox"
                " on conflict do nothing"
            )
            row = await (
                await connection.execute("select seq from core.relay where name = 'nats'")
            ).fetchone()
        return int(row[0]) if row else 0

    async def _pass_on(self, connection: Tx, js: JetStreamContext, place: int) -> tuple[int, int]:
        """Publish one batch, wait for the stream to have it, keep the place; return (place, count)."""
        async with asyncio.timeout(CALL_TIMEOUT_S):
            found = await connection.execute(_AFTER, {"after": place, "limit": BATCH})
            rows = await found.fetchall()
        if not rows:
            return place, 0
        async with asyncio.timeout(CALL_TIMEOUT_S):
            for acknowledged in [
                await js.publish_async(
                    f"{PREFIX}.{row[7]}.{row[3]}",
                    message(row, self._key),
                    headers={"Nats-Msg-Id": str(row[1])},
                )
                for row in rows
            ]:
                await acknowledged
            place = int(rows[-1][0])
            await connection.execute("update core.relay set seq = %s where name = 'nats'", [place])
        self.relayed += len(rows)
        return place, len(rows)


class StreamSource:
    """Reads the stream, and the outbox where the stream has a gap or is away."""

    def __init__(
        self, system: Database, url: str, *, credentials: str | None = None, poll: float = POLL_S
    ) -> None:
        self._outbox = OutboxSource(system, poll=poll)
        self._url = url
        self._credentials = credentials
        self._poll = poll
        self._key = secrets.key(KEY)
        self._client: Client | None = None
        self._followed: dict[int, Any] = {}
        self.from_stream = 0
        self.from_outbox = 0

    async def run(self) -> None:
        """Keep a connection until cancelled."""
        try:
            while True:
                if self._client is not None and self._client.is_closed:
                    await self._hang_up()
                if self._client is None:
                    try:
                        self._client = await connect(self._url, credentials=self._credentials)
                        await ensure_stream(self._client.jetstream(timeout=CALL_TIMEOUT_S))
                    except Exception as error:  # whatever it is, the outbox is read meanwhile
                        _log.info("bus.nats", reason=str(error) or type(error).__name__)
                        await self._hang_up()
                await asyncio.sleep(0.5)
        finally:
            await self._hang_up()

    async def _hang_up(self) -> None:
        client, self._client = self._client, None
        self._followed.clear()
        if client is not None:
            await _close(client)

    async def read(self, shard: int, after: int) -> list[ShardEvent]:
        """Return the next events of `shard`; see Source."""
        subscription = self._followed.get(shard)
        if subscription is None:
            subscription = await self._follow(shard)
            # What came before the subscription is in the outbox only.
            return await self._stored(shard, after, wait=subscription is None)
        found: list[ShardEvent] = []
        place = after
        for text in await self._fetch(shard, subscription):
            known = read_message(text, self._key)
            if known is None:
                _log.warning("bus.foreign_message", shard=shard)
                continue
            event, before = known
            if event.seq <= place:
                continue
            if before is not None and before > place:
                found += await self._stored(shard, place, wait=False)
                break
            found.append(event)
            place = event.seq
            self.from_stream += 1
        if not found:
            # Rarely needed and cheap: a look of its own finds what the stream never told.
            return await self._stored(shard, after, wait=False)
        return found

    def leave(self, shard: int) -> None:
        """Stop following a shard."""
        self._followed.pop(shard, None)

    async def _stored(self, shard: int, after: int, *, wait: bool) -> list[ShardEvent]:
        found = await (self._outbox.read if wait else self._outbox.stored)(shard, after)
        self.from_outbox += len(found)
        return found

    async def _follow(self, shard: int) -> Any:
        """Begin to follow a shard from now on; None while the server is away."""
        from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

        async def begin(client: Client) -> Any:
            return await client.jetstream(timeout=CALL_TIMEOUT_S).pull_subscribe(
                f"{PREFIX}.{shard}.>",
                stream=STREAM,
                config=ConsumerConfig(
                    deliver_policy=DeliverPolicy.NEW, ack_policy=AckPolicy.NONE, inactive_threshold=120
                ),
            )

        found = await self._guarded(begin)
        if found is not None:
            self._followed[shard] = found
        return found

    async def _fetch(self, shard: int, subscription: Any) -> list[bytes]:
        from nats.errors import TimeoutError as NothingCame

        async def fetch(_: Client) -> list[bytes]:
            try:
                return [message.data for message in await subscription.fetch(BATCH, timeout=self._poll)]
            except NothingCame:
                return []

        found: list[bytes] | None = await self._guarded(fetch)
        if found is None:
            self._followed.pop(shard, None)
            return []
        return found

    async def _guarded(self, call: Callable[[Client], Awaitable[Any]]) -> Any:
        """Return what `call` returns, or None when the message server fails it."""
        from nats.errors import Error

        client = self._client
        if client is None or not client.is_connected:
            return None
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S + self._poll):
                return await call(client)
        except (Error, TimeoutError, OSError) as error:
            _let_go()
            _log.info("bus.nats", reason=str(error) or type(error).__name__)
            return None


def _let_go() -> None:
    """End a task that was cancelled although the library made an error of its own out of it."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def _close(client: Client) -> None:
    """Close a connection whose server may be gone."""
    try:
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            await client.close()
    except Exception as error:  # the library's own, or the socket's: it is over either way
        _log.info("bus.nats", reason=str(error) or type(error).__name__)


def message(row: tuple[Any, ...], key: bytes) -> bytes:
    """Return a row of the outbox as it stands in the stream: a MAC (32 bytes), then JSON."""
    seq, event, organization, topic, about, payload, at, _, before = row
    body = json.dumps(
        {
            "seq": seq, "id": str(event), "org": str(organization), "topic": topic, "key": about,
            "payload": payload, "at": at.isoformat(), "before": before,
        }
    ).encode()  # fmt: skip
    return hmac.digest(key, body, "sha256") + body


def read_message(text: bytes, key: bytes) -> tuple[ShardEvent, int | None] | None:
    """Return an event and the number of the shard's one before it; None for what others put there."""
    mac, body = text[:32], text[32:]
    if not hmac.compare_digest(mac, hmac.digest(key, body, "sha256")):
        return None
    found: Mapping[str, Any] = json.loads(body)
    event = ShardEvent(
        found["seq"], UUID(found["id"]), UUID(found["org"]), found["topic"], found["key"],
        found["payload"], datetime.fromisoformat(found["at"]),
    )  # fmt: skip
    return event, found["before"]
