"""SCRAM-SHA-256 verifiers made outside the server (RFC 5803, RFC 7677).

PostgreSQL takes a finished verifier in place of a password, so the password itself never travels to the
server, stands in no log and no `pg_stat_activity`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

from sent.platform.telemetry.log import Secret

ITERATIONS = 4096
"""PostgreSQL's own default; our passwords are 256 random bits, which no iteration count protects further."""


def generate_password() -> Secret:
    """Return 256 random bits as URL-safe text (ASCII, so SASLprep leaves it unchanged)."""
    return Secret(secrets.token_urlsafe(32))


def verifier(password: Secret, *, salt: bytes | None = None, iterations: int = ITERATIONS) -> str:
    """Return `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>` for an ASCII password."""
    text = password.reveal()
    if not text.isascii():
        raise ValueError("role passwords are ASCII")
    salt = secrets.token_bytes(16) if salt is None else salt
    salted = hashlib.pbkdf2_hmac("sha256", text.encode(), salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    stored_key = hashlib.sha256(client_key).digest()
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    return f"SCRAM-SHA-256${iterations}:{_b64(salt)}${_b64(stored_key)}:{_b64(server_key)}"


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
