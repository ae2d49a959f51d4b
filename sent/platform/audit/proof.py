"""Verification as the administrator of the machine runs it: with the trusted keys and the anchors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

from sent.platform.audit import anchors, store
from sent.platform.audit.signing import Signing
from sent.platform.audit.verify import Progress, Report, blocks, verify
from sent.platform.clock import SYSTEM_CLOCK
from sent.platform.context import Ctx
from sent.platform.db.uow import uow
from sent.platform.errors import NotFound

Heads = dict[UUID, dict[int, bytes]]


def read_anchors(given: Path | None) -> Heads:
    """Return the anchors of a file, or of all files that are set and there."""
    if given is not None:
        return anchors.read(given)
    found: Heads = {}
    for path in anchors.files():
        if path.exists():
            for organization, heads in anchors.read(path).items():
                found.setdefault(organization, {}).update(heads)
    return found


def trusted_keys(signing: Signing | None = None) -> dict[str, bytes]:
    """Return the public keys this installation made; raises NotFound without their file."""
    found = (signing or Signing()).trusted()
    if not found:
        raise NotFound(
            "audit.no_keys",
            f"{(signing or Signing()).file} is missing: without it a forged chain cannot be told; restore it",
        )
    return found


async def check(
    ctx: Ctx, keys: Mapping[str, bytes], heads: Heads, progress: Progress | None = None, *, keep: bool = True
) -> Report:
    """Verify the context's organisation and keep the result for the Audit page."""
    report = await verify(ctx.org, blocks(ctx), keys, heads.get(ctx.org), progress)
    if keep:
        async with uow(ctx) as tx:
            await store.put_proof(tx, "verify", SYSTEM_CLOCK.now(), report.line())
    return report
