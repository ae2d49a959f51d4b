"""The key that signs seals: Ed25519, made at first use, its private half outside the database.

It comes from a 0600 file, or with `SENT_AUDIT_KEY` from the same places as the root key
(`sent.platform.crypto.root`). Every public key this installation ever used stands in the database, and in
`audit-public-keys` beside the state, which verification trusts: a key that only the database knows was put
there by somebody else. Copy that file to whoever verifies.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from sent.platform.config.paths import secret_dir, state_dir
from sent.platform.config.secrets import option
from sent.platform.crypto.root import FilePlace, Place, chosen_place, parse
from sent.platform.errors import Invalid

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PUBLIC_KEYS = "audit-public-keys"


class Signing:
    """The present key pair and the public keys that are trusted; loads nothing before its first use."""

    def __init__(self, place: Place | None = None, public_keys: Path | None = None) -> None:
        self._place = place
        self._file = public_keys
        self._private: Ed25519PrivateKey | None = None
        self.key_id = ""
        self.public = b""

    @property
    def place(self) -> Place:
        """Where the private key is kept."""
        if self._place is None:
            choice = option("audit_key")
            self._place = (
                chosen_place(choice) if choice else FilePlace(secret_dir() / "audit_signing_key", make=True)
            )
        return self._place

    @property
    def file(self) -> Path:
        """The file of public keys."""
        return self._file or state_dir() / PUBLIC_KEYS

    def load(self) -> Ed25519PrivateKey:
        """Read the private key (its first line), list its public half as trusted, and return it."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        if self._private is not None:
            return self._private
        self._private = Ed25519PrivateKey.from_private_bytes(parse(self.place.read(), self.place.name)[0])
        self.public = self._private.public_key().public_bytes_raw()
        self.key_id = key_id(self.public)
        if self.key_id not in self.trusted():
            _append(self.file, f"{self.key_id} {self.public.hex()}\n", 0o644)
        return self._private

    def sign(self, text: bytes) -> bytes:
        """Return the signature."""
        return self.load().sign(text)

    def rotate(self) -> str:
        """Make a new key; seals of the former ones stay verifiable. Returns its id."""
        self.place.write(secrets.token_bytes(32).hex())
        self._private = None
        self.load()
        return self.key_id

    def trusted(self) -> dict[str, bytes]:
        """Return the public keys in the file by id; raises Invalid naming a line that is none."""
        return read_public_keys(self.file)


def read_public_keys(path: Path) -> dict[str, bytes]:
    """Return public keys by id, empty without the file."""
    if not path.exists():
        return {}
    found = {}
    for number, line in enumerate(path.read_text(encoding="ascii").splitlines(), 1):
        name, _, word = line.partition(" ")
        try:
            public = bytes.fromhex(word)
        except ValueError:
            public = b""
        if len(public) != 32 or key_id(public) != name:
            raise Invalid("audit.public_key", f"{path}, line {number}: want '<id> <public key as hex>'")
        found[name] = public
    return found


def key_id(public: bytes) -> str:
    """Return the short name of a public key."""
    return hashlib.sha256(b"sent audit key\0" + public).hexdigest()[:16]


def valid(public: bytes, signature: bytes, text: bytes) -> bool:
    """Say whether `signature` over `text` was made with the private half of `public`."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, text)
    except (InvalidSignature, ValueError):
        return False
    return True


def _append(path: Path, text: str, mode: int) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, mode)
    with os.fdopen(handle, "a", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
