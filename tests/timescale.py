"""Databases on a server with TimescaleDB, named by SENT_TEST_TIMESCALE_URL (a superuser's URL).

Such a server cannot be had from a package registry, so tests that need it are skipped with that reason
where there is none. They make databases of their own there and drop them. Roles belong to the whole server
and other test processes may use it at the same time, so nobody logs in as one of SENT's roles here: the
superuser becomes them with `set session authorization`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from sent.platform.db.engine import Server
from sent.platform.telemetry.log import Secret

VARIABLE = "SENT_TEST_TIMESCALE_URL"
REASON = f"no server with TimescaleDB: set {VARIABLE} to a superuser's URL"

needs_timescale = pytest.mark.skipif(VARIABLE not in os.environ, reason=REASON)


def login() -> tuple[Server, str, Secret]:
    """Return server, role and password of the URL."""
    if VARIABLE not in os.environ:
        pytest.skip(REASON)
    found = conninfo_to_dict(os.environ[VARIABLE])
    server = Server(
        host=str(found.get("host", "localhost")),
        port=int(found.get("port") or 5432),
        dbname=str(found.get("dbname") or "postgres"),
    )
    return server, str(found["user"]), Secret(str(found.get("password") or ""))


def connect(dbname: str) -> psycopg.Connection[Any]:
    """Connect as the superuser."""
    server, user, password = login()
    there = replace(server, dbname=dbname).parameters()
    return psycopg.connect(**there, user=user, password=password.reveal(), autocommit=True)


@contextmanager
def alone() -> Iterator[None]:
    """Hold the server's roles: two processes that make or change them at once would fail."""
    server, _, _ = login()
    with connect(server.dbname) as admin:
        admin.execute("select pg_advisory_lock(7304021777)")
        yield


@contextmanager
def database(*, extension: bool = True, migrated: bool = True) -> Iterator[Server]:
    """Give a database of one's own, migrated to head."""
    from sent.platform.db.migrate import upgrade

    server, user, password = login()
    name = f"sent_test_{uuid4().hex[:12]}"
    with connect(server.dbname) as admin:
        admin.execute(f"create database {name} template template0")
        try:
            own = replace(server, dbname=name)
            if extension:
                with connect(name) as inside:
                    inside.execute("create extension timescaledb")
            if migrated:
                with alone():
                    upgrade(own, user, password)
            yield own
        finally:
            admin.execute(f"drop database if exists {name} with (force)")
