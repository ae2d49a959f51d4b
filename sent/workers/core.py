"""`--service=core`: the chores of an external database; an embedded one has them done by its owner.

The outbox's dispatcher (and the relay to a message server), the time series' upkeep, the seals over the
audit trail, notifications, the sweep of dead instances and this machine's updates. Each may run in several
processes: dispatcher, relay and sealer hold an advisory lock, notifications are claimed, an update holds a
lock of the machine, the others are idempotent.
"""

from __future__ import annotations

import asyncio

from sent.platform.audit.sealer import Sealer
from sent.platform.bus.outbox import Dispatcher
from sent.platform.bus.source import OutboxSource
from sent.platform.config.settings import Settings, load
from sent.platform.db.engine import Database
from sent.platform.db.upkeep import alarms, care, tell
from sent.platform.errors import SentError
from sent.platform.notify.sender import Sender
from sent.platform.tasks import cancel, spawn
from sent.platform.telemetry.instances import sweep
from sent.platform.telemetry.log import get_logger
from sent.workers.base import Worker
from sent.workers.host import Host
from sent.workers.updating import Updating
from sent.workers.watch import watch

UPKEEP_S = 15.0
TELL_POLL_S = 15.0
"""Notifications of the dispatcher wake the consumer; this is for those that got lost."""

_log = get_logger("core")


class Chores:
    """What a database needs done, as `sent_system`."""

    def __init__(
        self, db: Database, settings: Settings | None = None, *, app: Database | None = None
    ) -> None:
        """With `app` (as `sent_app`) people are also told of what happens."""
        self._db = db
        self._app = app
        self._settings = settings or load()
        self.alarms: list[str] = []
        """What is wrong with the time series, in words."""
        self.waiting = 0
        """Rows of time series that have no partition."""

    def start(self) -> list[asyncio.Task[None]]:
        """Start the chores; the caller cancels the tasks."""
        return [
            spawn(Dispatcher(self._db).run(), name="dispatcher"),
            spawn(self._upkeep(), name="upkeep"),
            spawn(watch(self._db), name="watch"),
            spawn(Sealer(self._db).run(), name="sealer"),
            spawn(Sender(self._db).run(), name="sender"),
            spawn(Updating().run(), name="updating"),
            *self._tellers(),
            *self._relay(),
        ]

    def _tellers(self) -> list[asyncio.Task[None]]:
        """Tell people of the events they asked for."""
        if self._app is None:
            return []
        from sent.engines.notifications.consumers import consumer

        teller = consumer(self._db, self._app, OutboxSource(self._db, poll=TELL_POLL_S))
        return [spawn(teller.run(), name="teller")]

    def _relay(self) -> list[asyncio.Task[None]]:
        """Pass events on where the site has a message server."""
        if self._settings.nats_url is None:
            return []
        from sent.platform.bus.nats import Relay

        relay = Relay(self._db, self._settings.nats_url, credentials=self._settings.nats_credentials)
        return [spawn(relay.run(), name="relay")]

    async def _upkeep(self) -> None:
        before: dict[tuple[str, str], str] = {}
        told: set[tuple[str, str]] = set()
        while True:
            try:
                self.waiting = (await care(self._db)).waiting
                found = await alarms(self._db)
                # Late rows that came a moment ago have no partition either: twice in a row is an alarm.
                lasting = {key: words for key, words in found.items() if key in before}
                self.alarms, before = list(lasting.values()), found
                for (series, kind), words in lasting.items():
                    if (series, kind) not in told:
                        await tell(self._db, series, kind, words)
                told = set(lasting)
                await sweep(self._db)
            except SentError as error:
                _log.warning("upkeep.failed", reason=error.message)
            await asyncio.sleep(UPKEEP_S)


class Core(Worker):
    """The chores as a service."""

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._tasks: list[asyncio.Task[None]] = []
        self._chores: Chores | None = None

    async def start(self) -> None:
        """Start the chores."""
        self._chores = Chores(self.host.system, self.host.settings, app=self.host.app)
        self._tasks = self._chores.start()

    async def run(self) -> None:
        """Wait; the chores work."""
        await asyncio.gather(*self._tasks)

    async def stop(self) -> None:
        """End the chores; each is one transaction and starts over elsewhere."""
        await cancel(*self._tasks)

    def metrics(self) -> dict[str, float]:
        """Return how many rows of time series have no partition."""
        return {"series_rows_waiting": float(self._chores.waiting if self._chores is not None else 0)}

    def ready(self) -> list[str]:
        """Return what is wrong with the time series."""
        return self._chores.alarms if self._chores is not None else []
