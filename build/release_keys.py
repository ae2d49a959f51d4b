"""Keys of releases: one file each, mode 0600, in a folder of its own, encrypted unless somebody insists."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from securesystemslib.signer import CryptoSigner

ROLES = ("root1", "root2", "root3", "targets", "snapshot", "timestamp")
CLEAR = "KEYS-LIE-HERE-IN-CLEAR"
"""What must be typed to write keys without a passphrase."""

PASSPHRASE = "SENT_RELEASE_PASSPHRASE"


def passphrase(clear: str | None) -> bytes | None:
    """Return the passphrase of the keys; None when they are to lie in clear."""
    if clear is not None:
        if clear != CLEAR:
            raise SystemExit(f"release: keys without a passphrase are written only with --clear {CLEAR}")
        return None
    given = os.environ.get(PASSPHRASE, "")
    if len(given) < 12:
        raise SystemExit(f"release: set {PASSPHRASE} (12 characters or more), or give --clear {CLEAR}")
    return given.encode()


def make(folder: Path, role: str, secret: bytes | None, *, suffix: str = "") -> CryptoSigner:
    """Make a key in `folder/<role>/`; never replaces one."""
    signer = CryptoSigner.generate_ed25519()
    place = folder / role
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    protection = NoEncryption() if secret is None else BestAvailableEncryption(secret)
    pem = load_pem_private_key(signer.private_bytes, None).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, protection
    )
    descriptor = os.open(place / f"{role}{suffix}.pem", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    return signer


def load(folder: Path, role: str) -> list[CryptoSigner]:
    """Return all keys of a role that are at hand, oldest first."""
    found = []
    for path in sorted((folder / role).glob("*.pem"), key=lambda path: (len(path.name), path.name)):
        pem = path.read_bytes()
        secret = os.environ.get(PASSPHRASE, "").encode() if b"ENCRYPTED" in pem else None
        try:
            found.append(CryptoSigner(load_pem_private_key(pem, secret)))
        except ValueError as error:
            raise SystemExit(f"release: {path} does not open with {PASSPHRASE}") from error
    return found


def one(folder: Path, role: str) -> CryptoSigner:
    """Return the newest key of a role."""
    found = load(folder, role)
    if not found:
        raise SystemExit(f"release: there is no key {role} in {folder}")
    return found[-1]
