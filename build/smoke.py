"""Starts every mode of the built program: `python build/smoke.py [folder]`; the last line is JSON.

Exit 0 when all is well.
Looks at what each mode loaded, whether the embedded database comes up and migrates (as this user, and as an
ordinary one when this is root), which libraries every file needs, and what was written where.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import elf
import witness

ROOT = Path(__file__).resolve().parent.parent

NOT_IN_WORKERS = {"PySide6", "shiboken6", "qasync"}
NOT_IN_CONSOLE = {"av", "cv2", "alembic", "aiortc", "scapy", "numpy"}

SYSTEM = re.compile(
    r"linux-vdso\.so\.1|.*ld-linux-x86-64\.so\.2|lib(c|m|dl|rt|pthread|util|resolv|gcc_s|stdc\+\+|atomic)\.so[.\d]*"
)
"""The C and C++ run-time of every Debian."""


def main() -> int:
    """Run all checks and report."""
    app = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "out/dist/sent").resolve()
    checks: dict[str, Callable[[Path], object]] = {
        "version": version,
        "libraries": libraries,
        "surroundings": surroundings,
        "console": console,
        "workers": workers,
        "database": database,
        "ordinary user": ordinary,
        "demo": demo,
    }
    failed = {}
    for name, check in checks.items():
        began = time.monotonic()
        try:
            check(app)
        except (AssertionError, subprocess.SubprocessError, OSError, ValueError) as error:
            failed[name] = f"{type(error).__name__}: {str(error)[-600:]}"
        print(f"smoke: {name}: {failed.get(name, 'ok')} ({time.monotonic() - began:.1f} s)", file=sys.stderr)
    print(json.dumps({"program": str(app), "checks": len(checks), "failed": failed}))
    return 1 if failed else 0


def run(
    app: Path, *words: str, state: Path, seconds: float = 60, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run the program with an installation of its own and nothing of the build host's Python."""
    return subprocess.run(
        [str(app / "sent"), *words],
        env=environment(state) | more,
        cwd=state,
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
    )


def environment(state: Path) -> dict[str, str]:
    """Return a bare environment whose home, state and temporary folder are in `state`."""
    return {
        "PATH": "/usr/bin:/bin:/usr/sbin:/sbin",
        "HOME": str(state / "home"),
        "TMPDIR": str(state / "tmp"),
        "LANG": "C.UTF-8",
        "QT_QPA_PLATFORM": "offscreen",
        "SENT_STATE_DIR": str(state / "state"),
        "SENT_CONFIG_DIR": str(state / "config"),
    }


@contextmanager
def place() -> Iterator[Path]:
    """Give a folder that the database's OS user can reach."""
    with tempfile.TemporaryDirectory(prefix="sent-smoke-") as folder:
        made = Path(folder)
        made.chmod(0o755)
        for name in ("home", "tmp", "state", "config"):
            (made / name).mkdir(mode=0o755)
        yield made


def version(app: Path) -> str:
    """`--version` names a commit and does not load Qt."""
    with place() as state:
        done = run(app, "--version", state=state)
    assert done.returncode == 0, done.stderr
    assert "commit: source" not in done.stdout, "the build does not know its commit"
    return done.stdout


def libraries(app: Path) -> dict[str, set[str]]:
    """Every library a file needs is in the bundle, of the C run-time or documented; returns the latter."""
    documented = documented_libraries()
    outside: dict[str, set[str]] = {}
    missing: list[str] = []
    foreign: dict[str, list[str]] = {}
    for path in elf.binaries(app):
        if places := elf.foreign(path):
            foreign[path.name] = places
        done = subprocess.run(["ldd", str(path)], capture_output=True, text=True, check=False)
        for line in done.stdout.splitlines():
            name, _, found = line.strip().partition(" => ")
            name = Path(name.split(" (")[0]).name
            if found.startswith("not found"):
                missing.append(f"{path.name}: {name}")
            elif (app / "_internal" / name).exists() or SYSTEM.fullmatch(name):
                continue
            elif found and str(app) not in found:
                outside.setdefault(name, set()).add(path.name)
    unknown = {name: sorted(users)[:3] for name, users in outside.items() if name not in documented}
    assert not foreign, f"looks for libraries in places of the build host: {foreign}"
    assert not missing, f"not found: {missing[:10]}"
    assert not unknown, f"not documented: {unknown}"
    return outside


def documented_libraries() -> set[str]:
    """Return the names of build/linux/libraries.txt: what the system has to bring, package by package."""
    lines = (ROOT / "build/linux/libraries.txt").read_text().splitlines()
    return {line.split()[0] for line in lines if line and not line.startswith("#")}


def surroundings(app: Path) -> list[dict[str, str]]:
    """A program of the system that SENT starts sees the environment SENT was started in."""
    seen = []
    for extra in ({}, {"LD_LIBRARY_PATH": "/mine"}):
        with place() as state:
            spy = state / "spy" / "xdg-mime"
            spy.parent.mkdir()
            spy.write_text(f"#!/bin/sh\nenv >{state}/seen\n")
            spy.chmod(0o755)
            path = f"{spy.parent}:/usr/bin:/bin"
            done = run(app, "desktop", "install", state=state, PATH=path, **extra)
            assert done.returncode == 0, done.stderr
            found = dict(line.split("=", 1) for line in (state / "seen").read_text().splitlines())
        assert found.get("LD_LIBRARY_PATH") == extra.get("LD_LIBRARY_PATH"), found
        assert not [name for name in found if name.startswith(("_PYI", "LD_LIBRARY_PATH_"))], found
        seen.append(found)
    return seen


def console(app: Path) -> dict[str, object]:
    """The console paints offscreen without the workers' libraries."""
    with place() as state:
        done = run(app, "--report-first-paint", "--quit-after-paint", state=state)
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    modules = set(found["modules"]) if isinstance(found["modules"], list) else set()
    assert not modules & NOT_IN_CONSOLE, modules & NOT_IN_CONSOLE
    return found


def workers(app: Path) -> list[str]:
    """Every service loads, without Qt."""
    with place() as state:
        listed = run(app, "service", "list", state=state)
        names = [json.loads(line)["service"] for line in listed.stdout.splitlines()]
        assert names, listed.stderr
        for name in names:
            done = run(app, "--mode=worker", f"--service={name}", "--check", state=state)
            assert done.returncode == 0, f"{name}: {done.stderr}"
            loaded = set(json.loads(done.stdout)["loaded"])
            assert not loaded & NOT_IN_WORKERS, f"{name} loads {loaded & NOT_IN_WORKERS}"
    return names


def database(app: Path) -> None:
    """The embedded server starts, its schema is at head, and it ends in good order."""
    with place() as state:
        _database(app, state)


def _database(app: Path, state: Path, **options: int) -> None:
    log = state / "state" / "smoke.log"
    with log.open("wb") as output:
        owner = subprocess.Popen(
            [str(app / "sent"), "--mode=worker", "--service=db"],
            env=environment(state), cwd=state, stdout=output, stderr=output, **options,
        )  # fmt: skip
    try:
        give_up = time.monotonic() + 60
        while not (state / "state" / "endpoint.json").exists():
            assert owner.poll() is None, log.read_text()[-1500:]
            assert time.monotonic() < give_up, log.read_text()[-1500:]
            time.sleep(0.1)
        said = subprocess.run(
            [str(app / "sent"), "db", "status"],
            env=environment(state), cwd=state, capture_output=True, text=True, check=False, **options,
        )  # fmt: skip
        assert json.loads(said.stdout)["at_head"] is True, said.stdout + said.stderr
    finally:
        owner.send_signal(signal.SIGTERM)
        code = owner.wait(40)
    assert code == 0, log.read_text()[-1500:]


def ordinary(app: Path) -> None:
    """The same as an ordinary user, where root can become one."""
    if os.geteuid() != 0:
        return
    nobody = 65534
    with place() as state:
        # The build may lie where only root gets to.
        mine = shutil.copytree(app, state / "sent", symlinks=True)
        for name in ("home", "tmp", "state", "config"):
            os.chown(state / name, nobody, nobody)
        _database(mine, state, user=nobody, group=nobody)


NO_FILES = re.compile(r"/dev/null|/dev/shm/PostgreSQL\.\d+")
"""Written, but no files on a disk: nothing, and the memory that PostgreSQL's processes share."""


def demo(app: Path) -> set[str]:
    """The demo runs headless, leaves pictures, and writes nothing outside its folders; returns what it wrote.

    The kernel is asked (strace): every process, every folder. Without strace the program's own folder, home
    and the temporary folder are looked at.
    """
    with place() as state:
        before = snapshot(app)
        traced = [*witness.COMMAND, str(state / "calls")] if shutil.which("strace") else []
        done = subprocess.run(
            [*traced, str(app / "sent"), "demo", "--headless", "--seconds", "8"],
            env=environment(state),
            cwd=state,
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )
        assert done.returncode == 0, done.stdout[-400:] + done.stderr[-600:]
        assert snapshot(app) == before, "the program wrote into its own folder"
        found = witness.written(state / "calls") if traced else set()
        found |= {str(path) for name in ("home", "tmp") for path in (state / name).rglob("*")}
        allowed = tuple(f"{state / name}/" for name in ("state", "config", "out"))
        stray = sorted(
            path for path in found if not f"{path}/".startswith(allowed) and not NO_FILES.fullmatch(path)
        )
        assert not stray, f"written outside state and config: {stray[:5]}"
    return found


def snapshot(app: Path) -> dict[str, tuple[int, int]]:
    """Return size and time of every file."""
    return {
        str(path): (path.lstat().st_size, path.lstat().st_mtime_ns)
        for path in app.rglob("*")
        if not path.is_dir()
    }


if __name__ == "__main__":
    sys.exit(main())
