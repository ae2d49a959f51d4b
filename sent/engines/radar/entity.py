"""Whom an event is about: its host, and the user it names."""

from __future__ import annotations

from collections.abc import Mapping

USER_FIELDS = (
    "TargetUserName",
    "User",
    "SubjectUserName",
    "user",
    "username",
    "user_name",
    "AccountName",
    "userIdentity.userName",
    "suser",
    "duser",
)
"""Fields that name a user, the most telling first: of a log-on, the account that is used."""

_NOBODY = frozenset({"", "-", "n/a", "(null)"})


def user_of(fields: Mapping[str, str | None]) -> str:
    """Return the user an event names, in lower case, or an empty text."""
    for name in USER_FIELDS:
        value = (fields.get(name) or "").strip().lower()
        if value not in _NOBODY:
            return value[:255]
    return ""


def user_sql(event: str) -> str:
    """Return `user_of` as SQL over the jsonb column `event`."""
    nobody = ", ".join(f"'{text}'" for text in sorted(_NOBODY))
    parts = [
        f"case when lower(btrim({event} ->> '{name}')) not in ({nobody})"
        f" then left(lower(btrim({event} ->> '{name}')), 255) end"
        for name in USER_FIELDS
    ]
    return f"coalesce({', '.join(parts)}, '')"
