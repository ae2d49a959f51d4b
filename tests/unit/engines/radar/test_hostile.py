"""What senders and authors of rules try: nothing of it stops the worker or takes more than its share."""

from __future__ import annotations

import asyncio
import os
import socket
import tarfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from uuid import UUID, uuid4

import pytest
import yaml
from closures import Evaluator

from sent.engines.radar.batch import decoded
from sent.engines.radar.model import Event, Match
from sent.engines.radar.receiving import listen, logfile
from sent.engines.radar.receiving.backlog import Backlog, Parcel
from sent.engines.radar.receiving.listen import TcpListener
from sent.engines.radar.receiving.logfile import open_log
from sent.engines.radar.receiving.tail import FileTail
from sent.engines.radar.sigma.pattern import PatternRefused, compile_pattern
from sent.engines.radar.sigma.rulefiles import rule_files
from sent.engines.radar.sigma.ruleset import parse_rules
from sent.engines.radar.sigma.yamltext import documents
from sent.engines.radar.store.catalogue import Source
from sent.platform.errors import Invalid, Unavailable
from sent.platform.tasks import cancel, spawn

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def source(kind: str = "syslog_tcp", address: str = "127.0.0.1:0") -> Source:
    return Source(uuid4(), UUID(int=1), None, "s", kind, address, None, None, None, "UTC", 1)


@pytest.mark.parametrize(
    "line",
    [
        b"<34>1 0001-01-01T00:00:00+14:00 h a - - - first hour of the calendar",
        b"<34>0001-01-01T00:00:00+14:00 h a: the same in the old format",
        b"<34>1 9999-12-31T23:59:59-14:00 h a - - - last hour",
    ],
)
def test_a_time_outside_of_the_calendar_is_no_time(line: bytes) -> None:
    stored = decoded([Parcel(source(), NOW, (line,))], Evaluator([])).lines
    assert [entry.at for entry in stored] == [NOW]


class Broken:
    """A matcher that fails on one event."""

    def match(self, event: Event) -> list[Match]:
        if "two" in event.message:
            raise ZeroDivisionError
        return []


def test_a_line_that_no_reader_takes_is_stored_as_text_and_harms_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuses(*_: object, **__: object) -> Event:
        raise OverflowError

    monkeypatch.setattr("sent.engines.radar.batch.event_of", refuses)
    batch = decoded([Parcel(source(), NOW, (b"one", b"two\xff"))], Broken())
    assert [line.message for line in batch.lines] == ["one", "two\ufffd"]


def bomb(levels: int) -> str:
    lines = ["l0: &l0 [x,x,x,x,x,x,x,x,x]"]
    lines += [f"l{n}: &l{n} [{','.join([f'*l{n - 1}'] * 9)}]" for n in range(1, levels)]
    return "\n".join(lines) + "\n"


def test_aliases_count_as_what_they_stand_for() -> None:
    text = bomb(9) + f"title: *l8\nid: {uuid4()}\nlogsource: {{product: windows}}\n"
    began = perf_counter()
    found = parse_rules([("bomb.yml", text, "")])
    assert perf_counter() - began < 1
    assert "aliases written out" in found.rejected[0].reason


def test_a_few_aliases_are_fine_and_none_holds_itself() -> None:
    assert documents("a: &a [1, 2]\nb: *a\n") == [{"a": [1, 2], "b": [1, 2]}]
    with pytest.raises(ValueError, match="inside of what it names"):
        documents("a: &a [*a]")
    with pytest.raises(yaml.YAMLError):
        documents("a: *unknown")


def test_a_tar_header_is_not_read_into_memory_whole(tmp_path: Path) -> None:
    path = tmp_path / "rules.tar.gz"
    with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as archive:
        named = tarfile.TarInfo("a.yml")
        named.pax_headers = {"comment": "x" * 2_000_000}
        archive.addfile(named)
    with pytest.raises(Invalid, match="damaged"):
        list(rule_files(path))
    with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(tarfile.TarInfo("long/" * 60 + "a.yml"))
    assert [name for name, _, _ in rule_files(path)] == ["long/" * 60 + "a.yml"]


@pytest.mark.parametrize(
    "pattern",
    [
        "(?!x)abc.*.*.*.*z",
        "(?=abc)abc(?:a|a)*$",
        "(?!q)abc(?:a?){60}a{60}z",
        "(?!q)abc(a|b|ab)*c",
        "(?!q)abc" + "a?" * 30 + "a" * 30,
        "(?!q)abc(?:a{0,60}){60}z",
    ],
)
def test_patterns_that_backtrack_without_end_are_refused(pattern: str) -> None:
    with pytest.raises(PatternRefused, match="open repeat"):
        compile_pattern(pattern)


def test_the_worst_pattern_that_may_run_ends_soon() -> None:
    search = compile_pattern("(?!x)[a-z]*abc!").search
    began = perf_counter()
    assert search("abc" * 1365) is None
    assert perf_counter() - began < 3


async def test_one_sender_cannot_take_all_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listen, "MAX_PER_PEER", 3)
    listener = TcpListener(source(address="0.0.0.0:0"), Backlog())
    port = await listener.start()
    crowd: list[socket.socket] = []
    try:
        for _ in range(8):
            crowd.append(await asyncio.to_thread(socket.create_connection, ("127.0.0.1", port)))
        other = await asyncio.to_thread(socket.create_connection, ("127.0.0.1", port), None, ("127.0.0.2", 0))
        crowd.append(other)
        await asyncio.sleep(0.1)
        assert listener.dropped == 5
        other.setblocking(False)
        with pytest.raises(BlockingIOError):
            other.recv(1)
        for used in crowd[:3]:
            used.close()
        await asyncio.sleep(0.1)
        crowd.append(await asyncio.to_thread(socket.create_connection, ("127.0.0.1", port)))
        await asyncio.sleep(0.1)
        assert listener.dropped == 5
    finally:
        for used in crowd:
            used.close()
        await listener.stop()


async def test_all_sources_together_take_no_more_connections_than_the_process_can_have() -> None:
    backlog = Backlog(max_connections=4)
    listeners = [TcpListener(source(), backlog) for _ in range(2)]
    ports = [await listener.start() for listener in listeners]
    crowd: list[socket.socket] = []
    try:
        for n in range(6):
            crowd.append(await asyncio.to_thread(socket.create_connection, ("127.0.0.1", ports[n % 2])))
        await asyncio.sleep(0.1)
        assert sum(listener.dropped for listener in listeners) == 2
        crowd[0].close()
        await asyncio.sleep(0.1)
        assert backlog.connections == 3
    finally:
        for used in crowd:
            used.close()
        for listener in listeners:
            await listener.stop()
    assert backlog.connections == 0


@pytest.mark.parametrize("host", ["a" * 70, "..", "no such host"])
async def test_an_address_that_is_no_name_is_this_sources_problem(host: str) -> None:
    with pytest.raises(Unavailable, match="cannot listen"):
        await TcpListener(source(address=f"{host}:0"), Backlog()).start()


def roots(monkeypatch: pytest.MonkeyPatch, *folders: Path) -> None:
    monkeypatch.setattr(logfile, "_roots", lambda: folders)


def test_a_source_reads_what_everybody_may_read_and_what_the_administrator_allows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    allowed = tmp_path / "logs"
    allowed.mkdir()
    secret, log, public = tmp_path / "secret", allowed / "log", tmp_path / "public"
    for path, mode in ((secret, 0o600), (log, 0o640), (public, 0o644)):
        path.write_text("x\n")
        path.chmod(mode)
    (allowed / "link").symlink_to(secret)
    roots(monkeypatch, allowed)
    for path in (log, public):
        with open_log(path) as stream:
            assert stream.read() == b"x\n"
    for path in (secret, allowed / "link", allowed / ".." / "secret"):
        with pytest.raises(PermissionError, match="log_roots"):
            open_log(path)


async def test_pipes_and_devices_stop_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o666)
    places: Sequence[Path] = (tmp_path / "pipe", Path("/dev/zero"), tmp_path)
    for place in places:
        tail = FileTail(source("file", str(place)), Backlog(), None)
        reading = spawn(tail.run(), name="tail")
        await asyncio.sleep(0.05)
        await cancel(reading)
        assert "no ordinary file" in tail.problem
