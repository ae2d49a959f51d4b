"""Following files, step by step; the acceptance tests do it with the real worker."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from sent.engines.radar.decoding.syslog import MAX_MESSAGE
from sent.engines.radar.receiving.backlog import Backlog
from sent.engines.radar.receiving.tail import CHUNK, ROTATED_POLLS, FileTail
from sent.engines.radar.store.catalogue import Source
from sent.engines.radar.store.sink import Checkpoint


class Followed:
    """A file, the lines that were read of it and the last checkpoint."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.source = Source(uuid4(), UUID(int=1), None, "f", "file", str(path), None, None, None, "UTC", 1)
        self.lines: list[str] = []
        self.point: Checkpoint | None = None
        self.restart()

    def restart(self) -> None:
        """Forget everything but the checkpoint, as a killed process does."""
        self.backlog = Backlog()
        self.tail = FileTail(self.source, self.backlog, self.point)

    async def read(self, *, polls: int = ROTATED_POLLS + 4) -> list[str]:
        fresh: list[str] = []
        for _ in range(polls):
            await self.tail.poll()
            while self.backlog.lines or self.backlog._parcels:
                for parcel in await self.backlog.take(1, 0):
                    fresh += [payload.decode() for payload in parcel.payloads]
                    self.point = parcel.checkpoint
        self.lines += fresh
        return fresh


@pytest.fixture
def followed(tmp_path: Path):
    made = Followed(tmp_path / "app.log")
    yield made
    made.tail.close()


async def test_a_missing_file_is_waited_for_and_read_from_its_beginning(followed: Followed) -> None:
    assert await followed.read() == []
    followed.path.write_bytes(b"one\ntwo\r\n\nthree")
    assert await followed.read() == ["one", "two"]
    with followed.path.open("ab") as file:
        file.write(b" whole\n")
    assert await followed.read() == ["three whole"]


async def test_a_restart_goes_on_where_it_was_stored(followed: Followed) -> None:
    followed.path.write_bytes(b"one\ntwo\nhal")
    await followed.read()
    followed.tail.close()
    with followed.path.open("ab") as file:
        file.write(b"f\nthree\n")
    followed.restart()
    assert await followed.read() == ["half", "three"]


async def test_rotation_reads_the_rest_under_the_new_name(followed: Followed) -> None:
    followed.path.write_bytes(b"one\n")
    await followed.read()
    with followed.path.open("ab") as file:
        file.write(b"two\nlast without end")
    followed.path.rename(followed.path.with_name("app.log.1"))
    followed.path.write_bytes(b"new\n")
    assert await followed.read(polls=12) == ["two", "last without end", "new"]


async def test_rotation_while_down_reads_the_rest_under_the_new_name(followed: Followed) -> None:
    followed.path.write_bytes(b"one\n")
    await followed.read()
    followed.tail.close()
    with followed.path.open("ab") as file:
        file.write(b"two\n")
    followed.path.rename(followed.path.with_name("app.log.1"))
    followed.path.write_bytes(b"new\n")
    followed.restart()
    assert await followed.read(polls=12) == ["two", "new"]


async def test_two_rotations_while_down_lose_nothing(followed: Followed) -> None:
    followed.path.write_bytes(b"one\n")
    await followed.read()
    followed.tail.close()
    with followed.path.open("ab") as file:
        file.write(b"two\n")
    for number, name in enumerate(("app.log.2", "app.log.1")):
        followed.path.rename(followed.path.with_name(name))
        os.utime(followed.path.with_name(name), (1_800_000_000 + number, 1_800_000_000 + number))
        followed.path.write_bytes(b"generation %d\n" % number)
    followed.path.with_name("app.log.old").write_bytes(b"not a generation\n")
    followed.restart()
    assert await followed.read(polls=20) == ["two", "generation 0", "generation 1"]


async def test_truncation_starts_over_also_when_the_file_grew_past_the_old_place(followed: Followed) -> None:
    followed.path.write_bytes(b"first generation\n")
    await followed.read()
    os.truncate(followed.path, 0)
    with followed.path.open("ab") as file:
        file.write(b"second generation, and a longer one\nmore\n")
    assert await followed.read() == ["second generation, and a longer one", "more"]
    followed.tail.close()
    os.truncate(followed.path, 0)
    with followed.path.open("ab") as file:
        file.write(b"third generation, which is longer still than the second\nx\ny\n")
    followed.restart()
    assert (await followed.read())[0].startswith("third")


async def test_another_file_with_a_reused_inode_is_not_taken_for_the_old_one(followed: Followed) -> None:
    followed.path.write_bytes(b"one\ntwo\n")
    await followed.read()
    assert followed.point is not None
    followed.tail.close()
    followed.path.write_bytes(b"ONE\nTWO\nTHREE\n")
    followed.restart()
    assert await followed.read() == ["ONE", "TWO", "THREE"]


async def test_long_lines_are_cut_and_endless_ones_skipped(followed: Followed) -> None:
    followed.path.write_bytes(b"x" * (MAX_MESSAGE + 10) + b"\n" + b"y" * (CHUNK * 2 + 5) + b"\nend\n")
    lines = await followed.read(polls=20)
    assert [len(line) for line in lines] == [MAX_MESSAGE, MAX_MESSAGE, 3]
    assert lines[-1] == "end"


async def test_a_full_backlog_holds_the_reader_up(followed: Followed) -> None:
    followed.path.write_bytes(b"line\n" * 10)
    followed.backlog = Backlog(max_lines=5)
    followed.tail = FileTail(followed.source, followed.backlog, None)
    await followed.tail.poll()
    with followed.path.open("ab") as file:
        file.write(b"more\n")
    held = asyncio.create_task(followed.tail.poll())  # noqa: TID251 (awaited below)
    await asyncio.sleep(0.05)
    assert not held.done()
    assert followed.backlog.waiting == 1
    await followed.backlog.take(100, 0)
    assert await asyncio.wait_for(held, 1)
