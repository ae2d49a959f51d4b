"""The mode is known before anything is imported."""

from __future__ import annotations

import subprocess
import sys

import pytest

from sent.launch import _mode


@pytest.mark.parametrize(
    ("argv", "mode", "rest"),
    [
        ([], "console", []),
        (["--sign-in=demo"], "console", ["--sign-in=demo"]),
        (["--mode=worker", "--service=db"], "worker", ["--service=db"]),
        (["--mode", "worker", "--service=db", "--check"], "worker", ["--service=db", "--check"]),
        (["sent://org/acme/radar"], "console", ["sent://org/acme/radar"]),
        (["db", "sent://org/acme/radar"], None, ["db", "sent://org/acme/radar"]),
        (["db", "status"], None, ["db", "status"]),
        (["db", "--mode=worker"], None, ["db", "--mode=worker"]),
        (["--help"], None, ["--help"]),
        (["--version"], None, ["--version"]),
        (["--mode=x"], "x", []),
    ],
)
def test_arguments_decide_the_mode(argv: list[str], mode: str | None, rest: list[str]) -> None:
    assert _mode(argv) == (mode, rest)


def test_launch_itself_loads_nothing_of_sent() -> None:
    code = "import sys, sent.launch; print(sorted(m for m in sys.modules if m.startswith('sent')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['sent', 'sent.launch']"
