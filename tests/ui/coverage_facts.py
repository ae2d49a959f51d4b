"""Rules and alerts for the matrix, in memory."""

from __future__ import annotations

from typing import Any

from sent.engines.radar.coverage import attack
from sent.engines.radar.coverage import matrix as pure
from sent.engines.radar.coverage.covering import CoverageFacts
from sent.engines.radar.coverage.matrix import CoveringRule, RuleAlerts, tactics_in, techniques_in

NAMES = attack.Catalogue(
    "Made up 1.0",
    {"execution": "Execution", "impact": "Impact"},
    {
        "T1059": ("Commands", ("execution",)),
        "T1490": ("No way back", ("impact",)),
        "T9999": ("None", ("impact",)),
    },
)


def a_covering_rule(n: int, tags: str, **changes: Any) -> CoveringRule:
    """Return rule number `n`, which names these techniques and tactics."""
    named = [f"attack.{tag}" for tag in tags.split()]
    values: dict[str, Any] = {
        "rule_id": f"rule-{n}", "title": f"Rule {n}", "level": "high", "author": "Ann", "rule_set": "SigmaHQ",
        "product": "windows", "enabled": True, "runs": True, "techniques": techniques_in(named),
        "tactics": tactics_in(named),
    }  # fmt: skip
    return CoveringRule(**values | changes)


class CoverageShelf:
    """What the matrix is made of; `broken` is raised in its place."""

    Choice = pure.Choice
    matrix = staticmethod(pure.matrix)
    navigator_layer = staticmethod(pure.navigator_layer)
    table = staticmethod(pure.table)

    def __init__(self) -> None:
        self.rules = (
            a_covering_rule(1, "t1059 execution"),
            a_covering_rule(2, "t1059.001 execution"),
            a_covering_rule(3, "t1490 impact", product="linux", rule_set="Own"),
            a_covering_rule(4, "t1003 credential-access", enabled=False),
        )
        self.alerts = (RuleAlerts("rule-2", ("attack.t1059.001",), 5),)
        self.names = attack.EMPTY
        self.asked: list[int] = []
        self.read: list[str] = []
        self.broken: Exception | None = None

    def functions(self) -> dict[str, Any]:
        """Return what the radar's api has of it."""
        names = ("coverage_facts", "import_attack", "forget_attack", "Choice", "matrix", "navigator_layer")
        return {name: getattr(self, name) for name in (*names, "table")}

    async def coverage_facts(self, _ctx: Any, days: int) -> CoverageFacts:
        self.asked.append(days)
        if self.broken is not None:
            raise self.broken
        return CoverageFacts(self.rules, self.alerts, self.names, days)

    async def import_attack(self, _ctx: Any, path: Any) -> attack.Catalogue:
        self.read.append(path.name)
        self.names = NAMES
        return NAMES

    async def forget_attack(self, _ctx: Any) -> None:
        self.names = attack.EMPTY
