"""B1, B6: the Debian package is as Debian wants it, installs, runs and is removed without a loss."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
from pathlib import Path
from types import ModuleType

import pytest
from debian_root import DebianRoot

from sent.platform import registry

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.timeout(500)


def said(*command: str | Path, **more: str) -> str:
    """Run a program that has to be content; returns all it wrote."""
    done = subprocess.run(
        command,
        env=os.environ | {"LC_ALL": "C.UTF-8"} | more,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def lint(package: Path) -> str:
    # lintian warns of root, which may be all there is in a container.
    root = ["--allow-root"] if os.geteuid() == 0 else []
    return said("lintian", "--fail-on", "error,warning", "--info", *root, package)


def test_b1_lintian_has_nothing_to_say_of_all_but_the_programs_own_files(
    package: Path, deb: ModuleType, tmp_path: Path
) -> None:
    root = tmp_path / "root"
    said("dpkg-deb", "--raw-extract", package, root)
    shutil.rmtree(root / deb.PROGRAM / "_internal")
    (root / "DEBIAN/md5sums").write_text(deb.sums(root))
    assert lint(deb.wrap(root, tmp_path / package.name, ["-Zxz", "-z0"])) == ""


@pytest.mark.soak
def test_b1_lintian_has_nothing_to_say(app: Path, deb: ModuleType, tmp_path: Path) -> None:
    assert lint(deb.pack(app, tmp_path, ["-Zxz", "-z0"])) == ""


def test_b1_every_override_gives_its_reason() -> None:
    text = (ROOT / "build/linux/debian/lintian-overrides").read_text()
    blocks = text.strip().split("\n\n")
    assert len(blocks) == text.count("\nsent: ")
    assert all(block.startswith("# ") and block.rpartition("\n")[2].startswith("sent: ") for block in blocks)


def test_b1_menu_entry_and_description_are_valid(scratch_root: Path) -> None:
    share = scratch_root / "usr/share"
    assert said("desktop-file-validate", share / "applications/sent.desktop") == ""
    said("appstreamcli", "validate", "--no-net", share / "metainfo/org.sent.Console.metainfo.xml")
    entry = (share / "applications/sent.desktop").read_text()
    assert "Exec=sent %u\n" in entry
    assert (share / "icons/hicolor/scalable/apps/sent.svg").read_text().startswith("<svg")


def test_b1_the_manual_has_every_command_and_no_mistake(scratch_root: Path) -> None:
    page = scratch_root / "usr/share/man/man1/sent.1.gz"
    assert said("man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", page).count("warning") == 0
    shown = said("man", "-l", page, MANWIDTH="200", MAN_KEEP_FORMATTING="")
    for words in ("sent db migrate", "sent radar rules lint", "--services", "sent update rollback VERSION"):
        assert words.removesuffix(" VERSION") in shown
    assert all(service in shown for service in registry.services())


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("sent rad", {"radar"}),
        ("sent radar scan --format=j", {"json"}),
        ("sent radar scan --format ", {"json", "csv", "timeline", "summary"}),
        ("sent --mode=worker --service=ra", {"radar"}),
        ("sent db mig", {"migrate"}),
        ("sent db migrate --sn", {"--snapshot"}),
        ("sent --mo", {"--mode=worker"}),
    ],
)
def test_b1_bash_completes(scratch_root: Path, line: str, offered: set[str]) -> None:
    script = """
        . /usr/share/bash-completion/bash_completion
        . "$1"
        COMP_LINE=$2 COMP_POINT=${#2}
        read -ra COMP_WORDS <<<"${2//=/ = }"
        [[ $2 == *' ' ]] && COMP_WORDS+=('')
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        _sent sent "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    made = scratch_root / "usr/share/bash-completion/completions/sent"
    assert set(said("bash", "-c", script, "bash", made, line).split()) == offered


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        (["sent", "radar", "scan", "--format", ""], {"json", "csv", "timeline", "summary"}),
        (["sent", "--mode=worker", "--service", ""], {"core", "db", "jobs", "radar", "supervisor"}),
        (["sent", "audit", ""], {"export", "verify", "rotate-key"}),
    ],
)
def test_b1_zsh_completes(scratch_root: Path, line: list[str], offered: set[str]) -> None:
    script = """
        compadd() { shift; print -rl -- "$@" }
        made=$1; shift
        words=("$@") CURRENT=$#
        source $made
    """
    made = scratch_root / "usr/share/zsh/vendor-completions/_sent"
    found = set(said("zsh", "-fc", script, "zsh", made, *line).split())
    assert found >= offered
    assert len(found) <= len(registry.services()) + 1


@pytest.fixture
def units(scratch_root: Path, tmp_path: Path) -> Path:
    """Return a folder in which systemd finds the package's units and those they refer to."""
    shutil.copytree(scratch_root / "usr/lib/systemd", tmp_path / "usr/lib/systemd")
    for name in ("sysinit", "basic", "shutdown", "network-online", "multi-user"):
        (tmp_path / f"usr/lib/systemd/system/{name}.target").write_text(f"[Unit]\nDescription={name}\n")
    program = tmp_path / "usr/bin/sent"
    program.parent.mkdir()
    program.touch(0o755)
    return tmp_path


@pytest.mark.parametrize("unit", ["sent@radar.service", "sent@db.service", "sent.target"])
def test_b1_units_are_understood(units: Path, unit: str) -> None:
    assert said("systemd-analyze", "verify", "--man=no", f"--root={units}", unit) == ""


@pytest.mark.parametrize("unit", ["sent@radar.service", "sent@db.service"])
def test_b1_units_are_exposed_by_3_at_most(units: Path, unit: str) -> None:
    shown = said("systemd-analyze", "security", "--no-pager", "--offline=true", f"--root={units}", unit)
    found = re.search(r"exposure level for \S+: ([\d.]+)", shown)
    assert found is not None
    assert float(found[1]) <= 3.0


def test_b1_the_package_makes_its_user_and_folders(scratch_root: Path) -> None:
    accounts = (scratch_root / "etc/passwd").read_text()
    assert re.search(
        r"^sent:x:\d+:\d+:SENT services:/var/lib/sent:/usr/sbin/nologin$", accounts, re.MULTILINE
    )
    assert (scratch_root / "var/lib/sent").stat().st_mode & 0o777 == 0o700
    assert (scratch_root / "etc/systemd/system/multi-user.target.wants/sent.target").is_symlink()
    scripts = [path.read_text() for path in (scratch_root / "var/lib/dpkg/info").glob("sent.p*")]
    assert len(scripts) == 3
    assert not [word for word in ("curl", "wget", "apt", "http") if word in "".join(scripts)]


def test_b1_the_installed_program_runs(scratch_root: Path, smoke: ModuleType) -> None:
    program = scratch_root / "usr/lib/sent"
    assert "updates: by the system's package manager" in smoke.version(program)
    assert "PySide6" in smoke.console(program)["modules"]
    with smoke.place() as state:
        linked = subprocess.run(
            [scratch_root / "usr/bin/sent", "update", "check"],
            env=smoke.environment(state),
            capture_output=True,
            text=True,
            check=False,
        )
        installs = smoke.run(program, "service", "install", "radar", state=state)
    assert linked.returncode == 65
    assert "package manager" in linked.stderr
    assert json.loads(installs.stdout)["start"] == "systemctl enable --now sent.target sent@radar.service"


def test_b6_the_services_unit_starts_a_migrated_database(scratch_root: Path, smoke: ModuleType) -> None:
    unit = (scratch_root / "usr/lib/systemd/system/sent@db.service").read_text()
    found = re.search(r"^ExecStart=/(\S+) (.+)$", unit, re.MULTILINE)
    assert found is not None
    with smoke.place() as state, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(state / "notify"))
        (state / "notify").chmod(0o666)
        manager.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        manager.settimeout(60)
        environment = smoke.environment(state) | {
            "NOTIFY_SOCKET": str(state / "notify"),
            "WATCHDOG_USEC": "30000000",
        }
        with (state / "log").open("wb") as log:
            service = subprocess.Popen(
                [scratch_root / found[1], *found[2].split()],
                env=environment,
                cwd=state,
                stdout=log,
                stderr=log,
            )
        try:
            heard: dict[str, int] = {}
            while not {"READY=1", "WATCHDOG=1"} <= set(heard):
                text, extra, _, _ = manager.recvmsg(100, socket.CMSG_SPACE(12))
                heard[text.decode()] = int.from_bytes(extra[0][2][:4], "little")
            status = smoke.run(scratch_root / "usr/lib/sent", "db", "status", state=state)
        finally:
            service.terminate()
            code = service.wait(40)
    # The manager takes notes of the process it started only (NotifyAccess=main).
    assert set(heard.values()) == {service.pid}
    assert json.loads(status.stdout)["at_head"] is True, status.stderr
    assert code == 0


def test_b1_removing_and_purging_leaves_the_database(package: Path, tmp_path: Path) -> None:
    scratch = DebianRoot(tmp_path)
    scratch.dpkg("-i", str(package))
    kept = tmp_path / "var/lib/sent/db/PG_VERSION"
    kept.parent.mkdir(parents=True)
    kept.write_text("18\n")
    scratch.dpkg("-i", str(package))
    scratch.dpkg("--remove", "sent")
    assert not (tmp_path / "usr/lib/sent").exists()
    assert not (tmp_path / "usr/bin/sent").is_symlink()
    assert "/var/lib/sent stays" in scratch.dpkg("--purge", "sent")
    assert kept.read_text() == "18\n"
    assert not list((tmp_path / "etc/systemd").rglob("sent*"))
