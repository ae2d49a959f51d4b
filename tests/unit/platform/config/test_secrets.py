"""Secrets of the installation: made once, kept 0600, never accepted when exposed."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sent.platform.config import secrets
from sent.platform.errors import Denied, Invalid


def test_a_secret_is_made_once(tmp_path: Path) -> None:
    made = iter(["first", "second"])
    assert [secrets.secret_file("x", lambda: next(made), tmp_path) for _ in range(3)] == ["first"] * 3
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_those_who_start_at_once_get_the_same(tmp_path: Path) -> None:
    numbers = iter(range(1000))
    with ThreadPoolExecutor(16) as pool:
        found = set(
            pool.map(lambda _: secrets.secret_file("x", lambda: f"s{next(numbers)}", tmp_path), range(64))
        )
    assert len(found) == 1


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o777])
def test_a_secret_others_can_read_counts_as_known(tmp_path: Path, mode: int) -> None:
    secrets.secret_file("x", lambda: "value", tmp_path)
    (tmp_path / "x").chmod(mode)
    with pytest.raises(Denied) as refused:
        secrets.secret_file("x", lambda: "value", tmp_path)
    assert refused.value.code == "secret.exposed" and "value" not in refused.value.message


def test_only_known_roles_have_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Invalid):
        secrets.role_password("postgres")
    assert secrets.role_password("sent_app") == secrets.role_password("sent_app")
    assert secrets.role_password("sent_app") != secrets.role_password("sent_system")
    monkeypatch.setenv("SENT_APP_PASSWORD", "given")
    assert secrets.role_password("sent_app").reveal() == "given"


def test_keys_have_256_bits() -> None:
    assert len(secrets.key("some_key")) == 32
    assert secrets.key("some_key") == secrets.key("some_key")
