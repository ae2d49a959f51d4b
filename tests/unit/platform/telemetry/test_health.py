"""Health sockets: who came first keeps the name."""

from __future__ import annotations

import asyncio
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sent.platform.telemetry.health import Health, HealthServer


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder whose path is short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="sent-h-") as found:
        yield Path(found)


def _server(service: str) -> HealthServer:
    return HealthServer(lambda: Health(service, True, (), {}))


async def _ask(path: Path, page: str = "metrics") -> str:
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(f"GET /{page} HTTP/1.0\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer.decode()


async def test_a_second_process_takes_no_socket_away(folder: Path) -> None:
    name = folder / "db.sock"
    first, second = _server("first"), _server("second")
    await first.start(socket=name)
    await second.start(socket=name)
    beside = [path for path in folder.glob("*.sock") if path != name]
    assert "first" in await _ask(name)
    assert len(beside) == 1 and "second" in await _ask(beside[0])
    await second.stop()
    assert "first" in await _ask(name)
    assert list(folder.glob("*.sock")) == [name]
    await first.stop()


async def test_many_that_start_at_once_all_get_a_socket(folder: Path) -> None:
    """The socket of one used to vanish between its bind and its chmod."""
    servers = [_server(f"s{number}") for number in range(2)]
    await asyncio.gather(*(server.start(socket=folder / "db.sock") for server in servers))
    assert len(list(folder.glob("*.sock"))) == 2
    for server in servers:
        await server.stop()


async def test_a_name_left_behind_by_a_killed_process_is_taken_over(folder: Path) -> None:
    name = folder / "db.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(name))
    server = _server("next")
    await server.start(socket=name)
    assert '"ready": true' in await _ask(name, "readyz")
    await server.stop()
