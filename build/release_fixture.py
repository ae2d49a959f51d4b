"""Writes the schema of this release to stdout: a database migrated to head, as SQL (`release.py fixture`).

No times of the run, no passwords, no host: two runs give the same bytes while the current partitions of time
series are the same.
"""

from __future__ import annotations

import re
import subprocess
import sys

from sent.platform.config import paths
from sent.platform.config.secrets import role_password
from sent.platform.db.embedded import binaries
from sent.platform.db.embedded.cluster import PORT, SUPERUSER, Cluster
from sent.platform.db.engine import Server
from sent.platform.db.migrate import upgrade

NAME = "sent"


def main() -> int:
    """Make, dump and drop the database."""
    cluster = Cluster(paths.state_dir() / "db", paths.runtime_dir() / "pg", role_password(SUPERUSER))
    cluster.start()
    try:
        with cluster.connect("postgres") as connection:
            connection.execute(f"create database {NAME} template template0")
        upgrade(Server(host=str(cluster.socket_dir), port=PORT, dbname=NAME), SUPERUSER, cluster.password)
        run = subprocess.run(
            [
                binaries.bin_dir() / "pg_dump",
                f"--host={cluster.socket_dir}",
                f"--port={PORT}",
                f"--username={SUPERUSER}",
                "--inserts",
                "--no-comments",
                NAME,
            ],
            env={"PGPASSWORD": cluster.password.reveal(), "PGTZ": "UTC"},
            capture_output=True,
            check=True,
        )
    finally:
        cluster.stop("immediate")
    sys.stdout.write(settled(run.stdout.decode()))
    return 0


def settled(text: str) -> str:
    """Return the dump without what differs from run to run."""
    text = re.sub(r"(?m)^\\(un)?restrict \S+$", r"-- \\\1restrict", text)
    return re.sub(
        r"(?m)(?<=^INSERT)(.*)'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?\+00'",
        r"\1'2026-01-01 00:00:00+00'",
        text,
    )


if __name__ == "__main__":
    sys.exit(main())
