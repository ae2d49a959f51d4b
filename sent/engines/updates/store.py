"""SQL of the updates engine."""

from __future__ import annotations

from sent.platform.db.uow import Tx, scalar


async def operates(tx: Tx, permission: str) -> bool:
    """Say whether the session's organisation operates the installation and the person has the permission."""
    return bool(await scalar(tx, "select sec.operates(%s)", [permission]))
