"""A server named by SENT_DATABASE_URL: admin commands migrate it, workers use it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote
from uuid import uuid4

import pytest
from installation import Installation

from sent.platform.config.secrets import role_passwords
from sent.platform.db.embedded.cluster import PORT, SUPERUSER

if TYPE_CHECKING:
    from sent.platform.db.embedded.cluster import Cluster


@pytest.fixture
def elsewhere(cluster: Cluster) -> Iterator[Installation]:
    """Return an installation without a database of its own, whose URL names an empty one."""
    name = f"external_{uuid4().hex[:12]}"
    with cluster.connect("postgres") as connection:
        connection.execute(f"create database {name} template template0")
    with tempfile.TemporaryDirectory(prefix="sent-ext-") as folder:
        found = Installation(Path(folder))
        password = quote(cluster.password.reveal(), safe="")
        found.environment |= {
            "SENT_DATABASE_URL": (
                f"postgresql://{SUPERUSER}:{password}@/{name}?host={quote(str(cluster.socket_dir))}&port={PORT}"
            ),
            # The roles belong to the whole server, which the session's other tests use too.
            **{f"{role.upper()}_PASSWORD": word.reveal() for role, word in role_passwords().items()},
        }
        try:
            yield found
        finally:
            found.stop()
    with cluster.connect("postgres") as connection:
        connection.execute(f"drop database {name} with (force)")


def test_it_is_migrated_by_command_and_served_by_workers(elsewhere: Installation) -> None:
    assert json.loads(elsewhere.run("db", "status").stdout)["revision"] is None
    migrated = elsewhere.run("db", "migrate")
    assert migrated.returncode == 0, migrated.stderr
    assert json.loads(elsewhere.run("db", "status").stdout)["at_head"] is True
    core = elsewhere.start("core")
    assert core.stop()[0] == 0
    assert not (elsewhere.folder / "db").exists()
