"""Secrets that this installation makes for itself, one file each, readable by its owner only.

A secret is made at first use and never changes by itself; two processes that ask at once get the same
(the file is written aside and linked, and the first link wins). `SENT_<ROLE>_PASSWORD` replaces a role's
password where the server is somebody else's. Where the root key comes from is a choice of its own
(`sent.platform.crypto.root`); `option` reads such choices without loading the settings' machinery.
"""

from __future__ import annotations

import os
import secrets
import stat
import tomllib
from collections.abc import Callable
from pathlib import Path

from sent.platform.config.paths import config_dir, secret_dir
from sent.platform.errors import Denied, Invalid, NotFound
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
    return read_private(path)


def read_private(path: Path) -> str:
    """Return the text of a secret's file; raises Denied when others may read it, NotFound without it."""
    try:
        found = path.stat()
    except OSError as error:
        raise NotFound("secret.missing", f"{path} cannot be read ({error.strerror})") from error
    if os.name == "posix" and found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise Denied("secret.exposed", f"{path} can be read by others; delete it or set its mode to 0600")
    return path.read_text(encoding="ascii").strip()


def replace_private(path: Path, value: str) -> None:
    """Write a secret's file anew, 0600 and whole at every moment."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        _write(aside, value)
        aside.replace(path)
        sync_folder(path.parent)
    finally:
        aside.unlink(missing_ok=True)


def option(name: str) -> str | None:
    """Return what an administrator chose: `SENT_<NAME>`, else `name` in `sent.toml`, else None."""
    if given := os.environ.get(f"SENT_{name.upper()}"):
        return given
    file = config_dir() / "sent.toml"
    try:
        value = tomllib.loads(file.read_text(encoding="utf-8")).get(name)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise Invalid("settings.file", f"{file}: {error}") from error
    if value is not None and not isinstance(value, str):
        raise Invalid("settings.invalid", f"{file}: {name} must be text")
    return value


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable (POSIX)."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write_once(path: Path, value: str) -> None:
    aside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        _write(aside, value)
        try:
            os.link(aside, path)
        except FileExistsError:
            pass
        except OSError:  # a file system without hard links
            if not path.exists():
                aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def _write(path: Path, value: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(value)
        file.flush()
        os.fsync(file.fileno())
