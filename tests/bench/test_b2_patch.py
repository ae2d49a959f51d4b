"""B2: an update that changes code only is a small patch, quickly applied, in little memory.

The tree is a realistic one: the libraries of this environment (250 MB) and a program with its compressed
modules inside, of which one changes. Updates run in processes of their own, so that memory is theirs.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import statistics
import subprocess
import sys
import time
import zlib
from pathlib import Path

import pytest
from bench.measure import report
from releases import SCRIPT, Releases, starts

from sent.platform.update import api
from sent.platform.update.sources import Folder

pytestmark = pytest.mark.bench

TREE_BYTES = 240_000_000
PROGRAM_BYTES = 10_000_000
ROUNDS = 5
CHANGED = (20, 150, 300)
"""Modules, by their number, that the new version has otherwise."""

APPLYING = r"""
import json, re, sys, time
from pathlib import Path
from sent.platform.update import api, policy
from sent.platform.update.layout import Layout
from sent.platform.update.sources import Folder
layout, trusted = Layout(Path(sys.argv[1])), Path(sys.argv[3]).read_bytes()
began = time.perf_counter()
offer = api.check(layout, policy.load(layout), [Folder(Path(sys.argv[2]))], asked=True, root=trusted)
version = api.apply(layout, offer)
spent = time.perf_counter() - began
# Not ru_maxrss: that of a child begins with what its parent had.
peak = int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024
print(json.dumps({"version": version, "seconds": spent, "peak_mb": peak}))
"""


def libraries(target: Path) -> None:
    """Copy files of this environment until they are as much as a build."""
    site = Path(pytest.__file__).parents[1]
    had = 0
    paths = sorted(path for path in site.rglob("*") if path.is_file() and not path.is_symlink())
    for path in [
        *(one for one in paths if ".so" in one.suffixes),
        *(one for one in paths if one.suffix == ".py"),
    ]:
        inner = path.relative_to(site).as_posix()
        size = path.stat().st_size
        if had + size > TREE_BYTES or ":" in inner or " " in inner:
            continue
        had += size
        place = target / inner
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)
    assert had > 0.8 * TREE_BYTES


def code(changed: bool) -> bytes:
    """Return a program as PyInstaller makes it: modules compressed one by one behind each other."""
    made = bytearray()
    for number, path in enumerate(sorted(Path(pytest.__file__).parents[1].rglob("*.py"))):
        text = path.read_bytes()
        if changed and number in CHANGED:
            text = b"CHANGED = True\n" + text.replace(b"return", b"return (1 and") + b"\nVALUE = 'changed'\n"
        made += zlib.compress(text)
        if len(made) > PROGRAM_BYTES:
            break
    assert len(made) > PROGRAM_BYTES / 2
    return bytes(made)


def build(folder: Path, version: str, shared: Path) -> None:
    """Make the tree of a version."""
    shutil.copytree(shared, folder / "_internal", copy_function=shutil.copyfile)
    (folder / "sent").write_text(SCRIPT.format(version=version))
    (folder / "sent").chmod(0o755)
    (folder / "program").write_bytes(code(changed=version != "1.0"))
    (folder / "program").chmod(0o755)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Releases:
    """Return a repository with two large versions."""
    place = tmp_path_factory.mktemp("large")
    libraries(place / "shared")
    made = Releases(place / "releases")
    for version in ("1.0", "1.1"):
        build(made.folder / f"build-{version}", version, place / "shared")
        made.run("add", str(made.folder / f"build-{version}"), "--version", version, "--preset", "0")
    made.run("publish")
    return made


def hashed(folder: Path) -> float:
    """Return the seconds of reading and hashing a tree once: what no update can do without."""
    began = time.perf_counter()
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                hashlib.file_digest(file, "sha256")
    return time.perf_counter() - began


def test_b2_a_code_only_change(large: Releases, tmp_path: Path) -> None:
    trusted = large.repository / "metadata" / "1.root.json"
    lines, reading = [], []
    for number in range(ROUNDS):
        layout = large.install(tmp_path / f"sent{number}", "1.0")
        if not number:
            offer = api.check(layout, api.Policy(), [Folder(large.repository)], asked=True, root=large.root)
            assert offer is not None
            patch = offer.size_download
        reading.append(hashed(layout.folder("1.0")))
        run = subprocess.run(
            [sys.executable, "-c", APPLYING, str(layout.root), str(large.repository), str(trusted)],
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        lines.append(json.loads(run.stdout))
        assert starts(layout) == "1.1"
        shutil.rmtree(layout.root)
    seconds = statistics.median(line["seconds"] for line in lines)
    peak = max(line["peak_mb"] for line in lines)
    assert patch > 1_000, "the program did not change"
    good = [
        report("B2 patch of a code-only change", patch / 1e6, "MB", target_value=2),
        report("B2 applied", seconds, "s", statistics.median(reading), target_value=5, target_ratio=4),
        report("B2 memory while applying", peak, "MB", target_value=250),
    ]
    assert all(good)
