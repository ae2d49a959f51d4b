"""K4: from PostgreSQL 16 to 18, with a failure at every step; a working database is there each time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from clusters import content, copy_template, make_template, quiet, reachable_folder
from installation import installation

from sent.platform.db import care, pitr, switch
from sent.platform.db.upgrade import STEPS, upgrade
from sent.platform.errors import Invalid, Unavailable

if TYPE_CHECKING:
    from sent.platform.db.embedded.cluster import Cluster

SAMPLE = ("check", "backup", "make", "amid", "done")
"""`exchange` itself, between any two of its steps, is in tests/unit/platform/db/test_switch.py."""


@pytest.fixture(scope="module")
def template() -> Iterator[Path]:
    """Return the state folder of a cluster of PostgreSQL 16 that our migrations made."""
    with reachable_folder() as folder, pytest.MonkeyPatch.context() as patch:
        make_template(folder, patch, 16)
        yield folder


@pytest.fixture
def cluster(template: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """Return this test's own stopped cluster of 16."""
    with reachable_folder() as folder:
        found = copy_template(template, folder, monkeypatch)
        yield found
        found.stop("immediate")


def started(cluster: Cluster) -> Cluster:
    """Start the cluster as its owner does."""
    with switch.settled(cluster):
        cluster.start()
    return cluster


KILLED_AT = """
import os, sys, threading, time
from sent.platform.db.upgrade import upgrade
def die():
    os.kill(os.getpid(), 9)
def at(step):
    if step == sys.argv[1]:
        die()
    if sys.argv[1] == "amid" and step == "upgrade":
        threading.Thread(target=lambda: (time.sleep(0.7), die()), daemon=True).start()
upgrade(lambda share, step: None, at)
"""


def killed_upgrade(step: str) -> None:
    """Upgrade in a process that is killed at `step` ("amid": while pg_upgrade works)."""
    ended = subprocess.run([sys.executable, "-c", KILLED_AT, step], env=dict(os.environ), check=False)
    assert ended.returncode == -9


def works_after(cluster: Cluster, step: str, before: dict[str, object]) -> None:
    """Check that the database works, old or new, and that nothing half done is left."""
    started(cluster)
    assert cluster.major == (18 if step in ("done", "after") else 16), step
    assert content(cluster) == before
    with cluster.connect("sent") as connection:
        assert connection.execute("select core.uuid7() is not null").fetchone() == (True,)
        row = connection.execute("select prosrc from pg_proc where proname = 'uuid7'").fetchone()
        assert (row == ("select uuidv7()",)) == (cluster.major == 18)
        open_ = connection.execute(
            "select count(*) from pg_proc where proname = 'pg_logical_emit_message'"
            " and has_function_privilege('public', oid, 'execute')"
        ).fetchone()
        assert open_ == (0,) or cluster.major == 16, "16 is closed again by its owner"
    assert list(pitr.paths.state_dir().glob("db.upgrade-*")) == []
    assert not (pitr.paths.state_dir() / "db.switch.json").exists()


@pytest.fixture(scope="module")
def before(template: Path) -> dict[str, object]:
    """Return what the database holds."""
    with reachable_folder() as folder, pytest.MonkeyPatch.context() as patch:
        found = started(copy_template(template, folder, patch))
        try:
            return content(found)
        finally:
            found.stop("immediate")


@pytest.mark.parametrize("step", SAMPLE)
def test_k4_an_upgrade_killed_at_a_step_leaves_a_working_database(
    cluster: Cluster, step: str, before: dict[str, object]
) -> None:
    killed_upgrade(step)
    works_after(cluster, step, before)


@pytest.mark.soak
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("step", [*STEPS, "amid"])
def test_k4_soak_an_upgrade_killed_at_any_step_can_be_done_again(
    cluster: Cluster, step: str, before: dict[str, object]
) -> None:
    killed_upgrade(step)
    works_after(cluster, step, before)
    if cluster.major == 16:
        upgrade(quiet)
        works_after(cluster, "after", before)


@pytest.mark.soak
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("step", STEPS)
def test_k4_soak_an_upgrade_that_fails_at_any_step_leaves_a_working_database(
    cluster: Cluster, step: str, before: dict[str, object]
) -> None:
    def at(now: str) -> None:
        if now == step:
            raise Unavailable("test.injected", f"injected at {step}")

    with pytest.raises(Unavailable, match="injected"):
        upgrade(quiet, at)
    works_after(cluster, step, before)


@pytest.mark.soak
def test_k4_soak_a_failing_upgrade_is_taken_back_at_once_and_works_the_second_time(
    cluster: Cluster, before: dict[str, object]
) -> None:
    def at(step: str) -> None:
        if step == "upgrade":
            raise Unavailable("test.injected", "injected")

    with pytest.raises(Unavailable, match="injected"):
        upgrade(quiet, at)
    assert list(pitr.paths.state_dir().glob("db.upgrade-*")) == []
    assert cluster.major == 16
    outcome = upgrade(quiet)
    assert (outcome["from"], outcome["to"]) == (16, 18)
    works_after(cluster, "after", before)
    assert [one.kind for one in care.backups()] == ["base", "base"]
    with pytest.raises(Invalid, match="newest"):
        upgrade(quiet)
    former = Path(outcome["former"])
    for _ in range(switch.GOOD_STARTS):
        assert former.exists()
        switch.count_good_start()
    assert not former.exists()


@pytest.mark.soak
def test_k4_soak_the_administrator_upgrades_while_the_owner_runs(cluster: Cluster) -> None:
    with installation(pitr.paths.state_dir()) as place:
        place.start("db")
        assert cluster.major == 16
        done = place.run("db", "upgrade", timeout=300)
        assert done.returncode == 0, done.stderr
        give_up = time.monotonic() + 60
        while not place.ready("db"):
            assert time.monotonic() < give_up, "the owner did not start the upgraded database"
            time.sleep(0.1)
        status = json.loads(place.run("db", "status").stdout)
        assert status["version"].startswith("18.")
        assert status["formers"], "the former cluster is kept"
        rows = content(cluster)["rows"]
        assert {name: rows[name] for name in ("core.client", "core.person")} == {
            "core.client": 20,
            "core.person": 1,
        }
