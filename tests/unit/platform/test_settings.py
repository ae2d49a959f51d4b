"""Flags win over the environment, the environment over the file; what is wrong is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from sent.platform.config import settings
from sent.platform.errors import Invalid


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the settings file of an installation of this test."""
    monkeypatch.setenv("SENT_CONFIG_DIR", str(tmp_path))
    return tmp_path / "sent.toml"


def test_without_anything_the_defaults_hold(file: Path) -> None:
    assert settings.load().log_level == "info"
    assert settings.load().grace_s == 25.0


def test_precedence_is_file_environment_flag(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text('grace_s = 1\nlog_level = "debug"\n')
    assert settings.load().grace_s == 1.0
    monkeypatch.setenv("SENT_GRACE_S", "2")
    assert settings.load().grace_s == 2.0
    assert settings.load(grace_s=3).grace_s == 3.0
    assert settings.load(grace_s=None).log_level == "debug"


def test_a_wrong_value_names_setting_and_file(file: Path) -> None:
    file.write_text('log_level = "loud"\n')
    with pytest.raises(Invalid, match=r"log_level.*") as caught:
        settings.load()
    assert str(file) in caught.value.message


def test_a_broken_file_is_named(file: Path) -> None:
    file.write_text("grace_s = = 1\n")
    with pytest.raises(Invalid, match=r"sent\.toml"):
        settings.load()
