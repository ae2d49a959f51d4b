"""H3: the embedded server starts fast, lets nobody else in, and survives kill -9 of anything."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest

from sent.platform.config import paths
from sent.platform.db.embedded.cluster import PORT, SUPERUSER, Cluster
from sent.platform.errors import Invalid, Unavailable
from sent.platform.telemetry.log import Secret

BATCH_ROWS = 200


@pytest.fixture
def place() -> Iterator[Path]:
    """Return a new folder that the server's OS user can reach (pytest's own is closed to it)."""
    with tempfile.TemporaryDirectory(prefix="sent-h3-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@contextmanager
def started(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """Start a cluster whose whole installation lives in `folder`; stop it afterwards."""
    monkeypatch.setenv("SENT_STATE_DIR", str(folder))
    cluster = Cluster(paths.state_dir() / "db", paths.runtime_dir() / "pg", Secret("pass word's \\"))
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop("immediate")


def allowance() -> float:
    """Return 1 on a quiet machine and 3 when it is loaded."""
    return 3.0 if os.getloadavg()[0] > (os.cpu_count() or 1) * 0.75 else 1.0


def test_h3_cold_and_warm_start_are_quick(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    began = time.monotonic()
    with started(place, monkeypatch) as cluster:
        cold = time.monotonic() - began
        cluster.stop()
        began = time.monotonic()
        cluster.start()
        warm = time.monotonic() - began
    assert cold < 3.0 * allowance(), f"cold {cold:.2f} s"
    assert warm < 1.5 * allowance(), f"warm {warm:.2f} s"


@pytest.mark.parametrize("name", ["with blank", "für Übung", "x" * 150, "quo'te"])
def test_h3_paths_of_every_kind_work(place: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with started(place / name, monkeypatch) as cluster, cluster.connect("postgres") as connection:
        assert connection.execute("show data_directory").fetchone() == (str(cluster.data),)


def test_h3_nobody_is_trusted(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with started(place, monkeypatch) as cluster:
        rules = [
            line.split()
            for line in (cluster.data / "pg_hba.conf").read_text().splitlines()
            if line and not line.startswith("#")
        ]
        assert rules == [
            ["local", "all", "all", "scram-sha-256"],
            ["local", "replication", "sent_super", "scram-sha-256"],
        ]
        assert stat.S_IMODE(cluster.socket_dir.stat().st_mode) == 0o700
        assert stat.S_IMODE(cluster.data.stat().st_mode) == 0o700
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(
                host=str(cluster.socket_dir), port=PORT, user=SUPERUSER, password="", dbname="postgres"
            )
        with cluster.connect("postgres") as connection:
            assert connection.execute("show listen_addresses").fetchone() == ("",)
            assert connection.execute(
                "select count(*) from pg_hba_file_rules where error is not null"
            ).fetchone() == (0,)


@pytest.mark.root
@pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can become another user; see test_h3_nobody_is_trusted"
)
def test_h3_another_os_user_cannot_even_reach_the_socket(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with started(place, monkeypatch) as cluster:
        code = (
            "import socket,sys\ns=socket.socket(socket.AF_UNIX)\n"
            "try: s.connect(sys.argv[1])\nexcept PermissionError: sys.exit(13)\n"
        )
        tried = subprocess.run(
            ["/usr/bin/env", "python3", "-c", code, str(cluster.socket_dir / ".s.PGSQL.5432")],
            user="nobody",
            group="nogroup",
            extra_groups=[],
            check=False,
            cwd="/",
            env={"PATH": "/usr/local/bin:/usr/bin:/bin"},
        )
        assert tried.returncode == 13


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as another user")
def test_h3_modes_of_parent_folders_are_never_changed(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    monkeypatch.setenv("SENT_STATE_DIR", str(closed / "state"))
    cluster = Cluster(paths.state_dir() / "db", paths.runtime_dir() / "pg", Secret("x"))
    with pytest.raises(Invalid, match="SENT_STATE_DIR"):
        cluster.start()
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


def test_h3_a_foreign_process_on_the_recorded_pid_does_not_stop_the_start(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with started(place, monkeypatch) as cluster:
        pid = cluster.running_pid()
        assert pid is not None
        pid_file = cluster.data / "postmaster.pid"
        lines = pid_file.read_text().splitlines()
        _kill_tree(cluster)
        # After a reboot the number may belong to anybody: here to a process of the server's own user.
        foreign = subprocess.Popen(["sleep", "60"], user=pid_file.stat().st_uid)
        try:
            owner = pid_file.stat()
            pid_file.write_text("\n".join([str(foreign.pid), *lines[1:]]) + "\n")
            os.chown(pid_file, owner.st_uid, owner.st_gid)
            assert cluster.running_pid() is None
            cluster.start()
            assert cluster.answers()
            assert foreign.poll() is None
        finally:
            foreign.kill()
            foreign.wait()


def test_h3_a_start_that_cannot_work_says_why(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENT_STATE_DIR", str(place))
    monkeypatch.setattr("sent.platform.db.embedded.cluster.START_PATIENCE_S", 1.0)
    cluster = Cluster(paths.state_dir() / "db", paths.runtime_dir() / "pg", Secret("x"))
    cluster.initialise()
    (cluster.data / "global" / "pg_control").unlink()
    with pytest.raises(Unavailable, match="pg_control"):
        cluster.start()


class Installation:
    """An owner process, two writers, and what they were told is saved."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, "SENT_STATE_DIR": str(folder)}
        self.owner: subprocess.Popen[bytes] | None = None
        self.console: subprocess.Popen[str] | None = None
        self.writers: dict[int, subprocess.Popen[bytes]] = {}

    def start_owner(self) -> None:
        """Start an owner and wait until it has announced its server."""
        with (self.folder / "owner.log").open("ab") as log:
            self.owner = subprocess.Popen(
                [sys.executable, "-m", "sent", "--mode=worker", "--service=db"],
                env=self.environment,
                stderr=log,
            )
        give_up = time.monotonic() + 60
        while not _listens(self.folder / "run" / "db" / "broker.sock"):
            assert time.monotonic() < give_up, (self.folder / "owner.log").read_text()[-2000:]
            assert self.owner.poll() is None, (self.folder / "owner.log").read_text()[-2000:]
            time.sleep(0.05)

    def start_writer(self, number: int) -> None:
        """Start writer `number`: it notes each batch in a file after its commit was acknowledged."""
        self.writers[number] = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(number), str(self.acknowledged(number))], env=self.environment
        )

    def start_console(self) -> None:
        """Start what a console does first: look for the server, start an owner if there is none."""
        self.console = subprocess.Popen(
            [sys.executable, "-c", CONSOLE], env=self.environment, stdout=subprocess.PIPE, text=True
        )
        assert self.console.stdout is not None
        assert self.console.stdout.readline().startswith("ready")

    def kill_console(self) -> None:
        """kill -9 the console."""
        if self.console is not None:
            self.console.kill()
            self.console.communicate()

    def acknowledged(self, number: int) -> Path:
        """Return the file that names a writer's acknowledged batches."""
        return self.folder / f"acknowledged-{number}"

    def stop(self) -> None:
        """End everything that was started here."""
        self.kill_console()
        for writer in self.writers.values():
            writer.kill()
            writer.wait()
        if self.owner is not None:
            self.owner.send_signal(signal.SIGTERM)
            self.owner.wait(60)


CONSOLE = """
import asyncio, time
from sent.platform.db.embedded import endpoint
server = asyncio.run(endpoint.ensure_running(lambda text: None))
print("ready", server.host, flush=True)
time.sleep(600)
"""

WRITER = f"""
import sys, time, pathlib, psycopg
from sent.platform.config.secrets import role_password
from sent.platform.db.embedded import endpoint
number, acknowledged = int(sys.argv[1]), pathlib.Path(sys.argv[2])
done = len(acknowledged.read_text().split()) if acknowledged.exists() else 0
batch = done
while True:
    try:
        with psycopg.connect(host=str(endpoint.socket_dir()), port=5432, user="sent_super", dbname="sent",
                             password=role_password("sent_super").reveal(), connect_timeout=5) as connection:
            while True:
                with connection.transaction():
                    connection.execute(
                        "insert into public.batch select %s, %s, g from generate_series(1, {BATCH_ROWS}) g"
                        " on conflict do nothing", [number, batch])
                with acknowledged.open("ab", buffering=0) as file:
                    file.write(b"%d\\n" % batch)
                batch += 1
                time.sleep(0.005)
    except psycopg.Error:
        time.sleep(0.05)
"""


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe, suppress(OSError):
        probe.connect(str(path))
        return True
    return False


def _members(data: Path) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit() and (entry / "cwd").readlink() == data:
                found.append(int(entry.name))
    return found


def _kill_tree(cluster: Cluster) -> None:
    """kill -9 the server and all of its backends, and wait until they are gone."""
    members = _members(cluster.data)
    for pid in members:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    give_up = time.monotonic() + 10
    while _members(cluster.data) and time.monotonic() < give_up:
        time.sleep(0.02)


VICTIMS = ("tree", "owner", "console", "writer", "postmaster", "all")


def kill_rounds(place: Path, monkeypatch: pytest.MonkeyPatch, rounds: int, seed: int) -> None:
    """Kill owner, writers or the whole server `rounds` times during writes; nothing told may be lost."""
    monkeypatch.setenv("SENT_STATE_DIR", str(place))
    chance = random.Random(seed)
    installation = Installation(place)
    try:
        installation.start_owner()
        from sent.platform.config.secrets import role_password

        cluster = Cluster(place / "db", place / "run" / "pg", role_password(SUPERUSER))
        with cluster.connect("sent") as connection:
            connection.execute(
                "create table public.batch (writer int, batch int, row int, primary key (writer, batch, row))"
            )
        for number in (1, 2):
            installation.start_writer(number)
        installation.start_console()
        for turn in range(rounds):
            time.sleep(0.3 + chance.random() * 0.4)
            _one_round(installation, cluster, VICTIMS[turn % len(VICTIMS)])
        _nothing_is_lost(installation, cluster)
    finally:
        installation.stop()
    assert _members(place / "db" / "data") == []


def _one_round(installation: Installation, cluster: Cluster, victim: str) -> None:
    assert installation.owner is not None
    if victim in {"owner", "all"}:
        installation.owner.kill()
        installation.owner.wait()
    if victim in {"writer", "all"}:
        installation.writers[1].kill()
        installation.writers[1].wait()
    if victim in {"console", "all"}:
        installation.kill_console()
    if victim in {"tree", "all"}:
        _kill_tree(cluster)
    if victim == "postmaster" and (pid := cluster.running_pid()) is not None:
        os.kill(pid, signal.SIGKILL)
    if victim in {"owner", "all"}:
        installation.start_owner()
    if victim in {"writer", "all"}:
        installation.start_writer(1)
    if victim in {"console", "all"}:
        installation.start_console()
    give_up = time.monotonic() + 60
    while not cluster.answers():
        assert time.monotonic() < give_up, "the server did not come back within 60 s"
        time.sleep(0.05)
    members = _members(cluster.data)
    parents = {pid: _parent(pid) for pid in members}
    postmasters = [pid for pid, parent in parents.items() if parent is not None and parent not in members]
    assert len(postmasters) == 1, f"after {victim}: {postmasters}"


def _parent(pid: int) -> int | None:
    """Return the parent of a process, or None when it has ended meanwhile."""
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return None


def _nothing_is_lost(installation: Installation, cluster: Cluster) -> None:
    for writer in installation.writers.values():
        writer.kill()
        writer.wait()
    with cluster.connect("sent") as connection:
        stored = {
            (writer, batch): rows
            for writer, batch, rows in connection.execute(
                "select writer, batch, count(*) from public.batch group by 1, 2"
            )
        }
    assert set(stored.values()) <= {BATCH_ROWS}, "a partial batch was stored"
    for number in installation.writers:
        told = [int(word) for word in installation.acknowledged(number).read_text().split()]
        assert len(told) > 10
        assert [batch for batch in told if (number, batch) not in stored] == []


def test_h3_nothing_acknowledged_is_lost_to_kill_9(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kill_rounds(place, monkeypatch, rounds=6, seed=7)


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_h3_soak_nothing_acknowledged_is_lost_in_twenty_rounds(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kill_rounds(place, monkeypatch, rounds=20, seed=11)


def test_h3_a_killed_console_leaves_the_owner_it_started_to_the_next_console(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENT_STATE_DIR", str(place))
    owners = []
    try:
        for _ in range(2):
            console = subprocess.Popen(
                [sys.executable, "-c", CONSOLE], env=dict(os.environ), stdout=subprocess.PIPE, text=True
            )
            assert console.stdout is not None
            assert console.stdout.readline().startswith("ready")
            console.kill()
            console.communicate()
            owners.append(int(json.loads((place / "endpoint.json").read_text())["owner_pid"]))
            assert Path(f"/proc/{owners[-1]}").exists()
        assert owners[0] == owners[1], "the second console started another owner"
        members = _members(place / "db" / "data")
        assert len([pid for pid in members if _parent(pid) not in members]) == 1
    finally:
        for owner in set(owners):
            os.kill(owner, signal.SIGTERM)
    give_up = time.monotonic() + 20
    while _members(place / "db" / "data"):
        assert time.monotonic() < give_up, "the owner left its server behind"
        time.sleep(0.05)


def test_h3_two_consoles_at_once_start_one_owner(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENT_STATE_DIR", str(place))
    consoles = [
        subprocess.Popen(
            [sys.executable, "-c", CONSOLE], env=dict(os.environ), stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    try:
        for console in consoles:
            assert console.stdout is not None
            assert console.stdout.readline().startswith("ready")
        members = _members(place / "db" / "data")
        assert len([pid for pid in members if _parent(pid) not in members]) == 1
    finally:
        for console in consoles:
            console.kill()
            console.communicate()
        os.kill(int(json.loads((place / "endpoint.json").read_text())["owner_pid"]), signal.SIGTERM)
    give_up = time.monotonic() + 20
    while _members(place / "db" / "data"):
        assert time.monotonic() < give_up, "the owner left its server behind"
        time.sleep(0.05)


def test_h3_an_owner_without_users_stops_by_itself(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sent", "--mode=worker", "--service=db", "--idle-stop=1"],
        env={**os.environ, "SENT_STATE_DIR": str(place)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "db.idle_stop" in done.stderr
    assert _members(place / "db" / "data") == []
    assert not (place / "endpoint.json").exists()
