"""B5: an open console says that another version is installed, restarts with it, and is as it was.

Real processes, the real starter, a real repository made by `build/release.py`; only the database is faked.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from releases import Releases

from sent.platform.update import policy, trial
from sent.platform.update.layout import Layout
from sent.platform.update.policy import Policy

TESTS = Path(__file__).resolve().parents[1]
STARTER = TESTS.parent / "build" / "linux" / "starter.sh"

PROGRAM = f"""#!/bin/sh
HERE=$(dirname "$(readlink -f "$0")")
case $1 in --version) echo sent @VERSION; exit 0 ;; esac
@BODY
exec {sys.executable} {TESTS / "acceptance" / "installed_console.py"} "$HERE" "$@"
"""

pytestmark = pytest.mark.timeout(120)


class Machine:
    """An installation of 1.0 with a console that the test talks to."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.talk = folder, folder / "talk"
        self.talk.mkdir()
        self.releases = Releases(folder / "releases")
        self.release("1.0")
        self.layout: Layout = self.releases.install(folder / "sent root", "1.0")
        shutil.copy(STARTER, self.layout.starter)
        (self.talk / "root.json").write_bytes(self.releases.root)
        policy.save(self.layout, Policy(automatic=False, mirrors=(str(self.releases.repository),)))

    def release(self, version: str, body: str = "") -> None:
        """Release a version; `body` is what its program does before it starts the console."""
        built = self.releases.folder / f"build-{version}"
        (built / "_internal").mkdir(parents=True)
        (built / "sent").write_text(PROGRAM.replace("@VERSION", version).replace("@BODY", body))
        (built / "sent").chmod(0o755)
        (built / "_internal" / "code.bin").write_bytes(version.encode() * 3_000)
        self.releases.run("add", str(built), "--version", version, "--preset", "1")
        self.releases.run("publish")

    def do(self, word: str) -> None:
        """Give the console an order and wait until it took it."""
        part = self.talk / "do.part"
        part.write_text(word)
        part.replace(self.talk / "do")
        self.until(lambda _: not (self.talk / "do").exists(), word)

    def until(self, ready: Callable[[dict[str, Any]], Any], what: str, seconds: float = 40) -> dict[str, Any]:
        """Wait until the console shows it."""
        give_up, shown = time.monotonic() + seconds, {}
        while time.monotonic() < give_up:
            with suppress(FileNotFoundError, ValueError, KeyError, IndexError):
                shown = json.loads((self.talk / "shown").read_text())
                if ready(shown):
                    return dict(shown)
            time.sleep(0.05)
        raise AssertionError(f"{what}: {json.dumps(shown)[:1500]}")

    def start(self) -> subprocess.Popen[bytes]:
        """Start the console as a person does."""
        environment = os.environ | {
            "SENT_TEST_TALK": str(self.talk),
            "SENT_STATE_DIR": str(self.folder / "state"),
            "SENT_RUNTIME_DIR": str(self.folder / "run"),
            "QT_QPA_PLATFORM": "offscreen",
            "PYTHONPATH": str(TESTS.parent),
        }
        return subprocess.Popen([str(self.layout.starter)], env=environment, stderr=subprocess.PIPE)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """Return a machine; its console is ended after the test."""
    made = Machine(tmp_path)
    with made.start() as running:
        try:
            made.until(lambda s: s["ready"], "the sign-in")
            yield made
        finally:
            with suppress(FileNotFoundError, ValueError):
                shown = json.loads((made.talk / "shown").read_text())
                with suppress(ProcessLookupError):
                    os.kill(shown["pid"], 15)
            running.terminate()
            try:
                running.wait(10)
            except subprocess.TimeoutExpired:
                running.kill()


def test_b5_console_asks_updates_restarts_and_restores_its_windows(machine: Machine) -> None:
    machine.release("1.1")
    machine.do("sign in")
    machine.until(lambda s: s["person"], "signed in")
    machine.do("arrange")
    before = machine.until(lambda s: len(s["windows"]) == 3 and s["windows"][1]["record"], "the arrangement")
    machine.do("apply")
    asked = machine.until(lambda s: "1.1 is installed" in s["bar"], "the console asks")
    assert asked["version"] == "1.0", "nobody is made to"
    assert machine.layout.running() == "1.1"
    assert trial.trial(machine.layout) is not None
    machine.do("Restart now")
    machine.until(lambda s: s["version"] == "1.1" and s["ready"], "the new version shows the sign-in")
    machine.until(lambda _: trial.trial(machine.layout) is None, "which proves it")
    machine.do("sign in")
    after = machine.until(
        lambda s: len(s["windows"]) == 3 and s["windows"][1]["record"], "the windows are back"
    )
    for was, now in zip(before["windows"], after["windows"], strict=True):
        if was["page"] == "audit":
            now["record"] = was["record"]  # whether a row has the focus; the fake trail's ids are made anew
        assert now == was
    assert after["windows"][0]["filters"]["filter/radar.alerts"] == "level:high"
    assert after["draft"] == {"0": "half a thought"}
    assert after["bar"] == ""


def test_b5_console_asks_before_it_loses_unsaved_text(machine: Machine) -> None:
    machine.release("1.1")
    machine.do("sign in")
    machine.until(lambda s: s["person"], "signed in")
    machine.do("apply")
    machine.until(lambda s: "1.1 is installed" in s["bar"], "the console asks")
    machine.do("prompt")
    machine.do("Restart now")
    machine.until(lambda s: "unsaved text" in s["bar"], "it asks once more")
    machine.do("Stay")
    shown = machine.until(lambda s: not s["bar"], "it stays")
    assert shown["version"] == "1.0"


def test_b5_console_says_once_that_a_version_did_not_start(machine: Machine) -> None:
    machine.release("1.1", "exit 3")
    machine.do("sign in")
    machine.until(lambda s: s["person"], "signed in")
    machine.do("arrange")
    first = machine.until(lambda s: len(s["windows"]) == 3, "the arrangement")["pid"]
    machine.do("apply")
    machine.until(lambda s: "1.1 is installed" in s["bar"], "the console asks")
    machine.do("Restart now")
    machine.until(lambda s: s["ready"] and not s["person"], "the version before came back")
    assert machine.layout.running() == "1.0"
    assert "code 3" in trial.failed(machine.layout)["1.1"]
    machine.do("sign in")
    shown = machine.until(lambda s: "1.1 did not start" in s["bar"], "it says so")
    assert "code 3" in shown["bar"] and shown["version"] == "1.0"
    assert [window["page"] for window in shown["windows"]] == ["radar", "radar", "audit"]
    assert shown["pid"] == first, "one process all the time: whoever watches it need not know"
    machine.do("OK")
    machine.do("quit")
    assert not (machine.layout.update / "pending").exists()
    with machine.start() as again:
        machine.until(lambda s: s["pid"] != first and s["ready"], "a start later on")
        machine.do("sign in")
        shown = machine.until(lambda s: s["person"], "signed in")
        assert shown["bar"] == ""
        machine.do("quit")
        assert again.wait(20) == 0
