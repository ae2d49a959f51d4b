"""What consoles and services have done in a process of its own, and `sent update install`."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from releases import Releases, installed, program, releases, starts

from sent.cli.main import main
from sent.platform.update import api, installing, known, orders, policy, staging, trust
from sent.platform.update.layout import Layout
from sent.platform.update.policy import Policy
from sent.platform.update.told import command

__all__ = ["installed", "releases"]

STARTER = Path(__file__).resolve().parents[2] / "build" / "linux" / "starter.sh"


@pytest.fixture
def here(installed: Layout, releases: Releases, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Layout:
    """Make the program believe that it runs from the installation, whose mirror is the repository."""
    root = tmp_path / "root.json"
    root.write_bytes(releases.root)
    monkeypatch.setattr(api, "installation", lambda: installed)
    monkeypatch.setattr(trust, "ROOT", root)
    monkeypatch.setattr("os.nice", lambda _steps: 0)
    policy.save(installed, Policy(mirrors=(str(releases.repository),)))
    return installed


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, dict[str, object]]]:
    """Carry out an order and return the lines it told."""
    main(command(*arguments))
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_an_order_tells_its_progress_and_its_end(here: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, "check") == [{"done": {"version": "1.1"}}]
    found = known.read(here)
    assert found is not None
    assert (found.version, found.asked, found.packs) == ("1.1", True, ("base",))
    assert found.size_download > 0
    lines = told(capsys, "apply")
    assert lines[-1] == {"done": {"version": "1.1", "pack": ""}}
    assert [line["progress"]["step"] for line in lines[:-1]][-1] == "switch"
    assert starts(here) == "1.1"
    assert told(capsys, "rollback") == [{"done": {"version": "1.0"}}]


def test_a_failure_is_told_and_noted_with_what_was_offered(
    here: Layout, releases: Releases, capsys: pytest.CaptureFixture[str]
) -> None:
    told(capsys, "check")
    policy.save(here, Policy(mirrors=(str(releases.repository / "metadata"),)))
    (line,) = told(capsys, "check")
    assert line["error"]["code"] == "update.unreachable"
    found = known.read(here)
    assert found is not None
    assert (found.version, found.code) == ("1.1", "update.unreachable")


def test_a_mirror_is_tested_without_a_note(
    here: Layout, releases: Releases, capsys: pytest.CaptureFixture[str]
) -> None:
    (line,) = told(capsys, "test", str(releases.repository))
    assert line["done"]["version"] == "1.1"
    (line,) = told(capsys, "test", "/nowhere")
    assert line["error"]["code"] == "update.mirror"
    assert known.read(here) is None


def test_b5_by_itself_it_looks_and_installs_in_one_go(
    here: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = told(capsys, "auto")
    assert lines[-1] == {"done": {"step": "apply", "version": "1.1"}}
    assert starts(here) == "1.1"
    assert told(capsys, "auto") == [{"done": {"step": None}}], "it is on trial now"


def test_b5_by_itself_it_keeps_to_the_hours(here: Layout, releases: Releases) -> None:
    policy.save(here, Policy(window="22:00-05:00", mirrors=(str(releases.repository),)))

    def auto(hour: int) -> dict[str, object]:
        now = datetime(2026, 11, 28, hour, tzinfo=UTC)
        return orders.run("auto", "", "", lambda _line: None, lambda: False, now=now)

    assert auto(12) == {"step": "check", "version": None}
    assert here.running() == "1.0"
    found = known.read(here)
    assert found is not None
    assert found.version == "1.1", "the page shows what waits for the night"
    known.keep(here, known.Known(datetime(2026, 11, 28, 22, tzinfo=UTC).timestamp(), "1.1"))
    assert auto(23) == {"step": "apply", "version": "1.1"}


def test_b5_without_a_mirror_it_does_not_look(here: Layout) -> None:
    policy.save(here, Policy())
    now = datetime(2026, 11, 28, 12, tzinfo=UTC)
    assert orders.run("auto", "", "", lambda _line: None, lambda: False, now=now) == {"step": None}
    assert known.read(here) is None


def test_packs_that_can_be_added_are_named_with_their_size(
    here: Layout, releases: Releases, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = tmp_path / "pack" / "_internal" / "made_up"
    made.mkdir(parents=True)
    (made / "codec.so").write_bytes(b"codec" * 1_000)
    for version in ("1.0", "1.1"):
        releases.run("add", str(tmp_path / "pack"), "--version", version, "--pack", "madeup", "--preset", "1")
    releases.run("publish")
    told(capsys, "check")
    found = known.read(here)
    assert found is not None
    assert set(found.addable) == {"madeup"}
    assert 0 < found.addable["madeup"] < 5_000
    assert told(capsys, "add", "madeup")[-1]["done"] == {"version": "1.0", "pack": "madeup"}
    told(capsys, "check")
    found = known.read(here)
    assert found is not None
    assert found.addable == {}


def test_status_says_all_there_is_to_know(here: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    told(capsys, "check")
    assert main(["update", "status"]) == 0
    line = json.loads(capsys.readouterr().out)
    assert line["version"] == "1.0" and line["writable"] is True and line["size"] > 500_000
    assert line["root"] == str(here.root)
    assert line["looked"]["offered"] == "1.1"
    assert datetime.fromisoformat(line["since"]).tzinfo is not None


@pytest.fixture
def unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the program believe that it was unpacked from a release."""
    folder = program(tmp_path / "unpacked", "1.0")
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(folder / "sent"))
    monkeypatch.setattr(installing, "__version__", "1.0")
    monkeypatch.setattr(installing, "STARTER", STARTER)
    (tmp_path / "root.json").write_text("{}")
    monkeypatch.setattr(trust, "ROOT", tmp_path / "root.json")
    return folder


def test_install_makes_an_installation_that_updates_itself(
    unpacked: Path, releases: Releases, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "opt" / "sent"
    place = str(releases.repository)
    arguments = ["update", "install", str(target), "--mirror", place, "--channel", "stable"]
    assert main([*arguments, "--dry-run"]) == 0
    assert not target.parent.exists()
    capsys.readouterr()
    assert main(arguments) == 0
    line = json.loads(capsys.readouterr().out)
    assert (line["version"], line["starter"]) == ("1.0", str(target / "sent"))
    layout = Layout(target)
    assert starts(layout) == "1.0"
    assert policy.load(layout) == Policy(mirrors=(place,))
    ran = subprocess.run([target / "sent", "--version"], capture_output=True, text=True, check=True)
    assert ran.stdout == "sent 1.0\n"
    offer = api.check(layout, policy.load(layout), api.sources(policy.load(layout)), root=releases.root)
    assert offer is not None
    assert offer.size_download < 5_000, "what is there already is not downloaded"
    assert api.apply(layout, offer) == "1.1"
    assert api.rollback(layout) == "1.0"
    assert staging.whole(layout.folder("1.0")) is None


def test_install_says_what_is_in_the_way(
    unpacked: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "x").write_text("x")
    for target, said in ((full, "not empty"), (unpacked / "here", "inside the unpacked program")):
        assert main(["update", "install", str(target)]) != 0
        assert said in capsys.readouterr().err
    monkeypatch.setattr(installing, "SPARE", 1 << 60)
    assert main(["update", "install", str(tmp_path / "new")]) == 69
    assert "make room" in capsys.readouterr().err
    monkeypatch.setattr(trust, "ROOT", tmp_path / "missing")
    assert main(["update", "install", str(tmp_path / "new")]) == 65
    assert "no root of trust" in capsys.readouterr().err
    monkeypatch.delattr(sys, "frozen")
    assert main(["update", "install", str(tmp_path / "new")]) == 65
    assert "unpack a released program" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_a_broken_program_is_not_installed(unpacked: Path, tmp_path: Path) -> None:
    (unpacked / "sent").write_text("#!/bin/sh\nexit 1\n")
    target = tmp_path / "sent"
    assert main(["update", "install", str(target)]) == 65
    assert not target.exists()
    assert [path.name for path in tmp_path.glob("sent*")] == []
