"""Where the root key comes from: a file, the desktop's keyring, a systemd credential or a command (KMS).

    SENT_ROOT_KEY = file:PATH | keyring:[NAME] | credential:NAME | command:ARGV

Every place holds one key per line, hex or base64, the current one first; more than one only while the root
is being rotated. Without a choice it is the keyring in a desktop session that has one, else a 0600 file in
the secrets folder; what was taken first is noted, so that a login over SSH does not make a second root. The
root never enters the database: beside each wrapped key stands its id, a short fingerprint, so that a wrong
root is told by the name of the one that is needed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import secrets
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from sent.platform.config.paths import secret_dir
from sent.platform.config.secrets import option, read_private, replace_private, secret_file
from sent.platform.errors import Invalid, SentError, Unavailable

KEY_BYTES = 32
COMMAND_TIMEOUT_S = 20.0
OUTPUT_LIMIT = 4096
SERVICE = "sent"
_FORMS = "file:PATH, keyring:, credential:NAME or command:ARGV"


class Place(Protocol):
    """A place that holds root keys."""

    name: str
    writable: bool

    def read(self) -> str:
        """Return the text that is kept; raises SentError when there is none."""
        ...

    def peek(self) -> str | None:
        """Return the text that is kept, or None; makes nothing."""
        ...

    def write(self, text: str) -> None:
        """Replace the text."""
        ...


class FilePlace:
    """A 0600 file; the default one is made at first use."""

    writable = True

    def __init__(self, path: Path, *, make: bool) -> None:
        self.name = f"file:{path}"
        self._path = path
        self._make = make

    def read(self) -> str:
        """Return the file's text; makes a new root only in the default place."""
        if self._make:
            return secret_file(self._path.name, lambda: secrets.token_hex(KEY_BYTES), self._path.parent)
        return read_private(self._path)

    def peek(self) -> str | None:
        """Return the file's text, or None."""
        return read_private(self._path) if self._path.exists() else None

    def write(self, text: str) -> None:
        """Replace the file."""
        replace_private(self._path, text)


class KeyringPlace:
    """The keyring of the desktop session (Secret Service, Keychain, Credential Locker)."""

    writable = True

    def __init__(self, user: str, *, make: bool) -> None:
        self.name = f"keyring:{user}"
        self._user = user
        self._make = make

    def read(self) -> str:
        """Return the entry; makes one when there is none and SENT chose this place itself."""
        import keyring
        import keyring.errors

        try:
            found = keyring.get_password(SERVICE, self._user)
            if found is None and self._make:
                keyring.set_password(SERVICE, self._user, secrets.token_hex(KEY_BYTES))
                found = keyring.get_password(SERVICE, self._user)
        except keyring.errors.NoKeyringError as error:
            raise Unavailable(
                "root.no_keyring",
                "SENT_ROOT_KEY says keyring:, but this machine has no keyring (a server without a desktop has"
                f" none); choose one of {_FORMS}",
            ) from error
        except keyring.errors.KeyringError as error:
            raise Unavailable("root.keyring", f"the keyring does not give the root key: {error}") from error
        if found is None:
            raise Unavailable("root.missing", f"the keyring holds no entry {self._user!r} of {SERVICE!r}")
        return str(found)

    def peek(self) -> str | None:
        """Return the entry, or None."""
        import keyring

        return keyring.get_password(SERVICE, self._user)

    def write(self, text: str) -> None:
        """Replace the entry."""
        import keyring
        import keyring.errors

        try:
            keyring.set_password(SERVICE, self._user, text)
        except keyring.errors.KeyringError as error:
            raise Unavailable("root.keyring", f"the keyring does not take the root key: {error}") from error


class CredentialPlace:
    """A credential that systemd loads for the unit (`LoadCredential=`, systemd.exec(5))."""

    writable = False

    def __init__(self, credential: str) -> None:
        self.name = f"credential:{credential}"
        self._credential = credential

    def read(self) -> str:
        """Return the credential's text."""
        folder = os.environ.get("CREDENTIALS_DIRECTORY")
        if not folder:
            raise Unavailable(
                "root.credential",
                f"no $CREDENTIALS_DIRECTORY: add LoadCredential={self._credential}:PATH to the unit",
            )
        path = Path(folder) / self._credential
        try:
            return path.read_text(encoding="ascii")
        except (OSError, ValueError) as error:
            raise Unavailable("root.credential", f"{path} cannot be read") from error

    def peek(self) -> str | None:
        """Return the credential's text."""
        return self.read()

    def write(self, text: str) -> None:
        """Raise: a credential is changed where systemd takes it from."""
        raise _read_only(self.name)


class CommandPlace:
    """A program whose standard output is the key: a key management service. No shell is involved."""

    writable = False

    def __init__(self, line: str) -> None:
        self.name = "command"
        try:
            self._argv = shlex.split(line)
        except ValueError as error:
            raise Invalid("root.command", f"SENT_ROOT_KEY: the command cannot be split: {error}") from error
        if not self._argv:
            raise Invalid("root.command", "SENT_ROOT_KEY: command: needs a program")

    def read(self) -> str:
        """Run the program; its output is bounded, its errors go to the log of whoever runs it."""
        program = self._argv[0]
        try:
            finished = subprocess.run(
                self._argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=COMMAND_TIMEOUT_S,
                check=False,
            )
        except OSError as error:
            raise Unavailable("root.command", f"{program} cannot be run ({error.strerror})") from error
        except subprocess.TimeoutExpired as error:
            raise Unavailable(
                "root.command", f"{program} gave no key within {COMMAND_TIMEOUT_S:g} s"
            ) from error
        if finished.returncode != 0:
            raise Unavailable("root.command", f"{program} failed (exit {finished.returncode})")
        if len(finished.stdout) > OUTPUT_LIMIT:
            raise Invalid("root.command", f"{program} printed more than {OUTPUT_LIMIT} bytes; want a key")
        return finished.stdout.decode("ascii", "replace")

    def peek(self) -> str | None:
        """Return what the program prints."""
        return self.read()

    def write(self, text: str) -> None:
        """Raise: the key is changed in the service."""
        raise _read_only("command")


def root_id(root: bytes) -> str:
    """Return the short name of a root key; it tells nothing of the key."""
    return hashlib.sha256(b"sent root key id\0" + root).hexdigest()[:12]


class Roots:
    """The root keys of this installation; nothing is read before the first use."""

    def __init__(self, place: Place | None = None) -> None:
        self._place = place
        self._known: dict[str, bytes] = {}

    @property
    def place(self) -> Place:
        """Where the keys are kept."""
        if self._place is None:
            self._place = chosen_place()
        return self._place

    def all(self) -> list[bytes]:
        """Return the keys as they stand in their place now, the current one first."""
        found = parse(self.place.read(), self.place.name)
        self._known |= {root_id(root): root for root in found}
        return found

    def current(self) -> bytes:
        """Return the key that wraps what is made from now on."""
        return self.all()[0]

    def find(self, wanted: str) -> bytes:
        """Return the key called `wanted`; raises Invalid naming it when the place does not hold it."""
        if wanted not in self._known:
            have = ", ".join(root_id(root) for root in self.all())
            if wanted not in self._known:
                raise Invalid(
                    "crypto.root",
                    f"the stored keys need root key {wanted}, but {self.place.name} holds {have}: restore the"
                    " right one there, or run 'sent keys recover'",
                    wanted=wanted,
                )
        return self._known[wanted]

    def store(self, roots: Sequence[bytes]) -> None:
        """Write the keys back, the current one first; raises Invalid where SENT may not write."""
        self.place.write("\n".join(root.hex() for root in roots))


class FixedRoots(Roots):
    """One given key (tests, and callers that hold it already)."""

    def __init__(self, root: bytes) -> None:
        super().__init__()
        if len(root) != KEY_BYTES:
            raise ValueError("the root key has 32 bytes")
        self._root = root

    def all(self) -> list[bytes]:
        """Return the one key."""
        return [self._root]

    def find(self, wanted: str) -> bytes:
        """Return the key when it is the one called `wanted`."""
        if wanted != root_id(self._root):
            raise Invalid("crypto.root", f"the stored keys need root key {wanted}", wanted=wanted)
        return self._root


def parse(text: str, place: str) -> list[bytes]:
    """Return the keys in `text`, one per line; raises Invalid naming the place and the line."""
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        key = _decoded(line.strip())
        if key is None:
            raise Invalid(
                "root.format", f"{place}, line {number}: a root key is 32 bytes as 64 hex digits or base64"
            )
        found.append(key)
    if not found:
        raise Invalid("root.format", f"{place} holds no root key")
    return found


def chosen_place(choice: str | None = None) -> Place:
    """Return the place that is set, or the one this installation took when it first needed a root."""
    choice = choice or option("root_key")
    if choice is not None:
        return _parsed(choice)
    default = secret_dir() / "root_key"
    note = secret_dir() / "root_place"
    if default.exists():
        return FilePlace(default, make=True)
    if not note.exists() and not _desktop_keyring():
        return FilePlace(default, make=True)
    user = secret_file(note.name, lambda: f"root-{secrets.token_hex(4)}", note.parent)
    return KeyringPlace(user, make=True)


def _parsed(choice: str) -> Place:
    kind, colon, rest = choice.partition(":")
    if colon and kind == "file" and rest:
        return FilePlace(Path(rest).expanduser(), make=False)
    if colon and kind == "keyring":
        return KeyringPlace(rest or "root", make=True)
    if colon and kind == "credential" and rest and "/" not in rest:
        return CredentialPlace(rest)
    if colon and kind == "command":
        return CommandPlace(rest)
    raise Invalid("root.choice", f"SENT_ROOT_KEY: want {_FORMS}")


def _desktop_keyring() -> bool:
    """Say whether this is a desktop session with a real keyring; imports it only then."""
    if sys.platform.startswith("linux"):
        session = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
        if not session or not os.environ.get("DBUS_SESSION_BUS_ADDRESS") or os.geteuid() == 0:
            return False
    try:
        import keyring

        return float(keyring.get_keyring().priority) >= 1
    except Exception:  # whatever a desktop's back end raises, there is a file
        return False


def _decoded(word: str) -> bytes | None:
    try:
        key = bytes.fromhex(word) if len(word) == 2 * KEY_BYTES else base64.b64decode(word, validate=True)
    except (ValueError, binascii.Error):
        return None
    return key if len(key) == KEY_BYTES else None


def _read_only(name: str) -> SentError:
    return Invalid(
        "root.read_only",
        f"{name} is not written by SENT: put the new key in its first line, keep the old one in the second",
    )
