"""SCRAM verifiers as RFC 5803 and 7677 define them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

import pytest

from sent.platform.auth.scram import generate_password, verifier
from sent.platform.telemetry.log import Secret


def test_the_example_of_rfc_7677_authenticates() -> None:
    """User "user", password "pencil": the RFC's proof and signature follow from our stored keys."""
    salt = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
    made = verifier(Secret("pencil"), salt=salt, iterations=4096)
    keys = made.rpartition("$")[2]
    stored, server = (base64.b64decode(part) for part in keys.split(":"))
    nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    message = (
        f"n=user,r=rOprNGfwEbeRWgbNEkqO,r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r={nonce}"
    ).encode()
    proof = base64.b64decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
    signature = hmac.digest(stored, message, "sha256")
    client_key = bytes(a ^ b for a, b in zip(proof, signature, strict=True))
    assert hashlib.sha256(client_key).digest() == stored
    assert base64.b64encode(hmac.digest(server, message, "sha256")) == (
        b"6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
    )


def test_the_form_is_what_postgresql_stores() -> None:
    made = verifier(Secret("pencil"))
    assert re.fullmatch(r"SCRAM-SHA-256\$4096:[\w+/]{22}==\$[\w+/]{43}=:[\w+/]{43}=", made)


def test_the_same_password_never_gives_the_same_verifier() -> None:
    assert verifier(Secret("pencil")) != verifier(Secret("pencil"))


def test_passwords_hold_256_bits_of_ascii() -> None:
    made = {generate_password().reveal() for _ in range(100)}
    assert len(made) == 100
    assert all(len(text) == 43 and text.isascii() for text in made)


def test_text_that_saslprep_would_change_is_refused() -> None:
    with pytest.raises(ValueError, match="ASCII"):
        verifier(Secret("pässwort"))
