"""Fixtures of all tests: a throw-away installation and a real PostgreSQL server.

The session has one embedded cluster with a migrated template; every test that asks for `server` gets a
database of its own, cloned from it.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
import scratch
from clusters import clone
from tenants import member_db, org_a, org_b

__all__ = ["member_db", "org_a", "org_b"]

# Before anything of SENT is imported: tests never see the machine's own installation.
_SCRATCH = scratch.begin()
_STATE = _SCRATCH / "state"
_STATE.mkdir(mode=0o755)
os.environ["SENT_STATE_DIR"] = str(_STATE)
for _name in ("SENT_DATABASE_URL", "SENT_PROFILE", "SENT_CONFIG_DIR", "SENT_RUNTIME_DIR", "SENT_ENGINE_PATH"):
    os.environ.pop(_name, None)
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

if TYPE_CHECKING:
    from sent.platform.db.embedded.cluster import Cluster
    from sent.platform.db.engine import Database, Server

ROOT = Path(__file__).resolve().parent.parent


def pytest_sessionfinish() -> None:
    """Remove the throw-away installation."""
    scratch.end(_SCRATCH)


@pytest.fixture(scope="session")
def test_data() -> Path:
    """Return the folder of shared test data; skip (or fail where it is required) without it."""
    places = [Path(os.environ["SENT_TEST_DATA"])] if "SENT_TEST_DATA" in os.environ else []
    places.append(ROOT.parent / "shared" / "data")
    for place in places:
        if (place / "README.md").is_file():
            return place
    reason = "no shared test data: set SENT_TEST_DATA"
    if os.environ.get("SENT_REQUIRE_TEST_DATA") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Start the session's embedded server with a migrated database `sent_template`."""
    from sent.platform.config import paths
    from sent.platform.config.secrets import role_password
    from sent.platform.db.embedded.cluster import PORT, SUPERUSER, Cluster
    from sent.platform.db.engine import Server
    from sent.platform.db.migrate import upgrade

    found = Cluster(paths.state_dir() / "db", paths.runtime_dir() / "pg", role_password(SUPERUSER))
    found.start()
    try:
        with found.connect("postgres") as connection:
            connection.execute("create database sent_template template template0")
        server = Server(host=str(found.socket_dir), port=PORT, dbname="sent_template")
        upgrade(server, SUPERUSER, found.password)
        yield found
    finally:
        found.stop("immediate")


@pytest.fixture
def server(cluster: Cluster) -> Iterator[Server]:
    """Return a migrated database of this test's own."""
    with clone(cluster, f"test_{uuid4().hex[:12]}") as found:
        yield found


@pytest.fixture
async def app_db(server: Server) -> AsyncIterator[Database]:
    """Return the test's database as `sent_app`."""
    async with _service(server, "sent_app") as db:
        yield db


@pytest.fixture
async def system_db(server: Server) -> AsyncIterator[Database]:
    """Return the test's database as `sent_system`."""
    async with _service(server, "sent_system") as db:
        yield db


@pytest.fixture
async def ingest_db(server: Server) -> AsyncIterator[Database]:
    """Return the test's database as `sent_ingest`."""
    async with _service(server, "sent_ingest") as db:
        yield db


def _service(server: Server, role: str) -> Database:
    from sent.platform.config.secrets import role_password
    from sent.platform.db.engine import Database, fixed

    return Database(server, role, fixed(role_password(role)), trusted=True, name=f"test {role}")
