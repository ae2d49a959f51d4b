"""A backup comes back whole; a damaged one is refused before anything is touched."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from sent.platform.db import backup
from sent.platform.errors import Conflict, Invalid

if TYPE_CHECKING:
    from sent.platform.db.embedded.cluster import Cluster


@pytest.fixture
def installation(cluster: Cluster) -> Iterator[Cluster]:
    """Return a cluster with the database `sent` and one row in it."""
    with cluster.connect("postgres") as connection:
        connection.execute("create database sent template sent_template")
    with cluster.connect("sent") as connection:
        connection.execute("create table public.thing (id uuid, note text)")
        connection.execute("insert into public.thing values (%s, 'first')", [uuid4()])
    yield cluster
    with cluster.connect("postgres") as connection:
        for name in ("sent", "sent_before_restore", "sent_restoring"):
            connection.execute(f"drop database if exists {name} with (force)")


def notes(cluster: Cluster, dbname: str = "sent") -> list[str]:
    """Return what the test's table holds."""
    with cluster.connect(dbname) as connection:
        return [note for (note,) in connection.execute("select note from public.thing order by note")]


def test_restore_brings_back_what_was_there_and_keeps_what_is_replaced(
    installation: Cluster, tmp_path: Path
) -> None:
    made = backup.dump(tmp_path / "b")
    assert made["rows"] > 0
    with installation.connect("sent") as connection:
        connection.execute("insert into public.thing values (%s, 'later')", [uuid4()])
    backup.restore(tmp_path / "b")
    assert notes(installation) == ["first"]
    assert notes(installation, "sent_before_restore") == ["first", "later"]


def test_a_restored_database_is_closed_to_strangers_again(installation: Cluster, tmp_path: Path) -> None:
    backup.dump(tmp_path / "b")
    backup.restore(tmp_path / "b")
    with installation.connect("sent") as connection:
        row = connection.execute(
            "select bool_or(grantee = 0) from pg_database, aclexplode(datacl) where datname = 'sent'"
        ).fetchone()
    assert row == (False,)


def test_a_changed_file_is_named_and_nothing_is_restored(installation: Cluster, tmp_path: Path) -> None:
    backup.dump(tmp_path / "b")
    with installation.connect("sent") as connection:
        connection.execute("insert into public.thing values (%s, 'later')", [uuid4()])
    victim = max((tmp_path / "b").glob("*.dat.gz"), key=lambda path: path.stat().st_size)
    body = bytearray(victim.read_bytes())
    body[len(body) // 2] ^= 1
    victim.write_bytes(body)
    with pytest.raises(Invalid, match=victim.name):
        backup.restore(tmp_path / "b")
    assert notes(installation) == ["first", "later"]


def test_a_missing_file_or_manifest_is_named(installation: Cluster, tmp_path: Path) -> None:
    backup.dump(tmp_path / "b")
    (tmp_path / "b" / "toc.dat").unlink()
    with pytest.raises(Invalid, match=r"toc\.dat"):
        backup.verify(tmp_path / "b")
    (tmp_path / "b" / backup.MANIFEST).unlink()
    with pytest.raises(Invalid, match="no backup"):
        backup.verify(tmp_path / "b")


def test_an_existing_folder_is_never_written_into(installation: Cluster, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")
    with pytest.raises(Conflict, match="exists"):
        backup.dump(tmp_path)
    assert json.dumps([path.name for path in tmp_path.iterdir()]) == '["mine"]'
