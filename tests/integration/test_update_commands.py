"""`sent update`: what administrators type, and the ways of policy, packs and bundles."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from releases import Releases, installed, mirror, release, releases, shape, starts

from sent.cli.main import main
from sent.platform.errors import SentError
from sent.platform.update import api, policy, staging, switching, trial, trust
from sent.platform.update.layout import Layout
from sent.platform.update.policy import Policy
from sent.platform.update.sources import Folder, Web

__all__ = ["installed", "mirror", "releases"]


@pytest.fixture
def here(installed: Layout, releases: Releases, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Layout:
    """Make the commands believe that they run from the installation."""
    root = tmp_path / "root.json"
    root.write_bytes(releases.root)
    monkeypatch.setattr(api, "installation", lambda: installed)
    monkeypatch.setattr(trust, "ROOT", root)
    return installed


def said(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    """Return the one line that was printed."""
    line: dict[str, object] = json.loads(capsys.readouterr().out)
    return line


def test_a_checkout_says_who_updates_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["update", "check"]) == 65
    assert "git or pip" in capsys.readouterr().err


def test_without_a_mirror_the_cure_is_named(here: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["update", "check"]) != 0
    assert "--mirror" in capsys.readouterr().err


def test_check_apply_status_and_rollback(
    here: Layout, mirror: Web, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["update", "check", "--mirror", mirror.name]) == 0
    line = said(capsys)
    assert (line["version"], line["running"], line["packs"]) == ("1.1", "1.0", ["base"])
    assert main(["update", "apply", "--mirror", mirror.name]) == 0
    assert json.loads(capsys.readouterr().out)["changed"] is True
    assert starts(here) == "1.1"
    assert main(["update", "status"]) == 0
    line = said(capsys)
    assert (line["version"], line["previous"], line["pending"]) == ("1.1", "1.0", True)
    assert main(["update", "rollback"]) == 0
    assert said(capsys)["version"] == "1.0"
    assert starts(here) == "1.0" and not here.pending.exists()
    rule = policy.load(here)
    assert api.check(here, rule, [mirror]) is None
    assert api.check(here, rule, [mirror], asked=True) is not None


def test_a_bundle_needs_no_network(
    here: Layout, releases: Releases, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = tmp_path / "sent-1.1.bundle"
    releases.run("bundle", "--version", "1.1", "--out", str(bundle))
    assert main(["update", "apply", "--bundle", str(bundle)]) == 0, capsys.readouterr().err
    assert starts(here) == "1.1"
    releases.add("1.2")
    assert main(["update", "apply", "--mirror", str(releases.repository)]) == 0
    assert starts(here) == "1.2"


def test_a_pack_joins_the_version_that_runs_and_moves_on_with_it(
    here: Layout, releases: Releases, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = tmp_path / "pack" / "_internal" / "made_up"
    made.mkdir(parents=True)
    (made / "codec.so").write_bytes(b"codec" * 1_000)
    for version in ("1.0", "1.1"):
        releases.run("add", str(tmp_path / "pack"), "--version", version, "--pack", "madeup", "--preset", "1")
    releases.run("publish")
    place = str(releases.repository)
    assert main(["update", "add", "nothing", "--mirror", place]) == 1
    assert main(["update", "add", "madeup", "--mirror", place]) == 0, capsys.readouterr().err
    assert starts(here) == "1.0"
    assert (here.current / "_internal" / "made_up" / "codec.so").is_file()
    assert main(["update", "apply", "--mirror", place]) == 0
    assert starts(here) == "1.1"
    assert set(api.status(here).packs) == {"base", "madeup"}
    assert (here.current / "_internal" / "made_up" / "codec.so").is_file()


def test_cancelling_leaves_nothing(here: Layout, releases: Releases) -> None:
    before = shape(here)
    offer = api.check(here, Policy(), [Folder(releases.repository)], asked=True)
    assert offer is not None
    steps: list[api.Progress] = []
    with pytest.raises(SentError) as error:
        api.apply(here, offer, steps.append, lambda: len(steps) > 1)
    assert error.value.code == "update.cancelled"
    assert shape(here) == before
    assert not here.downloads.exists()


def test_a_share_a_pin_and_another_channel(here: Layout, releases: Releases) -> None:
    mirrors = [Folder(releases.repository)]
    releases.add("1.2", "--channel", "beta")
    offered = api.check(here, Policy(channel="beta"), mirrors)
    assert offered is not None and offered.version == "1.2"
    releases.run("percentage", "0")
    releases.run("publish")
    assert api.check(here, Policy(), mirrors) is None
    assert api.check(here, Policy(), mirrors, asked=True) is not None
    assert api.check(here, Policy(pin="1.0"), mirrors) is None
    pinned = api.check(here, Policy(pin="1.1"), mirrors)
    assert pinned is not None and pinned.version == "1.1"
    releases.run("promote", "stable", "--channel", "beta")
    releases.run("publish")
    promoted = api.check(here, Policy(), mirrors)
    assert promoted is not None and promoted.version == "1.2"


def test_two_versions_are_kept_and_one_in_use(
    here: Layout, releases: Releases, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirrors = [Folder(releases.repository)]
    monkeypatch.setattr(switching, "in_use", lambda _: {"1.0"})
    for version in ("1.1", "1.2", "1.3"):
        if version != "1.1":
            releases.add(version)
        offer = api.check(here, Policy(), mirrors, asked=True)
        assert offer is not None
        assert api.apply(here, offer) == version
        here.pending.unlink()
    assert sorted(here.installed()) == ["1.0", "1.2", "1.3"]


def test_a_second_update_at_the_same_time_is_told(here: Layout, releases: Releases) -> None:
    offer = api.check(here, Policy(), [Folder(releases.repository)], asked=True)
    assert offer is not None
    with switching.alone(here), pytest.raises(SentError) as error:
        api.apply(here, offer)
    assert error.value.code == "update.busy"


def test_the_guard_is_asked_before_anything(here: Layout, releases: Releases) -> None:
    from sent.platform.update.compatibility import compare

    offer = api.check(here, Policy(), [Folder(releases.repository)], asked=True)
    assert offer is not None
    before = shape(here)
    with pytest.raises(SentError) as error:
        api.apply(here, offer, guard=lambda manifest: compare(manifest, "0001", None))
    assert error.value.code == "update.schema"
    assert shape(here) == before


def test_a_file_system_without_hard_links(
    here: Layout, releases: Releases, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusing(*_: object, **__: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", refusing)
    offer = api.check(here, Policy(), [Folder(releases.repository)], asked=True)
    assert offer is not None
    api.apply(here, offer)
    assert starts(here) == "1.1"


def test_releases_never_change_and_keys_lie_apart(releases: Releases, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="never change"):
        releases.run("add", str(releases.folder / "build-1.1"), "--version", "1.1")
    with pytest.raises(SystemExit, match="--clear"):
        release.main([f"--repository={tmp_path / 'r'}", f"--keys={tmp_path / 'k'}", "init", "--clear", "yes"])
    for role in ("root1", "root2", "root3", "targets", "snapshot", "timestamp"):
        (key,) = (releases.keys / role).iterdir()
        assert key.stat().st_mode & 0o777 == 0o600


def test_keys_are_encrypted_with_a_passphrase(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENT_RELEASE_PASSPHRASE", "a long passphrase")
    place = [f"--repository={tmp_path / 'r'}", f"--keys={tmp_path / 'k'}"]
    release.main([*place, "init"])
    assert b"ENCRYPTED" in (tmp_path / "k" / "root1" / "root1.pem").read_bytes()
    release.main([*place, "refresh"])
    monkeypatch.setenv("SENT_RELEASE_PASSPHRASE", "another passphrase")
    with pytest.raises(SystemExit, match="does not open"):
        release.main([*place, "refresh"])


def test_a_build_with_a_file_that_no_client_takes_is_refused(releases: Releases, tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    bad.mkdir()
    (bad / "a\\b").write_text("x")
    with pytest.raises(SentError, match="characters"):
        releases.run("add", str(bad), "--version", "2.0")


def test_a_version_that_was_taken_back_whole_is_used_again(here: Layout, releases: Releases) -> None:
    mirrors = [Folder(releases.repository)]
    offer = api.check(here, Policy(), mirrors, asked=True)
    assert offer is not None
    api.apply(here, offer)
    inode = (here.folder("1.1") / "sent").stat().st_ino
    api.rollback(here)
    again = api.check(here, Policy(), mirrors, asked=True)
    assert again is not None
    api.apply(here, again)
    assert (here.folder("1.1") / "sent").stat().st_ino == inode
    assert staging.whole(here.folder("1.1")) is None


def test_a_version_on_trial_is_not_what_one_comes_back_to(here: Layout, releases: Releases) -> None:
    mirrors = [Folder(releases.repository)]
    for version in ("1.1", "1.2"):
        if version != "1.1":
            releases.add(version)
        offer = api.check(here, Policy(), mirrors, asked=True)
        assert offer is not None
        api.apply(here, offer)
    found = trial.trial(here)
    assert found is not None and (found.version, found.before) == ("1.2", "1.0")
    assert sorted(here.installed()) == ["1.0", "1.2"]


def test_everybody_may_start_what_root_installed(here: Layout, releases: Releases) -> None:
    offer = api.check(here, Policy(), [Folder(releases.repository)], asked=True)
    assert offer is not None
    former = os.umask(0o077)
    try:
        api.apply(here, offer)
    finally:
        os.umask(former)
    folder = here.folder("1.1")
    for path in (folder, folder / "_internal" / "deep", folder / "manifest.json", folder / "sent"):
        assert path.stat().st_mode & 0o044 == 0o044
