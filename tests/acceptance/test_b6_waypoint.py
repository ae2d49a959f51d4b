"""B6: a migration that comes with an update can be gone back from, without copying what is there already."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from clusters import copy_template, make_template, note, notes, quiet, reachable_folder

from sent.cli.main import main
from sent.platform.db import care, pitr, room, schema, waypoint
from sent.platform.db.embedded.cluster import Cluster
from sent.platform.errors import Unavailable
from sent.platform.update import compatibility
from sent.platform.update.manifest import Manifest

NOW = schema.head()


@pytest.fixture(scope="module")
def template() -> Iterator[Path]:
    """Return the state folder of a migrated cluster with an organisation."""
    with reachable_folder() as folder, pytest.MonkeyPatch.context() as patch:
        make_template(folder, patch, 18)
        yield folder


@pytest.fixture
def cluster(template: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """Return this test's running cluster."""
    with reachable_folder() as folder:
        found = copy_template(template, folder, monkeypatch)
        found.start()
        yield found
        found.stop("immediate")


def manifest(head: str) -> Manifest:
    return Manifest(
        "9.9", "linux-x86_64", "base", "", "", "", schema_head=head, runs_on=(), files=(), links=()
    )


def test_b6_with_a_base_backup_and_the_log_the_second_is_noted_and_leads_back(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    care.make("base", quiet, cluster.archive)
    note(cluster, "before")
    monkeypatch.setattr(schema, "head", lambda: "9999")
    assert main(["db", "migrate"]) == 0
    assert [one.kind for one in care.backups()] == ["base"], "nothing was copied"
    (found,) = waypoint.waypoints()
    assert found.dump is None and found.revision == NOW
    assert found.command in capsys.readouterr().err
    note(cluster, "after")
    pitr.restore(datetime.fromisoformat(found.at), None, quiet)
    cluster.start()
    assert notes(cluster) == ["before"]


def test_b6_without_one_a_dump_is_made_and_the_newest_two_are_kept(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    for number in range(3):
        monkeypatch.setattr(care, "MOMENT", f"%Y-%m-%dT%H%M%S-{number}")
        one = waypoint.make(quiet)
        assert one is not None and one.dump is not None
        made.append(one.dump)
    assert [one.dump for one in waypoint.waypoints()] == [made[2], made[1]]
    assert not Path(made[0]).exists()
    assert main(["db", "restore", made[2], "--replace", "sent"]) == 0


def test_b6_a_gap_in_the_log_or_a_log_that_is_not_archived_leads_to_a_dump(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    care.make("base", quiet, cluster.archive)
    assert cluster.archive is not None
    with cluster.connect("sent") as connection:
        for text in ("one", "two"):
            note(cluster, text)
            pitr.flush(connection)
    segments = cluster.archive.segments()
    (cluster.archive.folder / f"{segments[-1]}.gz").unlink()
    found = waypoint.make(quiet)
    assert found is not None and found.dump is not None


@pytest.mark.parametrize(
    ("names", "whole"),
    [
        (["00000001000000000000000A", "00000001000000000000000B"], True),
        (["00000001000000000000000A", "00000001000000000000000C"], False),
        (["0000000100000000000000FF", "000000010000000100000000"], True),
        (["00000001000000000000000B"], False),
        ([], False),
    ],
)
def test_b6_segments_follow_each_other(names: list[str], whole: bool) -> None:
    first = names[0] if whole or len(names) == 2 else "00000001000000000000000A"
    assert waypoint.unbroken(names, first) is whole


def test_b6_no_room_for_the_way_back_is_told_before_anything_changes(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(room, "free", lambda _folder: 1 << 20)
    with pytest.raises(Unavailable, match=r"needs \d+ MB in .*, but only 1 MB are free"):
        compatibility.guard(manifest("9999"))
    compatibility.guard(manifest(schema.head()))
    monkeypatch.setattr(schema, "head", lambda: "9999")
    assert main(["db", "migrate"]) == 69
    assert "1 MB are free" in capsys.readouterr().err
    with cluster.connect("sent") as connection:
        assert schema.current(connection) == NOW
    assert waypoint.waypoints() == []


def test_b6_status_says_where_one_can_go_back_to(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    care.make("base", quiet, cluster.archive)
    found = waypoint.make(quiet)
    assert found is not None
    assert main(["db", "status"]) == 0
    (line,) = json.loads(capsys.readouterr().out)["waypoints"]
    assert line["restore"] == found.command
    assert datetime.fromisoformat(line["until"]) > datetime.fromisoformat(line["at"])
