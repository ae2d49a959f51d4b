"""Where the schema's history is and whether a database is at its head; loads no alembic."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sent.platform.errors import Unavailable

if TYPE_CHECKING:
    import psycopg

_REVISION = re.compile(r"(\d{4})_[a-z0-9_]+\.py")


def migrations_path() -> Path:
    """Return the folder of `env.py` and `versions/`: inside the package, or in a checkout beside it."""
    package = Path(__file__).resolve().parents[2]
    for place in (package / "_migrations", package.parent / "migrations"):
        if (place / "env.py").is_file():
            return place
    raise Unavailable("schema.missing", "the program was installed without its migrations; install it again")


def head() -> str:
    """Return the newest revision: the history is linear and its files are numbered."""
    names = (_REVISION.fullmatch(path.name) for path in (migrations_path() / "versions").iterdir())
    return max(match.group(1) for match in names if match)


def current(connection: psycopg.Connection[Any]) -> str | None:
    """Return the revision a database is at, or None for an empty one."""
    found = connection.execute("select to_regclass('public.revision') is not null").fetchone()
    if not found or not found[0]:
        return None
    row = connection.execute("select version_num from public.revision").fetchone()
    return str(row[0]) if row else None


def at_head(connection: psycopg.Connection[Any]) -> bool:
    """Say whether the database needs no migration."""
    return current(connection) == head()
