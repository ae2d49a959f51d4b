"""B4: whatever is wrong with an update, it is refused with a word that helps, and nothing is changed."""

from __future__ import annotations

import datetime
import json
import shutil
from pathlib import Path

import pytest
from releases import CLEAR, Mirror, Releases, installed, mirror, one, releases, served, shape, starts, update
from tuf.api.metadata import Metadata

from sent.platform.errors import SentError
from sent.platform.update import api, policy, trial
from sent.platform.update.layout import Layout
from sent.platform.update.sources import Folder, Web

__all__ = ["installed", "mirror", "releases"]


def refused(layout: Layout, place: Web | Folder, root: bytes, code: str) -> str:
    """Try the update, which must be refused with `code` and change nothing; returns the message."""
    before = shape(layout)
    with pytest.raises(SentError) as error:
        update(layout, [place], root)
    assert error.value.code == code, error.value.message
    assert shape(layout) == before
    assert not layout.pending.exists()
    assert starts(layout) == "1.0"
    assert "othing was changed" in error.value.message
    return error.value.message


def blobs(releases: Releases, kind: str) -> list[Path]:
    """Return the store's files or deltas."""
    return sorted(path for path in (releases.repository / kind).rglob("*") if path.is_file())


def flip(path: Path, at: int = -1) -> None:
    """Change one byte."""
    data = bytearray(path.read_bytes())
    data[at] ^= 0x55
    path.write_bytes(data)


def test_b4_the_honest_update_passes(releases: Releases, installed: Layout, mirror: Web) -> None:
    assert update(installed, [mirror], releases.root) == "1.1"
    assert starts(installed) == "1.1"
    found = trial.trial(installed)
    assert found is not None and (found.version, found.before) == ("1.1", "1.0")
    same = [installed.folder(one) / "_internal" / "same1.so" for one in ("1.0", "1.1")]
    assert same[0].samefile(same[1])


def test_b4_tampered_file(releases: Releases, installed: Layout, mirror: Web) -> None:
    for path in blobs(releases, "files"):
        flip(path)
    assert "not what was signed" in refused(installed, mirror, releases.root, "update.tampered")


def test_b4_tampered_delta(releases: Releases, installed: Layout, mirror: Web) -> None:
    assert blobs(releases, "deltas")
    for path in blobs(releases, "deltas"):
        flip(path, 40)
    assert ".bsdiff is not what was signed" in refused(installed, mirror, releases.root, "update.tampered")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("timestamp.json", "update.signature"),
        ("snapshot.json", "update.mismatch"),
        ("targets.json", "update.mismatch"),
    ],
)
def test_b4_tampered_metadata(
    releases: Releases, installed: Layout, mirror: Web, name: str, code: str
) -> None:
    found = sorted((releases.repository / "metadata").glob(f"*{name}"))[-1]
    read = json.loads(found.read_bytes())
    read["signed"]["expires"] = "2099-01-01T00:00:00Z"
    found.write_text(json.dumps(read))
    refused(installed, mirror, releases.root, code)


def test_b4_tampered_manifest(releases: Releases, installed: Layout, mirror: Web) -> None:
    found = next((releases.repository / "targets").rglob("1.1/*.json"))
    data = found.read_bytes()
    found.write_bytes(data.replace(b'"mode":420', b'"mode":493', 1))
    refused(installed, mirror, releases.root, "update.mismatch")


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets"])
def test_b4_expired(releases: Releases, installed: Layout, mirror: Web, role: str) -> None:
    made = releases.made
    made.save(role, made.latest(role), days=-1)
    if role == "targets":
        made.publish()
    if role == "snapshot":
        made.refresh()
    assert "expired" in refused(installed, mirror, releases.root, "update.expired")


def test_b4_freeze(
    releases: Releases, installed: Layout, mirror: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mirror that goes on saying what was true two days ago."""
    from tuf.ngclient._internal import trusted_metadata_set

    class Later(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Later:
            return super().now(tz) + datetime.timedelta(days=2)

    api.check(installed, policy.load(installed), [mirror], asked=True, root=releases.root)
    monkeypatch.setattr(trusted_metadata_set.datetime, "datetime", Later)
    assert "held back" in refused(installed, mirror, releases.root, "update.expired")


def test_b4_older(releases: Releases, installed: Layout, mirror: Web, tmp_path: Path) -> None:
    """A mirror that shows the metadata of yesterday after we saw today's."""
    old = tmp_path / "yesterday"
    shutil.copytree(releases.repository, old)
    releases.add("1.2")
    api.check(installed, policy.load(installed), [mirror], asked=True, root=releases.root)
    assert "older than what was seen" in refused(installed, Folder(old), releases.root, "update.older")


def test_b4_an_older_version_is_never_offered(releases: Releases, mirror: Web, tmp_path: Path) -> None:
    layout = releases.install(tmp_path / "newer", "1.1")
    releases.run("percentage", "100", "--version", "1.0")
    releases.run("publish")
    assert update(layout, [mirror], releases.root) is None
    assert starts(layout) == "1.1"


def test_b4_mix_and_match(releases: Releases, installed: Layout, mirror: Web, tmp_path: Path) -> None:
    """Targets of one day under the snapshot of another."""
    metadata = releases.repository / "metadata"
    versions = sorted(int(path.name.split(".")[0]) for path in metadata.glob("*.targets.json"))
    shutil.copy(metadata / f"{versions[-2]}.targets.json", metadata / f"{versions[-1]}.targets.json")
    refused(installed, mirror, releases.root, "update.mismatch")


def test_b4_snapshot_of_another_day(releases: Releases, installed: Layout, mirror: Web) -> None:
    metadata = releases.repository / "metadata"
    versions = sorted(int(path.name.split(".")[0]) for path in metadata.glob("*.snapshot.json"))
    shutil.copy(metadata / f"{versions[-2]}.snapshot.json", metadata / f"{versions[-1]}.snapshot.json")
    refused(installed, mirror, releases.root, "update.mismatch")


def test_b4_wrong_root(releases: Releases, installed: Layout, tmp_path: Path) -> None:
    """A whole repository of somebody else, at the same address."""
    other = Releases(tmp_path / "other")
    other.add("1.0")
    other.add("9.0")
    with served(other.repository) as url:
        text = refused(installed, Web(url), releases.root, "update.signature")
    assert "keys that this installation trusts" in text


def test_b4_a_new_root_that_the_old_keys_did_not_sign(
    releases: Releases, installed: Layout, mirror: Web, tmp_path: Path
) -> None:
    other = Releases(tmp_path / "other")
    other.run("rotate-root", "root1", "--clear", CLEAR)
    shutil.copy(other.repository / "metadata" / "2.root.json", releases.repository / "metadata")
    refused(installed, mirror, releases.root, "update.signature")


def test_b4_one_root_key_is_not_enough(releases: Releases, installed: Layout, mirror: Web) -> None:
    made = releases.made.latest("root")
    made.signed.version += 1
    made.sign(one(releases.keys, "root1"))
    made.to_file(str(releases.repository / "metadata" / "2.root.json"))
    refused(installed, mirror, releases.root, "update.signature")


def test_b4_root_key_rotation_passes(releases: Releases, installed: Layout, mirror: Web) -> None:
    releases.run("rotate-root", "root1", "root2", "--clear", CLEAR)
    releases.run("rotate-root", "root3", "targets", "snapshot", "timestamp", "--clear", CLEAR)
    newest = Metadata.from_file(str(releases.repository / "metadata" / "root.json"))
    assert newest.signed.version == 3
    assert update(installed, [mirror], releases.root) == "1.1"
    assert starts(installed) == "1.1"
    releases.add("1.2")
    assert update(installed, [mirror], releases.root) == "1.2"


@pytest.mark.parametrize(
    "entry",
    [
        {"path": "../outside", "link": "x"},
        {"path": "a/../../outside", "link": "x"},
        {"path": "/etc/cron.d/x", "link": "x"},
        {"path": "_internal/out", "link": "../../../etc/passwd"},
        {"path": "_internal/out", "link": "/etc/passwd"},
        {"path": "_internal/SAME1.so", "link": "same0.so"},
        {"path": "manifest.json", "link": "sent"},
    ],
    ids=lambda entry: f"{entry['path']}->{entry['link']}",
)
def test_b4_signed_manifest_with_an_unsafe_path(
    releases: Releases, installed: Layout, mirror: Web, entry: dict[str, str]
) -> None:
    read = json.loads(releases.manifest("1.1"))
    read["files"].append(entry)
    releases.made.put(f"manifests/{api.PLATFORM}/1.1/base.json", read)
    releases.run("publish")
    refused(installed, mirror, releases.root, "update.manifest")
    assert not (installed.root.parent / "outside").exists()


@pytest.mark.parametrize("size", [0, 900])
def test_b4_truncated_download(releases: Releases, installed: Layout, size: int) -> None:
    for kind in ("files", "deltas"):
        for path in blobs(releases, kind):
            path.write_bytes(path.read_bytes()[: min(size, path.stat().st_size - 1)])
    with served(releases.repository) as url:
        assert " of " in refused(installed, Web(url), releases.root, "update.unreachable")


def test_b4_a_broken_off_download_goes_on_where_it_was(releases: Releases, installed: Layout) -> None:
    """The connection ends after 20,000 bytes each time; the rest is asked for by range."""
    for path in blobs(releases, "deltas"):
        path.unlink()
    handler = type("Cut", (Mirror,), {"cut": 20_000, "asked": []})
    with served(releases.repository, handler) as url:
        try:
            update(installed, [Web(url)], releases.root)
        except SentError as error:
            assert error.code == "update.unreachable"
        assert update(installed, [Web(url)], releases.root) == "1.1"
    assert any(span for _, span in handler.asked)
    assert starts(installed) == "1.1"


def test_b4_the_next_mirror_is_asked(
    releases: Releases, installed: Layout, mirror: Web, tmp_path: Path
) -> None:
    bad = tmp_path / "bad"
    shutil.copytree(releases.repository, bad)
    for path in [*(bad / "files").rglob("*.xz"), *(bad / "deltas").rglob("*.bsdiff")]:
        flip(path)
    assert update(installed, [Folder(bad), mirror], releases.root) == "1.1"
    assert starts(installed) == "1.1"


def test_b4_a_build_that_does_not_start_is_refused(
    releases: Releases, installed: Layout, mirror: Web
) -> None:
    built = releases.folder / "build-1.1"
    copy = releases.folder / "broken"
    shutil.copytree(built, copy, symlinks=True)
    (copy / "sent").write_text("#!/bin/sh\nexit 3\n")
    releases.run("add", str(copy), "--version", "1.3", "--preset", "1")
    releases.run("publish")
    assert "does not start" in refused(installed, mirror, releases.root, "update.does_not_start")


def test_b4_a_bad_byte_in_the_version_that_runs_is_repaired(
    releases: Releases, installed: Layout, mirror: Web
) -> None:
    bad = installed.folder("1.0") / "_internal" / "same3.so"
    flip(bad, 100)
    assert update(installed, [mirror], releases.root) == "1.1"
    assert starts(installed) == "1.1"
    good = installed.folder("1.1") / "_internal" / "same3.so"
    assert not good.samefile(bad)
