"""Builds the packaged program: `python build/build.py [--root root.json]` -> out/dist/sent (one folder).

The same source and the same locked packages give the same files (`SOURCE_DATE_EPOCH` is the last commit's
time). Beside the program stand `build.json` (what was built, from what, every file with its sha256) and
`sent.cdx.json` (CycloneDX). `--fresh-only` does nothing when the build there is of the same inputs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import collecting
import elf
import packs
import parts
import provenance
import sbom

OUT = collecting.ROOT / "out"
BUILT = OUT / "dist" / "sent"
RECORD = OUT / "dist" / "build.json"
SBOM = OUT / "dist" / "sent.cdx.json"


def main() -> int:
    """Build, unless the same build stands there and `--fresh-only` is given."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--root", type=Path, default=None, help="TUF root.json: the build updates itself")
    options.add_argument("--fresh-only", action="store_true", help="do nothing when nothing has changed")
    options.add_argument("--dist", type=Path, default=None, help="build into another folder than out/dist")
    given = options.parse_args()
    target = (given.dist / "sent") if given.dist else BUILT
    inputs = provenance.digest(given.root)
    if given.fresh_only and _same(target, inputs):
        print(f"build: {target} is of the present source")
        return 0
    freeze(target)
    finish(target, inputs, given.root)
    return 0


def freeze(target: Path) -> None:
    """Run PyInstaller."""
    shutil.rmtree(target, ignore_errors=True)
    work = OUT / "work"
    work.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--clean", "--log-level=WARN"]
    command += [f"--workpath={work}", f"--distpath={target.parent}", str(collecting.ROOT / "build/sent.spec")]
    environment = os.environ | {
        "PYTHONHASHSEED": "1",
        "SOURCE_DATE_EPOCH": str(provenance.epoch()),
        "PYINSTALLER_CONFIG_DIR": str(work / "cache"),
    }
    if subprocess.run(command, env=environment, check=False).returncode != 0:
        raise SystemExit("build: PyInstaller failed; the lines above say why")


def finish(target: Path, inputs: str, root: Path | None) -> None:
    """Strip, add what the build knows of itself, and write it down."""
    inside = target / "_internal"
    elf.tidy(inside)
    found = parts.collected(OUT / "work" / "collected.json")
    info = provenance.info(updates="self" if root else "nobody", pack_names=[p.name for p in packs.load()])
    own = inside / "sent" / "_build"
    own.mkdir(parents=True)
    (own / "info.json").write_text(json.dumps(info, indent=1, sort_keys=True))
    (own / "licences.json").write_text(parts.licences(found))
    if root is not None:
        trusted = inside / "sent/platform/update/root.json"
        trusted.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root, trusted)
    _even(target)
    (target.parent / SBOM.name).write_text(sbom.document(found, info))
    record = {**info, "inputs": inputs, "files": listing(target)}
    (target.parent / RECORD.name).write_text(json.dumps(record, indent=1))


def listing(target: Path) -> list[dict[str, object]]:
    """Return every file of the program with its pack, in order."""
    known = packs.load()
    rows: list[dict[str, object]] = []
    for path in sorted(target.rglob("*")):
        name = str(path.relative_to(target))
        if path.is_symlink():
            rows.append({"path": name, "link": str(path.readlink()), "pack": packs.pack_of(name, known)})
        elif path.is_file():
            data = path.read_bytes()
            rows.append(
                {
                    "path": name,
                    "sha256": hashlib.sha256(data).hexdigest(),
                    "size": len(data),
                    "mode": 0o755 if path.stat().st_mode & 0o100 else 0o644,
                    "pack": packs.pack_of(name, known),
                }
            )
    return rows


def _same(target: Path, inputs: str) -> bool:
    """Say whether the build there is of `inputs` and whole."""
    try:
        record = json.loads((target.parent / RECORD.name).read_text())
        return bool(record["inputs"] == inputs and record["files"] == listing(target))
    except (OSError, ValueError, KeyError):
        return False


def _even(target: Path) -> None:
    """Give every file the mode and time that do not depend on who builds, and when.

    Programs may be executed, and nothing else: PyInstaller lets libraries be.
    """
    for path in (target, *target.rglob("*")):
        if not path.is_symlink():
            program = path.is_dir() or (path.stat().st_mode & 0o100 and ".so" not in path.name)
            path.chmod(0o755 if program else 0o644)
        os.utime(path, (provenance.epoch(), provenance.epoch()), follow_symlinks=False)


if __name__ == "__main__":
    sys.exit(main())
