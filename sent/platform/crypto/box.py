"""A sealed box: anybody seals for a public key, only the holder of the private one opens.

    box = ephemeral public key (32) | nonce (12) | ciphertext | tag (16)

X25519 (RFC 7748) with a key pair of its own for each box, HKDF-SHA256 (RFC 5869) over the shared secret and
both public keys, AES-256-GCM with `purpose` as additional data.
"""

from __future__ import annotations

import secrets

from sent.platform.errors import Invalid


def key_pair() -> tuple[bytes, bytes]:
    """Return a fresh (private, public) pair."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    private = X25519PrivateKey.generate()
    return private.private_bytes_raw(), private.public_key().public_bytes_raw()


def seal(public: bytes, plain: bytes, purpose: bytes) -> bytes:
    """Return `plain` for the holder of `public`; raises Invalid for what is no public key."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    own = X25519PrivateKey.generate()
    ephemeral = own.public_key().public_bytes_raw()
    try:
        shared = own.exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError as error:
        raise Invalid("crypto.public_key", "this is no public key") from error
    nonce = secrets.token_bytes(12)
    return ephemeral + nonce + AESGCM(_key(shared, ephemeral, public)).encrypt(nonce, plain, purpose)


def open_box(private: bytes, box: bytes, purpose: bytes) -> bytes:
    """Return what was sealed; raises Invalid when the box was changed or is for somebody else."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    own = X25519PrivateKey.from_private_bytes(private)
    try:
        ephemeral, nonce = box[:32], box[32:44]
        shared = own.exchange(X25519PublicKey.from_public_bytes(ephemeral))
        key = _key(shared, ephemeral, own.public_key().public_bytes_raw())
        return AESGCM(key).decrypt(nonce, box[44:], purpose)
    except (InvalidTag, ValueError) as error:
        raise Invalid("crypto.broken", "the box was changed or is for somebody else") from error


def _key(shared: bytes, ephemeral: bytes, public: bytes) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(SHA256(), 32, salt=ephemeral + public, info=b"sent box").derive(shared)
