"""Second factor: time-based one-time passwords (RFC 6238) and recovery codes.

pyotp computes the codes; what it lacks is here: a code counts once. The caller stores the accepted time
step and refuses any that is not later, which also stops a code that was watched while it was typed.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence

from sent.platform.telemetry.log import Secret

STEP_S = 30
WINDOW = 1
"""Steps before and after the present one that are accepted: clocks differ."""

RECOVERY_CODES = 10
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_secret() -> Secret:
    """Return 160 random bits in base32 (RFC 4226, section 4)."""
    import pyotp

    return Secret(pyotp.random_base32())


def uri(secret: Secret, email: str, issuer: str = "SENT") -> str:
    """Return the otpauth:// URI an authenticator app reads."""
    import pyotp

    return pyotp.TOTP(secret.reveal(), interval=STEP_S).provisioning_uri(name=email, issuer_name=issuer)


def accepted_step(secret: Secret, code: str, now: float, *, last: int = 0) -> int | None:
    """Return the time step `code` belongs to when it is later than `last`, else None.

    `now` is Unix time in seconds. Every step of the window is compared in constant time.
    """
    import pyotp

    typed = code.replace(" ", "")
    if len(typed) != 6 or not (typed.isascii() and typed.isdigit()):
        return None
    generator = pyotp.TOTP(secret.reveal(), interval=STEP_S)
    present = int(now) // STEP_S
    found: int | None = None
    for step in range(present - WINDOW, present + WINDOW + 1):
        if hmac.compare_digest(generator.generate_otp(step), typed) and step > last:
            found = step
    return found


def recovery_codes() -> tuple[str, ...]:
    """Return ten fresh codes such as `7K3QM-ZX4TP` (49 bits each)."""
    return tuple(
        "-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(2))
        for _ in range(RECOVERY_CODES)
    )


def recovery_hash(code: str) -> bytes:
    """Return what is stored of a recovery code; case, spaces and dashes do not matter when typing it.

    Ten attempts at most reach it before throttling, and the code is random: no slow hash is needed.
    """
    plain = code.upper().replace("-", "").replace(" ", "")
    return hashlib.sha256(b"sent recovery\0" + plain.encode()).digest()


def recovery_hashes(codes: Sequence[str]) -> list[bytes]:
    """Return what is stored of the codes."""
    return [recovery_hash(code) for code in codes]
