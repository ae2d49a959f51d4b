"""K7 20: the menu entry that takes `sent://` links."""

from __future__ import annotations

import configparser
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sent.cli.desktop import quoted
from sent.platform.errors import Invalid


def run(home: Path, *words: str) -> str:
    environment = os.environ | {"XDG_DATA_HOME": str(home), "HOME": str(home)}
    command = [sys.executable, "-m", "sent", "desktop", *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout


def test_k7_20_the_desktop_entry_takes_the_schemes_links(tmp_path: Path) -> None:
    shown = run(tmp_path, "install", "--dry-run")
    assert list(tmp_path.rglob("*.desktop")) == [], "a dry run writes nothing"
    run(tmp_path, "install")
    entry = tmp_path / "applications" / "sent.desktop"
    text = entry.read_text()
    assert text in shown
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(text)
    found = parser["Desktop Entry"]
    assert found["MimeType"] == "x-scheme-handler/sent;"
    assert found["Exec"].endswith(" %u")
    assert (tmp_path / "icons/hicolor/scalable/apps/sent.svg").is_file()
    assert {path for path in tmp_path.rglob("*") if path.is_file()} >= {entry}
    run(tmp_path, "remove")
    assert not entry.exists()


def test_k7_20_a_path_with_signs_of_the_shell_is_quoted_for_the_entry() -> None:
    assert quoted("/usr/bin/sent") == "/usr/bin/sent"
    assert quoted("/opt/my tools/sent") == '"/opt/my tools/sent"'
    assert quoted("/opt/100%/sent") == "/opt/100%%/sent"
    assert quoted("/o$x`/sent") == '"/o\\\\$x\\\\`/sent"'
    with pytest.raises(Invalid):
        quoted("/opt/a\nExec=evil")
