"""The organisations a worker works for: their rules, and the pipeline that stores what their sources send.

Rules are loaded when an organisation is first needed and whenever they change; a new matcher takes over
between two batches. What goes wrong with one organisation's rules does not stop the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from uuid import UUID

from sent.engines.radar.correlations.correlating import Correlations
from sent.engines.radar.matcher import Matcher
from sent.engines.radar.model import Route, RuleSet
from sent.engines.radar.pipeline import Figures, Pipeline
from sent.engines.radar.store import catalogue, placeholders
from sent.platform.collector import for_long
from sent.platform.config import settings_store
from sent.platform.context import Ctx
from sent.platform.db.uow import uow
from sent.platform.errors import SentError, Unavailable
from sent.platform.ids import OrgId
from sent.platform.tasks import cancel, spawn
from sent.platform.telemetry.log import get_logger

GROUP_MINUTES = 15
"""Where there are no rules it does not matter."""

AT_ONCE = 2
"""Organisations whose rules are loaded at the same time."""

_log = get_logger("radar")


@dataclass(slots=True)
class _Organisation:
    pipeline: Pipeline
    rules: int = 0
    signature: tuple[object, ...] = field(default=())


class Organisations:
    """See the module. `context` gives the context of an organisation; pipelines count into `figures`."""

    def __init__(self, context: Callable[[OrgId], Ctx], figures: Figures) -> None:
        self._context = context
        self._figures = figures
        self._known: dict[UUID, _Organisation] = {}
        self._broken: dict[UUID, str] = {}
        self._unmatched: dict[UUID, Pipeline] = {}
        self._loading: dict[OrgId, asyncio.Task[SentError | None]] = {}
        self._room = asyncio.Semaphore(AT_ONCE)

    def __contains__(self, org: UUID) -> bool:
        return org in self._known

    def pipeline(self, org: UUID) -> Pipeline:
        """Return the pipeline of an organisation: with its rules, or that of `unmatched`."""
        known = self._known.get(org)
        return self._unmatched[org] if known is None else known.pipeline

    def unmatched(self, org: OrgId) -> None:
        """Have events of an organisation stored although its rules cannot be loaded.

        They are under way already and would hold up everybody behind them; its own problem is told as long as
        it lasts, and `rules backtest` finds what would have been raised.
        """
        if org not in self._unmatched:
            from sent.engines.radar.match.engine import ValueMatcher

            minutes = GROUP_MINUTES
            made = Pipeline(
                self._context(org), ValueMatcher([]), group_minutes=minutes, figures=self._figures
            )
            self._unmatched[org] = made

    @property
    def rules(self) -> int:
        """How many rules run."""
        return sum(organisation.rules for organisation in self._known.values())

    @property
    def correlations(self) -> list[Correlations]:
        """The correlations of every organisation."""
        return [organisation.pipeline.correlations for organisation in self._known.values()]

    def problem_of(self, org: UUID) -> str:
        """Return why an organisation's rules cannot be loaded, or ""."""
        return self._broken.get(org, "")

    @property
    def problems(self) -> list[str]:
        """Why rules of organisations cannot be loaded."""
        return list(self._broken.values())

    async def ready(self, org: OrgId, patience: float | None = None) -> bool:
        """Load an organisation's rules unless they were; False when they cannot be, or are still loading."""
        if org not in self._known:
            await self.load_all({org}, patience)
        return org in self._known

    async def load_all(self, orgs: Iterable[OrgId], patience: float | None) -> None:
        """Load the rules of organisations where they changed; return after `patience` seconds at the latest.

        Loading goes on meanwhile, of two at a time: one whose rules take long keeps no other from theirs.
        Raises Unavailable when the database does not answer.
        """
        for org in orgs:
            if org not in self._loading:
                self._loading[org] = spawn(self._alone(org), name="radar.rules")
        tasks = [self._loading[org] for org in orgs]
        if not tasks:
            return
        done, _ = await asyncio.wait(tasks, timeout=patience)
        failed = [error for task in done if (error := task.result()) is not None]
        if failed:
            raise failed[0]

    async def close(self) -> None:
        """Stop loading."""
        await cancel(*self._loading.values())

    async def _alone(self, org: OrgId) -> SentError | None:
        try:
            async with self._room:
                await self.load(org)
        except SentError as error:
            return error
        finally:
            self._loading.pop(org, None)
        return None

    async def load(self, org: OrgId) -> None:
        """Load an organisation's rules if they changed; raises Unavailable.

        Whatever else goes wrong is of this organisation's making (what the database refuses too), and stays
        its problem.
        """
        try:
            await self._load_rules(org)
            self._broken.pop(org, None)
        except Unavailable:
            raise
        except Exception as error:
            self._broken[org] = f"the rules of organisation {org} cannot be loaded: {type(error).__name__}"
            _log.error("radar.rules_failed", organisation=str(org), exc_info=error)

    async def _load_rules(self, org: OrgId) -> None:
        """Load the organisation's rules if they changed; its first time brings SENT's own."""
        from sent.engines.radar.rulebook.library import ship_rules
        from sent.engines.radar.sigma.elsewhere import parse_elsewhere

        ctx = self._context(org)
        known = self._known.get(org)
        if known is None:
            await ship_rules(ctx)
        group_minutes = int(await settings_store.get(ctx, "radar.group_minutes"))
        if known is not None:
            known.pipeline.group_minutes = group_minutes
        async with uow(ctx) as tx:
            signature = await catalogue.rules_signature(tx)
            if known is not None and known.signature == signature:
                return
            texts = await catalogue.rule_texts(tx)
            disabled = await catalogue.disabled_ids(tx)
            values = await placeholders.values(tx)
        await parse_elsewhere([(text.path, text.body) for text in texts])
        found, matcher, amount = await asyncio.to_thread(
            _matcher, texts, disabled, values, () if known is None else known.pipeline.matcher.routes
        )
        signature = await _noted(ctx, found, signature)
        if known is None:
            pipeline = Pipeline(ctx, matcher, group_minutes=group_minutes, figures=self._figures)
            known = self._known[org] = _Organisation(pipeline)
            self._unmatched.pop(org, None)
        known.pipeline.correlations = known.pipeline.correlations.changed(found.correlations)
        known.pipeline.matcher, known.rules, known.signature = matcher, amount, signature
        _log.info("radar.rules_loaded", organisation=str(org), rules=amount)


def _matcher(
    texts: list[catalogue.RuleText],
    disabled: set[str],
    values: dict[str, tuple[str, ...]],
    routes: Iterable[Route],
) -> tuple[RuleSet, Matcher, int]:
    """Parse the rules and make a matcher that is ready for events of `routes`."""
    from sent.engines.radar.match.engine import ValueMatcher
    from sent.engines.radar.sigma.reading import parsed

    with for_long():
        found = parsed(((text.path, text.body, "") for text in texts), values, disabled)
        active = [rule for rule in found.rules if rule.id not in disabled]
        matcher = ValueMatcher(active)
        matcher.prepare(routes)
    return found, matcher, len(active) + len(found.correlations)


async def _noted(ctx: Ctx, found: RuleSet, signature: tuple[object, ...]) -> tuple[object, ...]:
    """Write down why rules wait for others, unless rules changed meanwhile; return the signature of that."""
    async with uow(ctx) as tx:
        if await catalogue.rules_signature(tx) != signature:
            return signature
        changed = await placeholders.note_reasons(tx, found)
        return await catalogue.rules_signature(tx) if changed else signature
