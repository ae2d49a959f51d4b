"""Packs the built program: out/sent-<version>-<platform>.tar.xz, the same bytes for the same build."""

from __future__ import annotations

import json
import lzma
import sys
import tarfile
from pathlib import Path

import build


def main() -> int:
    """Write the archive with the bill of materials beside it; print its name and size."""
    record = json.loads(build.RECORD.read_text())
    name = f"sent-{record['version']}-{record['platform']}"
    target = build.OUT / f"{name}.tar.xz"
    with lzma.open(target, "wb", preset=3) as packed, tarfile.open(fileobj=packed, mode="w") as archive:
        for path in sorted(build.BUILT.rglob("*")):
            if path.is_symlink() or path.is_file():
                inside = f"{name}/{path.relative_to(build.BUILT)}"
                archive.add(path, inside, recursive=False, filter=_plain)
    (build.OUT / f"{name}.cdx.json").write_bytes(build.SBOM.read_bytes())
    print(
        json.dumps(
            {"archive": str(target.relative_to(build.collecting.ROOT)), "mb": round(size_mb(target), 1)}
        )
    )
    return 0


def size_mb(path: Path) -> float:
    """Return the size of a file, or of all files below a folder, in MB of 10^6 bytes."""
    files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file() and not p.is_symlink()]
    return sum(file.stat().st_size for file in files) / 1e6


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    member.mode = 0o755 if member.mode & 0o100 else 0o644
    return member


if __name__ == "__main__":
    sys.exit(main())
