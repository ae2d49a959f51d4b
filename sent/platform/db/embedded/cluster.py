"""One data folder and the server on it.

Alive means: a connection answers `select system_identifier`. A pid proves nothing, because after a crash
the number may belong to a zombie or to a foreign process; `postmaster.pid` is believed only when that
process works in our data folder. Start has no fixed limit while the server says it is recovering.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sent.platform.db.archive import Archive
from sent.platform.db.embedded import binaries
from sent.platform.db.embedded.binaries import MAJOR
from sent.platform.db.embedded.configuration import open_private, write_configuration, write_private
from sent.platform.errors import Invalid, Unavailable
from sent.platform.telemetry.log import Secret, get_logger

if TYPE_CHECKING:
    import psycopg

SUPERUSER = "sent_super"
PORT = 5432
"""Part of the socket's name only: the server listens on no network address."""

START_PATIENCE_S = 60.0
"""How long a start is retried while the server neither answers nor says that it is recovering."""

_log = get_logger("db.cluster")


@dataclass(frozen=True, slots=True)
class Cluster:
    """A PostgreSQL cluster in `folder` (its data in `folder/data`) with its socket in `socket_dir`."""

    folder: Path
    socket_dir: Path
    password: Secret
    archive_root: Path | None = None
    """Where finished segments of the log are kept, in a folder for each cluster; None: thrown away."""
    extra: Mapping[str, str] = field(default_factory=dict)
    """Settings of this cluster that win over the usual ones."""

    @property
    def data(self) -> Path:
        """Return PostgreSQL's data folder."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """Return the file that takes the server's first lines; later ones go to `data/log`."""
        return self.folder / "server.log"

    @property
    def major(self) -> int:
        """Return the PostgreSQL version of the data, or the one a new cluster gets."""
        try:
            return int((self.data / "PG_VERSION").read_text())
        except FileNotFoundError:
            return MAJOR
        except (OSError, ValueError) as error:
            raise Invalid("database.version", f"{self.data / 'PG_VERSION'} cannot be read") from error

    @property
    def identifier(self) -> str:
        """Return the identity that initdb gave the data: the first number of its control file."""
        try:
            head = (self.data / "global" / "pg_control").read_bytes()[:8]
        except OSError as error:
            raise Invalid("database.control", f"{self.data} holds no whole cluster: {error}") from error
        return str(int.from_bytes(head, sys.byteorder))

    @property
    def archive(self) -> Archive | None:
        """Return the archive of this cluster's log."""
        if self.archive_root is None or not self.initialised():
            return None
        return Archive(self.archive_root / self.identifier)

    def initialised(self) -> bool:
        """Say whether initdb has finished here."""
        return (self.data / "PG_VERSION").is_file()

    def initialise(self, major: int = MAJOR, *, checksums: bool = True) -> None:
        """Make the data folder: SCRAM only, checksums, code point order that no library update changes."""
        self.own_folder(self.folder)
        if self.data.exists():
            raise Invalid("database.half_made", f"{self.data} exists but holds no cluster; move it away")
        staging = self.folder / "data.new"
        shutil.rmtree(staging, ignore_errors=True)
        secret = self.folder / "initdb.secret"
        write_private(secret, self.password.reveal() + "\n", self.uid_gid())
        # Before 17 there is no provider of its own, but the plain C order is the same.
        order = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if major >= 17 else []
        # Before 18 checksums are asked for, from then on refused.
        checks = ["--data-checksums"] if checksums else ["--no-data-checksums"] if major >= 18 else []
        try:
            self.program(
                "initdb",
                f"--pgdata={staging}",
                f"--username={SUPERUSER}",
                f"--pwfile={secret}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                *order,
                *checks,
                "--no-instructions",
                major=major,
            )
        finally:
            secret.unlink()
        staging.rename(self.data)

    def start(self) -> None:
        """Start the server, or adopt the one that runs; returns when it answers.

        Raises Unavailable with the server's last words when it does not come up.
        """
        if not self.initialised():
            self.initialise()
        if self.answers():
            return
        self.configure()
        give_up = time.monotonic() + START_PATIENCE_S
        pause = 0.05
        self.launch()
        while not self.answers():
            if self._recovering():
                give_up = time.monotonic() + START_PATIENCE_S
            elif time.monotonic() > give_up:
                raise Unavailable("database.start", f"the database does not start: {self.last_words()}")
            elif self.running_pid() is None:
                self.launch()
            time.sleep(pause)
            pause = min(pause * 1.3, 0.5)

    def configure(self) -> None:
        """Write the server's settings and make the folders it needs."""
        self.own_folder(self.socket_dir)
        archive = self.archive
        if archive is not None:
            archive.prepare(self)
        write_configuration(
            self.data,
            self.socket_dir,
            port=PORT,
            owner=self.uid_gid(),
            archive_command=archive.command() if archive is not None else None,
            extra=dict(self.extra),
        )

    def stop(self, mode: Literal["smart", "fast", "immediate"] = "fast") -> None:
        """Stop the server and wait until it is gone; does nothing when none runs."""
        if self.running_pid() is not None:
            self.program("pg_ctl", "stop", "-D", str(self.data), "-m", mode, "-w", "-t", "60")

    def answers(self) -> bool:
        """Say whether the server of this data folder takes a connection."""
        return self.system_identifier() is not None

    def system_identifier(self) -> str | None:
        """Return the cluster's identity as the running server tells it, or None when none answers."""
        import psycopg

        with contextlib.suppress(psycopg.OperationalError), self.connect("postgres") as connection:
            row = connection.execute("select system_identifier::text from pg_control_system()").fetchone()
            return str(row[0]) if row else None
        return None

    def connect(self, dbname: str) -> psycopg.Connection[Any]:
        """Return a superuser connection (bootstrap and upgrade only; the caller closes it)."""
        import psycopg

        return psycopg.connect(
            host=str(self.socket_dir),
            port=PORT,
            user=SUPERUSER,
            password=self.password.reveal(),
            dbname=dbname,
            connect_timeout=5,
            autocommit=True,
        )

    def running_pid(self) -> int | None:
        """Return the postmaster's pid when the recorded process really works in this data folder."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return None
        return pid if self._works_here(pid) else None

    def last_words(self) -> str:
        """Return the last lines the server wrote before its own log began."""
        with contextlib.suppress(OSError):
            return " / ".join(self.log.read_text(errors="replace").splitlines()[-3:])
        return "no message"

    def launch(self) -> None:
        """Start the server without waiting for it."""
        pid_file = self.data / "postmaster.pid"
        if pid_file.exists() and self.running_pid() is None and not self._anyone_works_here():
            _log.warning("db.stale_pid_file", file=str(pid_file))
            pid_file.unlink(missing_ok=True)
        with os.fdopen(open_private(self.log, os.O_APPEND, self.uid_gid()), "a") as output:
            collector = f"-c logging_collector={self.extra.get('logging_collector', 'on')}"
            self.program("pg_ctl", "start", "-W", "-D", str(self.data), "-o", collector, output=output)

    def _recovering(self) -> bool:
        checked = subprocess.run(
            [
                binaries.bin_dir(self.major) / "pg_isready",
                "-q",
                "-h",
                self.socket_dir,
                "-p",
                str(PORT),
                "-t",
                "1",
            ],
            capture_output=True,
            check=False,
        )
        return checked.returncode == 1

    def _works_here(self, pid: int) -> bool:
        if not sys.platform.startswith("linux"):
            # Elsewhere PostgreSQL's own check decides.
            return True
        try:
            return Path(f"/proc/{pid}/cwd").readlink() == self.data.resolve()
        except OSError:
            return False

    def _anyone_works_here(self) -> bool:
        """Say whether any backend still has the data folder open (orphans of a killed postmaster)."""
        if not sys.platform.startswith("linux"):
            return True
        return any(
            self._works_here(int(entry.name)) for entry in Path("/proc").iterdir() if entry.name.isdigit()
        )

    def program(
        self,
        program: str,
        *arguments: str,
        output: Any = None,
        major: int | None = None,
        cwd: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> str:
        """Run one of PostgreSQL's programs as the server's user and return what it wrote.

        Raises Unavailable with its last lines when it fails (`pg_ctl`: never).
        """
        user = binaries.service_user()
        finished = subprocess.run(
            [binaries.bin_dir(major or self.major) / program, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output or subprocess.PIPE,
            stderr=output or subprocess.STDOUT,
            text=True,
            check=False,
            cwd=cwd or self.folder,
            env={
                "PATH": "/usr/bin:/bin",
                "LC_ALL": "C",
                "TZ": "UTC",
                "HOME": str(self.folder),
                **(environment or {}),
            },
            start_new_session=True,
            user=user,
            group=user,
            extra_groups=[] if user else None,
        )
        if finished.returncode != 0 and program != "pg_ctl":
            words = (finished.stdout or "").strip().splitlines()[-3:]
            raise Unavailable("database.program", f"{program} failed: {' / '.join(words)}")
        return finished.stdout or ""

    def own_folder(self, folder: Path) -> None:
        """Make `folder` 0700 for the server's user, and see that this user can reach it."""
        folder.mkdir(parents=True, exist_ok=True)
        self._give_away(folder)
        folder.chmod(0o700)
        user = binaries.service_user()
        if user is None:
            return
        reached = subprocess.run(
            ["test", "-x", folder], check=False, user=user, group=user, extra_groups=[], cwd="/"
        )
        if reached.returncode != 0:
            raise Invalid(
                "database.unreachable_folder",
                f"the OS user {user} cannot reach {folder}; choose another SENT_STATE_DIR (such as"
                " /var/lib/sent): SENT never changes the mode of folders above its own",
            )

    def uid_gid(self) -> tuple[int, int] | None:
        user = binaries.service_user()
        if user is None:
            return None
        import pwd

        entry = pwd.getpwnam(user)
        return entry.pw_uid, entry.pw_gid

    def give_away_all(self) -> None:
        """Give everything below the folder to the server's user, and close it to others."""
        for place, _, names in os.walk(self.folder):
            for path in (Path(place), *(Path(place) / name for name in names)):
                self._give_away(path)
                path.chmod(0o700 if path.is_dir() else 0o600)

    def _give_away(self, path: Path) -> None:
        if (owner := self.uid_gid()) is not None:
            os.chown(path, *owner, follow_symlinks=False)
