"""`--service=db`: the one process that owns the embedded PostgreSQL server of this machine.

It starts (or adopts) the server, brings the schema to head in a child process, announces the endpoint,
hosts the login broker and the database's chores, and restarts the server with back-off when it dies. After
kill -9 of this process the server goes on; the next owner adopts it.
"""

from __future__ import annotations

import asyncio
import subprocess
import threading
import time

import psycopg

from sent.platform.auth.broker import Broker
from sent.platform.db import schema
from sent.platform.db.catalogue import close
from sent.platform.db.embedded import endpoint
from sent.platform.db.embedded.cluster import PORT
from sent.platform.db.engine import Server, disk_full
from sent.platform.db.pitr import present
from sent.platform.db.switch import count_good_start, in_maintenance, settled, wait_for_maintenance
from sent.platform.db.uow import translated
from sent.platform.errors import SentError, Unavailable
from sent.platform.lock import FileLock
from sent.platform.tasks import cancel, spawn
from sent.platform.telemetry.instances import bury
from sent.platform.telemetry.log import get_logger
from sent.platform.update import trial
from sent.workers.base import Worker
from sent.workers.core import Chores
from sent.workers.host import Host
from sent.workers.keeper import Keeper

WATCH_S = 0.5
PROBE_EVERY = 10
"""Between two connections as a probe, `WATCH_S` apart, only the process is looked at."""

BACKOFF_LIMIT_S = 30.0
MIGRATE_S = 4 * 3600.0
"""A migration begins with a snapshot, which takes its time with a large database."""

_log = get_logger("db")


class DatabaseOwner(Worker):
    """Owns the cluster; see the module."""

    needs_database = False

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._lock = FileLock(endpoint.cluster_dir().with_name("owner.lock"))
        self._cluster = present()
        self._keeper: Keeper | None = None
        self._chores: Chores | None = None
        self._server = Server(host=str(self._cluster.socket_dir), port=PORT, dbname=endpoint.DBNAME)
        self._tasks: list[asyncio.Task[None]] = []
        self._restarts = 0
        self._owned = False
        self._down: str | None = "starting"
        self._last_use = time.monotonic()

    async def start(self) -> None:
        """Take the lock, start the server, migrate, announce, open the broker."""
        if not self._lock.acquire():
            raise Unavailable("database.owned", "another process owns this database already")
        self._owned = True
        await asyncio.to_thread(wait_for_maintenance)
        await asyncio.to_thread(self._bring_up)
        await bury(self.host.system)
        broker = Broker(self._server)
        keeper = Keeper(self.host.system, self._cluster, self.host.settings, self.host.instance_id)
        self._keeper = keeper
        self._chores = Chores(self.host.system, self.host.settings, app=self.host.app)
        self._tasks = [
            spawn(keeper.run(), name="keeper"),
            spawn(broker.serve(endpoint.broker_socket()), name="broker"),
            *self._chores.start(),
        ]
        self._down = None

    async def run(self) -> None:
        """Watch the server and restart it; stop the host when nobody used the database for long."""
        backoff = WATCH_S
        turn = 0
        while True:
            await asyncio.sleep(WATCH_S)
            turn += 1
            if in_maintenance():
                await self._make_way()
            elif await asyncio.to_thread(self._healthy, probe=turn % PROBE_EVERY == 0):
                backoff = WATCH_S
                self._down = None
                if turn % PROBE_EVERY == 0:
                    await self._stop_when_idle()
                continue
            self._down = "the server died and is being restarted"
            self._restarts += 1
            _log.warning("db.restart", restarts=self._restarts)
            try:
                await asyncio.to_thread(self._bring_up)
            except SentError as error:
                _log.error("db.restart_failed", reason=error.message, again_in_s=backoff)
                await asyncio.sleep(backoff)
                backoff = min(backoff * 2, BACKOFF_LIMIT_S)

    async def stop(self) -> None:
        """Stop broker and chores, then the server in good order, then give up the lock."""
        await cancel(*self._tasks)
        if self._owned:
            endpoint.withdraw()
            await asyncio.to_thread(self._cluster.stop)
            self._lock.release()

    def metrics(self) -> dict[str, float]:
        """Return how often the server had to be restarted, and rows of time series without a partition."""
        kept = self._keeper.metrics() if self._keeper is not None else {}
        waiting = self._chores.waiting if self._chores is not None else 0
        return {"db_restarts_total": float(self._restarts), "series_rows_waiting": float(waiting), **kept}

    def ready(self) -> list[str]:
        """Return what the server lacks, and what is wrong with the time series."""
        if self._down:
            return [disk_full().message if endpoint.disk_full() else self._down]
        found = self._keeper.reasons() if self._keeper is not None else []
        return [*found, *(self._chores.alarms if self._chores is not None else [])]

    async def _make_way(self) -> None:
        """Stop the server for whoever works on the cluster, and wait until he is done."""
        self._down = "the database is being restored or upgraded"
        _log.info("db.maintenance")
        await asyncio.to_thread(self._cluster.stop)
        await asyncio.to_thread(wait_for_maintenance)

    def _bring_up(self) -> None:
        """Start the server, make the database, migrate, announce; in a thread."""
        try:
            self._start_server()
        except OSError as error:
            # A disk without room for a settings file, a folder that is not mounted: it may come back.
            raise Unavailable("database.start", f"the database cannot be started: {error}") from error

    def _start_server(self) -> None:
        with settled(self._cluster):
            self._cluster.start()
        try:
            wanting = self._make_database()
        except psycopg.Error as error:
            raise translated(error) from error
        if wanting:
            migrate()
        count_good_start()
        endpoint.announce(self._server, self._cluster.system_identifier() or "")

    def _make_database(self) -> bool:
        """Make the database when it is missing; say whether it is to be migrated.

        Raises Invalid when it is newer than this program can use. One that is newer otherwise stays as it is:
        this version came back after an update (`schema.OLDEST`).
        """
        name = self._server.dbname
        with self._cluster.connect("postgres") as connection:
            if connection.execute("select 1 from pg_database where datname = %s", [name]).fetchone() is None:
                connection.execute(f'create database "{name}" template template0')
        with self._cluster.connect(name) as connection:
            there = schema.current(connection)
            if there is not None:
                close(connection)
            if there is None or there <= schema.head():
                return not schema.up_to_date(connection)
            schema.check_fit(schema.noted(connection.execute(schema.NOTED).fetchone()))
            _log.warning("db.newer_schema", database=there, program=schema.head())
            return False

    def _healthy(self, *, probe: bool) -> bool:
        return self._cluster.running_pid() is not None and (not probe or self._cluster.answers())

    async def _stop_when_idle(self) -> None:
        """Stop when only this process uses the database for `--idle-stop` seconds."""
        limit = self.host.options.idle_stop
        if limit is None:
            return
        async with self.host.system.connection() as connection:
            found = await connection.execute(
                "select count(*) from pg_stat_activity where backend_type = 'client backend'"
                " and application_name <> all (%s)",
                [["sent db", "sent broker", ""]],
            )
            row = await found.fetchone()
            await connection.rollback()
        busy = self._keeper is not None and self._keeper.working
        if busy or (row is not None and row[0] > 0):
            self._last_use = time.monotonic()
        elif time.monotonic() - self._last_use > limit:
            _log.info("db.idle_stop", after_s=limit)
            self.host.stopping.set()


def migrate() -> None:
    """Bring the schema to head in a child process (alembic would stay in memory for months).

    What the child says goes to the log. Raises Unavailable with its last words; for a version on trial an
    error that is no excuse, so that the version before, which suits the schema that is there, comes back.
    """
    with (
        subprocess.Popen(
            [*endpoint.program(), "db", "migrate"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as child,
        trial.busy(),
    ):
        words: list[str] = []
        late = threading.Timer(MIGRATE_S, child.kill)
        late.start()
        try:
            for line in child.stderr or ():
                words = [*words, line.strip()][-3:]
                _log.info("db.migrate", said=line.strip()[:400])
        finally:
            late.cancel()
    if child.returncode != 0:
        text = f"the schema could not be updated: {' / '.join(words)}"
        raise (
            SentError("database.migrate", text) if trial.on_trial() else Unavailable("database.migrate", text)
        )
