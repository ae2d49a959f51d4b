"""The installation's administrator at the command line: whoever may read its secrets.

He works with the service roles, so the rights of memberships do not bind him; what he does stands in the
audit trail with the platform as its actor.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from sent.platform.auth import directory
from sent.platform.config.secrets import role_password
from sent.platform.context import Ctx
from sent.platform.db.embedded import endpoint
from sent.platform.db.engine import Database, fixed
from sent.platform.errors import NotFound

ADMINISTRATOR = UUID(int=0)
"""The actor of what is done at the command line."""


@dataclass(frozen=True, slots=True)
class Installation:
    """The two databases an administrator works with."""

    system: Database
    app: Database

    async def ctx(self, slug: str | None) -> Ctx:
        """Return the context of the organisation `slug`; None means the only one there is."""
        if slug is not None:
            found = await directory.find_organization(self.system, slug)
            return Ctx(self.app, found.id, ADMINISTRATOR)
        known = await directory.organizations(self.system)
        if len(known) != 1:
            choices = ", ".join(organization.slug for organization in known) or "none yet"
            raise NotFound("organization.choose", f"name one with --org; there are: {choices}")
        return Ctx(self.app, known[0].id, ADMINISTRATOR)


@asynccontextmanager
async def installation() -> AsyncIterator[Installation]:
    """Open this machine's installation; raises Unavailable when its database does not answer."""
    server = endpoint.find()
    async with (
        Database(
            server, "sent_system", fixed(role_password("sent_system")), trusted=True, name="sent cli"
        ) as s,
        Database(server, "sent_app", fixed(role_password("sent_app")), trusted=True, name="sent cli") as a,
    ):
        yield Installation(s, a)
