"""The server's settings for this machine: `sent.conf`, included last by postgresql.conf, and `pg_hba.conf`.

Both are written whole at every start, so an update of SENT reaches existing clusters.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

MAX_CONNECTIONS = 80
SERVICE_CONNECTIONS = 30
"""Slots that only SENT's own services may take, so that staff cannot shut them out."""

SHARED_BUFFERS_SHARE = 4
SHARED_BUFFERS_LIMIT = 1 << 30

ARCHIVE_TIMEOUT_S = 300
"""How long what was written may stay in an unfinished segment: what a lost disk costs at most."""

_HBA = """\
# Written by SENT at every start. Sockets only, passwords always.
local   all           all          scram-sha-256
local   replication   sent_super   scram-sha-256
"""


def write_configuration(
    data: Path,
    socket_dir: Path,
    *,
    port: int,
    owner: tuple[int, int] | None = None,
    archive_command: str | None = None,
    extra: dict[str, str] | None = None,
) -> None:
    """Write `sent.conf` and `pg_hba.conf` into `data`, owned by uid and gid `owner` when given.

    With `archive_command` the server archives its log; `extra` settings win over the usual ones.
    """
    main = data / "postgresql.conf"
    include = "include 'sent.conf'\n"
    text = main.read_text()
    if not text.endswith(include):
        _replace(main, text.rstrip("\n") + "\n" + include, owner)
    values = _settings(socket_dir, port) | _archiving(archive_command) | (extra or {})
    _replace(data / "sent.conf", _written(values), owner)
    _replace(data / "pg_hba.conf", _HBA, owner)


def _archiving(command: str | None) -> dict[str, str]:
    if command is None:
        return {"archive_mode": "off"}
    return {
        "archive_mode": "on",
        "archive_command": command,
        "archive_timeout": f"{ARCHIVE_TIMEOUT_S}s",
    }


def _settings(socket_dir: Path, port: int) -> dict[str, str]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 4 << 30
    buffers = min(memory // SHARED_BUFFERS_SHARE, SHARED_BUFFERS_LIMIT) >> 20
    return {
        "listen_addresses": "",
        "unix_socket_directories": str(socket_dir),
        "unix_socket_permissions": "0700",
        "port": str(port),
        "max_connections": str(MAX_CONNECTIONS),
        "reserved_connections": str(SERVICE_CONNECTIONS),
        "shared_buffers": f"{buffers}MB",
        "max_wal_size": "2GB",
        "wal_compression": "pglz",
        "checkpoint_timeout": "10min",
        "jit": "off",
        "timezone": "UTC",
        "lock_timeout": "5s",
        "idle_in_transaction_session_timeout": "60s",
        "password_encryption": "scram-sha-256",
        "log_destination": "jsonlog",
        "log_directory": "log",
        "log_filename": "postgresql-%a.log",
        "log_truncate_on_rotation": "on",
        "log_rotation_age": "1d",
        "log_line_prefix": "%m [%p] %u ",
        "log_statement": "none",
        "log_min_duration_statement": "-1",
        "log_parameter_max_length_on_error": "0",
        "cluster_name": "sent",
    }


def _written(values: dict[str, str]) -> str:
    quoted = (f"{name} = '{value.replace(chr(39), chr(39) * 2)}'\n" for name, value in values.items())
    return "# Written by SENT at every start.\n" + "".join(quoted)


def _replace(path: Path, text: str, owner: tuple[int, int] | None) -> None:
    """Replace a file atomically and keep it private."""
    fresh = path.with_name(path.name + ".new")
    write_private(fresh, text, owner)
    fresh.replace(path)


def write_private(path: Path, text: str, owner: tuple[int, int] | None) -> None:
    """Make a new file of mode 0600 that belongs to uid and gid `owner`; what was there goes."""
    path.unlink(missing_ok=True)
    with os.fdopen(open_private(path, os.O_EXCL, owner), "w") as file:
        file.write(text)


def open_private(path: Path, flags: int, owner: tuple[int, int] | None) -> int:
    """Open a file of ours for writing, made 0600 for `owner` if missing; never through a link.

    These folders belong to the server's user. Root writes there, and must not be led to a file of its own
    by a link that a broken-in server left. Raises OSError (ELOOP) when a link or a second name is there.
    """
    flags |= os.O_WRONLY | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    descriptor = os.open(path, flags, 0o600)
    try:
        if owner is not None:
            if os.fstat(descriptor).st_nlink != 1:
                raise OSError(errno.ELOOP, "the file has a second name", str(path))
            os.fchown(descriptor, *owner)
            os.fchmod(descriptor, 0o600)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
