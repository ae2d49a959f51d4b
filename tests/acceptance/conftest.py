"""Fixtures of the acceptance tests."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from isolation import attacker, world
from message_server import NatsServer, nats_server

__all__ = ["attacker", "world"]


@pytest.fixture
def nats() -> Iterator[NatsServer]:
    """Return a running nats-server."""
    if nats_server() is None:
        pytest.skip("no nats-server: `make setup` fetches it where apt-get has its lists")
    with tempfile.TemporaryDirectory(prefix="sent-nats-") as folder:
        server = NatsServer(Path(folder))
        server.start()
        yield server
        server.kill()
