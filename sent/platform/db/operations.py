"""Alembic operations of SENT: `op.create_tenant_table`, `op.create_timeseries`, `op.audit_table`, `op.sql`.

Importing this module registers them. A revision that uses them cannot forget a policy, a grant or a
trigger; the catalogue test of H4 walks the database for whoever did without.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from alembic.operations import MigrateOperation, Operations
from sqlalchemy.dialects import postgresql as pg

from sent.platform.db import hypertable, plain, tenancy
from sent.platform.db.timeseries import TimeSeries

Reference = str | tuple[str, str]


@Operations.register_operation("create_tenant_table")
class CreateTenantTable(MigrateOperation):
    """Create a table that belongs to an organisation (see `create_tenant_table`)."""

    def __init__(self, name: str, items: Sequence[Any], access: tenancy.Access, **options: Any) -> None:
        self.name = name
        self.items = items
        self.access = access
        self.references: dict[str, Reference] = options["references"]
        self.audit: bool = options["audit"]
        self.redact: Sequence[str] = options["redact"]
        self.claim: bool = options["claim"]

    @classmethod
    def create_tenant_table(
        cls,
        operations: Operations,
        name: str,
        *items: Any,
        staff: str = "select",
        read: str | None = None,
        write: str | None = None,
        references: dict[str, Reference] | None = None,
        client_scoped: bool | str = False,
        audit: bool = True,
        redact: Sequence[str] = (),
        claim: bool = False,
    ) -> None:
        """Create `schema.table` with key, organisation, times, version, policies, grants and audit.

        `items` are SQLAlchemy columns and constraints; a column named in `references` gets a composite
        foreign key to `"schema.table"` or `("schema.table", "cascade"|"set null")`. `client_scoped` adds
        `client_id` and hides rows from staff limited to other clients (a string names an existing
        column instead). `redact` columns enter the audit trail as digests. `claim` lets sent_system see
        all organisations' rows. The primary key is (organization_id, id): no unique index of a tenant
        table tells one organisation what another has.
        """
        columns = list(items)
        wanted = dict(references or {})
        if client_scoped is True:
            columns.append(sa.Column("client_id", pg.UUID()))
            wanted["client_id"] = "core.client"
        scope = "client_id" if client_scoped is True else (client_scoped or None)
        access = tenancy.Access(tenancy.verbs(staff), read, write, scope)
        operations.invoke(
            cls(name, columns, access, references=wanted, audit=audit, redact=redact, claim=claim)
        )


@Operations.implementation_for(CreateTenantTable)
def _create_tenant_table(operations: Operations, operation: CreateTenantTable) -> None:
    schema, table = tenancy.split(operation.name)
    moment = sa.text("clock_timestamp()")
    operations.create_table(
        table,
        sa.Column("id", pg.UUID(), nullable=False, server_default=sa.text("core.uuid7()")),
        sa.Column("organization_id", pg.UUID(), nullable=False, server_default=sa.text("sec.org()")),
        *operation.items,
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=moment),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=moment),
        sa.Column("version", sa.Integer(), nullable=False, server_default="1"),
        sa.PrimaryKeyConstraint("organization_id", "id", name=f"pk_{table}"),
        schema=schema,
    )
    run = _runner(operations)
    run(tenancy.references(operation.name, operation.references))
    run([tenancy.stamped(operation.name)])
    run(tenancy.security(operation.name, operation.access))
    run(tenancy.grants(operation.name, operation.access))
    if operation.claim:
        run([tenancy.claimable(operation.name)])
    if operation.audit:
        run(tenancy.audited(operation.name, operation.redact))


@Operations.register_operation("audit_table")
class AuditTable(MigrateOperation):
    """Put the audit triggers on a table that exists."""

    def __init__(self, name: str, redact: Sequence[str]) -> None:
        self.name = name
        self.redact = redact

    @classmethod
    def audit_table(cls, operations: Operations, name: str, *, redact: Sequence[str] = ()) -> None:
        """Record every change of `schema.table` in `audit.entry`."""
        operations.invoke(cls(name, redact))


@Operations.implementation_for(AuditTable)
def _audit_table(operations: Operations, operation: AuditTable) -> None:
    _runner(operations)(tenancy.audited(operation.name, operation.redact))


@Operations.register_operation("create_timeseries")
class CreateTimeseries(MigrateOperation):
    """Create storage, view and rollups of a time series."""

    def __init__(self, spec: TimeSeries) -> None:
        self.spec = spec

    @classmethod
    def create_timeseries(cls, operations: Operations, spec: TimeSeries) -> None:
        """Create the series that `spec` describes (a literal inside the revision, never imported).

        The server decides the core: a hypertable where TimescaleDB's community edition runs, else plain.
        """
        operations.invoke(cls(spec))


@Operations.implementation_for(CreateTimeseries)
def _create_timeseries(operations: Operations, operation: CreateTimeseries) -> None:
    run = _runner(operations)
    driver: Any = operations.get_bind().connection
    found = hypertable.extension(driver)
    if found is None or not found.usable:
        run(plain.statements(operation.spec))
        return
    # Revisions make everything as sent_owner; roles are made by whoever migrates.
    run(["reset role", *hypertable.owner(found.schema), "set role sent_owner"])
    run(hypertable.statements(operation.spec, found.schema))


@Operations.register_operation("sql")
class Sql(MigrateOperation):
    """Execute SQL text as it stands: no bind parameters, so colons and percent signs are themselves."""

    def __init__(self, text: str) -> None:
        self.text = text

    @classmethod
    def sql(cls, operations: Operations, text: str) -> None:
        """Execute one or several statements."""
        operations.invoke(cls(text))


@Operations.implementation_for(Sql)
def _sql(operations: Operations, operation: Sql) -> None:
    _runner(operations)([operation.text])


def _runner(operations: Operations) -> Callable[[Iterable[str]], None]:
    def run(texts: Iterable[str]) -> None:
        driver: Any = operations.get_bind().connection
        for text in texts:
            # psycopg without parameters sends the text untouched, several statements at once.
            with driver.cursor() as cursor:
                cursor.execute(text)

    return run
