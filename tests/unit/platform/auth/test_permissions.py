"""What the built-in roles may do follows from names alone."""

from __future__ import annotations

from sent.platform.auth.permissions import all_permissions, builtin

NAMES = [
    "org:admin", "people:manage", "settings:write", "audit:read", "radar:read", "radar:triage",
    "radar:manage", "newengine:read", "newengine:post",
]  # fmt: skip


def test_roles_grow_with_engines_without_a_list() -> None:
    roles = builtin(NAMES)
    assert roles["owner"] == set(NAMES)
    assert roles["admin"] == set(NAMES) - {"org:admin"}
    assert roles["analyst"] == {"radar:read", "radar:triage", "newengine:read", "newengine:post"}
    assert roles["viewer"] == {"radar:read", "newengine:read"}
    assert roles["bookkeeper"] == set()
    assert roles["auditor"] == {"radar:read", "newengine:read", "audit:read"}


def test_the_books_are_the_bookkeepers_and_nothing_else_is() -> None:
    names = [*NAMES, "books:read", "books:post", "books:manage", "overview:read", "overview:manage"]
    roles = builtin(names, business=["books:read", "books:post", "books:manage"], command=["overview:read"])
    assert roles["bookkeeper"] == {"books:read", "books:post", "books:manage", "overview:read"}
    for role in ("analyst", "viewer"):
        assert not any(name.startswith("books:") for name in roles[role])
    assert {"books:read"} == {name for name in roles["auditor"] if name.startswith("books:")}


def test_the_ledger_belongs_to_business() -> None:
    roles = builtin()
    assert {"capital:read", "capital:post", "capital:close"} <= roles["bookkeeper"]
    assert not any(name.startswith("capital:") for name in roles["analyst"] | roles["viewer"])


def test_every_permission_is_an_area_and_a_verb() -> None:
    ids = [permission.id for permission in all_permissions()]
    assert len(ids) == len(set(ids))
    assert all(len(name.split(":")) == 2 and all(name.split(":")) for name in ids)
