"""Folders of the program; loads nothing heavy.

    state    databases, secrets, queues     SENT_STATE_DIR   root: /var/lib/sent   else $XDG_STATE_HOME/sent
    config   settings files                 SENT_CONFIG_DIR  root: /etc/sent       else $XDG_CONFIG_HOME/sent
    runtime  sockets, locks                 SENT_RUNTIME_DIR root: /run/sent       else $XDG_RUNTIME_DIR/sent

The user that the package makes (home: /var/lib/sent) has the folders of root, so that `sudo -u sent sent`
speaks to the services. `SENT_PROFILE` (such as `demo`) puts a sub-folder below each: two installations
never mix. When only `SENT_STATE_DIR` is set, config and runtime live inside it.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from sent.platform.errors import Denied, SentError

SYSTEM_STATE = Path("/var/lib/sent")

SOCKET_PATH_LIMIT = 100
"""Bytes a folder's path may have so that `<folder>/.s.PGSQL.5432` fits in sun_path (108 on Linux)."""


def is_root() -> bool:
    """Say whether this process runs as root (never on Windows)."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def of_the_system() -> bool:
    """Say whether this process belongs to the installation of the whole machine: root, or its own user."""
    if is_root():
        return True
    if not hasattr(os, "geteuid"):
        return False
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_dir == str(SYSTEM_STATE)
    except KeyError:
        return False


def state_dir() -> Path:
    """Return the folder for durable state; made 0700 on first use (0755 for root: see `secret_dir`)."""
    explicit = os.environ.get("SENT_STATE_DIR")
    if explicit:
        base = Path(explicit)
    elif of_the_system():
        base = SYSTEM_STATE
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
    elif of_the_system():
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
    elif of_the_system():
        base = Path("/run/sent")
    elif "XDG_RUNTIME_DIR" in os.environ and Path(os.environ["XDG_RUNTIME_DIR"]).is_dir():
        base = Path(os.environ["XDG_RUNTIME_DIR"]) / "sent"
    else:
        base = _made(_short("sent"), 0o700)  # checked itself: whoever owns it can exchange what is inside
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
    """Make `folder` (parents by the user's umask); refuse one that is not safely ours.

    Raises Denied when somebody else owns it, when it is a link below the shared temporary folder, or when
    it cannot be made.
    """
    try:
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(mode)
    except OSError as error:
        raise _refused(folder, f"cannot be made ({error.strerror})") from error
    if folder.is_symlink() and folder.parent == Path(tempfile.gettempdir()):
        raise _refused(folder, "is a link in a folder that everybody may write to")
    if hasattr(os, "geteuid") and (owner := folder.stat().st_uid) not in (os.geteuid(), 0):
        raise _refused(folder, f"belongs to another user: run this as {_name(owner)}")
    return folder


def _name(user: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"user {user}"


def _refused(folder: Path, why: str) -> SentError:
    return Denied("folder.refused", f"{folder} {why}, or set SENT_STATE_DIR to a folder of your own")
