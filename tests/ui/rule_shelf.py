"""The radar's rule sets in memory, for tests of the console alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sent.engines.radar.rulebook import rulechange, rulesets
from sent.engines.radar.rulebook.rulechange import RuleState
from sent.engines.radar.store.rulesets import Elsewhere, SetRow
from sent.platform.errors import Conflict, NotFound
from sent.platform.ids import uuid7

TEXT = (
    "title: {title}\nid: {id}\nstatus: {status}\nlevel: {level}\ndetection:\n  a: {value}\n  condition: a\n"
)


def a_state(n: int, *, status: str = "test", level: str = "high", value: str = "x", **more: Any) -> RuleState:
    """Return rule number `n`."""
    id = f"00000000-0000-4000-8000-{n:012d}"
    text = TEXT.format(title=f"Rule {n}", id=id, status=status, level=level, value=value)
    return RuleState(id, f"Rule {n}", level, status, "rule", f"rules/{n}.yml", text, **more)


class RuleShelf:
    """Rule sets: what they hold, what the next import brings, what can be undone."""

    NewRules = rulesets.NewRules
    unified = staticmethod(rulechange.unified)
    beside = staticmethod(rulechange.beside)
    comes_on = staticmethod(rulechange.comes_on)

    def __init__(self) -> None:
        self.sets: dict[str, list[RuleState]] = {"SENT": [a_state(90)]}
        self.before: dict[str, list[RuleState] | None] = {}
        self.coming: list[RuleState] = [a_state(1), a_state(2), a_state(3, status="experimental")]
        self.read: list[tuple[Path, str]] = []
        self.applied: list[rulesets.NewRules] = []
        self.hold: asyncio.Event | None = None
        self.refuse: Exception | None = None
        self.referring: tuple[rulesets.Referring, ...] = ()
        self.twins: tuple[Elsewhere, ...] = ()

    def functions(self) -> dict[str, Any]:
        """Return what the radar's api has of it."""
        names = ("rule_sets", "preview_import", "apply_import", "undo_import", "remove_rule_set")
        pure = ("NewRules", "unified", "beside", "comes_on")
        return {name: getattr(self, name) for name in (*names, *pure)}

    async def rule_sets(self, _ctx: Any) -> list[SetRow]:
        at = datetime(2026, 1, 5, tzinfo=UTC)
        return [
            SetRow(
                uuid7(), name, name == "SENT", "d", sum(r.reason is None for r in rules),
                sum(r.reason is not None for r in rules), sum(not r.enabled for r in rules), 0, at,
                "Anna Berg", f"{name}.zip", name in self.before,
            )
            for name, rules in sorted(self.sets.items())
        ]  # fmt: skip

    async def preview_import(
        self, _ctx: Any, path: Path, name: str, told: Callable[[str, int, int | None], object]
    ) -> rulesets.Preview:
        self.read.append((path, name))
        told("parse", 1, 3)
        if self.hold is not None:
            await self.hold.wait()
        if self.refuse is not None:
            raise self.refuse
        held = self.sets.get(name)
        changes = tuple(rulechange.compared(held or [], self.coming))
        return rulesets.Preview(
            name, path.name, "d", "p", held is not None, changes, self.referring, self.twins, "h"
        )

    async def apply_import(self, _ctx: Any, preview: rulesets.Preview, new: Any) -> rulesets.Imported:
        if self.refuse is not None:
            raise self.refuse
        self.applied.append(new)
        self.before[preview.name] = self.sets.get(preview.name)
        off = {
            change.rule_id
            for change in preview.changes
            if change.change == "added" and not rulechange.comes_on(change, new.statuses, new.level)
        }
        self.sets[preview.name] = [replace(r, enabled=r.rule_id not in off) for r in self.coming]
        return rulesets.Imported(preview.name, len(self.coming), 0, preview.counts, len(off))

    async def undo_import(self, _ctx: Any, name: str) -> bool:
        if name not in self.before:
            raise NotFound("radar.rule_set.before", "nothing is kept")
        was = self.before.pop(name)
        if was is None:
            del self.sets[name]
        else:
            self.sets[name] = was
        return was is not None

    async def remove_rule_set(self, _ctx: Any, name: str) -> None:
        self.before[name] = self.sets.pop(name)


def changed_meanwhile() -> Conflict:
    """Return what an import answers when the set is not any more what was looked at."""
    return Conflict("radar.rule_set.changed", "the rule set changed meanwhile; look again")
