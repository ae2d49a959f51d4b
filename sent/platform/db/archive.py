"""The archive of the database's log: every finished segment, kept as long as a backup needs it.

PostgreSQL calls `archive.sh` for each segment. The copy is compressed, synced and put in place in one step;
a file that is there already is accepted when it holds the same and never overwritten when it does not.
Shell, because for root the server runs as a user that cannot reach this program's Python, and because 300
segments a day would pay 300 starts of it. Until the first base backup *arms* it, segments are thrown away:
nothing could be restored from them.
"""

from __future__ import annotations

import os
import re
import shlex
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sent.platform.errors import Unavailable

if TYPE_CHECKING:
    import psycopg

    from sent.platform.db.embedded.cluster import Cluster

ARMED = "armed"
ARCHIVE_WAIT_S = 120.0

BROKEN_OFF_S = 3600.0
"""A copy older than this without its final name was broken off."""

_SEGMENT = re.compile(r"([0-9A-F]{24})(?:\.partial)?\.gz")

_ARCHIVE = """\
# Written by SENT at every start: archive.sh FOLDER PATH NAME
set -eu
umask 077
[ -e "$1/armed" ] || exit 0
target="$1/$3.gz"
if [ -e "$target" ]; then
  gzip -dc "$target" | cmp -s - "$2" && exit 0
  echo "archive: $target exists and differs from $2; it is never overwritten" >&2
  exit 1
fi
part="$1/.$3.$$.part"
trap 'rm -f "$part"' EXIT
gzip -1 -c "$2" > "$part"
sync "$part"
ln "$part" "$target" 2>/dev/null || { [ ! -e "$target" ] && mv "$part" "$target"; }
sync "$1"
"""

_RESTORE = """\
# Written by SENT at every start: restore.sh FOLDER NAME PATH [FOLDER OF UNARCHIVED SEGMENTS]
set -eu
if [ -e "$1/$2.gz" ]; then
  gzip -dc "$1/$2.gz" > "$3"
elif [ -n "${4:-}" ] && [ -f "$4/$2" ]; then
  cp "$4/$2" "$3"
else
  exit 1
fi
"""


@dataclass(frozen=True, slots=True)
class Archive:
    """The archive in `folder`, which belongs to the server's user."""

    folder: Path

    def prepare(self, cluster: Cluster) -> None:
        """Make the folder and write the programs beside it."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        cluster.own_folder(self.folder)
        for name, text in (("archive.sh", _ARCHIVE), ("restore.sh", _RESTORE)):
            path = self.folder.with_name(name)
            if not path.exists() or path.read_text() != text:
                fresh = path.with_suffix(f".{os.getpid()}")
                fresh.write_text(text)
                fresh.chmod(0o755)
                fresh.replace(path)

    def command(self) -> str:
        """Return the server's `archive_command`."""
        return f'{self._call("archive.sh")} "%p" "%f"'

    def restore_command(self, unarchived: Path | None = None) -> str:
        """Return a `restore_command`; `unarchived` is a `pg_wal` that may hold younger segments."""
        last = f" {_quoted(unarchived)}" if unarchived is not None else ""
        return f'{self._call("restore.sh")} "%f" "%p"{last}'

    def arm(self) -> None:
        """Keep segments from now on; called before a base backup begins."""
        if not self.armed():
            (self.folder / ARMED).touch(0o644)

    def armed(self) -> bool:
        """Say whether segments are kept."""
        return (self.folder / ARMED).exists()

    def segments(self) -> list[str]:
        """Return the names of the archived segments, oldest first."""
        if not self.folder.exists():
            return []
        names = (_SEGMENT.fullmatch(path.name) for path in self.folder.iterdir())
        return sorted((match.group(1) for match in names if match), key=lambda name: (name[8:], name))

    def bytes(self) -> int:
        """Return how much the archive takes."""
        if not self.folder.exists():
            return 0
        return sum(status.st_size for entry in os.scandir(self.folder) if (status := _status(entry)))

    def prune(self, first: str) -> int:
        """Remove segments older than `first` (a name, on any timeline) and what broken-off copies left."""
        removed = 0
        for entry in list(os.scandir(self.folder)) if self.folder.exists() else []:
            match = _SEGMENT.fullmatch(entry.name)
            old = match is not None and match.group(1)[8:] < first[8:]
            label = entry.name.endswith(".backup.gz") and entry.name[8:24] < first[8:]
            if old or label or _broken_off(entry):
                Path(entry.path).unlink(missing_ok=True)
                removed += 1
        return removed

    def _call(self, script: str) -> str:
        return f"/bin/sh {_quoted(self.folder.with_name(script))} {_quoted(self.folder)}"


def flush(connection: psycopg.Connection[Any], patience: float = ARCHIVE_WAIT_S) -> None:
    """Archive all that is written so far; raises Unavailable when that does not happen in time.

    A transaction of its own comes first, so that the log has a moment after every earlier one.
    """
    connection.execute("select pg_current_xact_id()")
    row = connection.execute("select pg_walfile_name(pg_switch_wal())").fetchone()
    wanted = str(row[0]) if row else ""
    give_up = time.monotonic() + patience
    while True:
        row = connection.execute("select last_archived_wal, last_failed_wal from pg_stat_archiver").fetchone()
        # Names compare within a timeline; a label or a history file may be the last one for a moment.
        if row and row[0] and row[0][8:24] >= wanted[8:24]:
            return
        if time.monotonic() > give_up:
            failed = f" (it fails at {row[1]})" if row and row[1] else ""
            raise Unavailable("archive.stuck", f"the log is not archived{failed}; look at the server's log")
        time.sleep(0.05)


def _status(entry: os.DirEntry[str]) -> os.stat_result | None:
    """Return the entry's status; None when the server renamed or removed it meanwhile."""
    try:
        return entry.stat()
    except FileNotFoundError:
        return None


def _broken_off(entry: os.DirEntry[str]) -> bool:
    status = _status(entry) if entry.name.endswith(".part") else None
    return status is not None and time.time() - status.st_mtime > BROKEN_OFF_S


def _quoted(path: Path) -> str:
    return shlex.quote(str(path)).replace("%", "%%")
