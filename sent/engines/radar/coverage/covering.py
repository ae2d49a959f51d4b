"""The matrix of ATT&CK: what it is made of, and names out of an organisation's own STIX bundle."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson

from sent.engines.radar.coverage.attack import EMPTY, Catalogue, as_json, from_json
from sent.engines.radar.coverage.matrix import CoveringRule, RuleAlerts, tactics_in, techniques_in
from sent.engines.radar.store import covered as store
from sent.platform.bus.events import publish
from sent.platform.context import Ctx
from sent.platform.db.embedded.endpoint import program
from sent.platform.db.uow import uow
from sent.platform.errors import Invalid, NotFound, Unavailable

DAYS = (7, 30, 90)
"""How far back alerts are counted."""

READING_S = 120.0


@dataclass(frozen=True, slots=True)
class CoverageFacts:
    """What the matrix is made of; see `matrix.matrix`."""

    rules: tuple[CoveringRule, ...]
    alerts: tuple[RuleAlerts, ...]
    names: Catalogue
    days: int

    @property
    def products(self) -> list[str]:
        """Products of the rules' log sources."""
        return sorted({rule.product for rule in self.rules})

    @property
    def sets(self) -> list[str]:
        """Names of the rule sets."""
        return sorted({rule.rule_set for rule in self.rules}, key=str.lower)


async def coverage_facts(ctx: Ctx, days: int) -> CoverageFacts:
    """Return all rules with their techniques, and the alerts of the last `days` (1 to 366)."""
    if not 1 <= days <= 366:
        raise Invalid("radar.coverage.days", "alerts are counted over 1 to 366 days")
    async with uow(ctx) as tx:
        rules = await store.tagged(tx)
        raised = await store.raised(tx, datetime.now(UTC) - timedelta(days=days))
        names = await store.names(tx)
    return await asyncio.to_thread(_facts, rules, raised, names, days)


def _facts(
    rules: list[store.TaggedRule],
    raised: list[store.Raised],
    names: tuple[str, dict[str, object]] | None,
    days: int,
) -> CoverageFacts:
    return CoverageFacts(
        tuple(
            CoveringRule(
                rule.rule_id, rule.title, rule.level, rule.author, rule.rule_set, rule.product, rule.enabled,
                rule.runs, techniques_in(rule.tags), tactics_in(rule.tags),
            )
            for rule in rules
        ),
        tuple(RuleAlerts(each.rule_id, tuple(each.tags), each.alerts) for each in raised),
        from_json(*names) if names is not None else EMPTY,
        days,
    )  # fmt: skip


async def import_attack(ctx: Ctx, path: Path) -> Catalogue:
    """Read names and tactics out of a STIX bundle and keep them for the organisation.

    Another process reads it: fifty megabytes of JSON would hold this one up. Raises NotFound, Invalid when it
    is no bundle of ATT&CK, Denied without `radar:manage`.
    """
    found = await _read_elsewhere(path)
    async with uow(ctx) as tx:
        await store.keep_names(tx, found.edition, as_json(found))
        await publish(tx, ctx, "radar.rules.changed", {})
    return found


async def forget_attack(ctx: Ctx) -> None:
    """Forget the names; raises NotFound when there are none, or they are not yours to change."""
    async with uow(ctx) as tx:
        if not await store.forget_names(tx):
            raise NotFound("radar.attack.names", "no names of ATT&CK are kept, or not yours to change")
        await publish(tx, ctx, "radar.rules.changed", {})


async def _read_elsewhere(path: Path) -> Catalogue:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *program(), "radar", "attack", "read", str(path.absolute()), stdout=pipe, stderr=pipe
    )
    try:
        async with asyncio.timeout(READING_S):
            out, said = await process.communicate()
    except TimeoutError as error:
        raise Unavailable("radar.attack.slow", f"{path.name} could not be read in time") from error
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode != 0:
        lines = said.decode("utf-8", "replace").strip().splitlines()
        text = lines[-1][:400] if lines else f"{path.name} could not be read"
        raise Invalid("radar.attack.kind", text)
    body = orjson.loads(out)
    return from_json(body["edition"], body)
