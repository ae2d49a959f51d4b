"""Packs the built program for Debian: `python build/deb.py` -> out/sent_<version>_<architecture>.deb.

The same build gives the same bytes. The program lies in /usr/lib/sent as it was built, but says that the
system's package manager updates it. Units, manual and completion are made from the program itself.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import completion
import deb_control
import elf
import manual
import provenance

import build

TEMPLATES = Path(__file__).resolve().parent / "linux" / "debian"
PROGRAM = "usr/lib/sent"
SCRIPTS = ("postinst", "postrm", "prerm")
XZ = ("-Zxz", "-z6", "--threads-max=1")
"""As small as is common; threads would cut the data by the number of cores."""
PLAIN = ("-Znone",)


def main() -> int:
    """Make the package; print its name and size."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--app", type=Path, default=build.BUILT, help="the built program")
    options.add_argument("--out", type=Path, default=build.OUT, help="folder of the package")
    options.add_argument("--plain", action="store_true", help="without compression: large and quick")
    given = options.parse_args()
    made = pack(given.app, given.out, PLAIN if given.plain else XZ)
    print(json.dumps({"package": made.name, "mb": round(made.stat().st_size / 1e6, 1)}))
    return 0


def pack(app: Path, out: Path, compression: Sequence[str] = XZ) -> Path:
    """Return the package of the program in `app`, made in `out`; `compression` in dpkg-deb's words."""
    record = json.loads((app.parent / build.RECORD.name).read_text())
    out.mkdir(parents=True, exist_ok=True)
    architecture = deb_control.ARCHITECTURES[record["platform"]]
    target = out / f"sent_{deb_control.version(record['version'])}_{architecture}.deb"
    with tempfile.TemporaryDirectory(prefix=".deb-", dir=out) as folder:
        root = Path(folder) / "root"
        lay(app, root, record)
        wrap(root, Path(folder) / target.name, compression).replace(target)
    return target


def wrap(root: Path, target: Path, compression: Sequence[str] = XZ) -> Path:
    """Return the package `target` of the tree in `root`."""
    if shutil.which("dpkg-deb") is None:
        raise SystemExit("package: dpkg-deb is missing; install the package dpkg of this system")
    command = ["dpkg-deb", "--root-owner-group", *compression, "--build", str(root), str(target)]
    environment = os.environ | {"SOURCE_DATE_EPOCH": str(provenance.epoch()), "LC_ALL": "C.UTF-8"}
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    return target


def lay(app: Path, root: Path, record: dict[str, object]) -> None:
    """Make the package's tree in `root`; the program's files are hard links of the build's."""
    _program(app, root / PROGRAM)
    for place, text in files(app, record).items():
        target = root / place
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text)
    (root / "usr/bin").mkdir(parents=True)
    (root / "usr/bin/sent").symlink_to("../lib/sent/sent")
    size = sum(path.stat().st_size for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    needed, recommended = deb_control.dependencies(app, elf.binaries(app))
    own = root / "DEBIAN"
    own.mkdir()
    (own / "control").write_text(deb_control.control(record, size // 1024, needed, recommended))
    (own / "md5sums").write_text(sums(root))
    for name in SCRIPTS:
        shutil.copyfile(TEMPLATES / name, own / name)
    _even(root)


def files(app: Path, record: dict[str, object]) -> dict[str, bytes]:
    """Return everything beside the program, by its place."""
    from sent.cli.desktop import ENTRY, ICON
    from sent.platform.units import package_units

    day = datetime.fromtimestamp(provenance.epoch(), UTC).strftime("%Y-%m-%d")
    licences = json.loads((app / "_internal/sent/_build/licences.json").read_text())
    metainfo = (TEMPLATES / "metainfo.xml").read_text().format(version=record["version"], date=day)
    units = package_units(["/usr/bin/sent"])
    return {
        **{f"usr/lib/systemd/system/{name}": text.encode() for name, text in units.items()},
        "usr/lib/sysusers.d/sent.conf": (TEMPLATES / "sysusers.conf").read_bytes(),
        "usr/lib/tmpfiles.d/sent.conf": (TEMPLATES / "tmpfiles.conf").read_bytes(),
        "usr/share/applications/sent.desktop": ENTRY.format(program="sent").encode(),
        "usr/share/icons/hicolor/scalable/apps/sent.svg": ICON.encode(),
        "usr/share/metainfo/org.sent.Console.metainfo.xml": metainfo.encode(),
        "usr/share/man/man1/sent.1.gz": _packed(manual.page().encode()),
        "usr/share/bash-completion/completions/sent": completion.script("bash").encode(),
        "usr/share/zsh/vendor-completions/_sent": completion.script("zsh").encode(),
        "usr/share/doc/sent/README.Debian": (TEMPLATES / "README.Debian").read_bytes(),
        "usr/share/doc/sent/changelog.gz": _packed((build.collecting.ROOT / "CHANGELOG.md").read_bytes()),
        "usr/share/doc/sent/changelog.Debian.gz": _packed(deb_control.changelog(record).encode()),
        "usr/share/doc/sent/copyright": deb_control.copyright_of(licences).encode(),
        "usr/share/lintian/overrides/sent": (TEMPLATES / "lintian-overrides").read_bytes(),
    }


def _program(app: Path, target: Path) -> None:
    shutil.copytree(app, target, symlinks=True, copy_function=_linked)
    said = target / "_internal/sent/_build/info.json"
    info = json.loads(said.read_text()) | {"updates": "packages"}
    said.unlink()
    said.write_text(json.dumps(info, indent=1, sort_keys=True))
    # A package that is updated by the system trusts no other source.
    (target / "_internal/sent/platform/update/root.json").unlink(missing_ok=True)


def _linked(source: str, target: str) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)


def sums(root: Path) -> str:
    """Return what debsums(1) compares the installed files with."""
    rows = []
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.is_symlink() and path.parent != root / "DEBIAN":
            digest = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
            rows.append(f"{digest}  {path.relative_to(root)}\n")
    return "".join(rows)


def _packed(text: bytes) -> bytes:
    return gzip.compress(text, 9, mtime=0)


def _even(root: Path) -> None:
    """Give everything beside the program the modes and times that do not depend on this machine."""
    scripts = {root / "DEBIAN" / name for name in SCRIPTS}
    for path in [root, *root.rglob("*")]:
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
        elif not path.is_symlink() and (path.stat().st_nlink == 1 or path in scripts):
            path.chmod(0o755 if path in scripts or path.stat().st_mode & 0o100 else 0o644)
        os.utime(path, (provenance.epoch(), provenance.epoch()), follow_symlinks=False)


if __name__ == "__main__":
    sys.exit(main())
