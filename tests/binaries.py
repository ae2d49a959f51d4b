"""The packaged program, and a build of it with one line changed: what real updates are tested with.

The first is out/dist/sent (`make package`); the second is built from a copy of the last commit, and kept in
the folder that `SENT_TEST_BUILDS` names.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

from releases import Releases
from versions import STARTER

from sent import __version__
from sent.platform.update.layout import Layout

ROOT = Path(__file__).resolve().parents[1]
CHANGED = "999.1"
"""The version with the changed line."""

_LINE = ("sent/platform/clock.py", "return time.monotonic()", "return float(time.monotonic())")


def built() -> Path:
    """Return the built program of the present source; builds it when it is not there."""
    out = ROOT / "out"
    out.mkdir(exist_ok=True)
    with (out / "build.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _build(ROOT)
    return out / "dist" / "sent"


def changed(folder: Path) -> Path:
    """Build the program with one line and its version changed, below `folder`."""
    kept = Path(os.environ.get("SENT_TEST_BUILDS", folder)) / "changed"
    source = kept / "source"
    if not source.exists():
        subprocess.run(["git", "clone", "-q", str(ROOT), str(source)], check=True)
        shutil.copytree(ROOT / "sent/ui/assets", source / "sent/ui/assets", dirs_exist_ok=True)
        _replace(source / "sent/__init__.py", f'"{__version__}"', f'"{CHANGED}"')
        _replace(source / _LINE[0], *_LINE[1:])
    _build(source)
    return source / "out" / "dist" / "sent"


def released(folder: Path) -> Releases:
    """Return a repository with both programs, each with the root it trusts as a release has it."""
    made = Releases(folder / "releases")
    for version, tree in ((__version__, built()), (CHANGED, changed(folder))):
        target = made.folder / f"build-{version}"
        shutil.copytree(tree, target, symlinks=True)
        trusted = target / "_internal/sent/platform/update/root.json"
        trusted.parent.mkdir(parents=True, exist_ok=True)
        trusted.write_bytes(made.root)
        made.run("add", str(target), "--version", version, "--preset", "0")
    made.run("publish")
    return made


def installed(made: Releases, folder: Path) -> Layout:
    """Install the present program with its starter; files are links to those of the release."""
    layout = Layout(folder)
    for place in (layout.versions, layout.update):
        place.mkdir(parents=True)
    shutil.copy(STARTER, layout.starter)
    target = layout.folder(__version__)
    shutil.copytree(made.folder / f"build-{__version__}", target, symlinks=True, copy_function=os.link)
    (target / "manifest.json").write_bytes(made.manifest(__version__))
    layout.current.symlink_to(f"versions/{__version__}")
    return layout


def updating(layout: Layout, made: Releases, *before: str) -> subprocess.Popen[str]:
    """Start `sent update apply` of the installed program."""
    state = layout.root.with_name(f"{layout.root.name}-state")
    state.mkdir(exist_ok=True)
    return subprocess.Popen(
        [*before, str(layout.starter), "update", "apply", "--mirror", str(made.repository)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "SENT_STATE_DIR": str(state)},
    )


def said_version(layout: Layout) -> str:
    """Start the current version by its starter; returns what it says it is."""
    run = subprocess.run(
        [layout.starter, "--version"], capture_output=True, text=True, check=True, timeout=60
    )
    return run.stdout.split()[1]


def _build(source: Path) -> None:
    subprocess.run(
        [sys.executable, str(source / "build/build.py"), "--fresh-only"],
        check=True,
        capture_output=True,
        timeout=600,
        env={**os.environ, "PYTHONPATH": str(source)},
    )


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) >= 1, path
    path.write_text(text.replace(old, new))
