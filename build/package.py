"""Makes everything one hands on, in out/: `python build/package.py`; prints one JSON line for each file.

    sent-<version>-<platform>.tar.xz      the program; sent-<pack>-... for each further pack
    sent_<version>_<architecture>.deb     the same for Debian
    sent-<version>-py3-none-any.whl       for an environment of one's own; with the sdist
    sent-<version>-<platform>.cdx.json    bill of materials
    SHA256SUMS                            of these, for sha256sum --check

The same source gives the same bytes. The program itself is built before (`build/build.py`).
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import archive
import deb
import packs
import provenance

import build

SUMS = "SHA256SUMS"


def main() -> int:
    """Make all; the checksums come last."""
    record = json.loads(build.RECORD.read_text())
    # xz runs alone for a minute each; two at a time are as many as a small machine has cores for.
    with ThreadPoolExecutor(2) as side_by_side:
        packed = side_by_side.submit(deb.pack, build.BUILT, build.OUT)
        made = [*archives(build.BUILT, record, build.OUT), *distributions(build.OUT)]
        made.append(packed.result())
    bill = build.OUT / f"sent-{record['version']}-{record['platform']}.cdx.json"
    bill.write_bytes((build.BUILT.parent / build.SBOM.name).read_bytes())
    made.append(bill)
    (build.OUT / SUMS).write_text(sums(made))
    for path in made:
        print(
            json.dumps(
                {"file": str(path.relative_to(provenance.ROOT)), "mb": round(archive.size_mb(path), 1)}
            )
        )
    return 0


def archives(app: Path, record: dict[str, Any], out: Path) -> list[Path]:
    """Return an archive for each pack that has files."""
    names: dict[str, list[str]] = {}
    for row in record["files"]:
        names.setdefault(row["pack"], []).append(row["path"])
    made = []
    for pack, files in sorted(names.items()):
        part = "" if pack == packs.BASE else f"{pack}-"
        name = f"sent-{part}{record['version']}-{record['platform']}"
        inside = f"sent-{record['version']}-{record['platform']}"
        made.append(archive.pack(app, files, inside, out / f"{name}.tar.xz"))
    return made


def distributions(out: Path) -> list[Path]:
    """Return wheel and sdist of the source."""
    environment = os.environ | {"SOURCE_DATE_EPOCH": str(provenance.epoch())}
    with tempfile.TemporaryDirectory(prefix=".wheel-", dir=out) as folder:
        command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, str(provenance.ROOT)]
        done = subprocess.run(
            command, cwd=provenance.ROOT, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise SystemExit(f"package: no wheel was made: {(done.stdout + done.stderr)[-1000:]}")
        return [path.replace(out / path.name) for path in sorted(Path(folder).iterdir())]


def sums(files: list[Path]) -> str:
    """Return the checksums in the form of sha256sum(1)."""
    return "".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
        for path in sorted(files, key=lambda path: path.name)
    )


if __name__ == "__main__":
    sys.exit(main())
