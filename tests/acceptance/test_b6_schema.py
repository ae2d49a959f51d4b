"""B6: programs and databases of different schemas: who goes on, who refuses, who waits, and the way back."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from clusters import reachable_folder
from installation import installation
from radar_worker import Worker
from tenants import member_database

from sent.platform.config.secrets import role_password
from sent.platform.db import schema
from sent.platform.db.engine import Database, fixed
from sent.platform.db.schema import Noted
from sent.platform.errors import Invalid, Unavailable
from sent.platform.tasks import spawn
from sent.ui.session import refuse_unfit

if TYPE_CHECKING:
    from tenants import OrgFixture

    from sent.platform.db.embedded.cluster import Cluster
    from sent.platform.db.engine import Server

NEWER = Noted("0030", "0024", "1.4.0")


@pytest.mark.parametrize("own", ["0024", "0027", "0030"])
def test_b6_a_program_within_what_the_schema_supports_goes_on(own: str) -> None:
    schema.check_fit(NEWER, own)


def test_b6_an_older_program_is_told_which_version_it_needs() -> None:
    with pytest.raises(Invalid, match=r"update this SENT to 1\.4\.0 or newer"):
        schema.check_fit(NEWER, "0023")


def test_b6_a_newer_program_asks_to_update_the_server() -> None:
    with pytest.raises(Unavailable, match="update SENT where the database runs"):
        schema.check_fit(NEWER, "0031")


def test_b6_a_database_without_notes_is_taken_as_it_is() -> None:
    assert schema.noted(("0023", None, "0.1.0")) is None
    schema.check_fit(None, "0001")


async def test_b6_a_migration_leaves_the_notes_where_everybody_reads_them(server: Server) -> None:
    for role in ("sent_app", "sent_system", "sent_ingest"):
        async with (
            Database(server, role, fixed(role_password(role)), trusted=True, name="test") as db,
            db.connection() as connection,
        ):
            found = schema.noted(await (await connection.execute(schema.NOTED)).fetchone())
            await connection.rollback()
        assert found == Noted(schema.head(), min(schema.OLDEST, schema.head()), "0.1.0")


def note(cluster: Cluster, name: str, revision: str, oldest: str, version: str) -> None:
    """Have a database say that a program of `version` migrated it."""
    with cluster.connect(name) as connection:
        for component, value in (("schema", revision), ("schema oldest", oldest), ("sent", f"{version}+x")):
            connection.execute(
                "update core.component_version set version = %s where component = %s", [value, component]
            )


async def ended(server: Server, folder: Path) -> tuple[int, str]:
    """Start a service that is expected to end; returns code and words."""
    worker = Worker(server, folder, service="jobs", SENT_LOG_LEVEL="info")
    with pytest.raises(AssertionError) as error:
        await worker.start()
    assert worker.process is not None
    return await worker.process.wait(), str(error.value)


async def test_b6_a_service_goes_on_with_a_newer_schema_within_bounds_and_refuses_outside(
    cluster: Cluster, server: Server, tmp_path: Path
) -> None:
    note(cluster, server.dbname, "9998", schema.head(), "9.9")
    worker = Worker(server, tmp_path, service="jobs")
    await worker.start()
    assert await worker.end(signal.SIGTERM) == 0
    note(cluster, server.dbname, "9998", "9997", "9.9")
    code, said = await ended(server, tmp_path)
    assert code == 65
    assert "update this SENT to 9.9 or newer" in said


async def test_b6_a_service_waits_for_the_migration_of_its_database(
    cluster: Cluster, server: Server, tmp_path: Path
) -> None:
    note(cluster, server.dbname, "0001", "0001", "0.0.1")
    worker = Worker(server, tmp_path, service="jobs")
    starting = spawn(worker.start(), name="worker")
    await asyncio.sleep(2)
    assert not starting.done(), "it waits"
    note(cluster, server.dbname, schema.head(), schema.OLDEST, "0.1.0")
    await starting
    assert await worker.end(signal.SIGTERM) == 0


async def test_b6_a_console_refuses_a_schema_it_is_too_old_for(
    cluster: Cluster, server: Server, org_a: OrgFixture
) -> None:
    """With its own role, before anything of the organisation is shown."""
    async with member_database(server, org_a.membership) as db:
        await refuse_unfit(db)
        note(cluster, server.dbname, "9998", "9997", "9.9")
        with pytest.raises(Invalid, match=r"update this SENT to 9\.9 or newer"):
            await refuse_unfit(db)


def test_b6_the_owner_keeps_a_newer_schema_when_its_version_comes_back(cluster: Cluster) -> None:
    """The program goes back after an update, the schema stays and nothing is restored."""
    newer = (
        "from sent.platform.db.admin import admin_connection\n"
        "said = 'update core.component_version set version = %s where component = %s'\n"
        "with admin_connection() as c:\n"
        " c.execute('update public.revision set version_num = %s', ['9998'])\n"
        " c.execute(said, ['9998', 'schema'])\n"
        " c.execute(said, ['9.9+x', 'sent'])\n"
        " c.execute(said, [{oldest!r}, 'schema oldest'])\n"
    )
    with reachable_folder() as folder, installation(folder) as place:
        place.start("db")
        place.python(newer.format(oldest=schema.head()))
        place.stop()
        owner = place.start("db")
        assert "db.newer_schema" in owner.log.read_text()
        assert place.run("org", "create", "Northwind", "northwind").returncode == 0
        refused = place.run("db", "migrate")
        assert refused.returncode == 65
        assert "knows 0" in refused.stderr and "nothing was changed" in refused.stderr
        place.python(newer.format(oldest="9997"))
        place.stop()
        with pytest.raises(AssertionError, match=r"update this SENT to 9\.9 or newer"):
            place.start("db")
