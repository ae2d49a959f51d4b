"""Which backups are due, which may go, and that the newest good one never goes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sent.platform.config.settings import Settings
from sent.platform.db import care
from sent.platform.db.care import Backup, Kind

NOW = datetime(2026, 11, 21, tzinfo=UTC)
WEEK_AGO = NOW - timedelta(days=7)


def made(days: float, kind: Kind = "logical", verified: bool | None = None, of: str = "1") -> Backup:
    """Return a backup that is `days` old."""
    at = NOW - timedelta(days=days)
    identifier = of if kind == "base" else None
    return Backup(
        kind, f"{days}", Path("/b"), at, 1, "0014", identifier, verified, at if verified else None, ""
    )


def names(found: list[Backup]) -> list[str]:
    """Return the ages."""
    return [one.name for one in found]


def test_what_is_older_than_a_week_goes() -> None:
    assert names(care.expendable([made(1), made(6), made(8), made(9)], WEEK_AGO)) == ["8", "9"]


def test_the_newest_verified_one_never_goes() -> None:
    there = [made(1, verified=False), made(8), made(9, verified=True), made(10, verified=True)]
    assert names(care.expendable(there, WEEK_AGO)) == ["8", "10"]


def test_without_a_verified_one_the_newest_that_did_not_fail_stays() -> None:
    assert names(care.expendable([made(8, verified=False), made(9), made(10)], WEEK_AGO)) == ["8", "10"]


def test_a_lonely_old_one_stays() -> None:
    assert care.expendable([made(300)], WEEK_AGO) == []


def test_both_kinds_are_due_in_the_beginning_and_a_day_later() -> None:
    wanted = [("backup", {"kind": "logical"}), ("backup", {"kind": "base"})]
    assert care.due(NOW, Settings(), [], "1") == wanted
    old = [made(1.1, verified=True), made(1.1, "base", verified=True)]
    assert care.due(NOW, Settings(), old, "1") == wanted
    fresh = [made(0.5, verified=True), made(0.5, "base", verified=True)]
    assert care.due(NOW, Settings(), fresh, "1") == []


def test_a_base_of_a_former_cluster_does_not_count() -> None:
    there = [made(0.5, verified=True), made(0.5, "base", verified=True, of="2")]
    assert care.due(NOW, Settings(), there, "1") == [("backup", {"kind": "base"})]


def test_the_newest_is_verified_once_a_week() -> None:
    base = made(0.1, "base", verified=True)
    assert care.due(NOW, Settings(), [made(0.2), base], "1") == [("verify", {"name": "logical/0.2"})]
    assert care.due(NOW, Settings(), [made(0.2), made(3, verified=True), base], "1") == []
    assert care.due(NOW, Settings(), [made(0.2), made(8, verified=True), base], "1") == [
        ("verify", {"name": "logical/0.2"})
    ]


def test_the_backups_folder_can_be_on_another_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENT_BACKUP_DIR", str(tmp_path / "elsewhere"))
    assert care.place("base") == tmp_path / "elsewhere" / "base"
    assert care.place("base").stat().st_mode & 0o777 == 0o700
    assert care.archive_root() == tmp_path / "elsewhere" / "wal"
    assert care.backups() == []
