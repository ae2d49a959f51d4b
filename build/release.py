"""Makes and looks after the repository that installations update from; see docs/howto/updates.md.

init                     the key ceremony and an empty repository
add FOLDER --version V   a build becomes a version of a channel
publish | refresh        offer what was added | say again that this is the newest (twice a day)
percentage N | promote   offer to more machines | move a version to another channel
rotate-root ROLE...      replace keys
bundle --version V       one file for machines without a network
fixture --version V      the database schema of this release, kept for the tests of later ones
"""

from __future__ import annotations

import argparse
import datetime
import gzip
import io
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import release_keys as keys  # noqa: E402
import release_store as store  # noqa: E402
from release_signing import Metadatas  # noqa: E402

from sent.platform.db import schema  # noqa: E402
from sent.platform.update.api import PLATFORM, order  # noqa: E402
from sent.platform.update.layout import VERSION  # noqa: E402
from sent.platform.update.manifest import PACK, Manifest, parse  # noqa: E402

KEPT = 3
"""Versions before that deltas are made from."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    asked = _parser().parse_args(arguments)
    made = Metadatas(asked.repository, asked.keys)
    match asked.command:
        case "init":
            made.begin(keys.passphrase(asked.clear))
        case "add":
            _add(made, asked)
        case "publish":
            made.publish()
        case "refresh":
            made.refresh()
        case "percentage":
            _channel(made, asked.channel, asked.version, asked.percentage)
        case "promote":
            _channel(made, asked.to, _channel_of(made, asked.channel)["version"], asked.percentage)
        case "rotate-root":
            made.rotate(asked.roles, keys.passphrase(asked.clear))
        case "bundle":
            bundle(made, asked.version, asked.channel, asked.packs.split(","), asked.out, asked.days)
        case "fixture":
            print(fixture(asked.version, asked.out))
    return 0


def _add(made: Metadatas, asked: argparse.Namespace) -> None:
    notes = Path(asked.notes).read_text(encoding="utf-8") if asked.notes else ""
    runs_on = [one for one in asked.runs_on.split(",") if one]
    add(
        made,
        asked.folder,
        asked.version,
        pack=asked.pack,
        notes=notes,
        runs_on=runs_on,
        commit=asked.commit,
        preset=asked.preset,
    )
    if asked.pack == "base":
        _channel(made, asked.channel, asked.version, asked.percentage)


def add(
    made: Metadatas,
    folder: Path,
    version: str,
    *,
    pack: str = "base",
    notes: str = "",
    runs_on: list[str] | None = None,
    commit: str = "",
    preset: int = 6,
) -> None:
    """Put a build into the store and sign its manifest; it is offered after `publish`."""
    if VERSION.fullmatch(version) is None or PACK.fullmatch(pack) is None:
        raise SystemExit(f"release: {version!r} is no version, or {pack!r} is no pack")
    path = f"manifests/{PLATFORM}/{version}/{pack}.json"
    if made.get(path) is not None:
        raise SystemExit(f"release: {pack} {version} was released already; releases never change")
    before = _before(made, pack, version)
    entries = store.walk(folder)
    store.keep(made.repository, folder, entries, preset)
    store.deltas(made.repository, folder, entries, [one["files"] for one in before])
    head = schema.head()
    heads = {one["schema"]["head"] for one in before[:1] if one["schema"]["head"] >= schema.OLDEST} | {head}
    manifest = {
        "format": 1,
        "version": version,
        "platform": PLATFORM,
        "pack": pack,
        "built": _moment().strftime("%Y-%m-%dT%H:%M:%SZ"),
        "commit": commit,
        "schema": {"head": head, "runs_on": sorted(runs_on or heads)},
        "notes": notes,
        "files": entries,
    }
    made.put(path, _checked(manifest))


def _checked(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return the manifest when clients will take it."""
    import json

    parse(json.dumps(manifest).encode())
    return manifest


def _moment() -> datetime.datetime:
    given = os.environ.get("SOURCE_DATE_EPOCH")
    return (
        datetime.datetime.fromtimestamp(int(given), datetime.UTC)
        if given
        else datetime.datetime.now(datetime.UTC)
    )


def _before(made: Metadatas, pack: str, version: str) -> list[dict[str, Any]]:
    """Return the manifests of the newest versions before, newest first."""
    pattern = re.compile(rf"manifests/{PLATFORM}/([^/]+)/{pack}\.json")
    names = (pattern.fullmatch(path) for path in made.latest("targets").signed.targets)
    found = sorted((name[1] for name in names if name and order(name[1]) < order(version)), key=order)
    read = (made.get(f"manifests/{PLATFORM}/{one}/{pack}.json") for one in reversed(found[-KEPT:]))
    return [one for one in read if one is not None]


def _channel_of(made: Metadatas, channel: str) -> dict[str, Any]:
    found = made.get(f"channels/{PLATFORM}/{channel}.json")
    if found is None:
        raise SystemExit(f"release: there is no channel {channel}")
    return found


def _channel(made: Metadatas, channel: str, version: str | None, percentage: int) -> None:
    """Point a channel at a version, for a share of the machines."""
    if not 0 <= percentage <= 100:
        raise SystemExit("release: a percentage lies between 0 and 100")
    version = version or _channel_of(made, channel)["version"]
    pattern = re.compile(rf"manifests/{PLATFORM}/{re.escape(version)}/([^/]+)\.json")
    packs = [name[1] for path in made.latest("targets").signed.targets if (name := pattern.fullmatch(path))]
    if not packs:
        raise SystemExit(f"release: there is no version {version}")
    released = _moment().strftime("%Y-%m-%dT%H:%M:%SZ")
    data = {"version": version, "percentage": percentage, "packs": sorted(packs), "released": released}
    made.put(f"channels/{PLATFORM}/{channel}.json", data)


def bundle(made: Metadatas, version: str, channel: str, packs: list[str], out: Path, days: float) -> None:
    """Write one tar with the metadata and all that `packs` of a version need, also without a version before.

    Its timestamp holds `days` (at most the snapshot's seven); whoever gets hold of it can hold machines back
    as long, no longer.
    """
    if not 0 < days <= 7:
        raise SystemExit("release: a bundle holds for at most 7 days")
    if _channel_of(made, channel)["version"] != version:
        raise SystemExit(f"release: the channel {channel} points to another version than {version}")
    made.publish(days)
    names = {f"metadata/{path.name}" for path in made.folder.glob("*.root.json")} | {
        "metadata/timestamp.json"
    }
    for role in ("snapshot", "targets"):
        names.add(f"metadata/{made.latest(role).signed.version}.{role}.json")
    targets = made.latest("targets").signed.targets
    wanted = [f"manifests/{PLATFORM}/{version}/{pack}.json" for pack in packs]
    for path in [*wanted, f"channels/{PLATFORM}/{channel}.json"]:
        if path not in targets:
            raise SystemExit(f"release: there is no {path}")
        folder, _, name = path.rpartition("/")
        names.add(f"targets/{folder}/{targets[path].hashes['sha256']}.{name}")
    for path in wanted:
        manifest: Manifest = parse(made.file(*_split(path, targets)).read_bytes())
        names |= {file.whole.name for file in manifest.files}
    with tarfile.open(out, "w", format=tarfile.PAX_FORMAT) as tar:
        for name in sorted(names):
            entry = tar.gettarinfo(str(made.repository / name), name)
            entry.uid = entry.gid = 0
            entry.uname = entry.gname = ""
            with (made.repository / name).open("rb") as file:
                tar.addfile(entry, file)
    made.refresh()


def _split(path: str, targets: dict[str, Any]) -> tuple[str, str, str]:
    folder, _, name = path.rpartition("/")
    return folder, targets[path].hashes["sha256"], name


def fixture(version: str, out: Path | None) -> Path:
    """Dump the schema of this release (a migrated, otherwise empty database) for tests of later releases."""
    target = out or HERE.parent / "tests" / "packaging" / "releases" / f"{version}.sql.gz"
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="sent-fixture-") as folder:
        place = Path(folder)
        place.chmod(0o755)
        script = HERE / "release_fixture.py"
        run = subprocess.run(
            [sys.executable, str(script)],
            env={**os.environ, "SENT_STATE_DIR": str(place / "state"), "PYTHONPATH": str(HERE.parent)},
            capture_output=True,
            check=False,
        )
    if run.returncode:
        raise SystemExit(f"release: {run.stderr.decode(errors='replace')[-2000:]}")
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0, filename="") as file:
        file.write(run.stdout)
    target.write_bytes(packed.getvalue())
    return target


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="release.py", description=__doc__.splitlines()[0])
    parser.add_argument("--repository", type=Path, default=Path("out/repository"))
    parser.add_argument("--keys", type=Path, default=Path("out/keys"))
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("init").add_argument("--clear")
    commands.add_parser("publish")
    commands.add_parser("refresh")
    made = commands.add_parser("add")
    made.add_argument("folder", type=Path)
    made.add_argument("--version", required=True)
    made.add_argument("--pack", default="base")
    made.add_argument("--notes", help="file with the release notes (Markdown)")
    made.add_argument("--commit", default="")
    made.add_argument("--runs-on", default="", help="schema heads whose programs can use this schema")
    made.add_argument("--preset", type=int, default=6)
    offered = commands.add_parser("percentage")
    offered.add_argument("percentage", type=int)
    offered.add_argument("--version")
    promoted = commands.add_parser("promote")
    promoted.add_argument("to")
    for one in (made, promoted):
        one.add_argument("--percentage", type=int, default=100)
    rotated = commands.add_parser("rotate-root")
    rotated.add_argument("roles", nargs="+", choices=keys.ROLES)
    rotated.add_argument("--clear")
    carried = commands.add_parser("bundle")
    carried.add_argument("--version", required=True)
    carried.add_argument("--packs", default="base")
    carried.add_argument("--days", type=float, default=7)
    carried.add_argument("--out", type=Path, required=True)
    for one in (made, offered, promoted, carried):
        one.add_argument("--channel", default="stable")
    kept = commands.add_parser("fixture")
    kept.add_argument("--version", required=True)
    kept.add_argument("--out", type=Path)
    return parser


if __name__ == "__main__":
    sys.exit(main())
