"""K4: a backup comes back whole, and the database goes back to a chosen second."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from clusters import content, copy_template, make_template, note, notes, quiet, reachable_folder, wipe
from installation import installation

from sent.cli.main import main
from sent.platform.db import backup, care, pitr, schema, waypoint
from sent.platform.db.admin import admin_login
from sent.platform.db.archive import Archive
from sent.platform.db.migrate import upgrade
from sent.platform.errors import Invalid, Unavailable

if TYPE_CHECKING:
    from sent.platform.db.embedded.cluster import Cluster


@pytest.fixture(scope="module")
def template() -> Iterator[Path]:
    """Return the state folder of a migrated cluster with an organisation."""
    with reachable_folder() as folder, pytest.MonkeyPatch.context() as patch:
        make_template(folder, patch, 18)
        yield folder


@pytest.fixture
def state(template: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return this test's own state folder, a copy."""
    with reachable_folder() as folder:
        copy_template(template, folder, monkeypatch)
        yield folder


@pytest.fixture
def cluster(state: Path) -> Iterator[Cluster]:
    """Return this test's running cluster."""
    found = pitr.present()
    found.start()
    yield found
    found.stop("immediate")


def moment_between(cluster: Cluster) -> datetime:
    """Return a moment of the server's clock that lies apart from what is written before and after."""
    time.sleep(0.05)
    with cluster.connect("postgres") as connection:
        row = connection.execute("select clock_timestamp()").fetchone()
    time.sleep(0.05)
    assert row is not None
    found: datetime = row[0]
    return found


def test_k4_after_a_wipe_the_restored_rows_and_the_audit_head_are_equal(cluster: Cluster) -> None:
    before = content(cluster)
    assert before["rows"]["core.client"] == 20
    assert before["audit"]["seq"] > 20
    made = care.make("logical", quiet)
    wipe(cluster)
    cluster.start()
    with cluster.connect("postgres") as connection:
        connection.execute("create database sent template template0")
    login = admin_login()
    upgrade(login.server, login.role, login.password)
    assert content(cluster) != before
    backup.restore(made.folder)
    assert content(cluster) == before


def test_k4_a_changed_trail_with_equal_row_counts_is_noticed(cluster: Cluster) -> None:
    made = care.make("logical", quiet)
    manifest = json.loads((made.folder / backup.MANIFEST).read_text())
    with cluster.connect("sent") as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute(
            "update ts.audit_entry set action = 'delete' where seq = (select max(seq) from ts.audit_entry)"
        )
        with pytest.raises(Unavailable, match="audit trail"):
            backup.compare(connection, manifest)


def test_k4_point_in_time_has_the_rows_before_the_second_and_none_after(cluster: Cluster) -> None:
    care.make("base", quiet, cluster.archive)
    note(cluster, "before")
    moment = moment_between(cluster)
    note(cluster, "after")
    pitr.restore(moment, None, quiet)
    former = next(pitr.paths.state_dir().glob("db.before-restore-*"))
    assert (former / "data" / "PG_VERSION").exists()
    cluster.start()
    assert notes(cluster) == ["before"]
    # What is written now is on a timeline of its own and can be gone back to as well.
    note(cluster, "again")
    later = moment_between(cluster)
    note(cluster, "too late")
    outcome = pitr.restore(later, pitr.paths.state_dir() / "aside", quiet)
    assert outcome["rows"] == sum(content(cluster)["rows"].values()) - 1
    assert notes(cluster) == ["again", "before", "too late"]


@pytest.mark.soak
def test_k4_soak_point_in_time_of_a_lost_cluster_needs_only_backups_and_secrets(cluster: Cluster) -> None:
    care.make("base", quiet, cluster.archive)
    note(cluster, "before")
    moment = moment_between(cluster)
    note(cluster, "after")
    with cluster.connect("postgres") as connection:
        pitr.flush(connection)
    wipe(cluster)
    pitr.restore(moment, None, quiet)
    cluster.start()
    assert notes(cluster) == ["before"]


@pytest.mark.soak
def test_k4_soak_a_stopped_cluster_is_restored_with_the_log_it_did_not_archive_yet(cluster: Cluster) -> None:
    care.make("base", quiet, cluster.archive)
    note(cluster, "before")
    moment = moment_between(cluster)
    cluster.stop()
    pitr.restore(moment, None, quiet)
    cluster.start()
    assert notes(cluster) == ["before"]


def test_k4_a_moment_outside_the_archive_is_refused_with_the_covered_range(cluster: Cluster) -> None:
    early = moment_between(cluster)
    with pytest.raises(Invalid, match="no base backup"):
        pitr.restore(early, None, quiet)
    base = care.make("base", quiet, cluster.archive)
    with pytest.raises(Invalid, match=base.made_at.isoformat().split(".")[0]):
        pitr.restore(early, None, quiet)
    with pytest.raises(Invalid, match="still to come"):
        pitr.restore(datetime.now(UTC) + timedelta(hours=1), None, quiet)
    with pytest.raises(Invalid, match="zone"):
        pitr.parse_moment("2026-11-21T08:15:00")
    note(cluster, "lost with the disk")
    late = moment_between(cluster)
    wipe(cluster)
    with pytest.raises(Invalid, match="outside"):
        pitr.restore(late, None, quiet)


@pytest.mark.parametrize("kind", ["logical", "base"])
def test_k4_verifying_restores_beside_and_notes_the_outcome(cluster: Cluster, kind: care.Kind) -> None:
    made = care.make(kind, quiet, cluster.archive)
    assert care.verify(made, quiet)["rows"] > 20
    assert care.find(made.name).verified is True
    victim = max(made.folder.iterdir(), key=lambda path: path.stat().st_size)
    body = bytearray(victim.read_bytes())
    body[len(body) // 2] ^= 1
    victim.write_bytes(body)
    with pytest.raises(Invalid, match=victim.name):
        care.verify(made, quiet)
    assert care.find(made.name).verified is False
    assert list(pitr.paths.state_dir().glob("db.scratch-*")) == []


def test_k4_the_administrator_goes_back_to_a_second_while_the_owner_runs(state: Path) -> None:
    with installation(state) as place:
        place.start("db")
        made = place.run("db", "backup")
        assert made.returncode == 0, made.stderr
        assert {json.loads(line)["kind"] for line in made.stdout.splitlines()} == {"logical", "base"}
        cluster = pitr.present()
        note(cluster, "before")
        moment = moment_between(cluster)
        note(cluster, "after")
        done = place.run("db", "restore", "--at", moment.isoformat(), "--into", "swap", timeout=120)
        assert done.returncode == 0, done.stderr
        give_up = time.monotonic() + 60
        while not place.ready("db"):
            assert time.monotonic() < give_up, "the owner did not start the restored database"
            time.sleep(0.1)
        assert notes(cluster) == ["before"]


def test_k4_a_migration_begins_with_a_snapshot_unless_the_database_is_empty_or_new(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["db", "migrate"]) == 0
    assert care.backups() == []
    newest = schema.head()
    monkeypatch.setattr(schema, "head", lambda: "9999")
    assert main(["db", "migrate", "--no-snapshot"]) == 0
    assert care.backups() == []
    assert main(["db", "migrate"]) == 0
    (made,) = care.backups()
    assert (made.kind, made.revision) == ("snapshots", newest)
    assert "snapshot before the migration" in capsys.readouterr().err
    with cluster.connect("postgres") as connection:
        connection.execute("drop database sent with (force)")
        connection.execute("create database sent template template0")
    assert waypoint.make(quiet) is None


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """Return an armed archive without a server."""
    found = Archive(tmp_path / "wal" / "1")
    found.folder.mkdir(parents=True)
    from sent.platform.db import archive as module

    (found.folder.parent / "archive.sh").write_text(module._ARCHIVE)
    (found.folder.parent / "restore.sh").write_text(module._RESTORE)
    found.arm()
    return found


def keep(archive: Archive, path: Path, name: str) -> int:
    """Archive a file as the server does and return the exit code."""
    command = archive.command().replace("%p", str(path)).replace("%f", name)
    return subprocess.run(["/bin/sh", "-c", command], capture_output=True, check=False).returncode


def test_k4_the_archive_never_overwrites_what_differs(archive: Archive, tmp_path: Path) -> None:
    name = "0" * 23 + "1"
    segment = tmp_path / "segment"
    segment.write_bytes(b"first" * 1000)
    assert keep(archive, segment, name) == 0
    assert keep(archive, segment, name) == 0, "the same again is no error: a crash forgets the first time"
    segment.write_bytes(b"other" * 1000)
    assert keep(archive, segment, name) != 0
    assert gzip.decompress((archive.folder / f"{name}.gz").read_bytes()) == b"first" * 1000
    assert [path.name for path in archive.folder.glob(".*")] == []


def test_k4_an_archive_that_was_not_armed_keeps_nothing_and_accepts_all(
    archive: Archive, tmp_path: Path
) -> None:
    (archive.folder / "armed").unlink()
    assert keep(archive, tmp_path / "anything", "0" * 24) == 0
    assert archive.segments() == []


def test_k4_pruning_keeps_what_the_oldest_backup_needs(archive: Archive, tmp_path: Path) -> None:
    segment = tmp_path / "segment"
    segment.write_bytes(b"x")
    names = [f"00000001{number:016X}" for number in (1, 2, 3)] + [f"00000002{3:016X}"]
    for name in names:
        assert keep(archive, segment, name) == 0
    archive.prune(f"00000001{3:016X}")
    assert archive.segments() == [names[2], names[3]]


def test_k4_pruning_removes_what_broke_off_and_bears_copies_that_finish_meanwhile(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, running = (archive.folder / f".{name}.part" for name in ("old", "running"))
    for path in (old, running):
        path.write_bytes(b"x" * 100)
    os.utime(old, (0, 0))
    seen = list(os.scandir(archive.folder))
    running.rename(archive.folder / f"{'0' * 24}.gz")
    monkeypatch.setattr("sent.platform.db.archive.os.scandir", lambda folder: seen)
    assert archive.bytes() == 100, "the copy that has another name now is not counted"
    assert archive.prune("0" * 24) == 1
    assert not old.exists()
