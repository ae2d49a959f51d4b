"""K4: a full disk is said clearly, loses nothing that was acknowledged, and is over once there is room."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest
from clusters import quiet
from installation import installation

from sent.platform.config.secrets import role_password
from sent.platform.db import care, room
from sent.platform.db.embedded import endpoint
from sent.platform.db.engine import Database, Server, fixed, unreachable
from sent.platform.db.uow import transaction, translated
from sent.platform.errors import SentError, Unavailable

MEGABYTE = 1 << 20


class Usage(NamedTuple):
    """What `shutil.disk_usage` returns."""

    total: int
    used: int
    free: int


def with_free(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    """Let every disk have `free` bytes."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(100 << 30, 0, free))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a folder on a file system of 260 MB of its own."""
    place = Path("/tmp") / f"sent-disk-{os.getpid()}"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=260m,mode=0755", "tmpfs", str(place)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode != 0:
        place.rmdir()
        pytest.skip(f"no small file system can be mounted here: {mounted.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)
        place.rmdir()


@pytest.mark.root
@pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can mount a small disk; see the others with a made-up one"
)
def test_k4_a_full_disk_is_told_with_its_cure_and_what_was_acknowledged_is_there_afterwards(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENT_STATE_DIR", str(small_disk))
    # On the way down the owner says that it gets narrow, but it has nothing to do with readiness here.
    monkeypatch.setenv("SENT_DISK_WARN_MB", "1")
    with installation(small_disk) as place:
        place.start("db")
        saved, error = asyncio.run(fill_up(small_disk / "ballast"))
        assert error.code == "database.disk_full", error
        assert "Make room" in error.message
        assert saved, "something was saved before"
        give_up = time.monotonic() + 30
        while "disk is full" not in place.probe("db", "/readyz"):
            assert time.monotonic() < give_up, place.probe("db", "/readyz")
            time.sleep(0.1)
        (small_disk / "ballast").unlink()
        there = asyncio.run(when_back(60))
        assert set(saved) <= there


async def fill_up(ballast: Path) -> tuple[list[int], SentError]:
    """Write rows until it fails; a ballast leaves little room. Return what was acknowledged, and why not."""
    saved: list[int] = []
    async with admin() as db:
        async with transaction(db) as tx:
            await tx.execute("create table public.ballast (number int primary key, body bytea)")
        with ballast.open("wb") as file:
            free = room.free(ballast.parent)
            os.posix_fallocate(file.fileno(), 0, max(free - 45 * MEGABYTE, MEGABYTE))
        while True:
            try:
                async with transaction(db) as tx:
                    await tx.execute(
                        "insert into public.ballast values (%s, %s)", [len(saved), os.urandom(MEGABYTE)]
                    )
            except SentError as error:
                return saved, error
            saved.append(len(saved))
            assert len(saved) < 500, "the disk never got full"


async def when_back(patience: float) -> set[int]:
    """Return the rows as soon as a new one can be written."""
    give_up = time.monotonic() + patience
    while True:
        try:
            async with admin() as db, transaction(db) as tx:
                await tx.execute("insert into public.ballast values (-1, 'x')")
                found = await tx.execute("select number from public.ballast")
                return {number for (number,) in await found.fetchall()}
        except SentError:
            assert time.monotonic() < give_up, "the database did not come back"
            await asyncio.sleep(0.2)


def admin() -> Database:
    """Return the database as its superuser."""
    from sent.platform.db.admin import admin_login

    login = admin_login()
    return Database(login.server, login.role, fixed(login.password), trusted=True, size=1)


def test_k4_no_room_for_one_more_segment_is_told_as_a_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    lost = psycopg.OperationalError("server closed the connection unexpectedly")
    with_free(monkeypatch, 5 * MEGABYTE)
    assert endpoint.disk_full()
    assert translated(lost).code == "database.disk_full"
    assert unreachable(lost, "gone").code == "database.disk_full"
    with_free(monkeypatch, 50 << 30)
    assert translated(lost).code == "database.unreachable"
    assert translated(psycopg.errors.DiskFull("could not extend file")).code == "database.disk_full"


async def test_k4_a_pool_that_cannot_connect_says_that_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_free(monkeypatch, 5 * MEGABYTE)
    monkeypatch.setattr("sent.platform.db.engine.CONNECT_TIMEOUT_S", 1.0)
    nowhere = Database(
        Server(host=str(tmp_path), port=1), "sent_app", fixed(role_password("sent_app")), trusted=True
    )
    with pytest.raises(Unavailable, match="disk is full"):
        await nowhere.connect()
    await nowhere.close()


def test_k4_big_work_is_refused_before_it_fills_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_free(monkeypatch, 100 * MEGABYTE)
    room.require(tmp_path / "not" / "there", 10 * MEGABYTE, "the backup")
    with pytest.raises(Unavailable, match=r"the backup needs 114 MB .* 100 MB are free"):
        room.require(tmp_path, 50 * MEGABYTE, "the backup")
    with pytest.raises(Unavailable, match="disk_warn_mb"):
        care.make("logical", quiet)


def test_k4_the_owner_complains_of_a_narrow_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    from uuid import uuid4

    from sent.platform.config.settings import Settings
    from sent.platform.db import pitr
    from sent.workers.keeper import Keeper

    with_free(monkeypatch, 100 * MEGABYTE)
    cluster = pitr.present()
    db = Database(Server("/nowhere", 1), "sent_system", fixed(role_password("sent_system")), trusted=True)
    keeper = Keeper(db, cluster, Settings(), uuid4())
    found = keeper._look()
    assert any("nearly full: 100 MB free" in complaint for complaint in keeper._complaints(found))
    with_free(monkeypatch, 100 << 30)
    assert list(keeper._complaints(keeper._look())) == []
