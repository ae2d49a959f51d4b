"""All database and network work of the console: one thread, one selector event loop.

    handle = bridge.run(lambda: api.alerts(bridge.ctx, filter), owner=page, done=show, failed=report)
    handle.cancel()

Results come back as Qt signals on the console's thread; those of a destroyed owner are dropped. `cancel`
and the time limit give control back at once: the caller is told, the work is abandoned, and when it does not
end by itself (a server that hangs cannot answer a cancel request either) the connections are replaced.
psycopg refuses the event loop that Windows prefers, and its C code holds the interpreter for as long as a
result is read: so the loop is a selector loop and nobody asks for more than `ROWS_PER_TRIP` rows at a time.
"""

from __future__ import annotations

import asyncio
import selectors
import threading
import weakref
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

from PySide6.QtCore import QObject, Qt, Signal
from shiboken6 import isValid

from sent.platform.context import Ctx
from sent.platform.errors import SentError, Unavailable
from sent.platform.i18n import tr
from sent.platform.tasks import spawn
from sent.platform.telemetry.log import get_logger

if TYPE_CHECKING:
    from sent.ui.session import Session

T = TypeVar("T")

ROWS_PER_TRIP = 2000
TIME_LIMIT_S = 30.0
ABANDON_AFTER_S = 1.0

_log = get_logger("console")


class Handle:
    """One piece of work in the background."""

    def __init__(
        self,
        bridge: Bridge,
        owner: QObject,
        done: Callable[[Any], None],
        failed: Callable[[SentError], None] | None,
    ) -> None:
        self._bridge = bridge
        self.owner = weakref.ref(owner)
        self.done, self.failed = done, failed
        self.task: asyncio.Task[None] | None = None
        self.over = False

    def cancel(self) -> None:
        """Drop the work; neither `done` nor `failed` will be called."""
        if not self.over:
            self.over = True
            self._bridge.abandon(self)


class Bridge(QObject):
    """The background thread; made and used on the console's thread."""

    delivered = Signal(object)
    """Internal: a callable for the console's thread."""
    connection_changed = Signal(str, float)
    """online | offline | starting, and the round trip in milliseconds."""
    session_ended = Signal(str)
    """The login ended for a reason (text); pages stay as they are."""
    hint = Signal(list)
    """Bus hints [(topic, payload)], at most one signal per 50 ms."""

    def __init__(self) -> None:
        super().__init__()
        self.apis: dict[str, Any] = {}
        self.session: Session | None = None
        self.state = "starting"
        self._open: set[Handle] = set()
        self._loop: asyncio.SelectorEventLoop | None = None
        self._thread: threading.Thread | None = None
        self.delivered.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    def start(self) -> None:
        """Start the thread."""
        ready = threading.Event()
        self._thread = threading.Thread(target=self._main, args=[ready], name="bridge", daemon=True)
        self._thread.start()
        ready.wait()

    def stop(self, timeout: float = 2.0) -> None:
        """End the session and the thread; what does not end in time is left behind (daemon)."""
        loop, self._loop = self._loop, None
        if loop is None or self._thread is None:
            return
        loop.call_soon_threadsafe(lambda: spawn(self._shut(loop), name="bridge shut"))
        self._thread.join(timeout)

    @property
    def ctx(self) -> Ctx:
        """Return organisation, actor and database of the session; raises Unavailable before sign-in."""
        if self.session is None:
            raise Unavailable("session.none", tr("Nobody is signed in"))
        return self.session.ctx

    def api(self, engine: str) -> Any:
        """Return `sent.engines.<engine>.api`; imported on the thread that calls (use it inside `make`)."""
        if engine not in self.apis:
            self.apis[engine] = import_module(f"sent.engines.{engine}.api")
        return self.apis[engine]

    def run(
        self,
        make: Callable[[], Awaitable[T]],
        *,
        owner: QObject,
        done: Callable[[T], None],
        failed: Callable[[SentError], None] | None = None,
        label: str | None = None,
        limit: float | None = TIME_LIMIT_S,
    ) -> Handle:
        """Await `make()` in the background; `done` or `failed` is called here, unless `owner` is gone.

        After `limit` seconds `failed` gets Unavailable and the work is abandoned (None: no limit).
        """
        handle = Handle(self, owner, done, failed)
        self._open.add(handle)
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._begin, handle, make, label or "console", limit)
        return handle

    def post(self, call: Callable[[], object]) -> None:
        """Call `call` on the console's thread (from the background)."""
        self.delivered.emit(call)

    def spawn(self, make: Callable[[], Awaitable[Any]], *, name: str) -> None:
        """Start work that reports to nobody (renewal, pings); its errors are logged."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(lambda: spawn(_awaited(make), name=name))

    @property
    def pending(self) -> int:
        """Return how many answers are still awaited."""
        return len(self._open)

    def abandon(self, handle: Handle) -> None:
        """Cancel the handle's task and replace the connections when it hangs."""
        self._open.discard(handle)
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._abandon, handle)

    def set_state(self, state: str, latency_ms: float = 0.0) -> None:
        """Report the connection's state (any thread)."""
        self.state = state
        self.post(lambda: self.connection_changed.emit(state, latency_ms))

    def _main(self, ready: threading.Event) -> None:
        loop = asyncio.SelectorEventLoop(selectors.DefaultSelector())
        asyncio.set_event_loop(loop)
        self._loop = loop
        loop.call_soon(ready.set)
        try:
            loop.run_forever()
        finally:
            loop.close()

    async def _shut(self, loop: asyncio.AbstractEventLoop) -> None:
        if self.session is not None:
            await asyncio.wait({asyncio.ensure_future(self.session.close())}, timeout=1.0)  # noqa: TID251
        rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in rest:
            task.cancel()
        if rest:
            await asyncio.wait(rest, timeout=0.5)
        loop.stop()

    def _begin(
        self, handle: Handle, make: Callable[[], Awaitable[Any]], label: str, limit: float | None
    ) -> None:
        if handle.over:
            return
        handle.task = spawn(self._work(handle, make), name=label)
        if limit is not None:
            timer = asyncio.get_running_loop().call_later(limit, self._expire, handle)
            handle.task.add_done_callback(lambda _: timer.cancel())

    async def _work(self, handle: Handle, make: Callable[[], Awaitable[Any]]) -> None:
        try:
            value = await make()
        except SentError as error:
            self._fail(handle, error)
        except Exception as error:
            _log.error("console.work_failed", exc_info=error)
            self._fail(handle, SentError("console.failed", f"{type(error).__name__}: {error}"))
        else:
            self.delivered.emit(lambda: self._finish(handle, handle.done, value))

    def _expire(self, handle: Handle) -> None:
        self._fail(handle, Unavailable("database.timeout", tr("The server did not answer in time")))
        self._abandon(handle)

    def _abandon(self, handle: Handle) -> None:
        task = handle.task
        if task is None or task.done():
            return
        task.cancel()
        asyncio.get_running_loop().call_later(ABANDON_AFTER_S, self._insist, task, 5)

    def _insist(self, task: asyncio.Task[None], times: int) -> None:
        """Cancel again what swallowed it: psycopg waits for the server's answer to its own cancel request."""
        if task.done() or not times:
            return
        if times == 5 and self.session is not None:
            self.session.replace_database()
        task.cancel()
        asyncio.get_running_loop().call_later(ABANDON_AFTER_S, self._insist, task, times - 1)

    def _fail(self, handle: Handle, error: SentError) -> None:
        if error.code == "database.unreachable" and self.session is not None:
            self.session.suspect()
        failed = handle.failed or _ignore
        self.delivered.emit(lambda: self._finish(handle, failed, error))

    def _finish(self, handle: Handle, call: Callable[[Any], None], value: Any) -> None:
        self._open.discard(handle)
        owner = handle.owner()
        if handle.over:
            return
        handle.over = True
        if owner is None or not isValid(owner):
            return
        call(value)

    @staticmethod
    def _deliver(call: Callable[[], None]) -> None:
        call()


def _ignore(error: SentError) -> None:
    """The caller did not ask to hear of failures."""


async def _awaited(make: Callable[[], Awaitable[Any]]) -> None:
    await make()
