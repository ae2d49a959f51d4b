"""Secrets that this installation makes for itself, one file each, readable by its owner only.

A secret is made at first use and never changes by itself; two processes that ask at once get the same
(the file is written aside and linked, and the first link wins). `SENT_<ROLE>_PASSWORD` replaces a role's
password where the server is somebody else's.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path

from sent.platform.config.paths import secret_dir
from sent.platform.errors import Denied, Invalid
from sent.platform.telemetry.log import Secret

SERVICE_ROLES = ("sent_app", "sent_system", "sent_ingest", "sent_broker", "sent_minter")
ROLES = (*SERVICE_ROLES, "sent_super")


def role_password(role: str) -> Secret:
    """Return the password of a service role or the embedded superuser; raises Invalid for others."""
    if role not in ROLES:
        raise Invalid("secret.role", f"{role!r} is not a service role")
    given = os.environ.get(f"{role.upper()}_PASSWORD")
    return Secret(given) if given else Secret(secret_file(role, lambda: secrets.token_urlsafe(32)))


def role_passwords() -> dict[str, Secret]:
    """Return the passwords of all service roles: what the migrator sets."""
    return {role: role_password(role) for role in SERVICE_ROLES}


def key(name: str) -> bytes:
    """Return 32 random bytes kept under `name` (the root key, the broker's key)."""
    return bytes.fromhex(secret_file(name, lambda: secrets.token_hex(32)))


def secret_file(name: str, make: Callable[[], str], folder: Path | None = None) -> str:
    """Return the secret `name`, made by `make()` when it is missing.

    Raises Denied when the file may be read by others: it has to count as known.
    """
    path = (folder or secret_dir()) / name
    if not path.exists():
        _write_once(path, make())
    found = path.stat()
    if os.name == "posix" and found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise Denied("secret.exposed", f"{path} can be read by others; delete it or set its mode to 0600")
    return path.read_text(encoding="ascii").strip()


def _write_once(path: Path, value: str) -> None:
    aside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(value)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(aside, path)
        except FileExistsError:
            pass
        except OSError:  # a file system without hard links
            if not path.exists():
                aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
