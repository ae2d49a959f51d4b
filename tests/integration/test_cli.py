"""The admin's tool: groups are found, mistakes are usage errors, errors name place and cure."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


def sent(*arguments: str, state: Path) -> subprocess.CompletedProcess[str]:
    """Run the tool in an installation of this test."""
    return subprocess.run(
        [sys.executable, "-m", "sent", *arguments],
        env={**os.environ, "SENT_STATE_DIR": str(state)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_help_lists_every_group(tmp_path: Path) -> None:
    done = sent("--help", state=tmp_path)
    assert done.returncode == 0
    for group in ("db", "org", "user", "client", "audit", "service", "demo", "doctor", "shot", "radar"):
        assert f" {group} " in done.stdout


def test_version_says_what_runs_and_that_it_was_not_built(tmp_path: Path) -> None:
    first, *facts = sent("--version", state=tmp_path).stdout.splitlines()
    assert first.startswith("sent 0.")
    said = dict(line.split(": ", 1) for line in facts)
    assert said["commit"] == said["built"] == "source"
    assert set(said) == {"commit", "built", "platform", "Python", "Qt", "updates"}


@pytest.mark.parametrize("words", [["nope"], ["db", "nope"], ["service", "install"], ["--mode=nothing"]])
def test_a_wrong_command_line_is_a_usage_error(words: list[str], tmp_path: Path) -> None:
    done = sent(*words, state=tmp_path)
    assert done.returncode == 2
    assert done.stderr
    assert not done.stdout


def test_status_without_a_database_is_one_json_line_and_failure(tmp_path: Path) -> None:
    done = sent("db", "status", state=tmp_path)
    said = json.loads(done.stdout)
    assert done.returncode == 1
    assert said["answers"] is False
    assert "does not answer" in said["error"]


def test_restore_wants_the_name_typed_out(tmp_path: Path) -> None:
    done = sent("db", "restore", str(tmp_path), state=tmp_path)
    assert done.returncode == 65
    assert "--replace sent" in done.stderr


def test_a_wrong_database_url_is_refused_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENT_DATABASE_URL", "mysql://h/x")
    done = sent("db", "status", state=tmp_path)
    assert "postgresql://" in done.stdout + done.stderr
    assert done.returncode != 0


def test_a_unit_is_least_privilege_and_complete(tmp_path: Path) -> None:
    done = sent("service", "install", "radar", "--dry-run", state=tmp_path)
    assert done.returncode == 0
    for line in (
        "Type=notify",
        "WatchdogSec=30",
        "Restart=on-failure",
        "NoNewPrivileges=yes",
        "CapabilityBoundingSet=\n",
        "ProtectSystem=strict",
        "After=network-online.target sent-db.service",
    ):
        assert line in done.stdout
    assert "--mode=worker --service=radar" in done.stdout


def test_the_demo_needs_a_screen_or_says_how_to_do_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    done = sent("demo", state=tmp_path)
    assert done.returncode == 69
    assert "--headless" in done.stderr
