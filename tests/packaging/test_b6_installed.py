"""B6: the packaged program and the installed Debian package migrate an empty database, and a release's."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote
from uuid import uuid4

import pytest

from sent.platform.db import schema
from sent.platform.db.embedded.cluster import PORT, SUPERUSER

if TYPE_CHECKING:
    from sent.platform.db.embedded.cluster import Cluster

RELEASES = sorted((Path(__file__).parent / "releases").glob("*.sql.gz"))

pytestmark = pytest.mark.timeout(500)


@pytest.fixture
def database(cluster: Cluster) -> Iterator[str]:
    """Return the name of an empty database."""
    name = f"installed_{uuid4().hex[:12]}"
    with cluster.connect("postgres") as connection:
        connection.execute(f"create database {name} template template0")
    yield name
    with cluster.connect("postgres") as connection:
        connection.execute(f"drop database {name} with (force)")


@pytest.fixture(params=["binary", "deb"])
def program(request: pytest.FixtureRequest) -> Path:
    """Return the executable as it was built, and as the package installs it."""
    if request.param == "binary":
        app: Path = request.getfixturevalue("app")
        return app / "sent"
    root: Path = request.getfixturevalue("scratch_root")
    return root / "usr/bin/sent"


@pytest.mark.parametrize(
    "release", [None, *RELEASES], ids=lambda path: "empty" if path is None else path.name
)
def test_b6_the_installed_program_migrates_to_head(
    cluster: Cluster, database: str, program: Path, release: Path | None, tmp_path: Path
) -> None:
    if release is not None:
        with cluster.connect(database) as connection:
            connection.execute(gzip.decompress(release.read_bytes()))
    password = quote(cluster.password.reveal(), safe="")
    url = f"postgresql://{SUPERUSER}:{password}@/{database}?host={quote(str(cluster.socket_dir))}&port={PORT}"
    done = subprocess.run(
        [program, "db", "migrate", "--no-snapshot"],
        env={**os.environ, "SENT_DATABASE_URL": url},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["revision"] == schema.head()
    with cluster.connect(database) as connection:
        assert schema.up_to_date(connection)
