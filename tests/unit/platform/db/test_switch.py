"""The exchange of clusters, broken off between any two of its steps, ends with the new one in place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sent.platform.db import switch
from sent.platform.db.embedded.cluster import Cluster
from sent.platform.errors import Conflict
from sent.platform.telemetry.log import Secret

NAMES = ("db", "db.fresh", "db.before")


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an own state folder."""
    monkeypatch.setenv("SENT_STATE_DIR", str(tmp_path))
    return tmp_path


def cluster(state: Path) -> Cluster:
    """Return the cluster in its place."""
    return Cluster(state / "db", state / "run" / "pg", Secret("x"))


def lay(state: Path, **contents: str) -> None:
    """Make folders that say which cluster they are."""
    for name, which in contents.items():
        folder = state / name.replace("_", ".")
        (folder / "data").mkdir(parents=True)
        (folder / "which").write_text(which)


def there(state: Path) -> dict[str, str]:
    """Return which cluster lies where."""
    return {name: (state / name / "which").read_text() for name in NAMES if (state / name).exists()}


def journal(state: Path, step: str) -> None:
    """Write what a killed process left."""
    content = {"step": step, "fresh": "db.fresh", "former": "db.before", "keep": "good_starts"}
    (state / "db.switch.json").write_text(json.dumps(content))


@pytest.mark.parametrize(
    "left",
    [
        {"db": "old", "db_fresh": "new"},
        {"db_before": "old", "db_fresh": "new"},
        {"db": "new", "db_before": "old"},
    ],
    ids=["before both renames", "between them", "after both"],
)
def test_a_broken_off_exchange_is_finished(state: Path, left: dict[str, str]) -> None:
    lay(state, **left)
    journal(state, "exchange")
    assert switch.settle(cluster(state)) == "exchange"
    assert there(state) == {"db": "new", "db.before": "old"}
    assert switch.settle(cluster(state)) is None


def test_without_a_new_cluster_the_former_one_comes_back(state: Path) -> None:
    lay(state, db_before="old")
    journal(state, "exchange")
    switch.settle(cluster(state))
    assert there(state) == {"db": "old"}


def test_what_was_only_being_prepared_is_thrown_away(state: Path) -> None:
    lay(state, db="old", db_fresh="half")
    journal(state, "prepare")
    assert switch.settle(cluster(state)) == "prepare"
    assert there(state) == {"db": "old"}


def test_a_lost_cluster_is_replaced_without_a_former(state: Path) -> None:
    lay(state, db_fresh="new")
    switch.exchange(cluster(state), state / "db.fresh", state / "db.before", keep="ever")
    assert there(state) == {"db": "new"}


def test_a_failure_during_maintenance_is_settled_at_once(state: Path) -> None:
    lay(state, db="old")
    with pytest.raises(RuntimeError), switch.maintenance(cluster(state)):
        lay(state, db_fresh="half")
        switch.prepare(state / "db.fresh")
        raise RuntimeError
    assert there(state) == {"db": "old"}


def test_two_do_not_work_on_the_cluster_at_once(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switch, "LOCK_WAIT_S", 0.0)
    lay(state, db="old")
    with switch.maintenance(cluster(state)):
        assert switch.in_maintenance()
        with pytest.raises(Conflict, match="worked on"), switch.settled(cluster(state)):
            pass
    assert not switch.in_maintenance()


def test_the_former_cluster_goes_after_three_good_starts(state: Path) -> None:
    lay(state, db="old", db_fresh="new")
    switch.exchange(cluster(state), state / "db.fresh", state / "db.before-upgrade-16", keep="good_starts")
    for _ in range(switch.GOOD_STARTS):
        assert switch.formers() == [state / "db.before-upgrade-16"]
        switch.count_good_start()
    assert switch.formers() == []
