"""Folders follow the environment and are safe to put sockets and secrets into."""

from __future__ import annotations

import os
import pwd
import stat
from pathlib import Path

import pytest

from sent.platform.config import paths
from sent.platform.errors import Denied


def test_secrets_live_in_a_private_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENT_STATE_DIR", str(tmp_path / "state"))
    assert stat.S_IMODE(paths.secret_dir().stat().st_mode) == 0o700


def test_profiles_do_not_share_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENT_STATE_DIR", str(tmp_path))
    plain = paths.state_dir()
    monkeypatch.setenv("SENT_PROFILE", "demo")
    assert paths.state_dir() == plain / "demo"


def test_a_socket_fits_below_a_runtime_folder_however_long_the_state_folder_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENT_STATE_DIR", str(tmp_path / ("ä" * 80)))
    folder = paths.runtime_dir()
    assert len(os.fsencode(folder / "pg" / ".s.PGSQL.5432")) < 108
    assert paths.runtime_dir() == folder
    folder.rmdir()


def test_a_link_in_the_shared_temporary_folder_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setenv("SENT_STATE_DIR", str(tmp_path / ("ä" * 80)))
    folder = paths.runtime_dir()
    folder.rmdir()
    (tmp_path / "elsewhere").mkdir()
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Denied, match="link"):
        paths.runtime_dir()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SENT_STATE_DIR", str(tmp_path / "file" / "state"))
    with pytest.raises(Denied, match="SENT_STATE_DIR"):
        paths.state_dir()


def test_a_strangers_folder_is_refused_although_the_profile_inside_is_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SENT_STATE_DIR", "SENT_RUNTIME_DIR", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setattr(paths, "is_root", lambda: False)
    monkeypatch.setenv("SENT_PROFILE", "demo")
    (tmp_path / "theirs" / "demo").mkdir(parents=True)
    (tmp_path / f"sent-{os.getuid()}").symlink_to(tmp_path / "theirs")
    with pytest.raises(Denied, match="link"):
        paths.runtime_dir()


def test_the_packages_user_has_the_folders_of_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SENT_STATE_DIR", "SENT_CONFIG_DIR", "SENT_RUNTIME_DIR", "SENT_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "sent"
    home.mkdir()
    monkeypatch.setattr(paths, "SYSTEM_STATE", home)
    monkeypatch.setattr(paths, "is_root", lambda: False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    assert paths.state_dir() == tmp_path / ".local/state/sent"
    entry = pwd.getpwuid(os.geteuid())
    own = pwd.struct_passwd((*entry[:5], str(home), entry[6]))
    monkeypatch.setattr(pwd, "getpwuid", lambda _: own)
    assert paths.state_dir() == home
    assert paths.config_dir() == Path("/etc/sent")
