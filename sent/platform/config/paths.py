"""Folders of the program, with the standard library only.

    state    databases, secrets, queues     SENT_STATE_DIR   root: /var/lib/sent   else $XDG_STATE_HOME/sent
    config   settings files                 SENT_CONFIG_DIR  root: /etc/sent       else $XDG_CONFIG_HOME/sent
    runtime  sockets, locks                 SENT_RUNTIME_DIR root: /run/sent       else $XDG_RUNTIME_DIR/sent

`SENT_PROFILE` (such as `demo`) puts a sub-folder below each, so that two installations never mix. When
only `SENT_STATE_DIR` is set, config and runtime live inside it.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

SOCKET_PATH_LIMIT = 100
"""Bytes a folder's path may have so that `<folder>/.s.PGSQL.5432` fits in sun_path (108 on Linux)."""


def is_root() -> bool:
    """Say whether this process runs as root (never on Windows)."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def state_dir() -> Path:
    """Return the folder for durable state; made 0700 on first use (0755 for root: see `secret_dir`)."""
    explicit = os.environ.get("SENT_STATE_DIR")
    if explicit:
        base = Path(explicit)
    elif is_root():
        base = Path("/var/lib/sent")
    else:
        base = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "sent"
    return _made(base / _profile(), 0o755 if is_root() else 0o700)


def secret_dir() -> Path:
    """Return the 0700 folder below the state folder that holds secrets."""
    return _made(state_dir() / "secrets", 0o700)


def config_dir() -> Path:
    """Return the folder for settings files (not made)."""
    explicit = os.environ.get("SENT_CONFIG_DIR")
    if explicit:
        base = Path(explicit)
    elif "SENT_STATE_DIR" in os.environ:
        return state_dir() / "config"
    elif is_root():
        base = Path("/etc/sent")
    else:
        base = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "sent"
    return base / _profile()


def runtime_dir() -> Path:
    """Return a 0700 folder (root: 0755) for sockets whose path is short enough for a socket name."""
    explicit = os.environ.get("SENT_RUNTIME_DIR")
    if explicit:
        base = Path(explicit)
    elif "SENT_STATE_DIR" in os.environ:
        base = Path(os.environ["SENT_STATE_DIR"]) / "run"
    elif is_root():
        base = Path("/run/sent")
    elif "XDG_RUNTIME_DIR" in os.environ and Path(os.environ["XDG_RUNTIME_DIR"]).is_dir():
        base = Path(os.environ["XDG_RUNTIME_DIR"]) / "sent"
    else:
        base = _short("sent")
    folder = base / _profile()
    if len(os.fsencode(folder / "xxxxxxxxxxxx")) > SOCKET_PATH_LIMIT:
        folder = _short("sent-" + hashlib.sha256(os.fsencode(folder)).hexdigest()[:12])
    return _made(folder, 0o755 if is_root() else 0o700)


def _profile() -> str:
    return os.environ.get("SENT_PROFILE", "")


def _short(name: str) -> Path:
    owner = os.getuid() if hasattr(os, "getuid") else 0
    return Path(tempfile.gettempdir()) / f"{name}-{owner}"


def _made(folder: Path, mode: int) -> Path:
    """Make `folder` (parents by the user's umask) and refuse one that somebody else owns."""
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(mode)
    if hasattr(os, "geteuid") and folder.stat().st_uid not in (os.geteuid(), 0):
        from sent.platform.errors import Denied

        raise Denied("folder.foreign", f"{folder} belongs to another user; set SENT_STATE_DIR elsewhere")
    return folder
