"""B2: two builds of one source differ only in the files that build/differences.txt lists."""

from __future__ import annotations

import filecmp
import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
LISTED = {
    line
    for line in (ROOT / "build/differences.txt").read_text().splitlines()
    if line and not line.startswith("#")
}

OTHERS = {
    "LC_ALL": "C",
    "TZ": "Pacific/Auckland",
    "PYTHONHASHSEED": "4711",
    "PYTHONDONTWRITEBYTECODE": "1",
}
"""What else differs in the second build's environment."""

pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """Return a copy of the working tree, its environment included, in another place."""
    place = tmp_path / "another" / "source of SENT"
    place.mkdir(parents=True)
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, place / name)
    shutil.copytree(ROOT / ".git", place / ".git")
    shutil.copytree(ROOT / "sent/ui/assets", place / "sent/ui/assets", dirs_exist_ok=True)
    shutil.copytree(ROOT / ".venv", place / ".venv", symlinks=True, copy_function=_linked)
    for editable in (place / ".venv/lib").glob("python3*/site-packages/*sent.pth"):
        editable.unlink()
        editable.write_text(f"{place}\n")
    return place


def _linked(source: str, target: str) -> None:
    if Path(source).is_symlink():
        shutil.copy2(source, target, follow_symlinks=False)
    else:
        os.link(source, target)


@pytest.mark.soak
def test_b2_two_builds_differ_only_in_listed_files(
    app: Path, elsewhere: Path, deb: ModuleType, tmp_path: Path
) -> None:
    subprocess.run(
        [elsewhere / ".venv/bin/python", elsewhere / "build/build.py"],
        cwd=tmp_path,
        env=os.environ | OTHERS,
        umask=0o027,
        check=True,
        capture_output=True,
        timeout=600,
    )
    other = elsewhere / "out/dist/sent"
    collected = json.loads((elsewhere / "out/work/collected.json").read_text())
    own = [source for name, source in collected["modules"] if name.partition(".")[0] == "sent"]
    assert own
    assert all(Path(source).is_relative_to(elsewhere) for source in own)
    assert differences(app, other) <= LISTED
    for name in ("build.json", "sent.cdx.json"):
        assert filecmp.cmp(app.parent / name, other.parent / name, shallow=False), name
    assert deb.pack(app, tmp_path / "one").read_bytes() == deb.pack(other, tmp_path / "two").read_bytes()


@pytest.mark.soak
def test_b2_wheel_and_sdist_are_the_same_from_two_places(elsewhere: Path, tmp_path: Path) -> None:
    made = []
    for place, name, changed in ((ROOT, "one", {}), (elsewhere, "two", OTHERS)):
        command = ["-m", "build", "--no-isolation", "--outdir", tmp_path / name, place]
        environment = os.environ | {"SOURCE_DATE_EPOCH": "1700000000"} | changed
        subprocess.run(
            [place / ".venv/bin/python", *command],
            cwd=tmp_path,
            env=environment,
            umask=0o022 if name == "one" else 0o077,
            check=True,
            capture_output=True,
            timeout=300,
        )
        made.append({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()})
    assert {Path(name).suffix for name in made[0]} == {".whl", ".gz"}
    assert made[0] == made[1]


def differences(one: Path, other: Path) -> set[str]:
    """Return the paths whose content, kind, mode or time differ."""
    found = set()
    both = {str(path.relative_to(folder)) for folder in (one, other) for path in folder.rglob("*")}
    for name in both:
        here, there = one / name, other / name
        if not os.path.lexists(here) or not os.path.lexists(there) or _seen(here) != _seen(there):
            found.add(name)
    return found


def _seen(path: Path) -> tuple[object, ...]:
    about = path.lstat()
    content: object = None
    if path.is_symlink():
        content = path.readlink()
    elif path.is_file():
        content = path.read_bytes()
    return about.st_mode, about.st_mtime_ns, content


def test_b2_the_package_is_the_same_whoever_makes_it(app: Path, package: Path, tmp_path: Path) -> None:
    command = [sys.executable, ROOT / "build/deb.py", "--plain", "--app", app, "--out", tmp_path / "again"]
    subprocess.run(
        command, cwd=tmp_path, env=os.environ | OTHERS, umask=0o077, check=True, capture_output=True
    )
    assert filecmp.cmp(tmp_path / "again" / package.name, package, shallow=False)


def test_b2_the_archive_is_the_same_whoever_makes_it(archive: ModuleType, tmp_path: Path) -> None:
    made = []
    for name, umask in (("one", 0o022), ("two", 0o077)):
        before = os.umask(umask)
        try:
            folder = tmp_path / name
            (folder / "_internal").mkdir(parents=True)
            files = ["sent", "_internal/b", "_internal/a"]
            for file in files if name == "one" else reversed(files):
                (folder / file).write_text(file)
                (folder / file).chmod(0o700 if file == "sent" else 0o600)
                os.utime(folder / file, (1_000_000_000, 1_000_000_000))
            made.append(archive.pack(folder, set(files), "sent-1", tmp_path / f"{name}.tar.xz").read_bytes())
        finally:
            os.umask(before)
    assert made[0] == made[1]
    with tarfile.open(tmp_path / "one.tar.xz") as packed:
        members = [(member.name, member.mode, member.uname) for member in packed]
    assert members == [
        ("sent-1/_internal/a", 0o644, "root"),
        ("sent-1/_internal/b", 0o644, "root"),
        ("sent-1/sent", 0o755, "root"),
    ]


def test_b2_the_list_of_differences_is_short() -> None:
    assert len(LISTED) <= 5
