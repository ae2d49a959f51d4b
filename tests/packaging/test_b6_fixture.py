"""B6: the databases of former releases, kept by `build/release.py fixture`, go to head."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from sent.platform.db import schema
from sent.platform.db.embedded.cluster import PORT, SUPERUSER, Cluster
from sent.platform.db.engine import Server
from sent.platform.db.migrate import upgrade

RELEASES = sorted((Path(__file__).parent / "releases").glob("*.sql.gz"))


@pytest.fixture
def database(cluster: Cluster) -> Iterator[str]:
    name = f"release_{uuid4().hex[:12]}"
    with cluster.connect("postgres") as connection:
        connection.execute(f"create database {name} template template0")
    yield name
    with cluster.connect("postgres") as connection:
        connection.execute(f"drop database {name} with (force)")


def test_b6_there_is_a_release_to_come_from() -> None:
    assert RELEASES


@pytest.mark.parametrize("release", RELEASES, ids=lambda path: path.name.removesuffix(".sql.gz"))
def test_b6_the_database_of_a_former_release_goes_to_head(
    cluster: Cluster, database: str, release: Path
) -> None:
    with cluster.connect(database) as connection:
        connection.execute(gzip.decompress(release.read_bytes()))
        before = schema.current(connection)
    assert before is not None and before <= schema.head()
    assert before >= schema.OLDEST or release != RELEASES[-1], "the program of the last release must go on"
    upgrade(Server(host=str(cluster.socket_dir), port=PORT, dbname=database), SUPERUSER, cluster.password)
    with cluster.connect(database) as connection:
        assert schema.current(connection) == schema.head()
        assert schema.up_to_date(connection)
        there = connection.execute("select count(*) from pg_policies").fetchone()
    assert there is not None and there[0] > 50
