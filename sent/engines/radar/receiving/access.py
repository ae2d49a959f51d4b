"""Bearer tokens of HTTP sources: 256 random bits, of which only the SHA-256 digest is kept."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from sent.platform.errors import Invalid

MIN_TOKEN = 32
"""Characters; the digest needs no salt and no slow hash, because tokens are long and random."""

MAX_TOKEN = 512


def new_token() -> str:
    """Return a fresh token."""
    return secrets.token_urlsafe(32)


def digest_of(kind: str, token: str | None) -> str | None:
    """Return what is kept of a source's token; raises Invalid where it is missing, short or out of place."""
    if kind != "http":
        if token is not None:
            raise Invalid("radar.token.kind", f"a {kind} source takes no token; only http does")
        return None
    if token is None or not MIN_TOKEN <= len(token) <= MAX_TOKEN or not token.isascii():
        raise Invalid("radar.token", f"an http source needs a token of {MIN_TOKEN} to {MAX_TOKEN} characters")
    return _digest(token.encode())


def opens(digest: str | None, header: bytes) -> bool:
    """Say whether an `Authorization` header shows the token that `digest` was made of."""
    scheme, _, token = header.partition(b" ")
    if digest is None or scheme.lower() != b"bearer" or len(token) > MAX_TOKEN:
        return False
    return hmac.compare_digest(_digest(token.strip()), digest)


def _digest(token: bytes) -> str:
    return hashlib.sha256(token).hexdigest()
