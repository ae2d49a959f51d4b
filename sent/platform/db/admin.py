"""How admin commands log in: as the superuser of the embedded cluster, or as the URL's user."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import psycopg

from sent.platform.config.secrets import role_password
from sent.platform.db.embedded import binaries, endpoint
from sent.platform.db.embedded.cluster import PORT, SUPERUSER
from sent.platform.db.engine import Server
from sent.platform.errors import Unavailable
from sent.platform.telemetry.log import Secret

if TYPE_CHECKING:
    from psycopg.rows import TupleRow


@dataclass(frozen=True, slots=True)
class Login:
    """Server, role and password of an administrator."""

    server: Server
    role: str
    password: Secret

    def parameters(self) -> dict[str, Any]:
        """Return libpq connection parameters."""
        return self.server.parameters() | {"user": self.role, "password": self.password.reveal()}


def admin_login() -> Login:
    """Return the administrator's login of this installation."""
    if endpoint.external():
        server = endpoint.find()
        user, password = endpoint.url_credentials(os.environ["SENT_DATABASE_URL"])
        return Login(server, user, Secret(password))
    # The owner migrates before it announces, so the place is derived, not looked up.
    server = Server(host=str(endpoint.socket_dir()), port=PORT, dbname=endpoint.DBNAME)
    return Login(server, SUPERUSER, role_password(SUPERUSER))


@contextmanager
def admin_connection(dbname: str | None = None) -> Iterator[psycopg.Connection[TupleRow]]:
    """Open an administrator's connection; raises Unavailable when the server does not answer."""
    login = admin_login()
    if dbname is not None:
        login = replace(login, server=replace(login.server, dbname=dbname))
    try:
        connection = psycopg.connect(autocommit=True, connect_timeout=10, **login.parameters())
    except psycopg.OperationalError as error:
        raise Unavailable("database.unreachable", f"the database does not answer: {error}") from error
    with connection:
        yield connection


def server_major(connection: psycopg.Connection[Any]) -> int:
    """Return the version whose client programs suit the server: its own, as far as we have them."""
    there = connection.info.server_version // 10000
    return there if there in binaries.VERSIONS and not endpoint.external() else binaries.MAJOR
