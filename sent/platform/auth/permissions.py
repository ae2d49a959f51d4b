"""The built-in roles: what each may do follows from the permissions' names, so no engine is listed here.

A permission is `area:verb`. Reading is `read`; `manage`, `write` and `admin` change how things are set up;
every other verb (triage, respond, post ...) is daily work.
"""

from __future__ import annotations

from collections.abc import Iterable

from sent.platform import registry
from sent.platform.manifest import Permission

PLATFORM_PERMISSIONS = (
    Permission("org:admin", "Change the organisation itself and hand out every role"),
    Permission("people:manage", "Invite people, change their role, switch them off"),
    Permission("clients:manage", "Create and change clients"),
    Permission("settings:write", "Change settings"),
    Permission("views:share", "Share saved views of lists with everybody"),
)

BUILTIN_ROLES = {
    "owner": "Owner",
    "admin": "Administrator",
    "analyst": "Analyst",
    "viewer": "Viewer",
    "auditor": "Auditor",
}

SETUP_VERBS = frozenset({"manage", "write", "admin"})


def all_permissions() -> tuple[Permission, ...]:
    """Return the platform's and all engines' permissions."""
    return PLATFORM_PERMISSIONS + registry.permissions()


def builtin(permissions: Iterable[str] | None = None) -> dict[str, frozenset[str]]:
    """Return what each built-in role may do, given the ids of all permissions."""
    names = frozenset(permissions or (permission.id for permission in all_permissions()))
    audit = {name for name in names if name.startswith("audit:")}
    reading = {name for name in names if name.endswith(":read")}
    setup = {name for name in names if name.rpartition(":")[2] in SETUP_VERBS}
    return {
        "owner": names,
        "admin": names - {"org:admin"},
        "analyst": names - setup - audit,
        "viewer": frozenset(reading - audit),
        "auditor": frozenset(reading | audit),
    }
