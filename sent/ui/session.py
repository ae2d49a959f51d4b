"""A signed-in session: its database, its credential's renewal, its pings and its bus feed.

Lives on the bridge's thread. A credential lasts minutes and is renewed when half of that is over, so it never
runs out while the console is open; open connections survive the change.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from sent.platform.context import Ctx
from sent.platform.db.schema import NOTED, check_fit, noted
from sent.platform.errors import Denied, SentError, Unavailable
from sent.platform.tasks import cancel, spawn
from sent.platform.telemetry.log import Secret, get_logger

if TYPE_CHECKING:
    from sent.platform.auth.client import Credential
    from sent.platform.db.engine import Database
    from sent.ui.bridge import Bridge

PING_EVERY_S = 5.0
PING_LIMIT_S = 3.0
BACK_OFF_S = (1.0, 2.0, 4.0, 8.0, 15.0)
COALESCE_S = 0.05
POOL = 3
"""Connections beside the feed's: two consoles of one membership stay within its role's limit of eight."""

_log = get_logger("console")


class Renewer(Protocol):
    """What the session needs of BrokerClient."""

    async def renew(self, session: Secret) -> Credential:
        """Extend the credential."""
        ...

    async def logout(self, session: Secret) -> None:
        """End the session."""
        ...


Connect = Callable[["Credential", Callable[[], Awaitable[Secret]]], "Database"]


def connect(credential: Credential, password: Callable[[], Awaitable[Secret]]) -> Database:
    """Return the membership's database."""
    from sent.platform.db.engine import Database, Server

    # The pool would tell each of its attempts on stderr; the session's pings tell of a lost server, once.
    logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)
    server = Server(host=credential.host, port=credential.port, dbname=credential.dbname)
    return Database(server, credential.role, password, trusted=False, size=POOL, name="sent console")


async def refuse_unfit(database: Database) -> None:
    """Raise Invalid or Unavailable, with the cure, unless this program and the schema go together."""
    async with database.connection() as connection:
        found = noted(await (await connection.execute(NOTED)).fetchone())
        await connection.rollback()
    check_fit(found)


class Session:
    """One membership at work."""

    def __init__(
        self,
        bridge: Bridge,
        client: Renewer,
        credential: Credential,
        *,
        revive: Callable[[], Awaitable[object]],
        connect: Connect = connect,
        topics: tuple[str, ...] = ("*",),
    ) -> None:
        self.credential = credential
        self._bridge, self.client, self._connect = bridge, client, connect
        self._revive, self._topics = revive, topics
        self._database = connect(credential, self._password)
        self._doubt = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._hints: list[tuple[str, dict[str, str]]] = []

    @property
    def ctx(self) -> Ctx:
        """Return organisation, actor and the database in use now."""
        return Ctx(db=self._database, org=self.credential.organization_id, actor=self.credential.person_id)

    async def open(self) -> None:
        """Connect once and start pings, renewal and feed.

        Raises Unavailable, or what says that this program and the database's schema do not go together.
        """
        await self._database.open()
        await self._ping()
        await refuse_unfit(self._database)
        self._tasks = [
            spawn(self._watch(), name="console ping"),
            spawn(self._renew(), name="console renewal"),
            spawn(self._listen(), name="console feed"),
        ]

    async def close(self) -> None:
        """Stop the tasks and close the connections."""
        await cancel(*self._tasks)
        await self._database.close()

    async def logout(self) -> None:
        """End the session at the broker and here."""
        await self.close()
        with contextlib.suppress(SentError):
            await self.client.logout(self.credential.session)

    def suspect(self) -> None:
        """Look at the connection now: something failed."""
        self._doubt.set()

    def replace_database(self) -> None:
        """Leave the pool with its hanging connections and use a new one."""
        old, self._database = self._database, self._connect(self.credential, self._password)
        spawn(self._swap(old, self._database), name="console pool")
        self._doubt.set()

    async def _swap(self, old: Database, new: Database) -> None:
        await new.open()
        await old.close()

    async def _password(self) -> Secret:
        if (self.credential.valid_until - datetime.now(UTC)).total_seconds() < 5:
            self.credential = await self.client.renew(self.credential.session)
        return self.credential.password

    async def _ping(self) -> float:
        """Return the round trip in milliseconds; raises Unavailable."""
        started = time.perf_counter()
        async with self._database.connection() as connection:
            started = time.perf_counter()
            await connection.execute("select 1")
            await connection.rollback()
        latency = (time.perf_counter() - started) * 1000
        self._bridge.set_state("online", latency)
        return latency

    async def _watch(self) -> None:
        failures = 0
        while True:
            pause = BACK_OFF_S[min(failures, len(BACK_OFF_S)) - 1] if failures else PING_EVERY_S
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._doubt.wait(), pause)
            self._doubt.clear()
            if failures:
                await self._mend()
            if await self._answers():
                failures = 0
            else:
                failures += 1
                self._bridge.set_state("offline")
                if failures:
                    await asyncio.sleep(0.2)

    async def _answers(self) -> bool:
        """Ping within the limit; a ping that hangs is abandoned with its pool."""
        task = spawn(self._quiet_ping(), name="console ping once")
        finished, _ = await asyncio.wait({task}, timeout=PING_LIMIT_S)
        if finished:
            return bool(task.result())
        task.cancel()
        return False

    async def _quiet_ping(self) -> bool:
        try:
            await self._ping()
        except (SentError, OSError) as error:
            _log.warning("console.offline", error=str(error))
            return False
        except Exception as error:
            # A connection that breaks in the middle raises what its driver likes.
            _log.warning("console.offline", error=str(error))
            return False
        return True

    async def _mend(self) -> None:
        """Start the server's owner again when it is gone, and use a fresh pool."""
        with contextlib.suppress(SentError, OSError, TimeoutError):
            await asyncio.wait_for(self._revive(), 20)
        old, self._database = self._database, self._connect(self.credential, self._password)
        await self._database.open()
        spawn(old.close(), name="console pool")

    async def _renew(self) -> None:
        while True:
            left = (self.credential.valid_until - datetime.now(UTC)).total_seconds()
            await asyncio.sleep(max(2.0, left / 2))
            try:
                self.credential = await self.client.renew(self.credential.session)
            except Unavailable:
                await asyncio.sleep(3)
            except Denied as error:
                self._bridge.post(partial(self._bridge.session_ended.emit, error.message))
                return

    async def _listen(self) -> None:
        """Turn bus events into hints, coalesced; without a bus the pages' own timers serve."""
        try:
            from sent.platform.bus.feed import Feed
        except ImportError:
            return
        feed: Any = Feed(self.ctx, list(self._topics))
        with contextlib.suppress(Denied):
            # A login that was ended: the renewal says so, and the next session brings its own feed.
            await self._pass_on(feed)

    async def _pass_on(self, feed: Any) -> None:
        async for batch in feed:
            first = not self._hints
            self._hints += [(event.topic, dict(event.payload)) for event in batch[-500:]]
            del self._hints[:-500]
            if first:
                asyncio.get_running_loop().call_later(COALESCE_S, self._flush)

    def _flush(self) -> None:
        hints, self._hints = self._hints, []
        self._bridge.post(lambda: self._bridge.hint.emit(hints))
