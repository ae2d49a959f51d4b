"""The built-in roles: what each may do follows from the permissions' names, so no engine is listed here.

A permission is `area:verb`. Reading is `read`; `manage`, `write` and `admin` change how things are set up;
every other verb (triage, respond, post ...) is daily work. What belongs to business (the area of the engine's
manifest) is the bookkeepers': who watches logs and cameras does not see the books.
"""

from __future__ import annotations

from collections.abc import Iterable

from sent.platform import registry
from sent.platform.manifest import Area, Permission

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
    "bookkeeper": "Bookkeeper",
    "viewer": "Viewer",
    "auditor": "Auditor",
}

SETUP_VERBS = frozenset({"manage", "write", "admin"})


def all_permissions() -> tuple[Permission, ...]:
    """Return the platform's and all engines' permissions."""
    return PLATFORM_PERMISSIONS + registry.permissions()


def of_area(area: Area) -> frozenset[str]:
    """Return the ids of the permissions of all engines of an area."""
    return frozenset(
        permission.id
        for manifest in registry.manifests()
        if manifest.area == area
        for permission in manifest.permissions
    )


def builtin(
    permissions: Iterable[str] | None = None,
    *,
    business: Iterable[str] | None = None,
    command: Iterable[str] | None = None,
) -> dict[str, frozenset[str]]:
    """Return what each built-in role may do, given the ids of all permissions and those of two areas."""
    names = frozenset(permissions or (permission.id for permission in all_permissions()))
    money = names & frozenset(of_area("business") if business is None else business)
    desk = names & frozenset(of_area("command") if command is None else command)
    audit = {name for name in names if name.startswith("audit:")}
    reading = {name for name in names if name.endswith(":read")}
    setup = {name for name in names if name.rpartition(":")[2] in SETUP_VERBS}
    return {
        "owner": names,
        "admin": names - {"org:admin"},
        "analyst": names - setup - audit - money,
        "bookkeeper": money | (desk & reading),
        "viewer": frozenset(reading - audit - money),
        "auditor": frozenset(reading | audit),
    }
