"""Who asks, for whom, and where the data lives: the first parameter of every use case."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from sent.platform.ids import OrgId, uuid7

if TYPE_CHECKING:
    from sent.platform.db.engine import Database


@dataclass(frozen=True, slots=True)
class Ctx:
    """An organisation, an actor and a trace id, on one database.

    For staff the database itself knows organisation and actor from the login (`session_user`); what stands
    here is for display and messages and grants nothing. For trusted workers `uow` writes it into the
    transaction, where the policies read it.
    """

    db: Database
    org: OrgId
    actor: UUID
    """A person's id; for workers the instance id."""
    trace: UUID = field(default_factory=uuid7)
