"""What other layers may ask of the updates engine.

It changes nothing: updates are carried out by a process of their own (`sent.platform.update.orders`).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from sent.engines.updates import store
from sent.platform.context import Ctx
from sent.platform.db.uow import uow
from sent.platform.errors import SentError
from sent.platform.update import api, known
from sent.platform.update import policy as policies
from sent.platform.update.known import Known
from sent.platform.update.layout import Layout
from sent.platform.update.policy import Policy

MANAGE = "database:manage"

__all__ = ["MANAGE", "Installed", "Known", "Policy", "installed", "may_operate", "save_policy"]


@dataclass(frozen=True, slots=True)
class Installed:
    """All there is to know of an installation, at one moment."""

    status: api.Status
    known: Known | None
    policy: Policy
    policy_problem: str
    """Why the policy's file cannot be used; `policy` is the usual one then."""
    owner: str
    """Who may change it, by name on this machine."""


async def may_operate(ctx: Ctx) -> bool:
    """Say whether the person may install, add, go back and set the policy here."""
    async with uow(ctx) as tx:
        return await store.operates(tx, MANAGE)


async def installed(layout: Layout) -> Installed:
    """Read what is installed and what was offered last; needs no database."""
    return await asyncio.to_thread(_installed, layout)


async def save_policy(layout: Layout, policy: Policy) -> None:
    """Write the policy; raises Denied where this user may not."""
    await asyncio.to_thread(policies.save, layout, policy)


def _installed(layout: Layout) -> Installed:
    policy, problem = Policy(), ""
    try:
        policy = policies.load(layout)
    except SentError as error:
        problem = error.message
    return Installed(api.status(layout), known.read(layout), policy, problem, _owner(layout))


def _owner(layout: Layout) -> str:
    try:
        return layout.versions.owner()
    except (OSError, KeyError, NotImplementedError):
        return "?"
