"""The recovery key: a sheet of paper that brings the root key back.

The words are an X25519 private key (RFC 7748), shown once; the public half stays here and seals every root
this installation ever uses (X25519, HKDF-SHA256, AES-256-GCM) into `recovery.json` in the vault. So a new
root needs no new paper. Paper without the vault, and the vault without the paper, open nothing.

Written as 13 groups of four characters and a check character, in 32 letters and digits of which none looks
like another (no I, L, O, U); lower case, spaces and the usual misreadings are taken.
"""

from __future__ import annotations

import json
import secrets
from typing import Any

from sent.platform.crypto.root import Roots, root_id
from sent.platform.crypto.vault import RECOVERY, Vault
from sent.platform.errors import Conflict, Invalid, NotFound
from sent.platform.telemetry.log import Secret

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
GROUPS = 13
_WEIGHTS = (1, 3, 7, 11)
_MISREAD = str.maketrans({"I": "1", "L": "1", "O": "0"})


def make(roots: Roots, vault: Vault, *, replace: bool = False) -> Secret:
    """Make a recovery key for the root keys and return its words, which are kept nowhere.

    Raises Conflict when there is one already and `replace` is not said: the former words lose their use.
    """
    if vault.read(RECOVERY) is not None and not replace:
        raise Conflict("recovery.exists", "there is a recovery key already; --replace makes it useless")
    seed = secrets.token_bytes(32)
    _write(vault, _public(seed), roots.all())
    return Secret(words(seed))


def made(vault: Vault) -> list[str] | None:
    """Return the ids of the root keys that the recovery key brings back, or None when there is none."""
    found = _read(vault)
    return None if found is None else [str(entry["root"]) for entry in found["sealed"]]


def follow(roots: list[bytes], vault: Vault) -> None:
    """Seal these root keys for the recovery key that exists, if one does."""
    found = _read(vault)
    if found is not None:
        _write(vault, bytes.fromhex(found["public"]), roots)


def recover(typed: Secret, vault: Vault) -> list[bytes]:
    """Return the root keys, the current one first.

    Raises Invalid for a mistyped group (naming it) or the words of another installation, NotFound when the
    vault holds no recovery copy.
    """
    seed = parse(typed.reveal())
    found = _read(vault)
    if found is None:
        raise NotFound("recovery.missing", f"{vault.folder} holds no {RECOVERY}: copy the vault back first")
    if _public(seed).hex() != found["public"]:
        raise Invalid("recovery.other", "these words are of another recovery key than this vault's")
    return [_open(seed, entry) for entry in found["sealed"]]


def words(seed: bytes) -> str:
    """Return 32 bytes as groups: `A1B2C-...`."""
    number = int.from_bytes(seed, "big") << 4
    letters = [(number >> shift) & 31 for shift in range(255, -1, -5)]
    groups = [letters[at : at + 4] for at in range(0, len(letters), 4)]
    return "-".join("".join(ALPHABET[v] for v in (*g, _check(g, n))) for n, g in enumerate(groups))


def parse(text: str) -> bytes:
    """Return the bytes that `words` wrote; raises Invalid naming the first group that cannot be."""
    if len(text) > 1000:
        raise Invalid("recovery.words", "this is too long for a recovery key")
    cleaned = "".join(c for c in text.upper().translate(_MISREAD) if not c.isspace() and c not in "-_.")
    number = 0
    for index in range(max(1, -(-len(cleaned) // 5))):
        group = cleaned[index * 5 : index * 5 + 5]
        values = [ALPHABET.find(letter) for letter in group]
        if len(group) != 5 or -1 in values or _check(values[:4], index) != values[4] or index >= GROUPS:
            raise Invalid("recovery.words", f"group {index + 1} ({group}) was mistyped", group=index + 1)
        for value in values[:4]:
            number = number << 5 | value
    if len(cleaned) != GROUPS * 5 or number & 15:
        raise Invalid("recovery.words", f"a recovery key has {GROUPS} groups of five")
    return (number >> 4).to_bytes(32, "big")


def _check(values: list[int], index: int) -> int:
    return (index * 5 + sum(w * v for w, v in zip(_WEIGHTS, values, strict=True))) & 31


def _read(vault: Vault) -> dict[str, Any] | None:
    text = vault.read(RECOVERY)
    if text is None:
        return None
    try:
        found: dict[str, Any] = json.loads(text)
        bytes.fromhex(found["public"])
        return found
    except (ValueError, KeyError, TypeError) as error:
        raise Invalid("recovery.damaged", f"{vault.folder / RECOVERY} was changed or cut") from error


def _write(vault: Vault, public: bytes, roots: list[bytes]) -> None:
    sealed = [_seal(public, root) for root in roots]
    vault.write(RECOVERY, json.dumps({"format": 1, "public": public.hex(), "sealed": sealed}))


def _public(seed: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    return X25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def _seal(public: bytes, root: bytes) -> dict[str, str]:
    from sent.platform.crypto.box import seal

    return {"root": root_id(root), "box": seal(public, root, b"sent recovery").hex()}


def _open(seed: bytes, entry: dict[str, str]) -> bytes:
    from sent.platform.crypto.box import open_box

    root = open_box(seed, bytes.fromhex(entry["box"]), b"sent recovery")
    if root_id(root) != entry["root"]:
        raise Invalid("recovery.damaged", "the recovery copy was changed")
    return root
