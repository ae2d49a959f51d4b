"""One-time passwords: the RFC's values, the window, and that a code counts once."""

from __future__ import annotations

import base64

import pytest

from sent.platform.auth import totp
from sent.platform.telemetry.log import Secret

RFC = Secret(base64.b32encode(b"12345678901234567890").decode())


@pytest.mark.parametrize(
    ("moment", "code"),
    [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"),
     (2000000000, "279037"), (20000000000, "353130")],
)  # fmt: skip
def test_the_values_of_rfc_6238(moment: int, code: str) -> None:
    """Appendix B, SHA-1, the last six of its eight digits."""
    assert totp.accepted_step(RFC, code, moment) == moment // 30


@pytest.mark.parametrize("late", [-30, 0, 30])
def test_neighbouring_steps_are_accepted(late: int) -> None:
    assert totp.accepted_step(RFC, "005924", 1234567890 + late) == 1234567890 // 30


@pytest.mark.parametrize("late", [-90, -60, 60, 90, 86400])
def test_others_are_not(late: int) -> None:
    assert totp.accepted_step(RFC, "005924", 1234567890 + late) is None


def test_an_accepted_step_and_all_before_it_are_spent() -> None:
    step = 1234567890 // 30
    assert totp.accepted_step(RFC, "005924", 1234567890, last=step - 1) == step
    assert totp.accepted_step(RFC, "005924", 1234567890, last=step) is None
    assert totp.accepted_step(RFC, "005924", 1234567890, last=step + 5) is None


@pytest.mark.parametrize(
    "code", ["", "00592", "0059244", "00592a", "００５９２４", "-05924", "+05924", "5924"]
)
def test_what_is_no_code_is_refused(code: str) -> None:
    assert totp.accepted_step(RFC, code, 1234567890) is None


def test_a_space_between_the_digits_is_how_apps_show_them() -> None:
    assert totp.accepted_step(RFC, "005 924", 1234567890) is not None


def test_the_uri_names_issuer_and_account() -> None:
    text = totp.uri(totp.new_secret(), "ada@northwind.test")
    assert text.startswith("otpauth://totp/SENT:ada%40northwind.test?secret=")


def test_recovery_codes_are_ten_readable_and_different() -> None:
    codes = totp.recovery_codes()
    assert len(set(codes)) == 10
    assert all(len(code) == 11 and not set(code) & set("01IOL") - {"L"} for code in codes)
    assert len(set(totp.recovery_hashes(codes))) == 10
    assert totp.recovery_hash(codes[0]) == totp.recovery_hash(f" {codes[0].lower().replace('-', '')} ")
    assert codes[0].encode() not in totp.recovery_hash(codes[0])
