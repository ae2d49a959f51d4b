"""A tenant table with a sealed column, and the processes that write it and rotate its key (K2).

As a program: `sealing.py write|rotate <json>`; it prints nothing and is meant to be killed.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from sent.platform.config.secrets import role_password
from sent.platform.context import Ctx
from sent.platform.crypto import rotate
from sent.platform.crypto.envelope import Place
from sent.platform.crypto.root import Roots
from sent.platform.crypto.store import ring
from sent.platform.crypto.vault import Vault
from sent.platform.db.engine import Database, Server, fixed
from sent.platform.db.uow import uow
from sent.platform.errors import NotFound
from sent.platform.ids import OrgId, uuid7

PURPOSE = "note"
TABLE = "core.note"


@dataclass(frozen=True)
class Job:
    """What a process is told."""

    host: str
    port: int
    dbname: str
    org: str
    rows: list[str]
    log: str

    def database(self, role: str) -> Database:
        """Return the test's database."""
        server = Server(self.host, self.port, self.dbname)
        return Database(server, role, fixed(role_password(role)), trusted=True, name="sealing")


def make_table(server: Server) -> None:
    """Create the table as the superuser would in a revision."""
    import psycopg
    import sqlalchemy as sa
    from alembic.migration import MigrationContext
    from alembic.operations import Operations
    from sqlalchemy.dialects import postgresql as pg

    import sent.platform.db.operations  # noqa: F401  (registers the operations)
    from sent.platform.db.embedded.cluster import SUPERUSER

    password = role_password(SUPERUSER).reveal()
    engine = sa.create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(**server.parameters(), user=SUPERUSER, password=password),
    )
    with engine.begin() as raw:
        operations: Any = Operations(MigrationContext.configure(raw))
        operations.sql("set role sent_owner")
        operations.create_tenant_table(TABLE, sa.Column("body", pg.BYTEA()), staff="", redact=("body",))
        operations.sql(f"select core.register_sealed('{TABLE}', 'body', '{PURPOSE}')")
        operations.sql("reset role")
    engine.dispose()


def place(org: UUID, row: UUID) -> Place:
    """Return where a note's body stands."""
    return Place(TABLE, "body", org, row)


async def insert(ctx: Ctx, plain: bytes) -> UUID:
    """Insert a note and return its id."""
    row = uuid7()

    async def put(sealed: bytes) -> None:
        async with uow(ctx) as tx:
            await tx.execute("insert into core.note (id, body) values (%s, %s)", [row, sealed])

    await ring(ctx).write(PURPOSE, plain, place(ctx.org, row), put)
    return row


async def write(job: Job) -> None:
    """Change the given rows one after another for ever; note each change after its commit."""
    async with job.database("sent_app") as db:
        ctx = Ctx(db, OrgId(UUID(job.org)), uuid7())
        keys = ring(ctx)
        with Path(job.log).open("a", buffering=1) as log:
            while True:
                for text in job.rows:
                    row, number = UUID(text), time.monotonic_ns()

                    async def put(sealed: bytes, row: UUID = row) -> None:
                        async with uow(ctx) as tx:
                            await tx.execute("update core.note set body = %s where id = %s", [sealed, row])

                    plain = json.dumps([text, number]).encode()
                    await keys.write(PURPOSE, plain, place(ctx.org, row), put)
                    log.write(json.dumps([text, number]) + "\n")


async def rotate_for_ever(job: Job) -> None:
    """Rotate the key again and again, in batches small enough to be killed inside one."""
    async with job.database("sent_system") as db:
        ctx = Ctx(db, OrgId(UUID(job.org)), uuid7())
        while True:
            await rotate.rotate_data(ctx, PURPOSE, Roots(), Vault(), lambda _: None, batch=3)
            await rotate.destroy_unused(ctx, PURPOSE)


async def contents(ctx: Ctx) -> dict[str, int]:
    """Open every row; returns the number in each. Fails when one does not open or names another row."""
    keys = ring(ctx)
    async with uow(ctx) as tx:
        rows = await (await tx.execute("select id, body from core.note")).fetchall()
    found = {}
    for row, sealed in rows:
        try:
            text, number = json.loads(await keys.open(sealed, place(ctx.org, row)))
        except NotFound as error:
            raise AssertionError(f"row {row} lost its key: {error}") from error
        assert text == str(row)
        found[text] = number
    return found


if __name__ == "__main__":
    told = Job(**json.loads(sys.argv[2]))
    asyncio.run({"write": write, "rotate": rotate_for_ever}[sys.argv[1]](told))
