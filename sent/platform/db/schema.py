"""Where the schema's history is and whether a database is up to date; loads no alembic."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sent
from sent.platform.errors import Invalid, Unavailable

if TYPE_CHECKING:
    import psycopg

OLDEST = "0023"
"""Programs of this schema and younger ones can use a database at head: revisions only add, so it is that of
the release before, or of the revision that took something away.
"""

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


def fingerprint() -> str:
    """Return what of this program stands in the database besides the schema: version and permissions.

    An engine that was added without a table still brings permissions for the built-in roles.
    """
    from sent.platform.auth import permissions

    text = repr(sorted((role, sorted(names)) for role, names in permissions.builtin().items()))
    return f"{sent.__version__}+{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def up_to_date(connection: psycopg.Connection[Any]) -> bool:
    """Say whether the database is at head and knows this program's permissions."""
    if current(connection) != head():
        return False
    row = connection.execute("select version from core.component_version where component = 'sent'").fetchone()
    return row is not None and str(row[0]) == fingerprint()


@dataclass(frozen=True, slots=True)
class Noted:
    """What the last migration wrote down for programs, in `core.component_version`."""

    revision: str
    oldest: str
    """The oldest schema whose programs can go on."""
    version: str
    """The program that migrated."""


NOTED = """
select max(version) filter (where component = 'schema'),
  max(version) filter (where component = 'schema oldest'),
  split_part(max(version) filter (where component = 'sent'), '+', 1)
from core.component_version
"""


def notes() -> dict[str, str]:
    """Return what a migration by this program writes down, by component."""
    return {"sent": fingerprint(), "schema": head(), "schema oldest": min(OLDEST, head())}


def noted(row: tuple[Any, ...] | None) -> Noted | None:
    """Return the row of `NOTED`; None for a database that no program with these notes has migrated."""
    return Noted(*map(str, row)) if row is not None and None not in row else None


def check_fit(found: Noted | None, own: str | None = None) -> None:
    """Compare the database with a program (default: this one) of the schema `own`.

    Raises Invalid when the program is too old for it, Unavailable when the database is to be migrated first.
    """
    own = own or head()
    if found is None:
        return
    if found.revision < own:
        raise Unavailable(
            "schema.behind",
            f"the database is at schema {found.revision}, this SENT {sent.__version__} needs {own}:"
            " update SENT where the database runs (its service migrates, or `sent db migrate`);"
            " then try again",
            database=found.revision,
            own=own,
        )
    if own < found.oldest:
        raise Invalid(
            "schema.too_new",
            f"the database is at schema {found.revision} of SENT {found.version}, this SENT"
            f" {sent.__version__} knows {own} only: update this SENT to {found.version} or newer",
            database=found.revision,
            version=found.version,
        )
