"""Root writes into the server user's folders without being led elsewhere."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from sent.platform.db.embedded.configuration import open_private, write_private


def test_a_link_in_place_of_the_log_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "server.log").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic link"):
        open_private(tmp_path / "server.log", os.O_APPEND, None)
    assert not (tmp_path / "elsewhere").exists()


def test_a_second_name_of_a_file_is_not_given_away(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("x")
    (tmp_path / "server.log").hardlink_to(tmp_path / "precious")
    with pytest.raises(OSError, match="second name"):
        open_private(tmp_path / "server.log", os.O_APPEND, (os.getuid(), os.getgid()))


def test_a_private_file_replaces_a_link_and_is_ours_alone(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("old")
    (tmp_path / "file").symlink_to(tmp_path / "target")
    write_private(tmp_path / "file", "new", (os.getuid(), os.getgid()))
    assert (tmp_path / "target").read_text() == "old"
    assert (tmp_path / "file").read_text() == "new"
    assert stat.S_IMODE((tmp_path / "file").lstat().st_mode) == 0o600
