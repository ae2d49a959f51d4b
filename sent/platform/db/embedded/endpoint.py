"""How a process finds its PostgreSQL server, and how it asks for an owner.

`SENT_DATABASE_URL` names an external server. Otherwise the owner (`--service=db`) writes `endpoint.json`
into the state folder once the server answers and the schema is at head. The file is a hint: whoever
connects finds out whether it is true.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from sent.platform.config import paths
from sent.platform.db import room
from sent.platform.errors import Invalid, Unavailable

if TYPE_CHECKING:
    from sent.platform.db.engine import Server

START_TIMEOUT_S = 120.0
DBNAME = "sent"
LOG_LIMIT = 1 << 20
FULL_BELOW = 20 << 20
"""Free bytes below which the server cannot go on: a segment of its log is 16 MB."""


def cluster_dir() -> Path:
    """Return the folder of the embedded cluster."""
    return paths.state_dir() / "db"


def socket_dir() -> Path:
    """Return the 0700 folder of PostgreSQL's socket."""
    return paths.runtime_dir() / "pg"


def broker_socket() -> Path:
    """Return the login broker's socket, in a 0700 folder of its own."""
    folder = paths.runtime_dir() / "db"
    if not folder.is_dir():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder / "broker.sock"


def external() -> bool:
    """Say whether an external server is set."""
    return "SENT_DATABASE_URL" in os.environ


def find() -> Server:
    """Return where the server is; raises Unavailable when no owner has announced one."""
    if external():
        return parse_url(os.environ["SENT_DATABASE_URL"])
    from sent.platform.db.engine import Server

    try:
        found: dict[str, Any] = json.loads(_file().read_text())
        return Server(host=found["host"], port=found["port"], dbname=found["dbname"])
    except (OSError, ValueError, KeyError) as error:
        raise Unavailable(
            "database.no_endpoint",
            "no database runs here; start one with `sent --mode=worker --service=db` or open the console",
        ) from error


def announce(server: Server, system_identifier: str) -> None:
    """Write `endpoint.json` for `server` (atomically, 0600)."""
    text = json.dumps(
        {
            "host": server.host,
            "port": server.port,
            "dbname": server.dbname,
            "system_identifier": system_identifier,
            "owner_pid": os.getpid(),
        }
    )
    fresh = _file().with_suffix(f".{os.getpid()}")
    fresh.touch(0o600)
    fresh.write_text(text)
    fresh.replace(_file())


def withdraw() -> None:
    """Remove `endpoint.json`: the server is going to stop."""
    _file().unlink(missing_ok=True)


def parse_url(url: str) -> Server:
    """Return the server of `postgresql://user:password@host:port/dbname?sslmode=...`.

    Servers on other machines are spoken to with `verify-full` unless the URL says something stricter is
    impossible by naming an sslmode. Raises Invalid naming what is wrong; user and password are read by
    `url_credentials`.
    """
    from sent.platform.db.engine import Server

    parts = urlsplit(url)
    if parts.scheme not in {"postgresql", "postgres"}:
        raise Invalid("database.url", "SENT_DATABASE_URL must start with postgresql://")
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    host = query.get("host") or unquote(parts.hostname or "")
    dbname = unquote(parts.path.lstrip("/")) or DBNAME
    if not host:
        raise Invalid("database.url", "SENT_DATABASE_URL names no host")
    local = host.startswith("/") or host in {"localhost", "127.0.0.1", "::1"}
    return Server(
        host=host,
        port=int(query.get("port") or parts.port or 5432),
        dbname=dbname,
        sslmode=query.get("sslmode") or ("prefer" if local else "verify-full"),
        sslrootcert=query.get("sslrootcert") or (None if local else "system"),
    )


def url_credentials(url: str) -> tuple[str, str]:
    """Return user and password of a database URL; raises Invalid when the user is missing."""
    parts = urlsplit(url)
    if not parts.username:
        raise Invalid("database.url", "SENT_DATABASE_URL names no user")
    return unquote(parts.username), unquote(parts.password or os.environ.get("PGPASSWORD", ""))


async def ensure_running(progress: Callable[[str], None]) -> Server:
    """Return the server, starting a detached owner when none answers on its broker's socket.

    `progress` gets a short text at each step. Raises Unavailable with the owner's last words.
    """
    if external():
        return find()
    owner: subprocess.Popen[bytes] | None = None
    loop = asyncio.get_running_loop()
    give_up = loop.time() + START_TIMEOUT_S
    while loop.time() < give_up:
        if await owner_answers():
            return find()
        if owner is None:
            progress("Starting the database")
            owner = _spawn_owner()
        elif owner.poll() not in (None, 0, 75):
            raise Unavailable("database.owner_failed", f"the database does not start: {_last_words()}")
        await asyncio.sleep(0.05)
    raise Unavailable("database.start_timeout", f"the database is not ready: {_last_words()}")


def disk_full() -> bool:
    """Say whether the embedded database's disk has no room for one more segment of its log."""
    return not external() and room.free(cluster_dir()) < FULL_BELOW


def owner_log() -> Path:
    """Return the file that a detached owner logs to."""
    return paths.state_dir() / "owner.log"


async def owner_answers() -> bool:
    """Say whether an owner has announced its server and its broker listens."""
    try:
        _, writer = await asyncio.wait_for(asyncio.open_unix_connection(broker_socket()), 2)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return _file().exists()


def _spawn_owner() -> subprocess.Popen[bytes]:
    """Start `--service=db` in a session of its own, so that it outlives this process."""
    log = owner_log()
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.unlink()
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        return subprocess.Popen(
            [*program(), "--mode=worker", "--service=db", "--idle-stop=300"],
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            start_new_session=True,
            cwd=paths.state_dir(),
        )
    finally:
        os.close(descriptor)


def program() -> list[str]:
    """Return the command that starts this program again."""
    if getattr(sys, "frozen", False):
        return [sys.executable]
    return [sys.executable, "-m", "sent"]


def _last_words() -> str:
    try:
        lines = owner_log().read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    return lines[-1][:400] if lines else f"see {owner_log()}"


def _file() -> Path:
    return paths.state_dir() / "endpoint.json"
