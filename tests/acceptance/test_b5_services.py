"""B5: services go over to a new version while they work: nothing is lost, nothing is done twice."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import versions
from radar_worker import free_port
from versions import add, managed, switch, wait

from sent.engines.radar import api as radar
from sent.engines.radar.receiving.access import new_token
from sent.platform.db.uow import uow
from sent.platform.update import trial
from sent.platform.update.layout import Layout

if TYPE_CHECKING:
    from tenants import OrgFixture

    from sent.platform.db.embedded.cluster import Cluster
    from sent.platform.db.engine import Server

pytestmark = pytest.mark.timeout(240)

JOBS = 500
"""Of two organisations: one alone never has all slots of a worker."""

FEW = 40
SHORT = {"SENT_TRIAL_SECONDS": "4"}

EVENTS = 25
"""Events in one request."""

ENGINE = '''
"""Work that is counted."""
from __future__ import annotations
from sent.platform.manifest import Manifest, Task
MANIFEST = Manifest(
    id="counting", title="Counting", area="business", icon="car", summary="Counts.", order=999,
    tasks=(Task("counting.count", "Count one", "sent.engines.counting.tasks:count"),),
)
'''
TASKS = '''
"""The work: its effect comes first, so that a run that is cut off and done again is seen twice."""
from __future__ import annotations
import asyncio
from sent.platform.db.uow import uow
async def count(ctx, *, number):
    async with uow(ctx) as tx:
        await tx.execute(
            "insert into core.client (name, code) values (%s, left(gen_random_uuid()::text, 18))",
            [f"job {number}"],
        )
    await asyncio.sleep(0.1)
'''


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """Return an installation of 1.0."""
    return versions.installed(tmp_path / "sent", "1.0")


@pytest.fixture
def environment(server: Server, tmp_path: Path) -> dict[str, str]:
    """Return that of services on the test's database, with an engine whose work is counted."""
    engine = tmp_path / "engines" / "counting"
    engine.mkdir(parents=True)
    (engine / "__init__.py").write_text('"""Counting."""\n')
    (engine / "manifest.py").write_text(ENGINE)
    (engine / "tasks.py").write_text(TASKS)
    (tmp_path / "run").mkdir()
    return {
        **os.environ,
        "SENT_DATABASE_URL": f"postgresql://sent@/{server.dbname}?host={server.host}&port={server.port}",
        "SENT_RUNTIME_DIR": str(tmp_path / "run"),
        "SENT_ENGINE_PATH": str(engine.parent),
        "SENT_TRIAL_SECONDS": "40",
    }


class Work:
    """Jobs that are ordered and events that are sent; what became of each."""

    def __init__(self, cluster: Cluster, server: Server) -> None:
        self._connection = cluster.connect(server.dbname)
        self.sent = 0
        self._stop = threading.Event()

    def close(self) -> None:
        self._connection.close()

    def done(self) -> Counter[str]:
        """Return how often each job was done."""
        rows = self._connection.execute("select name from core.client where name like 'job %'").fetchall()
        return Counter(str(name) for (name,) in rows)

    @contextmanager
    def sending(self, port: int, token: str) -> Iterator[None]:
        """Send events all the time; what got no 200 is sent again."""
        thread = threading.Thread(target=self._send, args=(port, token))
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join(60)
            assert not thread.is_alive()

    def _send(self, port: int, token: str) -> None:
        while not self._stop.is_set():
            body = "\n".join(json.dumps({"n": self.sent + one}) for one in range(EVENTS))
            give_up = time.monotonic() + 60
            while not _taken(port, token, body):
                assert time.monotonic() < give_up, "nobody takes the events"
                time.sleep(0.05)
            self.sent += EVENTS
            time.sleep(0.02)


@pytest.fixture
def work(cluster: Cluster, server: Server) -> Iterator[Work]:
    """Return the work on the test's database."""
    found = Work(cluster, server)
    yield found
    found.close()


def _taken(port: int, token: str, body: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", "/", body, {"Authorization": f"Bearer {token}"})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


async def ordered(org: OrgFixture, first: int, amount: int) -> None:
    """Order jobs, numbered from `first`."""
    async with uow(org.ctx) as tx:
        await tx.execute(
            "select core.defer('counting.count', jsonb_build_object('number', n))"
            " from generate_series(%s::int, %s) n",
            [first, first + amount - 1],
        )


def every_job(amount: int) -> Counter[str]:
    return Counter(f"job {number}" for number in range(amount))


async def test_b5_services_update_themselves_while_they_work(
    layout: Layout,
    environment: dict[str, str],
    tmp_path: Path,
    work: Work,
    org_a: OrgFixture,
    org_b: OrgFixture,
) -> None:
    """Jobs are worked and events come in over TCP while `current` moves two times."""
    token, port = new_token(), free_port(socket.SOCK_STREAM)
    await radar.add_source(org_a.ctx, "Door", "http", f"127.0.0.1:{port}", token=token)
    await ordered(org_a, 0, JOBS // 2)
    await ordered(org_b, JOBS // 2, JOBS // 2)

    def watched() -> None:
        with managed(layout, environment, tmp_path, "--service=jobs", "--service=radar") as running:
            with work.sending(port, token):
                for number, version in enumerate(("1.1", "1.2"), start=1):
                    there = work.sent
                    wait(running, lambda n=number: work.done().total() >= n * JOBS // 4, "work goes on")
                    wait(running, lambda n=there: work.sent >= n + 4 * EVENTS, "events are taken")
                    add(layout, version)
                    switch(layout, version)
                    wait(running, lambda n=number: all(one.ready() > n for one in running), "all are ready")
                    assert [one.version() for one in running] == [version, version]
                there = work.sent
                wait(running, lambda: work.sent >= there + 4 * EVENTS, "events are taken")
            wait(running, lambda: work.done().total() >= JOBS, "all jobs are done")
            assert [one.ended for one in running] == [[], []], "each stayed the same process"

    await asyncio.to_thread(watched)
    assert trial.trial(layout) is None
    assert trial.failed(layout) == {}
    assert work.done() == every_job(JOBS)
    async with uow(org_a.ctx) as tx:
        rows = await (await tx.execute("select (fields ->> 'n')::int from radar.event")).fetchall()
    assert Counter(number for (number,) in rows) == Counter(range(work.sent))


@pytest.mark.parametrize("instead", ["exit 1", "exec sleep 300"], ids=["fails", "hangs"])
async def test_b5_a_version_whose_services_do_not_start_is_taken_back_and_work_goes_on(
    layout: Layout,
    environment: dict[str, str],
    tmp_path: Path,
    work: Work,
    org_a: OrgFixture,
    instead: str,
) -> None:
    """Two services find the bad version at the same time."""
    await ordered(org_a, 0, FEW)

    def watched() -> float:
        with managed(layout, environment | SHORT, tmp_path, "--service=jobs", "--service=core") as running:
            wait(running, lambda: work.done().total() >= 6, "work goes on")
            add(layout, "1.1", instead=instead)
            switch(layout, "1.1")
            back = wait(running, lambda: layout.running() == "1.0", "the version is taken back")
            back += wait(
                running,
                lambda: (
                    all(one.settled() and one.version() == "1.0" for one in running)
                    and running[0].ready() + running[1].ready() > 2
                ),
                "both run",
            )
            wait(running, lambda: work.done().total() >= FEW, "all jobs are done")
            assert [one.ended for one in running] == [[], []], "each stayed the same process"
        return back

    assert await asyncio.to_thread(watched) <= 90
    assert list(trial.failed(layout)) == ["1.1"]
    assert work.done() == every_job(FEW)


async def test_b5_a_supervisor_is_replaced_with_all_its_children(
    layout: Layout, environment: dict[str, str], tmp_path: Path, work: Work, org_a: OrgFixture
) -> None:
    """The update has proved itself when all children are ready, not when the supervisor is."""
    await ordered(org_a, 0, FEW)

    def watched() -> None:
        words = "--service=supervisor --services=jobs,core"
        with managed(layout, environment, tmp_path, words) as (service,):
            wait([service], lambda: work.done().total() >= 6, "work goes on")
            before = service.children()
            add(layout, "1.1")
            switch(layout, "1.1")
            wait([service], lambda: service.ready() >= 6, "the supervisor and both children are ready")
            wait([service], lambda: trial.trial(layout) is None, "the version has proved itself")
            assert service.version() == "1.1"
            assert not set(before) & set(service.children())
            wait([service], lambda: work.done().total() >= FEW, "all jobs are done")
            assert service.ended == []

    await asyncio.to_thread(watched)
    assert work.done() == every_job(FEW)
    assert trial.failed(layout) == {}


async def test_b5_a_supervisor_whose_child_does_not_start_goes_back_with_all_of_them(
    layout: Layout, environment: dict[str, str], tmp_path: Path, work: Work, org_a: OrgFixture
) -> None:
    await ordered(org_a, 0, FEW)

    def watched() -> None:
        words = "--service=supervisor --services=core,jobs"
        with managed(layout, environment | SHORT, tmp_path, words) as (service,):
            wait([service], lambda: work.done().total() >= 6, "work goes on")
            add(layout, "1.1")
            program = layout.folder("1.1") / "sent"
            refuses = "case $* in *--service=jobs*) exit 1 ;; esac"
            program.write_text(program.read_text().replace("exec", f"{refuses}\nexec", 1))
            switch(layout, "1.1")
            wait([service], lambda: layout.running() == "1.0", "the version is taken back", seconds=90)
            wait([service], lambda: work.done().total() >= FEW, "all jobs are done")
            assert service.ended == []

    await asyncio.to_thread(watched)
    assert work.done() == every_job(FEW)
    assert list(trial.failed(layout)) == ["1.1"]
