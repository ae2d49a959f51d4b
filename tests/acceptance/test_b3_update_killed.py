"""B3: an update that is killed, has no room or may not write leaves a version that starts."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import binaries
import pytest
from releases import Releases, installed, releases, starts, update

from sent import __version__
from sent.platform.errors import SentError
from sent.platform.update import api, policy, staging, trial
from sent.platform.update.layout import Layout
from sent.platform.update.sources import Folder

__all__ = ["installed", "releases"]

UPDATER = Path(__file__).with_name("updater.py")
LARGE = 1_500_000


def updater(
    layout: Layout, made: Releases, *before: str, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    """Start an update in a process of its own; returns once it begins."""
    trusted = made.repository / "metadata" / "1.root.json"
    process = subprocess.Popen(
        [*before, sys.executable, str(UPDATER), str(layout.root), str(made.repository), str(trusted)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **(environment or {})},
    )
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    return process


def ended(process: subprocess.Popen[str]) -> tuple[int, str, float]:
    """Wait for an update; returns its code, what it said and its seconds."""
    began = time.monotonic()
    out, errors = process.communicate(timeout=60)
    return process.returncode, out + errors, time.monotonic() - began


def killed_at_random(made: Releases, folder: Path, rounds: int, seed: int) -> None:
    """Kill updates at random moments of their run; a version starts, the next update succeeds."""
    whole = made.install(folder / "measured", "1.0")
    _, said, seconds = ended(updater(whole, made))
    assert starts(whole) == "1.1", said
    dice = random.Random(seed)
    outcomes = set()
    for number in range(rounds):
        layout = made.install(folder / f"killed{number}", "1.0")
        process = updater(layout, made)
        with suppress(subprocess.TimeoutExpired):
            process.wait(dice.uniform(0, seconds * 1.02))
        process.kill()
        process.communicate()
        outcomes.add(starts(layout))
        trial.recover(layout)
        assert layout.pending.exists() == (layout.running() == "1.1")
        update(layout, [Folder(made.repository)], made.root)
        assert starts(layout) == "1.1"
        assert sorted(layout.installed()) == ["1.0", "1.1"]
        assert not list(layout.versions.glob(".staging-*"))
    assert outcomes <= {"1.0", "1.1"}


def test_b3_ten_kills_at_random_moments(tmp_path: Path) -> None:
    made = Releases(tmp_path / "releases")
    made.add("1.0", size=LARGE)
    made.add("1.1", size=LARGE)
    killed_at_random(made, tmp_path, 10, seed=3)


@pytest.mark.soak
def test_b3_two_hundred_kills_of_an_update_of_the_packaged_program(tmp_path: Path) -> None:
    """The real tree, updated by the program of the version that runs."""
    made = binaries.released(tmp_path)
    layout = binaries.installed(made, tmp_path / "whole")
    began = time.monotonic()
    whole, said = binaries.updating(layout, made).communicate(timeout=120)
    seconds = time.monotonic() - began
    assert binaries.said_version(layout) == binaries.CHANGED, whole + said
    dice = random.Random(int(os.environ.get("SENT_TEST_SEED", "7")))
    outcomes: Counter[str] = Counter()
    for number in range(int(os.environ.get("SENT_TEST_ROUNDS", "200"))):
        shutil.rmtree(layout.root)
        layout = binaries.installed(made, tmp_path / f"killed{number}")
        process = binaries.updating(layout, made)
        with suppress(subprocess.TimeoutExpired):
            process.wait(dice.uniform(0, seconds * 1.02))
        process.kill()
        process.communicate()
        outcomes[binaries.said_version(layout)] += 1
        whole, said = binaries.updating(layout, made).communicate(timeout=120)
        assert binaries.said_version(layout) == binaries.CHANGED, whole + said
        running = layout.running()
        assert running is not None and staging.whole(layout.folder(running)) is None
        assert not list(layout.versions.glob(".staging-*"))
    assert set(outcomes) <= {__version__, binaries.CHANGED}
    print(json.dumps({"kills": outcomes.total(), "seconds": round(seconds, 2), **outcomes}))


@pytest.mark.soak
def test_b3_two_hundred_kills_at_random_moments(tmp_path: Path) -> None:
    made = Releases(tmp_path / "releases")
    made.add("1.0", size=LARGE)
    made.add("1.1", size=LARGE)
    killed_at_random(made, tmp_path, 200, seed=int(os.environ.get("SENT_TEST_SEED", "7")))


class Interrupted(BaseException):
    """The power is gone."""


@pytest.mark.parametrize("step", ["rename", "replace", "link", "fsync", "symlink", "unlink", "mkdir"])
def test_b3_an_end_at_every_single_step(releases: Releases, tmp_path: Path, step: str) -> None:
    """Not at random: before the first, the second, the third ... call of each kind."""
    for number in range(1_000):
        layout = releases.install(tmp_path / f"at{number}", "1.0")
        done = _ends_before(layout, releases, step, number)
        assert starts(layout) in ("1.0", "1.1")
        if done:
            assert number > 0
            return
        update(layout, [Folder(releases.repository)], releases.root)
        assert starts(layout) == "1.1"
    raise AssertionError("no end")


def _ends_before(layout: Layout, made: Releases, step: str, number: int) -> bool:
    """Run an update that ends before call `number` of a kind; says whether it came through."""
    real = getattr(os, step)
    left = number

    def ending(*arguments: object, **named: object) -> object:
        nonlocal left
        if left == 0:
            raise Interrupted
        left -= 1
        return real(*arguments, **named)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, step, ending)
        try:
            update(layout, [Folder(made.repository)], made.root)
        except Interrupted:
            return False
    return True


def test_b3_no_room_is_told_with_figures_before_anything_is_downloaded(
    releases: Releases, installed: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "SPARE", 1 << 60)
    with pytest.raises(SentError, match=r"needs [\d,]+ MB below .*, [\d,]+ MB are free") as error:
        update(installed, [Folder(releases.repository)], releases.root)
    assert error.value.code == "update.room"
    assert starts(installed) == "1.0"
    monkeypatch.undo()
    assert update(installed, [Folder(releases.repository)], releases.root) == "1.1"


def test_b3_a_disk_that_fills_in_the_middle(
    releases: Releases, installed: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unprivileged variant of the small disk: the kernel refuses to write more than 30 KB into a file."""
    import resource
    import signal

    for path in (releases.repository / "deltas").rglob("*.bsdiff"):
        path.unlink()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, before[1]))
    try:
        with pytest.raises(SentError) as error:
            update(installed, [Folder(releases.repository)], releases.root)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert error.value.code == "update.disk"
    assert starts(installed) == "1.0"
    assert update(installed, [Folder(releases.repository)], releases.root) == "1.1"
    assert starts(installed) == "1.1"


@contextmanager
def mounted(folder: Path, *options: str) -> Iterator[None]:
    """Mount a tmpfs."""
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", *options, "tmpfs", str(folder)], check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.root
def test_b3_a_full_small_disk(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    made = Releases(tmp_path / "releases")
    made.add("1.0", size=LARGE)
    made.add("1.1", size=LARGE)
    place = tmp_path / "small"
    with mounted(place, "-o", "size=17m"), pytest.MonkeyPatch.context() as patched:
        patched.setattr(api, "SPARE", -(1 << 40))
        layout = made.install(place / "sent", "1.0")
        filler = place / "filler"
        filler.write_bytes(bytes(os.statvfs(place).f_bavail * 4096 - 900_000))
        with pytest.raises(SentError) as error:
            update(layout, [Folder(made.repository)], made.root)
        assert error.value.code in ("update.disk", "update.not_writable")
        assert "room" in error.value.message
        assert starts(layout) == "1.0"
        filler.unlink()
        assert update(layout, [Folder(made.repository)], made.root) == "1.1"
        assert starts(layout) == "1.1"


@pytest.mark.root
def test_b3_a_read_only_disk(releases: Releases, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    place = tmp_path / "fixed"
    with mounted(place):
        layout = releases.install(place / "sent", "1.0")
        subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
        code, said, _ = ended(updater(layout, releases))
        assert (code, "update.not_writable" in said) == (1, True), said
        assert starts(layout) == "1.0"
        subprocess.run(["mount", "-o", "remount,rw", str(place)], check=True)
        assert ended(updater(layout, releases))[0] == 0
        assert starts(layout) == "1.1"


def test_b3_a_target_that_may_not_be_written(
    releases: Releases, installed: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unprivileged variant of the read-only disk; also as root, whom modes do not stop."""
    real = os.open

    def refusing(path: str, flags: int, *more: object, **named: object) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR) and str(path).startswith(str(installed.root)):
            raise OSError(30, "Read-only file system", path)
        return real(path, flags, *more, **named)

    offer = api.check(
        installed, policy.load(installed), [Folder(releases.repository)], asked=True, root=releases.root
    )
    assert offer is not None
    monkeypatch.setattr(os, "open", refusing)
    with pytest.raises(SentError) as error:
        api.apply(installed, offer)
    monkeypatch.undo()
    assert error.value.code == "update.not_writable"
    assert starts(installed) == "1.0"
    assert api.apply(installed, offer) == "1.1"


def test_b3_no_folder_for_temporary_files(
    releases: Releases, installed: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "gettempdir", lambda: (_ for _ in ()).throw(FileNotFoundError("no temp")))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    assert update(installed, [Folder(releases.repository)], releases.root) == "1.1"
    assert starts(installed) == "1.1"


def test_b3_everything_is_flushed_before_the_switch(
    releases: Releases, installed: Layout, tmp_path: Path
) -> None:
    """By the system's own record: each new file and folder is fsynced, then renamed, then current is."""
    log = tmp_path / "calls"
    calls = "openat,open,fsync,rename,renameat,renameat2,symlink,symlinkat,link,linkat"
    code, said, _ = ended(
        updater(installed, releases, "strace", "-f", "-y", "-o", str(log), "-e", f"trace={calls}")
    )
    assert code == 0, said
    lines = log.read_text(errors="replace").splitlines()
    staged = f"{installed.versions}/.staging-1.1"
    flushed = [found[1] for line in lines if (found := re.search(r"fsync\(\d+<([^>]*)>", line))]
    order = {
        "tree": _line(lines, rf"fsync\(\d+<{re.escape(staged)}>"),
        "published": _line(lines, r"rename\w*\(.*\.staging-1\.1\", .*versions/1\.1\""),
        "named": _line(lines, rf"fsync\(\d+<{re.escape(str(installed.versions))}>"),
        "pending": _line(lines, r"rename\w*\(.*pending\.new"),
        "switched": _line(lines, r"rename\w*\(.*current\.new"),
        "durable": _line(lines, rf"fsync\(\d+<{re.escape(str(installed.root))}>"),
    }
    assert list(order.values()) == sorted(order.values()), order
    made = {
        path.name
        for path in ((installed.folder("1.1")).rglob("*"))
        if path.is_file() and path.stat().st_nlink == 1
    }
    assert made >= {"sent", "code.bin", "new.txt"}
    for name in made:
        assert any(path.startswith(staged) and Path(path).name.startswith(name) for path in flushed), name
    for place in ("", "/_internal", "/_internal/deep"):
        assert f"{staged}{place}" in flushed


def _line(lines: list[str], pattern: str) -> int:
    found = [number for number, line in enumerate(lines) if re.search(pattern, line)]
    assert found, pattern
    return found[-1]
