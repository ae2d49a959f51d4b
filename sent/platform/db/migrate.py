"""Brings a database to the newest revision, and closes what PostgreSQL leaves open.

Only a process made for it imports this module (it loads alembic and SQLAlchemy): `sent db migrate`, which
the database service runs as a child, and the tests. Running it again changes nothing.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import psycopg
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from sent.platform.auth import permissions, scram
from sent.platform.config import secrets
from sent.platform.db import hypertable, schema
from sent.platform.db.engine import CONNECT_TIMEOUT_S, Server
from sent.platform.errors import Invalid, Unavailable
from sent.platform.telemetry.log import Secret

if TYPE_CHECKING:
    from sqlalchemy import Engine

LOCK_TIMEOUT = "5s"
ATTEMPTS = 5


def upgrade(server: Server, superuser: str, password: Secret) -> str:
    """Upgrade the existing database to head and return the revision.

    Sets the verifiers of the service roles' passwords (this installation's own), closes the database to
    everybody else and writes the permissions of the built-in roles. A revision that cannot
    get its locks in 5 s is tried again. Raises Invalid when the database is newer than this program.
    """
    with _connect(server, superuser, password) as connection:
        there = schema.current(connection)
    if there is not None and there > schema.head():
        raise Invalid(
            "schema.newer",
            f"the database is at schema {there}, this program knows {schema.head()} only;"
            " nothing was changed",
        )
    config = Config()
    config.set_main_option("script_location", str(schema.migrations_path()).replace("%", "%%"))
    engine = _engine(server, superuser, password)
    with _connect(server, superuser, password) as connection:
        # A dump does not bring the database's own grants along, and revisions make schemas as sent_owner.
        if schema.current(connection) is not None:
            secure_database(connection)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with engine.connect() as connection:
                connection.exec_driver_sql(f"set lock_timeout = '{LOCK_TIMEOUT}'")
                connection.commit()
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
                connection.commit()
            break
        except OperationalError as error:
            if not isinstance(error.orig, psycopg.errors.LockNotAvailable):
                raise Unavailable("database.unreachable", str(error.orig)) from error
            if attempt == ATTEMPTS:
                raise Unavailable(
                    "migrate.locked", "a table stayed locked; stop the workers and try again"
                ) from error
            time.sleep(attempt)
    engine.dispose()
    with _connect(server, superuser, password) as connection:
        secure_database(connection)
        hypertable.close(connection)
        for role, secret in secrets.role_passwords().items():
            set_role_password(connection, role, secret)
        sync_permissions(connection)
        for component, version in schema.notes().items():
            connection.execute(
                "insert into core.component_version values (%s, %s)"
                " on conflict (component) do update set version = excluded.version, at = clock_timestamp()",
                [component, version],
            )
    return schema.head()


def secure_database(connection: psycopg.Connection[Any]) -> None:
    """Let only SENT's roles connect to this database, and nobody make temporary or other objects in it.

    A database's own grants are not copied from its template: a clone needs this call too.
    """
    connection.execute(
        """
        do $$ begin
          execute format('revoke all on database %I from public', current_database());
          execute format('grant connect on database %I to sent_staff, sent_app, sent_system, sent_ingest,'
            ' sent_broker, sent_minter', current_database());
          execute format('grant create on database %I to sent_owner', current_database());
        end $$
        """
    )


def set_role_password(connection: psycopg.Connection[Any], role: str, password: Secret) -> None:
    """Give a service role its password as a SCRAM verifier; raises ValueError for any other role."""
    if role not in secrets.SERVICE_ROLES:
        raise ValueError(f"{role!r} is not a service role")
    connection.execute(f"alter role {role} password '{scram.verifier(password)}'")


def sync_permissions(connection: psycopg.Connection[Any]) -> None:
    """Write what the built-in roles may do, from the manifests of all engines."""
    with connection.transaction():
        connection.execute("delete from sec.builtin_permission")
        for key, title in permissions.BUILTIN_ROLES.items():
            connection.execute(
                "insert into sec.builtin_role values (%s, %s)"
                " on conflict (role_key) do update set title = excluded.title",
                [key, title],
            )
        for key, names in permissions.builtin().items():
            for name in sorted(names):
                connection.execute("insert into sec.builtin_permission values (%s, %s)", [key, name])
        connection.execute("select sec.sync_roles()")


def _parameters(server: Server, user: str, password: Secret) -> dict[str, Any]:
    return server.parameters() | {
        "user": user,
        "password": password.reveal(),
        "application_name": "sent migrate",
        "connect_timeout": int(CONNECT_TIMEOUT_S),
    }


def _connect(server: Server, user: str, password: Secret) -> psycopg.Connection[Any]:
    try:
        return psycopg.connect(autocommit=True, **_parameters(server, user, password))
    except psycopg.OperationalError as error:
        raise Unavailable("database.unreachable", f"the database does not answer: {error}") from error


def _engine(server: Server, user: str, password: Secret) -> Engine:
    return create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(**_parameters(server, user, password)),
        poolclass=NullPool,
    )
